"""Every family on real images: its smallest network learns from them; the larger ones have their shapes and can take a step."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
import torch.nn.functional as F

import sonde
from sonde.core.dataset import InputSpec
from sonde.models.build import build, default_input
from sonde.models.table import MODELS, costs
from sonde.nn.stochastic_depth import StochasticDepth
from sonde.report.folder import read_folder

pytestmark = pytest.mark.slow

ROWS, BATCH, EPOCHS = 200, 20, 3
# what some need besides: small networks that start slowly; without norms, the papers' rates and dropout leave chance only
# after hundreds of updates
WITHOUT_NORM: dict[str, Any] = {"optimizer": "adam", "lr": 1e-4, "dropout": 0.0, "epochs": 6}
GIVEN: dict[str, dict[str, Any]] = {
    "lenet5": {"epochs": 10},
    "mobilenet-v3-small": {"epochs": 6},
    "alexnet": WITHOUT_NORM,
    "vgg11": WITHOUT_NORM,
}
OF_IMAGES = [name for name, entry in MODELS.items() if entry.answers == "row" and entry.reads[0] == "image"]
SMALLEST = list({MODELS[name].family: name for name in reversed(OF_IMAGES)}.values())[::-1]
MOST_PARAMETERS = 150e6  # of a network that is run; the larger ones, with their gradients, take gigabytes
PIXELS = 96  # above 64, so that networks have the stems and patches their names promise


def cifar10(real: Path, folder: Path) -> None:
    """The first rows of CIFAR-10, in its own form."""
    (folder / "data").mkdir(parents=True)
    first = min((real / "cifar10" / "data").glob("train-*.parquet"))
    pq.write_table(pq.read_table(first).slice(0, ROWS), folder / "data" / "train-00000-of-00001.parquet")


def mnist(real: Path, folder: Path) -> None:
    """The first rows of MNIST, in its own form."""
    folder.mkdir()
    heads = {
        "train-images-idx3-ubyte.gz": struct.pack(">IIII", 2051, ROWS, 28, 28),
        "train-labels-idx1-ubyte.gz": struct.pack(">II", 2049, ROWS),
    }
    for name, head in heads.items():
        with gzip.open(real / "mnist" / name) as file:
            file.read(len(head))
            body = file.read(ROWS * (28 * 28 if "images" in name else 1))
        with gzip.open(folder / name, "wb") as file:
            file.write(head + body)


WRITERS: dict[str, Callable[[Path, Path], None]] = {"cifar10": cifar10, "mnist": mnist}


@pytest.fixture(scope="module")
def subsets(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("subsets")
    for name, write in WRITERS.items():
        write(shared_data, root / name)
    return {name: root / name for name in WRITERS}


@pytest.mark.parametrize("data", WRITERS)
@pytest.mark.parametrize("name", SMALLEST)
def test_the_smallest_network_learns(name: str, data: str, subsets: dict[str, Path], tmp_path: Path) -> None:
    settings = {"epochs": EPOCHS, **GIVEN.get(name, {})}
    run = sonde.train(
        subsets[data],
        model=name,
        image_size=32,
        batch_size=BATCH,
        log_every=1,
        validation=0,
        test=0,
        threads=1,
        quiet=True,
        out=tmp_path / "run",
        **settings,
    )
    losses = [line["loss"] for line in read_folder(run.folder).steps]
    assert len(losses) == settings["epochs"] * ROWS // BATCH
    in_one = ROWS // BATCH
    assert sum(losses[-in_one:]) < 0.95 * sum(losses[:in_one])


@pytest.mark.parametrize("name", OF_IMAGES)
def test_shapes_and_parameters(name: str) -> None:
    spec = default_input(name)
    with torch.device("meta"):
        model = build(name, spec, 10).eval()
        logits = model(torch.empty(2, *spec.shape))
    assert logits.shape == (2, 10)
    assert sum(parameter.numel() for parameter in model.parameters()) == costs()[name].parameters


@pytest.mark.parametrize(
    "name", [n for n in OF_IMAGES if n not in SMALLEST and costs()[n].parameters < MOST_PARAMETERS]
)
def test_larger_networks_take_a_step(name: str) -> None:
    pixels = 84 if name.endswith("-14") else PIXELS  # whole patches
    torch.manual_seed(0)
    model = build(name, InputSpec(kind="image", shape=(3, pixels, pixels)), 10)
    images, classes = torch.randn(2, 3, pixels, pixels), torch.tensor([3, 7])
    for module in model.modules():
        if isinstance(module, StochasticDepth):
            module.probability = 0.0  # a block that both rows skip has no gradient
    loop = sonde.steps(
        model, (images, classes), loss=F.cross_entropy, lr=1e-3, total=1, optimizer="sgd", batch_size=2, threads=1
    )
    (record,) = loop
    assert 0 < record.number("model/loss") < 50  # chance is log 10 = 2.3
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert [n for n, gradient in gradients.items() if gradient is None or not gradient.isfinite().all()] == []
    assert [n for n, gradient in gradients.items() if gradient is not None and not gradient.any()] == []
