from typing import Any

import pytest
import torch

from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.generation import Generation, SampleRequest
from sonde.core.seams import Abilities
from sonde.run.sampling import AT_ONCE, FEW, FEWEST_STEPS, ROWS_AT_ONCE, Wanted, between, check, drawn, fitting

SCHEMA = Schema(input=InputSpec(kind="array", shape=(3,)), target=TargetSpec(kind="class", names=("cat", "dog", "elk")))
CPU = torch.device("cpu")


class Task:
    """Gives back where it began, and keeps what was asked."""

    def __init__(self, *, classes: bool = False, latent: tuple[int, ...] = (3,)) -> None:
        self.modules = torch.nn.ModuleDict()
        self.asked: list[SampleRequest] = []
        self.abilities = Abilities(generation=Generation(draw=self.draw, latent=latent, classes=classes))

    def draw(self, request: SampleRequest) -> torch.Tensor:
        assert not self.modules.training
        self.asked.append(request)
        return request.start


def test_parts_are_drawn_one_after_the_other_and_classes_go_in_turn() -> None:
    task = Task(classes=True, latent=(1, 3))
    found = drawn(task, SCHEMA, Wanted(number=AT_ONCE + 2), CPU)  # type: ignore[arg-type]
    assert [len(each.start) for each in task.asked] == [AT_ONCE, 2]
    assert found.labels is not None
    assert found.labels[:4].tolist() == [0, 1, 2, 0]
    assert len(found.values) == AT_ONCE + 2
    assert task.modules.training  # as it was


def test_named_classes_go_in_turn_too_and_an_interpolation_stays_in_one() -> None:
    task = Task(classes=True)
    found = drawn(task, SCHEMA, Wanted(number=3, classes=["elk", "cat"]), CPU)  # type: ignore[arg-type]
    assert found.labels is not None
    assert found.labels.tolist() == [2, 0, 2]
    found = drawn(task, SCHEMA, Wanted(number=3, classes=["elk", "cat"], interpolate=True), CPU)  # type: ignore[arg-type]
    assert found.labels is not None
    assert found.labels.tolist() == [2, 2, 2]


def test_an_interpolation_goes_from_one_to_another_on_the_sphere() -> None:
    first, last = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    path = between(first, last, 3)
    torch.testing.assert_close(path, torch.tensor([[2.0, 0.0], [2**0.5, 2**0.5], [0.0, 2.0]]))
    torch.testing.assert_close(between(first, first, 2), first.expand(2, 2))


def test_a_latent_of_ones_own_is_where_it_begins() -> None:
    given = torch.arange(6.0).view(2, 3)
    found = drawn(Task(), SCHEMA, Wanted(latent=given), CPU)  # type: ignore[arg-type]
    torch.testing.assert_close(found.values, given)
    with pytest.raises(ConfigError, match=r"--latent holds rows of shape \(2,\), and sampling begins with \(3,\)"):
        drawn(Task(), SCHEMA, Wanted(latent=given[:, :2]), CPU)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(steps=5), "--steps is for samplers in steps, and this network makes a sample in one pass"),
        (Wanted(sampler="heun"), "--sampler is for samplers in steps"),
        (Wanted(guidance=2.0), "--guidance steers toward a class, and this run was trained without classes"),
        (Wanted(temperature=0.5), "--temperature is for samples drawn token by token"),
        (Wanted(temperature=-1), "--temperature must be at least 0 and finite, got -1"),
        (Wanted(classes=["cat"]), "--classes: this run was trained without classes"),
        (Wanted(keep=torch.ones(1, 3)), "--known: this network cannot keep a part of an input"),
        (Wanted(guidance=-1), "--guidance must be above 0, got -1"),
        (Wanted(guidance=0), "--guidance must be above 0, got 0: 0 stands for no class at all"),
    ],
)
def test_a_network_of_one_pass_is_asked_for_no_steps(wanted: Wanted, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        drawn(Task(), SCHEMA, wanted, CPU)  # type: ignore[arg-type]


def test_short_rows_of_numbers_are_drawn_more_at_once() -> None:
    task = Task()
    drawn(task, SCHEMA, Wanted(number=ROWS_AT_ONCE + 2), CPU)  # type: ignore[arg-type]
    assert [len(each.start) for each in task.asked] == [ROWS_AT_ONCE, 2]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"number": 2.5}, "--number takes a whole number, got 2.5"),
        ({"number": True}, "--number takes a whole number, got True"),
        ({"seed": "a"}, "--seed takes a whole number, got 'a'"),
        ({"seed": -1}, "--seed must be at least 0, got -1"),
    ],
)
def test_numbers_and_seeds_are_whole(wanted: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        drawn(Task(), SCHEMA, Wanted(**wanted), CPU)  # type: ignore[arg-type]


def test_a_class_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="unknown class 'dogg'; did you mean 'dog'\\? the classes are cat, dog, elk"):
        drawn(Task(classes=True), SCHEMA, Wanted(classes=["dogg"]), CPU)  # type: ignore[arg-type]
    ten = Schema(input=SCHEMA.input, target=TargetSpec(kind="class", names=tuple("0123456789")))
    with pytest.raises(ConfigError, match="unknown class '11'; the classes are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9$"):
        drawn(Task(classes=True), ten, Wanted(classes=["11"]), CPU)  # type: ignore[arg-type]
    many = Schema(input=SCHEMA.input, target=TargetSpec(kind="class", names=tuple(map(str, range(1000)))))
    with pytest.raises(ConfigError, match="17, 18, 19, …$"):
        drawn(Task(classes=True), many, Wanted(classes=["x"]), CPU)  # type: ignore[arg-type]


def test_a_code_without_places_keeps_no_part_and_says_what_does() -> None:
    generation = Generation(draw=lambda asked: asked.start, latent=(6,), estimate=lambda at, level, label: at)
    with pytest.raises(
        ConfigError, match="in which no part of an input can be kept; use a run of the inputs, without --l"
    ):
        check(Wanted(keep=torch.ones(1, 3)), generation, SCHEMA)


class Stepping(Task):
    """Takes 0.1 s for each step of a sample, by its own clock; steps: the usual, 0 for one pass"""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.seconds = 0.0
        self.abilities = Abilities(generation=Generation(draw=self.slowly, latent=(3,), steps=steps))

    def slowly(self, request: SampleRequest) -> torch.Tensor:
        self.seconds += 0.1 * len(request.start) * max(1, request.steps)
        return request.start


@pytest.mark.parametrize(
    ("steps", "seconds", "number", "fewer"),
    [
        (50, 1000.0, 16, 50),  # all that is wanted takes 80 s
        (50, 32.4, 16, 20),  # of which 0.4 s go to find out
        (50, 8.4, 10, FEWEST_STEPS),
        (50, 0.0, FEW, FEWEST_STEPS),
        (0, 1.4, 10, 0),  # one pass
        (0, 2.1, 16, 0),
    ],
)
def test_samples_fit_into_the_time_that_is_left(steps: int, seconds: float, number: int, fewer: int) -> None:
    task = Stepping(steps)
    found = fitting(task, SCHEMA, Wanted(steps=steps), CPU, seconds + 1e-9, lambda: task.seconds)  # type: ignore[arg-type]
    assert (found.number, found.steps) == (number, fewer)
    assert task.seconds == pytest.approx(0.1 * FEW)
