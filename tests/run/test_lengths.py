"""How long a run is, said in epochs, steps or time: which comes first, and what data without a length or an end allow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader, IterableDataset

import sonde
from sonde.core.batch import Batch
from sonde.core.config import LoopConfig, OptimConfig, TrainConfig
from sonde.core.errors import ConfigError
from sonde.core.files import read_json
from sonde.core.run_folder import RunFolder
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines
from sonde.run.lengths import check_length, fixed_ends, fixed_why, lengths_in_words, refuse_too_short
from sonde.run.saved import Saved

QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "log_every": 1}


class Rows(IterableDataset):
    """Rows that come as they are asked for; how many there are, nobody says."""

    def __init__(self, rows: int = 40) -> None:
        self.rows = rows

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for x in torch.linspace(-1, 1, self.rows):
            yield x.unsqueeze(0), 3 * x.unsqueeze(0) - 1


class Tap:
    """A source of one's own that cannot be rewound, and that keeps what was drawn and what was trained on."""

    batches, rewinds = None, False

    def __init__(self, *, ends: bool = True, of_pass: int = 4) -> None:
        self.ends, self.of_pass = ends, of_pass
        self.drawn = self.epoch = 0
        self.here = 0

    def __iter__(self) -> Iterator[Batch]:
        while not self.ends or self.here < self.of_pass:
            self.drawn, self.here = self.drawn + 1, self.here + 1
            x = torch.full((8, 1), float(self.drawn))
            yield Batch({"input": x, "target": 2 * x}, torch.arange(8) + 8 * self.drawn)
        self.epoch, self.here = self.epoch + 1, 0

    def describe(self, index: int) -> str:
        return f"row {index}"

    def state_dict(self) -> dict[str, Any]:
        return {"drawn": self.drawn}

    def load_state_dict(self, state: Any) -> None:
        raise AssertionError("there is no way back")


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(1, 1)


def fit(data: Any, out: Path, **settings: Any) -> sonde.Run:
    rows = {} if isinstance(data, Tap) else {"batch_size": 8}  # a Tap brings batches
    return sonde.fit(net(), data, loss=mse_loss, out=out, **dict(QUIET, **{**rows, **settings}))


def lines(run: sonde.Run, kind: str) -> list[dict[str, Any]]:
    return [line for line in read_lines(run.folder / "metrics.jsonl") if line["kind"] == kind]


@pytest.mark.parametrize(
    ("given", "batches", "ends", "why"),
    [
        ({}, 5, {"epochs": 50}, "10 epochs of 5 steps"),
        ({"epochs": 0.5}, 5, {"epochs": 2}, "0.5 epochs of 5 steps"),
        ({"steps": 7}, None, {"steps": 7}, "7 steps"),
        ({"epochs": 2, "steps": 7}, 5, {"steps": 7, "epochs": 10}, "7 steps (before 2 epochs of 5 steps)"),
        ({"epochs": 1, "steps": 7}, 5, {"steps": 7, "epochs": 5}, "1 epoch of 5 steps (before 7 steps)"),
        ({"time_limit": "10m"}, 5, {}, ""),
    ],
)
def test_which_length_comes_first(given: dict[str, Any], batches: int | None, ends: dict[str, int], why: str) -> None:
    loop = LoopConfig(**given)
    assert fixed_ends(loop, batches) == ends
    assert fixed_why(loop, batches, None) == why


def test_lengths_as_they_would_be_typed() -> None:
    loop = LoopConfig(epochs=2.0, steps=500, time_limit=600)
    assert lengths_in_words(loop) == {"epochs": "2", "steps": "500", "time_limit": "10m"}


def test_the_run_says_which_of_its_lengths_ended_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = torch.linspace(-1, 1, 40).unsqueeze(1)
    run = fit((x, x), tmp_path / "steps", epochs=2, steps=7, time_limit="1h", quiet=False)
    assert (run.result["steps"], run.result["status"], run.result["ended_by"]) == (7, "finished", "steps")
    out = capsys.readouterr().out
    assert 'ended by steps=7, before epochs=2 and time_limit="1h"' in out
    why = read_json(run.folder / "plan.json")["steps_why"]
    assert why.startswith("7 steps (before 2 epochs of 5 steps and 1h, which has room for ")
    assert why.count("(") == 1
    run = fit((x, x), tmp_path / "epochs", epochs=1, steps=7)
    assert (run.result["steps"], run.result["ended_by"]) == (5, "epochs")
    run = fit((x, x), tmp_path / "alone", steps=3, quiet=False)
    assert "ended by" not in capsys.readouterr().out


def test_an_epoch_of_an_iterable_is_a_pass_through_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = fit(Rows(), tmp_path / "run", validation=Rows(16), epochs=3, quiet=False)
    assert (run.result["steps"], run.result["epochs"], run.result["ended_by"]) == (15, 3, "epochs")
    assert [line["step"] for line in lines(run, "evaluation")] == [5, 10, 15]
    assert [line["epoch"] for line in lines(run, "step")] == [0] * 5 + [1] * 5 + [2] * 5
    out = capsys.readouterr().out
    assert "3 epochs of unknown length, each until the data end (endless data need steps= or time_limit=)" in out
    assert "step 5: length known (to 15, the first epoch took 5 steps)" in out
    assert read_json(run.folder / "plan.json")["steps"] is None


def test_a_list_of_batches_of_its_own_evaluates_every_few_steps(tmp_path: Path) -> None:
    run = fit(DataLoader(Rows(), 8), tmp_path / "run", validation=Rows(16), epochs=2, evaluate_every="4 steps")
    assert [line["step"] for line in lines(run, "evaluation")] == [4, 8, 10]


def test_the_schedule_takes_its_shape_when_the_length_is_known(tmp_path: Path) -> None:
    run = fit(Rows(), tmp_path / "run", epochs=2, lr=0.1, schedule="linear", warmup=2)
    rates = [line["lr"] for line in lines(run, "step")]
    assert rates[:5] == pytest.approx([0.05, 0.1, 0.1, 0.1, 0.1])  # the peak, after a warm-up in steps
    known = fit(Rows(), tmp_path / "known", steps=10, lr=0.1, schedule="linear", warmup=2)
    assert rates[5:] == pytest.approx([line["lr"] for line in lines(known, "step")][5:])


def test_a_finished_run_is_trained_further_as_if_it_had_been_one(tmp_path: Path) -> None:
    whole = fit(Rows(), tmp_path / "whole", epochs=4, lr=0.1)
    fit(Rows(), tmp_path / "parts", epochs=2, lr=0.1)
    parts = fit(Rows(), tmp_path / "parts", epochs=4, lr=0.1)
    assert (parts.result["steps"], parts.result["epochs"]) == (20, 4)
    last = [checkpoint.read(run.folder / "checkpoints" / "last")[0] for run in (whole, parts)]
    assert all(torch.equal(value, last[1][name]) for name, value in last[0].items())
    with pytest.raises(ConfigError, match="has trained 4 epochs already, and 3 are set; give a larger total"):
        fit(Rows(), tmp_path / "parts", epochs=3, lr=0.1)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {},
            "the training data are endless, so an epoch never ends; set the length of training with steps=10000",
        ),
        ({"epochs": 2}, "the training data are endless"),
    ],
)
def test_data_without_end_want_steps_or_a_time(settings: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told):
        fit(Tap(ends=False), tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()
    run = fit(Tap(ends=False), tmp_path / "run", steps=6, validation=Rows(16))
    assert run.result["steps"] == 6
    assert "evaluated at the end only: these data have no epochs" in read_json(run.folder / "plan.json")["lines"][-1]


@pytest.mark.parametrize(
    ("optim", "loop", "told"),
    [
        (
            {},
            {"epochs": 1.5},
            "--epochs 1.5: for data of unknown length only whole epochs can be counted; or give --steps",
        ),
        (
            {"warmup": 0.1},
            {"epochs": 3},
            "--warmup 0.1 is a share of the run, and the length of these data is known only",
        ),
        ({"schedule": "one-cycle"}, {"epochs": 3}, "--schedule one-cycle needs the run's length"),
        ({"schedule": "cosine"}, {"epochs": 1}, "--schedule cosine needs the run's length"),
        ({"schedule": "cosine"}, {"epochs": 2}, None),
        ({"schedule": "one-cycle", "warmup": 0.1}, {"epochs": 3, "steps": 100}, None),
        ({"schedule": "one-cycle"}, {"time_limit": "1m"}, None),
    ],
)
def test_what_needs_a_length_is_refused_where_there_is_none(optim: Any, loop: Any, told: str | None) -> None:
    config = TrainConfig(model="m", task="t", optim=OptimConfig(**optim), loop=LoopConfig(**loop))
    source: Any = Tap()
    if told is None:
        check_length(config, source)
    else:
        with pytest.raises(ConfigError) as caught:
            check_length(config, source)
        assert str(caught.value).startswith(told)


@pytest.mark.parametrize("length", [{"epochs": 2}, {"steps": 8}, {"steps": 8, "time_limit": "1h"}])
def test_planning_draws_nothing_that_is_not_trained_on(length: dict[str, Any], tmp_path: Path) -> None:
    source, seen = Tap(), []

    class Net(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            if self.training and torch.is_grad_enabled() and len(input) == 8:
                seen.append(int(input[0, 0]))
            return super().forward(input)

    run = sonde.fit(Net(1, 1), source, loss=mse_loss, out=tmp_path / "run", lr=1e-3, **{**QUIET, **length})
    assert run.result["steps"] == 8 == source.drawn
    assert seen[-8:] == list(range(1, 9))
    assert set(seen[:-8]) <= {1}  # trial steps, on the batch that is put back


def test_a_rate_is_not_searched_for_where_batches_do_not_come_back(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match='lr="auto" tries 100 batches and puts them back, and these data cannot be rewound'
    ):
        fit(Tap(), tmp_path / "run", epochs=2, lr="auto")


def test_long_lengths_are_told_to_the_last_step() -> None:
    assert lengths_in_words(LoopConfig(steps=1_234_567)) == {"steps": "1234567"}


@pytest.mark.parametrize(("finished", "new_limit", "ends_s", "refused"), [
    (True, True, 30.5, True), (False, True, 30.5, True), (True, True, 32.0, False), (False, False, 30.5, False),
])  # fmt: skip
def test_a_resume_that_has_no_time_for_a_step_is_refused_with_a_limit_that_has(
    finished: bool, new_limit: bool, ends_s: float, refused: bool, tmp_path: Path
) -> None:
    """10 steps took a second each. One that was stopped on its way is evaluated in what is left."""
    clock = {"elapsed": 30.0, "spent": {"step": 9.0, "optimizer": 1.0}}
    plan: Any = None
    saved = Saved(
        weights={}, state={"progress": {"step": 10}, "clock": clock}, plan=plan, finished=finished, new_limit=new_limit
    )
    asked = LoopConfig(time_limit="32s"), RunFolder(tmp_path / "run"), ends_s
    if not refused:
        refuse_too_short(saved, *asked)
        return
    with pytest.raises(
        ConfigError, match="has already used 30 s, and the 2.0 s left are .* one step; .* --time-limit 50s"
    ):
        refuse_too_short(saved, *asked)
