"""Twenty bad runs of the kinds that people meet: what each says first, and what else.

python -m benchmarks.bad_runs: each is a program of a few lines and a few seconds on one thread, made by `sonde.fit` on MNIST,
housing prices or text; a run whose fault is named first counts as told. `--only WORD` runs those whose name holds a word.
"""

import argparse
import contextlib
import io
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from benchmarks.doctor import names, order
from benchmarks.faults.problems import Problem, cnn_plain, gpt, mlp, mlp_adam, mlp_sgd, regression, text
from benchmarks.timing import write

Run = Callable[[], tuple[Problem, dict[str, Any]]]
RUNS: dict[str, tuple[Run, frozenset[str]]] = {}
"""Name -> (what makes the problem and further settings, names of right answers)."""


def bad(name: str, *right: str) -> Callable[[Run], Run]:
    """Enter a run under a name."""

    def entered(run: Run) -> Run:
        RUNS[name] = (run, frozenset(right))
        return run

    return entered


def _changed(
    problem: Problem, change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], *, both: bool = True
) -> Problem:
    problem.train = change(*problem.train)
    if both and problem.validation is not None:
        problem.validation = change(*problem.validation)
    return problem


@bad(
    "below the baseline",
    "worse-than-baseline",
    "worse-than-guessing",
    "overfitting",
    "labels-unrelated-to-inputs",
    "not-learning",
    "memorised-labels",
)
def below_baseline() -> tuple[Problem, dict[str, Any]]:
    """Noise that a wide network learns by heart."""
    problem = mlp_adam(0, width=4)
    generator = torch.Generator().manual_seed(0)
    for split in ("train", "validation"):
        x, y = getattr(problem, split)
        rows = 600 if split == "train" else len(y)
        setattr(problem, split, (torch.randn(rows, 28, 28, generator=generator), y[:rows]))
    return problem, {"steps": 300}


@bad("overfitted", "overfitting", "few-rows")
def overfitted() -> tuple[Problem, dict[str, Any]]:
    problem = _changed(text(0), lambda x, y: (x[:300], y[:300]), both=False)
    return problem, {"steps": 400, "batch_size": 32}


@bad("diverged without NaN", "learning-rate-too-high", "diverged")
def diverged() -> tuple[Problem, dict[str, Any]]:
    return regression(0), {"optimizer": "adam", "lr": 3.0, "steps": 200}


@bad("a single step", "few-steps")
def single_step() -> tuple[Problem, dict[str, Any]]:
    """An epoch of sixty rows, which are one batch."""
    problem = _changed(mlp_adam(0), lambda x, y: (x[:60], y[:60]), both=False)
    del problem.settings["batch_size"], problem.settings["steps"]
    return problem, {"epochs": 1}


@bad("a class missing from validation", "class-without-validation-rows")
def class_not_judged() -> tuple[Problem, dict[str, Any]]:
    problem = mlp_adam(0)
    assert problem.validation is not None
    x, y = problem.validation
    problem.validation = (x[y != 3], y[y != 3])
    return problem, {}


@bad("a class missing from training", "class-without-training-rows")
def class_not_trained() -> tuple[Problem, dict[str, Any]]:
    return _changed(mlp_adam(0), lambda x, y: (x[y != 3], y[y != 3]), both=False), {}


@bad("40 % of the labels wrong", "labels-noisy", "memorised-labels")
def wrong_labels() -> tuple[Problem, dict[str, Any]]:
    def wrong(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(1)
        hit = torch.rand(len(y), generator=generator) < 0.4
        return x, torch.where(hit, torch.randint(0, 10, y.shape, generator=generator), y)

    return _changed(mlp_adam(0), wrong, both=False), {}


@bad(
    "frozen by mistake",
    "parameters-without-a-gradient",
    "zero-gradient",
    "layers-frozen",
    "underfitting",
    "frozen-random-weights",
)
def frozen() -> tuple[Problem, dict[str, Any]]:
    problem = cnn_plain(0)
    layers = list(problem.net.children())
    for layer in layers[:-1]:
        layer.requires_grad_(False)
    return problem, {}


@bad("rate 100 times too low", "learning-rate-too-low")
def too_low() -> tuple[Problem, dict[str, Any]]:
    return mlp_sgd(0), {"lr": 0.001}


@bad("rate 100 times too high", "learning-rate-too-high", "diverged")
def too_high() -> tuple[Problem, dict[str, Any]]:
    return mlp_adam(0), {"lr": 0.1}


@bad("dead ReLU", "dead-units", "inputs-not-scaled")
def dead() -> tuple[Problem, dict[str, Any]]:
    problem = mlp_adam(0)
    for module in problem.net.modules():
        if isinstance(module, nn.Linear):
            nn.init.constant_(module.bias, -5.0)
    return problem, {}


@bad("targets shuffled", "labels-unrelated-to-inputs", "not-learning")
def shuffled() -> tuple[Problem, dict[str, Any]]:
    def mixed(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return x, y[torch.randperm(len(y), generator=torch.Generator().manual_seed(5))]

    return _changed(mlp_sgd(0), mixed), {}


class _Last(nn.Module):
    """A GRU whose last state is that after the padding."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.words, self.gru, self.head = nn.Embedding(words, 32), nn.GRU(32, 32, batch_first=True), nn.Linear(32, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gru(self.words(x))[0][:, -1])


@bad("padding read as text", "padding-drowns-text")
def padded() -> tuple[Problem, dict[str, Any]]:
    """Rows of about ten words filled to 400 places, and the answer taken after the padding."""
    problem = _changed(text(0), lambda x, y: (F.pad(x, (0, 100)), y))
    problem.net = _Last(3002)
    return problem, {"steps": 100}


@bad("validation rows in training", "validation-rows-in-training")
def leak() -> tuple[Problem, dict[str, Any]]:
    problem = regression(0)
    assert problem.validation is not None
    (x, y), (vx, vy) = problem.train, problem.validation
    problem.train = (torch.cat([x, vx[:300]]), torch.cat([y, vy[:300]]))
    return problem, {}


class _Slow(Dataset[tuple[Tensor, Tensor]]):
    def __init__(self, rows: tuple[Tensor, Tensor]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows[0])

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        time.sleep(0.003)
        return self.rows[0][number], self.rows[1][number]


@bad("a slow reader", "slow-input")
def slow() -> tuple[Problem, dict[str, Any]]:
    problem = mlp_adam(0)
    rows = problem.train[0][:640], problem.train[1][:640]
    problem.data = DataLoader(_Slow(rows), batch_size=32, shuffle=True)
    del problem.settings["batch_size"]
    return problem, {"steps": 120}


@bad("an average that is too slow", "nothing: it does no harm")
def slow_average() -> tuple[Problem, dict[str, Any]]:
    """A decay of 0.9999 in 300 steps: our average's decay rises from 0, so that it has forgotten the first weights."""
    return mlp_adam(0), {"ema": 0.9999}


@bad("weight decay too strong", "weight-decay-too-strong")
def decayed() -> tuple[Problem, dict[str, Any]]:
    return mlp_adam(0), {"optimizer": "adamw", "weight_decay": 100.0}


@bad("inputs in 0..255", "inputs-not-scaled")
def unscaled() -> tuple[Problem, dict[str, Any]]:
    return _changed(mlp_sgd(0), lambda x, y: (x * 255, y)), {}


@bad("twelve sigmoid layers", "vanishing-gradient")
def sigmoids() -> tuple[Problem, dict[str, Any]]:
    problem = mlp_adam(0)
    problem.net = nn.Sequential(nn.Flatten(), *mlp(784, 64, 10, depth=12, activation=nn.Sigmoid))
    return problem, {}


@bad("a missing number in a column", "not-finite-inputs")
def hole() -> tuple[Problem, dict[str, Any]]:
    problem = regression(0)
    problem.train[0][17, 4] = torch.nan
    return problem, {}


@bad("-999 for missing", "stand-in-values", "inputs-not-scaled")
def stand_in() -> tuple[Problem, dict[str, Any]]:
    def filled(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        x = x.clone()
        x[::8, 4] = -999
        return x, y

    return _changed(regression(0), filled), {}


@bad("prices in dollars", "targets-not-scaled")
def dollars() -> tuple[Problem, dict[str, Any]]:
    return _changed(regression(0), lambda x, y: (x, y * 115_000 + 207_000)), {}


@bad("a language model that sees ahead", "future-visible")
def ahead() -> tuple[Problem, dict[str, Any]]:
    problem = gpt(0)
    for module in problem.net.modules():
        if hasattr(module, "causal"):
            module.causal = False  # type: ignore[assignment]
    return problem, {"steps": 100}


def told(name: str) -> dict[str, Any]:
    """Train one, and give what it says: warnings and errors in the order of the diagnosis, and notes."""
    import sonde

    run, right = RUNS[name]
    torch.manual_seed(0)
    begun = time.perf_counter()
    problem, more = run()
    settings = {**problem.settings, **more}
    refused = ""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        out = Path(folder) / "run"
        try:
            sonde.fit(
                problem.net, problem.train if problem.data is None else problem.data, loss=problem.loss, out=out,
                validation=problem.validation, metrics=problem.metrics, quiet=True, threads=1, seed=0,
                evaluate_every=f"{max(1, settings.get('steps', 8) // 8)} steps", **settings,
            )  # fmt: skip
        except Exception as error:  # a refusal is an answer too
            refused = f"{type(error).__name__}: {error}"
        lines = out / "findings.jsonl"
        findings = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
        result = json.loads((out / "result.json").read_text()) if (out / "result.json").exists() else {}
        sure = sorted((each for each in findings if each["severity"] != "note"), key=lambda each: order(out, each))
    warned = [each for each, _ in names(sure)]
    also = [each for each, _ in names([each for each in findings if each["severity"] == "note"])]
    return {
        "run": name,
        "first": warned[0] if warned else "",
        "right": (warned[0] in right) if warned else any("nothing" in each for each in right),
        "evidence": sure[0]["evidence"] if sure else "",
        "also": warned[1:],
        "notes": also,
        "refused": refused,
        "scores": result.get("metrics", {}).get("validation", {}),
        "seconds": round(time.perf_counter() - begun, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="runs whose name holds this")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found = []
    for name in RUNS:
        if chosen.only not in name:
            continue
        each = told(name)
        found.append(each)
        mark = "" if each["right"] else "  <- not the cause"
        also = ", ".join([*each["also"], *(f"({note})" for note in each["notes"])])
        print(f"| {name} | {each['first'] or '–'} | {also or '–'} | {each['seconds']} s{mark}", flush=True)
    print(f"{sum(each['right'] for each in found)} of {len(found)} name the cause first, or rightly nothing")
    if not chosen.only:
        write("bad_runs", {"runs": found})


if __name__ == "__main__":
    main()
