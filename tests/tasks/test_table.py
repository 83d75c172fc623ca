import inspect
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path

import pytest
from torch import nn

from sonde.core.catalogue import _entry_points, resolve
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Meter, Task, abilities_of
from sonde.modalities.settings import leaves
from sonde.models.table import MODELS
from sonde.tasks.classification.task import Classification
from sonde.tasks.regression.task import Regression
from sonde.tasks.segmentation.task import Segmentation
from sonde.tasks.spec import TaskSpec
from sonde.tasks.table import TASKS, build, for_target, names, spec, specs, target_kind

CLASSES = TargetSpec(kind="class", names=("a", "b", "c"))
LABELS = TargetSpec(kind="labels", names=("a", "b"))
VALUES = TargetSpec(kind="value", names=("x",), mean=(0.0,), std=(1.0,))
MASKS = TargetSpec(kind="mask", names=("background", "cell"))


def test_every_entry_has_settings_that_collide_with_no_flag() -> None:
    flags = {leaf for leaf in leaves()}
    for name in TASKS:
        kind = spec(name).config
        assert is_dataclass(kind)
        assert not set(kind.__dataclass_fields__) & flags, name


@pytest.mark.parametrize("name", TASKS)
def test_every_record_says_what_there_is(name: str) -> None:
    found = spec(name)
    assert isinstance(found, TaskSpec)
    assert found.name == name
    places = [found.task, found.settings, found.figures]
    if isinstance(found.model, tuple):
        model, why = found.model
        assert model in MODELS
        assert why
    else:
        places.append(found.model)
    for place in places:
        assert not place or callable(resolve("place", name, {name: place}))
    assert found.targets or not found.labels
    assert set(found.suggests) <= set(found.targets or found.suggests)
    assert any(found.answers.name in (entry.answers, *entry.also) for entry in MODELS.values())
    taken = inspect.signature(resolve("task", name, {name: found.task})).parameters
    assert list(taken)[:3] == ["model", "target", "config"]
    assert ("class_counts" in taken) == found.class_counts


def test_a_kind_of_target_suggests_one_task_and_an_answer_has_one_name() -> None:
    suggested = [kind for one in specs() for kind in one.suggests]
    assert len(suggested) == len(set(suggested))
    words: dict[str, str] = {}
    for one in specs():
        assert words.setdefault(one.answers.name, one.answers.words) == one.answers.words


def test_records_load_without_torch_or_numpy() -> None:
    code = (
        "import sys; from sonde.tasks.table import specs; list(specs()); print({'torch', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_task_of_another_package_is_one_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "counting.py").write_text(
        "from dataclasses import dataclass\n"
        "from sonde.tasks.spec import ROW, TaskSpec\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Config:\n"
        "    most: int = 9\n"
        "class Count:\n"
        "    def __init__(self, model, target, config, *, monitor=None):\n"
        "        self.most = config.most\n"
        "COUNT = TaskSpec(name='count', summary='how many', task='counting:Count', config=Config, answers=ROW,\n"
        "                 targets=('counts',), suggests={'counts': 'things are counted'})\n"
    )
    about = tmp_path / "counting-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[sonde.tasks]\ncount = counting:COUNT\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    _entry_points.cache_clear()
    try:
        counts = TargetSpec(kind="counts", names=("cells",))
        assert names() == [*TASKS, "count"]
        assert for_target(counts) == "count"
        assert build("count", nn.Linear(1, 1), counts).most == 9  # type: ignore[attr-defined]
        with pytest.raises(
            ConfigError, match="task count is trained on targets of kind counts, and these are of kind class"
        ):
            build("count", nn.Linear(1, 2), CLASSES)
    finally:
        _entry_points.cache_clear()


def test_a_target_that_suggests_nothing_is_told() -> None:
    with pytest.raises(ConfigError, match="no task is suggested by targets of kind 'counts'; name one with --task"):
        for_target(TargetSpec(kind="counts", names=()))


def test_a_task_that_is_named_says_what_numbers_are_read_as() -> None:
    assert [target_kind(name) for name in ("classification", "regression", "segmentation", "simclr", None)] == [
        "class",
        "value",
        None,
        None,
        None,
    ]
    with pytest.raises(ConfigError, match="did you mean"):
        target_kind("regresion")


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
    assert (abilities_of(task).tune_threshold is not None) == (kind is Classification)
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
            r"task regression needs numbers, and the targets are classes \(a, b, c\); use --task class",
        ),
        ("regression", LABELS, r"task regression needs numbers, and the targets are labels \(a, b\)"),
        (
            "classification",
            MASKS,
            "task classification gives one output per row, and the targets are masks; leave --task class",
        ),
        (
            "sac",
            TargetSpec(kind="action", names=("0", "1")),
            "task sac is not for this: an environment's actions are one of several; leave --task sac out",
        ),
        ("segmentation", CLASSES, "task segmentation needs a mask for each image; leave --task segmentation out"),
        (
            "classification",
            VALUES,
            r"task classification needs classes, and the targets \(x\) are real numbers; use --task reg",
        ),
    ],
)
def test_a_target_that_does_not_suit_is_refused(name: str, target: TargetSpec, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(name, nn.Linear(2, 1), target)
