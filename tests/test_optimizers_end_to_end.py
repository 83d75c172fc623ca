"""People's own optimisers and schedules: as in torch's own loop to the last bit, resumed exactly, or refused in one line."""

import functools
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CyclicLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

import sonde
from sonde.core.batch import Batch
from sonde.core.errors import ConfigError, Interrupted, RunFolderError, SondeError
from sonde.engine.step import Stepper

torch.manual_seed(0)
X = torch.randn(96, 6)
Y = (X[:, 0] > 0).long()
BATCHES = [(X[i : i + 16], Y[i : i + 16]) for i in range(0, 96, 16)]  # six steps an epoch, always in this order
HELD = (X[:32], Y[:32])
QUIET: dict[str, Any] = {"threads": 1, "quiet": True}


def net() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))


def fit(module: nn.Module, out: Path, data: Any = None, **more: Any) -> sonde.Run:
    given = {"loss": cross_entropy, "out": out, "epochs": 3, **QUIET, **more}
    given = {name: value for name, value in given.items() if value is not None}
    return sonde.fit(module, BATCHES if data is None else data, **given)


def by_hand(
    module: nn.Module,
    optimizer: Optimizer,
    scheduler: LRScheduler | None = None,
    *,
    every: str = "epoch",
    epochs: int = 3,
) -> list[float]:
    """torch's own loop; the rates of its steps."""
    rates = []
    for _ in range(epochs):
        for x, y in BATCHES:
            optimizer.zero_grad()
            cross_entropy(module(x), y).backward()
            rates.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            if scheduler is not None and every == "step":
                scheduler.step()
        if scheduler is not None and every == "epoch":
            scheduler.step()
    return rates


def rates_of(run: sonde.Run) -> list[float]:
    lines = map(json.loads, (run.folder / "metrics.jsonl").read_text().splitlines())
    return [line["lr"] for line in lines if line["kind"] == "step"]


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def two_groups(module: Any) -> Optimizer:
    return torch.optim.Adam(
        [{"params": module[0].parameters()}, {"params": module[2].parameters(), "lr": 1e-3}], lr=1e-2
    )


OPTIMISERS: list[tuple[Any, Callable[[Any], Optimizer]]] = [
    (torch.optim.RAdam, lambda p: torch.optim.RAdam(p)),
    (torch.optim.Adadelta, lambda p: torch.optim.Adadelta(p)),
    (torch.optim.AdamW, lambda p: torch.optim.AdamW(p)),  # decays everything by 0.01, as torch's does
    (functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    (functools.partial(torch.optim.AdamW, betas=(0.8, 0.9)), lambda p: torch.optim.AdamW(p, betas=(0.8, 0.9))),
    (lambda p: torch.optim.Adamax(p, lr=0.02), lambda p: torch.optim.Adamax(p, lr=0.02)),
    ("rprop", lambda p: torch.optim.Rprop(p)),
    ("nadam", lambda p: torch.optim.NAdam(p)),
    ("asgd", lambda p: torch.optim.ASGD(p)),
    ("adafactor", lambda p: torch.optim.Adafactor(p)),
    ("adagrad", lambda p: torch.optim.Adagrad(p)),
]


@pytest.mark.parametrize(("given", "theirs"), OPTIMISERS)
def test_a_class_a_function_or_a_name_trains_as_torchs_own_loop(
    given: Any, theirs: Callable[[Any], Optimizer], tmp_path: Path
) -> None:
    ours, hand = net(), net()
    fit(ours, tmp_path / "run", optimizer=given)
    by_hand(hand, theirs(hand.parameters()))
    assert same(ours, hand)


def test_an_optimizer_with_two_groups_keeps_their_rates_and_is_left_as_it_was(tmp_path: Path) -> None:
    ours, hand = net(), net()
    given = two_groups(ours)
    run = fit(ours, tmp_path / "run", optimizer=given, schedule=lambda step: 1 / (1 + step), log_every=1)
    theirs = two_groups(hand)
    by_hand(hand, theirs, LambdaLR(theirs, lambda step: 1 / (1 + step)), every="step")
    assert same(ours, hand)
    assert rates_of(run)[:3] == pytest.approx([1e-2, 1e-2 / 2, 1e-2 / 3])
    assert not given.state
    assert [group["lr"] for group in given.param_groups] == [1e-2, 1e-3]


def test_an_optimizer_that_has_moved_already_goes_on_from_its_state(tmp_path: Path) -> None:
    ours, hand = net(), net()
    given, theirs = torch.optim.Adam(ours.parameters(), lr=0.01), torch.optim.Adam(hand.parameters(), lr=0.01)
    by_hand(ours, given, epochs=1)
    by_hand(hand, theirs, epochs=1)
    fit(ours, tmp_path / "run", optimizer=given)
    by_hand(hand, theirs)
    assert same(ours, hand)


def sequence(optimizer: Optimizer) -> LRScheduler:
    return SequentialLR(optimizer, [LinearLR(optimizer, 0.1, total_iters=1), CosineAnnealingLR(optimizer, 2)], [1])


def cycle(optimizer: Optimizer) -> LRScheduler:
    return OneCycleLR(optimizer, 0.1, total_steps=18)  # which moves the momentum too


SCHEDULES: list[tuple[str, Any, Callable[[Optimizer], LRScheduler], dict[str, Any]]] = [
    ("epoch", functools.partial(StepLR, step_size=1, gamma=0.5), lambda o: StepLR(o, 1, 0.5), {}),
    ("epoch", lambda o: MultiStepLR(o, [1, 2]), lambda o: MultiStepLR(o, [1, 2]), {}),
    ("epoch", sequence, sequence, {}),
    ("step", cycle, cycle, {}),
    (
        "step",
        functools.partial(CyclicLR, base_lr=0.01, max_lr=0.1, step_size_up=4),
        lambda o: CyclicLR(o, 0.01, 0.1, 4),
        {},
    ),
    ("step", lambda o: StepLR(o, 4), lambda o: StepLR(o, 4), {"schedule_every": "step"}),
]


def momentum(parameters: Any) -> Optimizer:
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9)


@pytest.mark.parametrize(("every", "given", "theirs", "more"), SCHEDULES)
def test_schedulers_of_torch_are_stepped_when_they_are_in_torchs_own_loop(
    every: str, given: Any, theirs: Callable[[Optimizer], LRScheduler], more: dict[str, Any], tmp_path: Path
) -> None:
    ours, hand = net(), net()
    run = fit(ours, tmp_path / "run", optimizer=momentum, schedule=given, log_every=1, **more)
    optimizer = momentum(hand.parameters())
    rates = by_hand(hand, optimizer, theirs(optimizer), every=every)
    assert same(ours, hand)
    assert rates_of(run) == rates
    (line,) = [line for line in run_plan(run) if "rate set by" in line]
    assert ("at every step" if every == "step" else "at each epoch's end") in line.partition(" (schedule_every")[0]


def run_plan(run: sonde.Run) -> list[str]:
    return json.loads((run.folder / "plan.json").read_text())["lines"]


def test_a_scheduler_belongs_to_the_optimizer_that_is_given_with_it(tmp_path: Path) -> None:
    ours, hand = net(), net()
    given, theirs = momentum(ours.parameters()), momentum(hand.parameters())
    fit(ours, tmp_path / "run", optimizer=given, schedule=StepLR(given, 1))
    by_hand(hand, theirs, StepLR(theirs, 1))
    assert same(ours, hand)
    with pytest.raises(ConfigError, match="it belongs to another optimizer than optimizer="):
        fit(net(), tmp_path / "none", schedule=StepLR(given, 1))


@pytest.mark.parametrize("given", ["plateau", functools.partial(ReduceLROnPlateau, mode="max", patience=0)])
def test_a_plateau_lowers_the_rate_as_torchs_does_of_the_monitored_metric(given: Any, tmp_path: Path) -> None:
    def accuracy(output: Tensor, target: Tensor) -> Tensor:
        return (output.argmax(1) == target).float().mean()

    more = {"plateau_patience": 1, "lr_floor": 0.001} if given == "plateau" else {}
    metrics: dict[str, Any] = {} if given == "plateau" else {"metrics": {"accuracy": accuracy}}
    run = fit(
        net(), tmp_path / "run", validation=HELD, optimizer="sgd", lr=20.0, schedule=given, epochs=12, log_every=1,
        **more, **metrics,
    )  # fmt: skip
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    name, mode = ("loss", "min") if given == "plateau" else ("accuracy", "max")
    scores = [line["metrics"][name] for line in lines if line["kind"] == "evaluation"]
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=20.0)
    plateau: Any = ReduceLROnPlateau(optimizer, mode, patience=1 if given == "plateau" else 0, min_lr=0.02)  # type: ignore[arg-type]
    if given != "plateau":
        plateau.min_lrs = [0.0]
    expected = []
    for score in scores:
        expected += 6 * [optimizer.param_groups[0]["lr"]]
        plateau.step(score)
    assert rates_of(run) == pytest.approx(expected)
    assert expected[-1] < 20.0


SEARCHES = ["lbfgs", functools.partial(torch.optim.LBFGS, lr=0.5, max_iter=3, history_size=5)]


@pytest.mark.parametrize(
    "given", ["lbfgs", functools.partial(torch.optim.LBFGS, tolerance_grad=1e-13, tolerance_change=0)]
)
def test_l_bfgs_solves_least_squares_in_a_few_steps(given: Any, tmp_path: Path) -> None:
    """torch's own tolerance ends a search when the loss changes by less than 1e-9, which the second lowers."""

    class Line(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            return super().forward(input.double())

    torch.manual_seed(0)
    x = torch.randn(200, 5)
    y = x @ torch.arange(1.0, 6.0).unsqueeze(1) + 0.1 * torch.randn(200, 1)
    line = Line(5, 1, bias=False, dtype=torch.float64)
    loss = lambda output, target: mse_loss(output, target.double())  # noqa: E731
    fit(line, tmp_path / "run", (x, y), loss=loss, optimizer=given, batch_size=200, epochs=4)
    solved = torch.linalg.lstsq(x.double(), y.double()).solution
    assert loss(line(x), y) - loss(x.double() @ solved, y) < 1e-10
    if given != "lbfgs":
        assert (line.weight.T - solved).abs().max() < 1e-10


def test_l_bfgs_moves_as_in_torchs_own_loop(tmp_path: Path) -> None:
    ours, hand = net(), net()
    fit(ours, tmp_path / "run", optimizer=SEARCHES[1])
    theirs = SEARCHES[1](hand.parameters())  # type: ignore[operator]
    for _ in range(3):
        for x, y in BATCHES:

            def closure(x: Tensor = x, y: Tensor = y) -> Tensor:
                theirs.zero_grad()
                value = cross_entropy(hand(x), y)
                value.backward()
                return value

            theirs.step(closure)
    assert same(ours, hand)


def test_l_bfgs_searches_by_all_pieces_of_a_batch(tmp_path: Path) -> None:
    whole, pieces = net(), net()
    for module, accumulate in ((whole, 1), (pieces, 3)):
        fit(module, tmp_path / f"{accumulate}", [(X, Y)], optimizer="lbfgs", accumulate=accumulate, epochs=1)
    for one, other in zip(whole.parameters(), pieces.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-2)


def test_l_bfgs_on_batches_is_said_to_mix_them(tmp_path: Path) -> None:
    run = fit(net(), tmp_path / "run", optimizer="lbfgs")
    assert '"line search on batches"' in (run.folder / "findings.jsonl").read_text()
    whole = fit(net(), tmp_path / "whole", (X, Y), optimizer="lbfgs", batch_size=96)
    assert (whole.folder / "findings.jsonl").read_text() == ""


def test_an_update_that_ends_nowhere_leaves_the_weights_as_they_were(tmp_path: Path) -> None:
    class Lost(torch.optim.SGD):
        def step(self, closure: Any) -> Any:  # type: ignore[override]
            closure()
            with torch.no_grad():
                self.param_groups[0]["params"][0].fill_(float("nan"))

    module = net()
    with pytest.raises(SondeError, match="Lost ended at weights that are not finite; .*larger batches"):
        fit(module, tmp_path / "run", optimizer=Lost)
    assert same(module, net())


RESUMED: list[dict[str, Any]] = [
    {"optimizer": torch.optim.RAdam, "schedule": functools.partial(StepLR, step_size=1, gamma=0.5)},
    {"optimizer": two_groups, "schedule": lambda step: 0.9**step},
    {"optimizer": momentum, "schedule": cycle},
    {"optimizer": momentum, "schedule": sequence},
    {"optimizer": momentum, "schedule": lambda o: MultiStepLR(o, [1, 2])},
    {"optimizer": "sgd", "lr": 20.0, "schedule": "plateau", "plateau_patience": 0, "validation": HELD},
    {"optimizer": "lbfgs"},
    {"optimizer": SEARCHES[1], "schedule": "cosine"},
    {"optimizer": "adafactor"},
]


@pytest.mark.parametrize("given", RESUMED, ids=lambda given: str(given["optimizer"])[:30].partition(" at 0x")[0])
@pytest.mark.parametrize("stop", [6, 9])
def test_whatever_it_is_it_resumes_to_the_last_bit(
    given: dict[str, Any], stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped at an epoch's end, where schedulers have not been stepped yet, and in the middle of one."""

    def start(out: Path) -> tuple[nn.Module, sonde.Run]:
        module = net()
        optimizer = two_groups(module) if given["optimizer"] is two_groups else given["optimizer"]
        return module, fit(module, out, **{**given, "optimizer": optimizer}, log_every=1)

    straight, whole = start(tmp_path / "straight")
    real = Stepper.__call__

    def stopped(self: Stepper, batch: Any, *, step: int, epoch: int) -> Any:
        if step == stop:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(self, batch, step=step, epoch=epoch)

    monkeypatch.setattr(Stepper, "__call__", stopped)
    with pytest.raises(Interrupted):
        start(tmp_path / "run")
    monkeypatch.undo()
    resumed, run = start(tmp_path / "run")
    assert same(resumed, straight)
    assert rates_of(run) == rates_of(whole)


def test_a_partial_without_a_rate_takes_the_runs_as_its_class_does(tmp_path: Path) -> None:
    given = functools.partial(torch.optim.SGD, momentum=0.9)
    ours, hand = net(), net()
    fit(ours, tmp_path / "partial", optimizer=given, lr=0.05)
    fit(hand, tmp_path / "function", optimizer=lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9))
    for one, other in zip(ours.parameters(), hand.parameters(), strict=True):
        assert torch.equal(one, other)


def test_another_optimizer_on_resume_is_named(tmp_path: Path) -> None:
    fit(net(), tmp_path / "class", optimizer=torch.optim.RAdam)
    with pytest.raises(RunFolderError, match=r"optimizer= torch.optim.RAdam, and now it is torch.optim.NAdam"):
        fit(net(), tmp_path / "class", optimizer=torch.optim.NAdam, epochs=4)
    rate = 0.1
    given: dict[str, Any] = {"optimizer": lambda p: torch.optim.SGD(p, lr=rate, momentum=rate)}
    fit(net(), tmp_path / "function", **given)
    rate = 0.2  # what no name tells
    before = (tmp_path / "function" / "config.yaml").read_bytes()
    with pytest.raises(
        RunFolderError,
        match=r"holds a run of another optimizer \(the code of a lambda, or a value it captures, has changed\)",
    ):
        fit(net(), tmp_path / "function", epochs=4, **given)
    assert (tmp_path / "function" / "config.yaml").read_bytes() == before
    rate = 0.1
    assert fit(net(), tmp_path / "function", epochs=4, **given).result["epochs"] == 4


def test_config_says_in_text_what_was_given(tmp_path: Path) -> None:
    from sonde.core.config_file import read_config

    module = net()
    settings = read_config(fit(module, tmp_path / "one", optimizer=two_groups(module)).folder).settings
    assert settings["optimizer"] == "torch.optim.Adam(2 groups: lr=0.01; lr=0.001)"
    assert settings["lr"] is None
    own = read_config(fit(net(), tmp_path / "two", optimizer=torch.optim.Adadelta).folder)
    assert (own.settings["optimizer"], own.settings["lr"]) == ("torch.optim.Adadelta", 1.0)
    assert own.reasons["lr"] == "torch.optim.Adadelta's own default"


P = functools.partial
REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"optimizer": torch.optim.Adam(net().parameters())},
        "4 of its 4 parameters .* are not the network's; make it from the",
    ),
    (
        {"optimizer": P(torch.optim.SGD, lr=0.1), "lr": 0.1},
        "0.1 has no effect: optimizer=torch.optim.SGD.* has its own",
    ),
    ({"optimizer": P(torch.optim.SGD, lr=0.1), "lr": "auto"}, 'lr="auto" has no effect: optimizer=torch.optim.SGD'),
    ({"optimizer": P(torch.optim.SGD, lr=0.1), "momentum": 0.9}, "momentum=0.9 has no effect: .* has its own"),
    (
        {"optimizer": torch.optim.RAdam, "momentum": 0.9},
        "momentum=0.9 has no effect: .*RAdam does not take it; leave it out",
    ),
    ({"optimizer": "radam", "momentum": 0.9}, 'momentum=0.9 has no effect: optimizer="radam" does not read it'),
    ({"optimizer": lambda p: None}, "gave None; it must give a torch.optim.Optimizer"),
    ({"optimizer": lambda p: [q for _, q in p]}, "was given the list of parameters and raised"),
    (
        {"optimizer": [torch.optim.SGD]},
        r"optimizer= takes a name .* several of them belong to the phases of a sonde.Task",
    ),
    ({"optimizer": nn.Linear}, "optimizer= takes a name .* not the class Linear"),
    ({"optimizer": "lion"}, "expects one of sgd, .* got 'lion'"),
    ({"optimizer": "radm"}, "did you mean radam?"),
    ({"optimizer": "lbfgs", "clip": 1.0}, "clip=1 cannot be combined with optimizer=lbfgs"),
    ({"optimizer": "lbfgs", "compile": True}, "compile=True cannot be combined with LBFGS"),
    ({"optimizer": "lbfgs", "lr": "auto"}, 'lr="auto" has no effect .* such as lbfgs'),
    ({"optimizer": "lbfgs", "layer_decay": 0.5}, "optimizer=lbfgs: raised ValueError: LBFGS doesn't support"),
    ({"schedule": StepLR}, r"step_size'; give functools.partial\(StepLR, step_size=…\)"),
    ({"schedule": lambda step: -1.0}, "it gave -1 at step 0; the share of the peak rate is a number from 0 on"),
    ({"schedule": lambda step: float("nan") if step == 4 else 1.0}, "it gave nan at step 4"),
    ({"schedule": lambda step: "half"}, "schedule= takes .* gave a str"),
    ({"schedule": lambda opt: opt.nothing}, "given step 0 it raised .* given the optimizer, AttributeError"),
    ({"schedule": lambda opt: StepLR(momentum(net().parameters()), 1)}, "a scheduler of another optimizer"),
    (
        {"schedule": P(StepLR, step_size=1), "warmup": 2},
        "warmup=2 has no effect: .* sets the rate from the first step on",
    ),
    (
        {"schedule": P(OneCycleLR, max_lr=0.1, total_steps=9)},
        "ends after 9 steps, and the run has 18; give it total_steps=18",
    ),
    ({"schedule": "plateau"}, 'schedule="plateau" has no effect: there are no validation data'),
    ({"schedule": P(ReduceLROnPlateau)}, "no effect: there are no validation data"),
    ({"schedule": "plateau", "validation": HELD}, "3 evaluations fall due, and it waits for 3 without improvement"),
    (
        {"schedule": P(ReduceLROnPlateau, mode="max"), "validation": HELD},
        "mode='max', and the monitored metric is better smaller",
    ),
    ({"schedule_every": "step"}, 'schedule_every="step" has no effect: it is for schedulers of torch'),
    ({"schedule": "plateu"}, "did you mean plateau?"),
    ({"lr": [1e-3, 1e-2]}, "lr= takes one number, .* for rates of layers give optimizer=torch.optim.Adam"),
    ({"lr": slice(1e-5, 1e-3)}, "lr= takes one number"),
    ({"param_groups": [1]}, "there is no param_groups=; give an optimizer with groups: optimizer=torch.optim.Adam"),
    ({"lr_scheduler": StepLR}, "there is no lr_scheduler=; schedule= takes"),
]


@pytest.mark.parametrize(("given", "told"), REFUSED)
def test_what_cannot_be_is_refused_in_one_line_before_there_is_a_folder(
    given: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=told) as found:
        fit(net(), tmp_path / "run", **given)
    message = str(found.value)
    assert "\n" not in message
    assert len(message) < 520


def test_lr_auto_finds_a_rate_for_a_class(tmp_path: Path) -> None:
    run = fit(net(), tmp_path / "run", optimizer=torch.optim.RAdam, lr="auto", log_every=1)
    chosen = json.loads((run.folder / "lr_range.json").read_text())["chosen"]
    assert rates_of(run)[0] == pytest.approx(chosen)


@pytest.mark.parametrize("schedule", [P(StepLR, step_size=1, gamma=0.5), cycle])
def test_steps_takes_the_same_and_its_records_tell_the_real_rate(schedule: Any) -> None:
    ours, hand = net(), net()
    records = list(
        sonde.steps(ours, BATCHES, loss=cross_entropy, total=18, optimizer=momentum, schedule=schedule, threads=1)
    )
    optimizer = momentum(hand.parameters())
    rates = by_hand(hand, optimizer, schedule(optimizer), every="step" if schedule is cycle else "epoch")
    assert [record.lr for record in records] == rates
    assert same(ours, hand)
    with pytest.raises(ConfigError, match='schedule="plateau" has no effect'):
        sonde.steps(net(), BATCHES, loss=cross_entropy, total=18, schedule="plateau")


def test_steps_has_the_rate_of_a_class_and_ours_for_ours() -> None:
    expected: list[tuple[Any, float]] = [(torch.optim.Adadelta, 1.0), ("adagrad", 0.01), ("sgd", 0.1), (momentum, 0.1)]
    for given, rate in expected:
        (record,) = sonde.steps(net(), BATCHES, loss=cross_entropy, total=1, optimizer=given, threads=1)
        assert record.lr == rate


class Two:
    """Two parts of one network, one learned after the other or side by side."""

    objective = sonde.Objective("loss", "min")

    def __init__(self, **phases: dict[str, Any]) -> None:
        torch.manual_seed(2)
        self.body, self.head = nn.Linear(6, 6), nn.Linear(6, 2)
        self.modules = nn.ModuleDict({"body": self.body, "head": self.head})
        parts = {"body": self.body, "head": self.head}
        self.phases = [
            sonde.Phase(name=name, loss=self.loss, trains=[parts[name]], **given) for name, given in phases.items()
        ]

    def loss(self, batch: Batch) -> sonde.Loss:
        return sonde.Loss(cross_entropy(self.head(self.body(batch["input"])), batch["target"]), len(batch))

    def evaluate(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.loss(batch).value}

    def meter(self) -> sonde.Meter:
        return sonde.MeanMeter()

    def predict(self, batch: Batch) -> dict[str, Tensor]:
        return {"output": self.head(self.body(batch["input"]))}

    def format_predictions(self, outputs: Any) -> list[dict[str, Any]]:
        return [{"output": row.tolist()} for row in outputs["output"]]


def test_each_phase_has_the_optimizer_and_schedule_it_is_given(tmp_path: Path) -> None:
    task = Two(
        body={"optimizer": torch.optim.RAdam, "schedule": P(StepLR, step_size=1)},
        head={"optimizer": {"optimizer": "adam", "lr": 4e-4, "beta1": 0.0}, "schedule": "linear"},
    )
    fit(task, tmp_path / "run", loss=None)  # type: ignore[arg-type]
    hand = Two(body={}, head={})
    body = torch.optim.RAdam(hand.body.parameters())
    head = torch.optim.Adam(hand.head.parameters(), 4e-4, (0.0, 0.999), fused=True)
    stairs = StepLR(body, 1)
    for step in range(18):
        for optimizer, module in ((body, hand.body), (head, hand.head)):
            value = hand.loss(
                Batch({"input": BATCHES[step % 6][0], "target": BATCHES[step % 6][1]}, torch.arange(16))
            ).value
            gradients = torch.autograd.grad(value, list(module.parameters()))
            for parameter, gradient in zip(module.parameters(), gradients, strict=True):
                parameter.grad = gradient
            if optimizer is head:
                head.param_groups[0]["lr"] = 4e-4 * (1 - step / 18)
            optimizer.step()
        if step % 6 == 5:
            stairs.step()
    assert same(task.modules, hand.modules)


def test_an_instance_of_one_phase_holds_its_parameters_only(tmp_path: Path) -> None:
    task = Two(body={}, head={})
    with pytest.raises(
        ConfigError, match="it holds head.weight, which phase 'body' does not train; give each phase its own"
    ):
        fit(task, tmp_path / "run", loss=None, optimizer=torch.optim.SGD(task.modules.parameters(), lr=0.1))  # type: ignore[arg-type]


def test_settings_of_an_optimiser_of_torchs_in_a_phase_are_its_own_not_the_runs(tmp_path: Path) -> None:
    task = Two(body={"optimizer": "adadelta"}, head={})
    run = fit(task, tmp_path / "run", loss=None, lr=0.3, log_every=1)  # type: ignore[arg-type]
    assert rates_of(run) == [1.0] * 18
    for own in ({"optimizer": torch.optim.RAdam, "momentum": 0.5}, {"optimizer": momentum, "lr": 0.5}):
        with pytest.raises(
            ConfigError, match=f"phase 'body': {'momentum' if 'momentum' in own else 'lr'} has no effect"
        ):
            fit(Two(body={"optimizer": own}, head={}), tmp_path / "none", loss=None)  # type: ignore[arg-type]


def test_five_epochs_of_one_then_two_of_another(tmp_path: Path) -> None:
    first, second = sonde.Stage("first", epochs=2), sonde.Stage("second", epochs=1)
    task = Two(body={"stage": first, "optimizer": "sgd"}, head={"stage": second, "schedule": P(StepLR, step_size=1)})
    run = fit(task, tmp_path / "run", loss=None, epochs=None, log_every=1)  # type: ignore[arg-type]
    assert (run.result["steps"], run.result["epochs"]) == (18, 3)
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["kind"] == "event"] == [1, 13]
    with pytest.raises(ConfigError, match=r"take 18 steps together \(first 12, second 6\)"):
        fit(task, tmp_path / "longer", loss=None, epochs=4)  # type: ignore[arg-type]

    def unknown() -> Any:
        yield from BATCHES

    with pytest.raises(ConfigError, match="stage 'first' has epochs=2, and the length of an epoch .* give it steps="):
        fit(task, tmp_path / "unknown", unknown, loss=None, epochs=None)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="give one of them"):
        sonde.Stage("both", steps=3, epochs=1)


class Sparse(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.rows = nn.Embedding(9, 2, sparse=True)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.rows(tokens).mean(1)


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("name", ["sparseadam", "sgd", "adagrad"])
def test_sparse_gradients_are_measured_and_clipped_as_torch_does(name: str, tmp_path: Path) -> None:
    tokens = torch.randint(0, 9, (6, 16, 3), generator=torch.Generator().manual_seed(0))
    batches = [(rows, (rows[:, 0] > 4).long()) for rows in tokens]
    ours, hand = Sparse(), Sparse()
    fit(ours, tmp_path / "run", batches, optimizer=name, lr=0.1, clip=0.01)
    kinds: dict[str, Any] = {
        "sgd": torch.optim.SGD, "sparseadam": torch.optim.SparseAdam, "adagrad": torch.optim.Adagrad
    }  # fmt: skip
    optimizer = kinds[name](hand.parameters(), lr=0.1)
    for _ in range(3):
        for rows, labels in batches:
            optimizer.zero_grad()
            cross_entropy(hand(rows), labels).backward()
            gradient = hand.rows.weight.grad
            assert gradient is not None
            norm = gradient.to_dense().norm()
            hand.rows.weight.grad = gradient.coalesce() * (0.01 / (norm + 1e-6)).clamp(max=1.0)
            optimizer.step()
    assert torch.allclose(ours.rows.weight, hand.rows.weight, atol=1e-6)
    for other in ("adamw", "momentum", torch.optim.RAdam):
        with pytest.raises(ConfigError, match="takes no sparse gradients, .* use sgd, adagrad or sparseadam"):
            fit(Sparse(), tmp_path / "none", batches, optimizer=other)


@pytest.mark.parametrize("schedule", [P(StepLR, step_size=1, gamma=0.5), cycle, "plateau"])
def test_an_observer_unfreezes_and_sets_rates_under_a_scheduler_and_all_resumes(
    schedule: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watching(record: Any, live: sonde.Live) -> None:
        if isinstance(record, sonde.StepRecord) and record.step == 5:
            live.unfreeze("0")
        if isinstance(record, sonde.StepRecord) and record.step == 8:
            live.lr = live.lr * 2

    def start(out: Path) -> tuple[nn.Sequential, sonde.Run]:
        module = net()
        module[0].requires_grad_(False)
        more = {"validation": HELD, "plateau_patience": 0} if schedule == "plateau" else {}
        return module, fit(
            module, out, optimizer="adam", lr=0.01, schedule=schedule, observers=[watching], log_every=1, **more
        )

    straight, whole = start(tmp_path / "straight")
    assert not torch.equal(straight[0].weight, net()[0].weight)  # type: ignore[arg-type]
    rates = rates_of(whole)
    if schedule is not cycle and schedule != "plateau":
        assert rates == pytest.approx(6 * [0.01] + 2 * [0.005] + 4 * [0.01] + 6 * [0.005])
    real = Stepper.__call__

    def stopped(self: Stepper, batch: Any, *, step: int, epoch: int) -> Any:
        if step == 11:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(self, batch, step=step, epoch=epoch)

    monkeypatch.setattr(Stepper, "__call__", stopped)
    with pytest.raises(Interrupted):
        start(tmp_path / "run")
    monkeypatch.undo()
    resumed, run = start(tmp_path / "run")
    assert same(resumed, straight)
    assert rates_of(run) == rates


def test_a_plateau_of_a_phase_or_a_function_needs_a_metric_too(tmp_path: Path) -> None:
    task = Two(body={"schedule": "plateau"}, head={})
    for refused in (
        lambda: fit(task, tmp_path / "phase", loss=None),  # type: ignore[arg-type]
        lambda: fit(net(), tmp_path / "function", schedule=lambda optimizer: ReduceLROnPlateau(optimizer)),
        lambda: sonde.steps(task, BATCHES, total=3),
    ):
        with pytest.raises(
            ConfigError, match="its schedule watches the monitored validation metric, and there is none"
        ):
            refused()
    assert fit(task, tmp_path / "run", loss=None, validation=HELD).result["steps"] == 18  # type: ignore[arg-type]
