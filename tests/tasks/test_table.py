import subprocess
import sys
from dataclasses import is_dataclass

import pytest
from torch import nn

from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Adapts, Meter, Task
from sonde.modalities.settings import leaves
from sonde.tasks.classification.task import Classification
from sonde.tasks.regression.task import Regression
from sonde.tasks.segmentation.task import Segmentation
from sonde.tasks.table import ANSWERS, SUMMARIES, TASKS, build, config_class, for_target

CLASSES = TargetSpec(kind="class", names=("a", "b", "c"))
LABELS = TargetSpec(kind="labels", names=("a", "b"))
VALUES = TargetSpec(kind="value", names=("x",), mean=(0.0,), std=(1.0,))
MASKS = TargetSpec(kind="mask", names=("background", "cell"))


@pytest.mark.parametrize("name", TASKS)
def test_every_entry_has_settings_that_collide_with_no_flag(name: str) -> None:
    kind = config_class(name)
    assert is_dataclass(kind)
    assert not set(kind.__dataclass_fields__) & {leaf for leaf in leaves()}
    assert SUMMARIES.keys() == TASKS.keys() == ANSWERS.keys()


def test_listing_imports_no_torch() -> None:
    code = "import sys; from sonde.tasks.table import TASKS; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_targets_find_their_task() -> None:
    assert [for_target(target) for target in (CLASSES, LABELS, VALUES, MASKS)] == [
        "classification",
        "classification",
        "regression",
        "segmentation",
    ]


@pytest.mark.parametrize(
    ("target", "kind"),
    [(CLASSES, Classification), (LABELS, Classification), (VALUES, Regression), (MASKS, Segmentation)],
)
def test_build_gives_a_task(target: TargetSpec, kind: type) -> None:
    task = build(for_target(target), nn.Linear(2, target.out_dim), target)
    assert isinstance(task, kind)
    assert isinstance(task, Task)
    assert isinstance(task.meter(), Meter)
    assert isinstance(task, Adapts) == (kind is Classification)
    assert task.phases[0].parameters() == list(task.modules.parameters())


def test_unknown_names_are_met_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown task 'clasification'; did you mean 'classification'?"):
        build("clasification", nn.Linear(1, 1), CLASSES)
    with pytest.raises(ConfigError, match="unknown metric to monitor 'acuracy'; did you mean 'accuracy'"):
        build("classification", nn.Linear(2, 3), CLASSES, monitor="acuracy")


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        (
            "regression",
            CLASSES,
            r"task regression needs numbers, and the targets are classes \(a, b, c\); take --task class",
        ),
        ("regression", LABELS, r"task regression needs numbers, and the targets are labels \(a, b\)"),
        (
            "classification",
            MASKS,
            "task classification gives one answer a row, and the targets are masks; leave --task class",
        ),
        ("segmentation", CLASSES, "task segmentation needs images with a mask each; leave --task segmentation out"),
        (
            "classification",
            VALUES,
            r"task classification needs classes, and the targets \(x\) are real numbers; take --task reg",
        ),
    ],
)
def test_a_target_that_does_not_suit_is_refused(name: str, target: TargetSpec, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(name, nn.Linear(2, 1), target)
