"""Phases with optimisers, schedules and clipping of their own; what they leave open is the run's."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from sample_tasks import Adversarial, blobs, mlp
from torch import nn

import sonde
from sonde.core.batch import Batch
from sonde.core.config import OptimConfig
from sonde.core.errors import ConfigError, Interrupted
from sonde.core.seams import Phase, Stage
from sonde.engine.stages import plan_stages
from sonde.engine.step import Stepper
from sonde.optim.schedules import schedule
from sonde.run.updates import check_search, schedules, settings_of, updates

OPTIM = OptimConfig(optimizer="adamw", lr=0.01, weight_decay=0.1, schedule="cosine", clip=2.0)


def phase(name: str = "model", module: nn.Module | None = None, **more: Any) -> Phase:
    return Phase(name=name, loss=lambda batch: NotImplemented, trains=[module or nn.Linear(2, 2)], **more)


def made(*phases: Phase, total: int = 10, lr: float = 0.01) -> list[Any]:
    modules = nn.ModuleDict({p.name: nn.ModuleList(m for m in p.trains if isinstance(m, nn.Module)) for p in phases})
    shapes = schedules(phases, OPTIM, plan_stages(phases, total=total), total=total)
    return updates(phases, modules, OPTIM, lr=lr, device_type="cpu", shapes=shapes, shares={})


def test_a_phase_that_says_nothing_has_what_the_run_has() -> None:
    (update,) = made(phase(), lr=0.03)
    assert isinstance(update.optimizer, torch.optim.AdamW)
    assert {group["lr"] for group in update.optimizer.param_groups} == {0.03}
    assert [update.multiplier(step) for step in range(10)] == [schedule(OPTIM, total=10)(step) for step in range(10)]
    assert (update.clip, update.clip_value, update.own_rate) == (2.0, 0.0, False)


def test_settings_of_a_phase_stand_before_those_of_the_run() -> None:
    own = {"optimizer": "sgd", "lr": 0.5, "weight_decay": 0.0, "schedule": "constant", "clip": 0.0}
    mine, runs = made(phase("a", optimizer=own), phase("b", optimizer={"beta1": 0.5}, clip=3.0, clip_value=0.1))
    assert isinstance(mine.optimizer, torch.optim.SGD)
    assert mine.optimizer.param_groups[0]["lr"] == 0.5
    assert [mine.multiplier(step) for step in (0, 9)] == [1.0, 1.0]
    assert (mine.clip, mine.own_rate) == (0.0, True)
    assert runs.optimizer.param_groups[0]["betas"] == (0.5, 0.999)
    assert runs.optimizer.param_groups[0]["lr"] == 0.01
    assert (runs.clip, runs.clip_value, runs.own_rate) == (3.0, 0.1, False)


def test_a_function_makes_the_optimiser_from_the_list_of_parameters() -> None:
    seen: list[torch.Size] = []

    def make(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        seen.extend(parameter.shape for parameter in parameters)
        return torch.optim.Adagrad(parameters, lr=0.2)

    (update,) = made(phase(optimizer=make, schedule=lambda step: 0.5**step))
    assert seen == [(2, 2), (2,)]
    assert isinstance(update.optimizer, torch.optim.Adagrad)
    assert (update.multiplier(2), update.own_rate) == (0.25, True)


def test_the_runs_schedule_spans_a_stage_and_starts_anew_in_the_next() -> None:
    first, second, whole = (
        phase("a", stage=Stage("one", steps=4)), phase("b", stage=Stage("two")), phase("c")
    )  # fmt: skip
    shapes = schedules([first, second, whole], OPTIM, plan_stages([first, second], total=10), total=10)
    for name, length in (("a", 4), ("b", 6), ("c", 10)):
        assert [shapes[name](step) for step in range(length)] == [
            schedule(OPTIM, total=length)(s) for s in range(length)
        ]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"momentun": 0.9}, "unknown setting 'momentun'; did you mean 'momentum'"),
        ({"ema": 0.9}, "phase 'model': ema can only be set for the whole run"),
        ({"lr": "auto"}, "phase 'model': lr 'auto' is found for the whole run"),
        ({"lr": -1.0}, "lr"),
    ],
)
def test_settings_that_a_phase_cannot_have_are_refused(own: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings_of(phase(optimizer=own), OPTIM)


class Gan(Adversarial):
    """Phases with different optimisers, schedules and clipping; a third follows in a stage of its own where asked."""

    def __init__(self, *, staged: bool = False) -> None:
        torch.manual_seed(0)
        super().__init__(mlp(4, 8, 2), mlp(2, 8, 1), 4)
        self.noise = torch.randn(64, 4)
        first, second = self.phases
        both: dict[str, Any] = {"stage": Stage("both", share=2)} if staged else {}
        self.phases = [
            Phase(
                name="discriminator", loss=first.loss, trains=first.trains, clip=0.1,
                optimizer={"optimizer": "nesterov", "lr": 0.1, "schedule": "linear"}, **both,
            ),
            Phase(
                name="generator", loss=second.loss, trains=second.trains, clip_value=0.01,
                optimizer=lambda parameters: torch.optim.RMSprop(parameters, lr=0.02),
                schedule=lambda step: 1 / (1 + step), **both,
            ),
        ]  # fmt: skip
        if staged:
            again = Phase(name="again", loss=second.loss, trains=second.trains, stage=Stage("alone"))
            self.phases.append(again)

    def fake(self, rows: int) -> torch.Tensor:
        return self.generator(self.noise[:rows])


def trained(out: Path, *, staged: bool, **more: Any) -> sonde.Run:
    data = {"input": blobs(48)["input"]}
    settings: dict[str, Any] = {"steps": 9, "batch_size": 16, "threads": 1}
    if staged:  # the first two phases have all of their own
        settings |= {"lr": 0.003, "schedule": "cosine"}
    return sonde.fit(Gan(staged=staged), data, out=str(out), quiet=True, log_every=1, **settings, **more)


def test_a_run_of_two_phases_equals_the_loop_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Batch] = []
    real = Stepper.__call__

    def noting(self: Stepper, batch: Batch, *, step: int, epoch: int) -> Any:
        seen.append(batch)
        return real(self, batch, step=step, epoch=epoch)

    monkeypatch.setattr(Stepper, "__call__", noting)
    run = trained(tmp_path / "run", staged=False)
    hand = Gan()
    scores = torch.optim.SGD(hand.discriminator.parameters(), lr=0.1, momentum=0.9, nesterov=True, fused=True)
    images = torch.optim.RMSprop(hand.generator.parameters(), lr=0.02)
    for step, batch in enumerate(seen[-9:]):
        scores.zero_grad()
        hand.discriminator_loss(batch).value.backward()
        nn.utils.clip_grad_norm_(hand.discriminator.parameters(), 0.1)
        scores.param_groups[0]["lr"] = 0.1 * (1 - step / 9)
        scores.step()
        images.zero_grad()
        hand.generator_loss(batch).value.backward()
        nn.utils.clip_grad_value_(hand.generator.parameters(), 0.01)
        images.param_groups[0]["lr"] = 0.02 / (1 + step)
        images.step()
    for name, value in hand.modules.state_dict().items():
        assert torch.equal(run.task.modules.state_dict()[name], value), name


@pytest.mark.parametrize("stop", [2, 5, 6, 7])
def test_a_run_in_stages_is_resumed_exactly(stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the first stage, before its last step, at the border and in the second: the border is after step 6."""
    straight = trained(tmp_path / "straight", staged=True)
    lines = (straight.folder / "metrics.jsonl").read_text().splitlines()
    real = Stepper.__call__

    def stopped(self: Stepper, batch: Any, *, step: int, epoch: int) -> Any:
        if step == stop:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(self, batch, step=step, epoch=epoch)

    monkeypatch.setattr(Stepper, "__call__", stopped)
    with pytest.raises(Interrupted):
        trained(tmp_path / "run", staged=True)
    monkeypatch.undo()
    run = trained(tmp_path / "run", staged=True)
    for name, value in straight.task.modules.state_dict().items():
        assert torch.equal(run.task.modules.state_dict()[name], value), name
    assert sum('"kind": "step"' in line for line in lines) == 9  # a line for each step of either stage


def test_a_run_that_is_made_longer_keeps_its_border(tmp_path: Path) -> None:
    trained(tmp_path / "run", staged=True)
    data = {"input": blobs(48)["input"]}
    settings: dict[str, Any] = {"batch_size": 16, "lr": 0.003, "schedule": "cosine", "threads": 1, "log_every": 1}
    run = sonde.fit(Gan(staged=True), data, out=str(tmp_path / "run"), quiet=True, steps=30, **settings)
    assert run.result["steps"] == 30
    steps = [line for line in (run.folder / "metrics.jsonl").read_text().splitlines() if '"kind": "step"' in line]
    both = [line for line in steps if "generator/loss" in line]
    assert len(steps) == 30
    assert len(both) == 6


def test_a_line_search_has_no_place_beside_a_loss_scale_or_compiled_code() -> None:
    (update,) = made(phase(optimizer="lbfgs", clip=0.0))
    assert update.closure
    assert update.optimizer.param_groups[0]["line_search_fn"] == "strong_wolfe"
    check_search([update], "bf16", compiled=False)
    with pytest.raises(ConfigError, match="fp16: LBFGS compares losses, which fp16 scales; use --precision fp32"):
        check_search([update], "fp16", compiled=False)
    with pytest.raises(ConfigError, match="compile cannot be combined with LBFGS"):
        check_search([update], "fp32", compiled=True)
    with pytest.raises(
        ConfigError, match="clip=2 cannot be combined with optimizer=lbfgs: its line search needs the gradient"
    ):
        made(phase(optimizer="lbfgs"))


def test_two_rates_for_a_gan_by_class_function_name_and_optimizer() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    both = made(
        phase("discriminator", first, optimizer={"optimizer": torch.optim.NAdam, "lr": 4e-4, "beta1": 0.0}),
        phase("generator", second, optimizer=torch.optim.Adam(second.parameters(), lr=1e-4)),
        lr=0.03,
    )
    assert [update.optimizer.param_groups[0]["lr"] for update in both] == [4e-4, 1e-4]
    assert both[0].optimizer.param_groups[0]["betas"] == (0.0, 0.999)
    assert all(update.own_rate for update in both)
    named, runs = made(phase("a", optimizer="adadelta"), phase("b", optimizer="sgd"), lr=0.03)
    assert [update.optimizer.param_groups[0]["lr"] for update in (named, runs)] == [1.0, 0.01]
