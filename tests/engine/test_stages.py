"""Stages share out the steps of a run, and those that ended stay where they ended."""

import sys
from typing import Any

import pytest
import torch
from sample_tasks import CPU, Adversarial, batch, blobs, mlp
from torch import nn

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.seams import Loss, Phase, Stage
from sonde.engine.execution.settings import StepSettings
from sonde.engine.stages import Stages, check_phases, check_total, fixed_length, plan_stages
from sonde.engine.step import Stepper
from sonde.engine.timing import turns
from sonde.engine.tree import copied
from sonde.engine.update import Update


def phases(*stages: Stage | None) -> list[Phase]:
    return [Phase(name=str(n), loss=lambda batch: NotImplemented, trains=[], stage=s) for n, s in enumerate(stages)]


def planned(*stages: Stage | None, total: int) -> tuple[int, ...]:
    return plan_stages(phases(*stages), total=total).ends


def test_steps_are_dealt_out_by_shares_and_the_last_stage_goes_on_to_the_end() -> None:
    first, second, third = Stage("first", share=2), Stage("second"), Stage("third")
    assert planned(first, second, third, total=100) == (50, 75)
    assert planned(None, first, second, None, total=90) == (60,)
    assert planned(Stage("a", steps=10), Stage("b"), Stage("c"), total=100) == (10, 55)
    assert planned(Stage("a"), Stage("b", steps=30), total=100) == (70,)
    assert planned(None, None, total=7) == ()


def test_phases_of_one_stage_share_it_and_stages_stand_in_the_order_of_their_first_phase() -> None:
    late, early = Stage("late"), Stage("early")
    stages = plan_stages(phases(early, late, early), total=10)
    assert [stage.name for stage in stages.stages] == ["early", "late"]
    assert [stages.at(step) for step in (1, 5)] == [(0, 1, 5)] * 2
    assert [stages.at(step) for step in (6, 10, 99)] == [(1, 6, sys.maxsize)] * 3
    assert [stages.bounds(number, total=10) for number in (0, 1)] == [(1, 5), (6, 10)]
    assert [stages.steps_of(stage, total=10) for stage in (early, late, None)] == [5, 5, 10]


@pytest.mark.parametrize(
    ("stages", "total", "name"),
    [
        ((Stage("a", steps=10), Stage("b")), 10, "b"),
        ((Stage("a", share=0.01), Stage("b")), 10, "a"),
        ((Stage("a", steps=12), Stage("b"), Stage("c")), 10, "b"),
    ],
)
def test_a_stage_without_a_step_is_refused(stages: tuple[Stage, ...], total: int, name: str) -> None:
    with pytest.raises(ConfigError, match=f"stage '{name}' would have no step in a run of {total}"):
        planned(*stages, total=total)


def test_when_the_end_moves_stages_that_ended_stay_ended() -> None:
    stages = plan_stages(phases(Stage("a"), Stage("b"), Stage("c"), Stage("d")), total=40)
    assert stages.ends == (10, 20, 30)
    later = stages.moved(total=80, done=12)
    assert later.ends == (10, 40, 60)
    assert later.moved(total=80, done=12) == later
    assert later.moved(total=20, done=25).ends == (10, 25, 25)  # what is to come gives way, not what was
    assert stages.moved(total=40, done=0) == stages


def test_steps_of_all_stages_are_timed_by_their_share() -> None:
    warm, main = Stage("warm", steps=20), Stage("main")
    net = nn.Linear(2, 2)
    listed = [("a", 1, warm), ("b", 2, main), ("c", 1, main)]
    updates = [
        Update(
            phase=Phase(name=name, loss=lambda batch: NotImplemented, trains=[net], every=every, stage=stage),
            optimizer=torch.optim.SGD(net.parameters(), lr=0.1),
            multiplier=lambda step: 1.0,
        )
        for name, every, stage in listed
    ]
    task: Any = Adversarial(net, net, 1)
    assert turns(Stepper(task, updates, StepSettings(device=CPU), total=100)) == {1: 20, 21: 40, 22: 40}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"share": -1}, "stage 'a': share is a relative weight above 0, got -1"),
        ({"share": 0}, "stage 'a': share is a relative weight above 0, got 0"),
        ({"share": float("nan")}, "stage 'a': share is a relative weight above 0, got nan"),
        ({"steps": 0}, "stage 'a': steps must be at least 1, got 0"),
    ],
)
def test_a_stage_of_no_length_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Stage("a", **given)


def test_the_sum_of_all_stages_is_the_length_of_a_run_whose_stages_all_have_one() -> None:
    both = phases(Stage("a", steps=7), None, Stage("b", steps=5))
    assert fixed_length(both) == 12
    assert fixed_length(phases(Stage("a", steps=7), Stage("b"))) is None
    assert fixed_length(phases(None)) is None
    check_total(both, 12, length="12 steps", remedy="")
    check_total(phases(Stage("a", steps=7), Stage("b")), 99, length="", remedy="")
    told = r"the task's stages take 12 steps together \(a 7, b 5\), and the run has total=20; give total=12, or leave"
    with pytest.raises(ConfigError, match=told):
        check_total(both, 20, length="total=20", remedy="give total={steps}")
    with pytest.raises(ConfigError, match="two different stages are called 'a'"):
        plan_stages(phases(Stage("a"), Stage("a", share=2)), total=9)


class Split:
    """An encoder and two heads, with phases that are given."""

    def __init__(self, *phases: Phase, without: str = "") -> None:
        self.encoder, self.head, self.other = nn.Linear(2, 4), nn.Linear(4, 1), nn.Linear(4, 1)
        named = {"encoder": self.encoder, "head": self.head, "other": self.other}
        self.modules = nn.ModuleDict({name: module for name, module in named.items() if name != without})
        self.phases = phases

    def phase(self, name: str, *trains: str, stage: Stage | None = None) -> Phase:
        return Phase(
            name=name, loss=lambda batch: NotImplemented, trains=[getattr(self, each) for each in trains], stage=stage
        )


def refused(task: Split, *given: Phase) -> str:
    task.phases = given
    with pytest.raises(ConfigError) as caught:
        check_phases(task)  # type: ignore[arg-type]
    return str(caught.value)


def test_what_a_phase_trains_is_among_the_modules() -> None:
    task = Split(without="head")
    told = refused(task, task.phase("a", "encoder"), task.phase("b", "head"))
    assert told.startswith("phase 'b' trains 'head', which is not in task.modules")
    strange = Phase(name="c", loss=lambda batch: NotImplemented, trains=[nn.Linear(1, 1)])
    assert refused(task, strange).startswith("phase 'c' trains a Linear, which is not in task.modules")
    task.phases = (task.phase("a", "encoder", "other"),)
    check_phases(task)  # type: ignore[arg-type]


def test_two_phases_of_a_stage_train_different_parameters() -> None:
    task, first = Split(), Stage("first")
    for one, two in ((first, Stage("first")), (None, None), (first, None), (None, first)):
        told = refused(task, task.phase("a", "encoder", "head", stage=one), task.phase("b", "other", "head", stage=two))
        assert told.startswith("phases 'a' and 'b' both train 'head' (head.weight) in the same stage")
    allowed = [
        (task.phase("a", "encoder", "head", stage=first), task.phase("b", "head", stage=Stage("second"))),
        (task.phase("a", "encoder"), task.phase("b", "head")),
    ]
    for given in allowed:
        task.phases = given
        check_phases(task)  # type: ignore[arg-type]
    task.encoder.requires_grad_(False)  # shared, and updated by neither
    task.phases = (task.phase("a", "encoder", "head"), task.phase("b", "encoder", "other"))
    check_phases(task)  # type: ignore[arg-type]
    assert refused(task, task.phase("a", "encoder")).startswith("phase 'a' has nothing to train: Linear without")
    assert refused(task, task.phase("a", "head"), task.phase("a", "other")) == (
        "two phases are called 'a'; give each a name of its own"
    )


class Relay(Adversarial):
    """A GAN whose discriminator and generator train one after the other."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(mlp(4, 8, 2), mlp(2, 8, 1), 4)
        first, second = self.phases
        self.noise = torch.randn(8, 4)
        make: Any = lambda parameters: torch.optim.Adam(parameters, lr=0.05)  # noqa: E731
        self.phases = [
            Phase(name="discriminator", loss=first.loss, trains=first.trains, stage=Stage("scores", steps=3)),
            Phase(name="generator", loss=second.loss, trains=second.trains, stage=Stage("images"), optimizer=make),
        ]

    def fake(self, rows: int) -> torch.Tensor:
        return self.generator(self.noise[:rows])


def relay(*, total: int = 8) -> tuple[Relay, Stepper]:
    task = Relay()
    first, second = task.phases
    updates = [
        Update(
            phase=first,
            optimizer=torch.optim.SGD(first.parameters(), lr=0.1, momentum=0.9),
            multiplier=lambda step: 1 / (step + 1),
        ),
        Update(
            phase=second,
            optimizer=torch.optim.Adam(second.parameters(), lr=0.05),
            multiplier=lambda step: 1 - step / 8,
            clip=0.5,
        ),
    ]
    return task, Stepper(task, updates, StepSettings(device=CPU, clip=0.2), total=total)


def data(step: int) -> Batch:
    return batch(input=blobs(8, seed=step)["input"])


def test_stages_are_two_trainings_one_after_the_other() -> None:
    """Against the same sequence by hand: schedules start anew, and each stage has its optimiser and its clipping."""
    task, steps = relay()
    names = [sorted(steps(data(step), step=step, epoch=0).norms) for step in range(1, 9)]
    assert names == [["discriminator"]] * 3 + [["generator"]] * 5

    other = Relay()
    scores = torch.optim.SGD(other.discriminator.parameters(), lr=0.1, momentum=0.9)
    images = torch.optim.Adam(other.generator.parameters(), lr=0.05)
    for step in range(1, 9):
        module, optimizer = (other.discriminator, scores) if step <= 3 else (other.generator, images)
        loss = (other.discriminator_loss if step <= 3 else other.generator_loss)(data(step)).value
        optimizer.zero_grad()
        loss.backward(inputs=list(module.parameters()))
        nn.utils.clip_grad_norm_(module.parameters(), 0.2 if step <= 3 else 0.5)
        optimizer.param_groups[0]["lr"] = 0.1 / step if step <= 3 else 0.05 * (1 - (step - 4) / 8)
        optimizer.step()
    for name, value in other.modules.state_dict().items():
        assert torch.equal(task.modules.state_dict()[name], value), name


@pytest.mark.parametrize("stop", range(9))
def test_a_state_of_any_step_goes_on_exactly(stop: int) -> None:
    straight, steps = relay()
    for step in range(1, 9):
        steps(data(step), step=step, epoch=0)
    halves, first = relay()
    for step in range(1, stop + 1):
        first(data(step), step=step, epoch=0)
    state, held = copied(first.state_dict()), copied(halves.modules.state_dict())
    task, second = relay(total=100)  # where stages end is part of the state
    task.modules.load_state_dict(held)
    second.load_state_dict(state)
    for step in range(stop + 1, 9):
        second(data(step), step=step, epoch=0)
    for name, value in straight.modules.state_dict().items():
        assert torch.equal(task.modules.state_dict()[name], value), name


def test_the_loss_that_stands_for_a_step_is_that_of_its_stage() -> None:
    _, steps = relay()
    told = []
    for step in range(1, 6):
        record = steps(data(step), step=step, epoch=0)
        assert steps.main in record.losses
        told.append(steps.main)
    assert told == ["discriminator/loss"] * 3 + ["generator/loss"] * 2


def test_the_rate_of_a_step_is_that_of_its_first_phase() -> None:
    _, steps = relay()
    rates = [steps(data(step), step=step, epoch=0).lr for step in range(1, 6)]
    assert rates == pytest.approx([0.1, 0.1 / 2, 0.1 / 3, 0.05, 0.05 * 7 / 8])
    net, other = nn.Linear(2, 2), nn.Linear(2, 2)

    def loss(module: nn.Module) -> Any:
        return lambda batch: Loss(module(batch["input"]).mean(), len(batch))

    updates = [
        Update(
            phase=Phase(name=name, loss=loss(module), trains=[module], every=every),
            optimizer=torch.optim.SGD(module.parameters(), lr=lr),
            multiplier=lambda step: 1 / (step + 1),
        )
        for name, module, every, lr in (("main", net, 2, 0.5), ("side", other, 1, 0.01))
    ]
    task: Any = Adversarial(net, other, 1)
    both = Stepper(task, updates, StepSettings(device=CPU), total=4)
    assert [both(data(step), step=step, epoch=0).lr for step in (1, 2, 3)] == [0.5, 0.25, 0.5 / 3]


def test_the_first_step_of_a_stage_is_known() -> None:
    stages = plan_stages(phases(Stage("a", steps=3), Stage("b")), total=8)
    begun = {step: stage.name for step in range(1, 9) if (stage := stages.begins(step)) is not None}
    assert begun == {1: "a", 4: "b"}
    assert Stages().begins(1) is None


def test_a_state_from_before_there_were_stages_can_be_loaded() -> None:
    _, steps = relay()
    state = {name: value for name, value in copied(steps.state_dict()).items() if name != "stage_ends"}
    steps.load_state_dict(state)
    assert steps.stages.ends == (3,)


def test_a_trial_rate_is_for_the_first_stage_and_leaves_rates_of_phases_alone() -> None:
    _, steps = relay()
    record = steps.at_rate(data(1), 0.125)
    assert (sorted(record.norms), record.lr) == (["discriminator"], 0.125)
    assert steps(data(1), step=1, epoch=0).lr == 0.1
    assert steps.stages == Stages(stages=steps.stages.stages, ends=(3,))
