import numpy as np
import pytest

from sonde.augment.policy import parse
from sonde.augment.views import Views
from sonde.core.dataset import Dataset, InputSpec, Schema, TargetSpec
from sonde.core.errors import ConfigError
from sonde.modalities.table.rows import TableRows
from sonde.run.build import changes
from sonde.run.choose import choose, choose_model
from sonde.tasks.table import specs

OF_IMAGES = [
    spec.name for spec in specs() if not spec.labels and list(spec.inputs) == ["image"] and not spec.takes_input
]


def dataset(*shape: int, target: str = "class") -> Dataset:
    kind = "image" if len(shape) == 3 else "array"
    names = ("background", "cell") if target == "mask" else ("a", "b", "c")
    schema = Schema(input=InputSpec(kind=kind, shape=shape), target=TargetSpec(kind=target, names=names))  # type: ignore[arg-type]
    rows = TableRows({}, "t", np.arange(1000))
    return Dataset(name="t", source="t", form="arrays", schema=schema, splits={"train": rows}, facts=[])


@pytest.mark.parametrize("task", OF_IMAGES)
@pytest.mark.parametrize("channels", [1, 3])
def test_settings_suit_the_images(task: str, channels: int) -> None:
    data = dataset(channels, 32, 32)
    found = choose(data, task=task, model=choose_model(data, None, task)[0]).settings
    policy = parse(found["augment"][0])
    assert bool(policy.flip) == (channels == 3)  # symbols are others when mirrored
    assert bool(policy.grey) == (channels == 3 and task == "simclr")
    assert isinstance(changes(data.schema, found["augment"][0], task=task), Views) == (task == "simclr")
    assert all(why for _, why in found.values())


def test_each_task_has_its_model() -> None:
    data = dataset(3, 32, 32)
    assert choose_model(data, None, "simclr")[0] == "compact-cnn"
    assert choose_model(data, None, "masked-autoencoder")[0] == "vit-tiny-16"
    assert choose_model(data, "resnet20", "masked-autoencoder") == ("resnet20", "typed")


@pytest.mark.parametrize("task", OF_IMAGES)
def test_other_data_and_models_are_refused(task: str) -> None:
    with pytest.raises(
        ConfigError, match=f"task {task} learns from images, and this data is of kind 'array'; leave --t"
    ):
        choose(dataset(20), task=task, model="mlp")
    with pytest.raises(
        ConfigError, match=f"--model unet-small gives .*, and task {task} needs one output vector per input"
    ):
        choose(dataset(3, 32, 32), task=task, model="unet-small")


def test_views_need_changes() -> None:
    schema = dataset(3, 32, 32).schema
    for text in ("none", "auto"):
        with pytest.raises(ConfigError, match="compares two views of each image, and --augment leaves them the same"):
            changes(schema, text, task="simclr")
    assert changes(schema, "none", task="masked-autoencoder") is None
