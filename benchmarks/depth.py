"""What depth costs where nothing helps it: plain networks of 20 and 56 layers beside their residual twins.

python -m benchmarks.depth [--seeds 3 --epochs 20 --rows 10000]: figure 6 of He et al. 2015, arXiv:1512.03385, in small. Half
the paper's width, a fifth of CIFAR-10's training rows at half their size (means of 2x2 pixels), its batches of 128, momentum
and weight decay, and a rate of 0.1 that is divided by ten half-way; no augmentation. All four networks take the same steps, from
the same seeds. For all of them the rate rises over the first tenth: without, resnet56 stayed at chance for the 96 steps it was
tried, as the paper tells of 110 layers. Training error is what was got wrong during each epoch; test error is judged after it,
on 2,000 rows. Each run is a process with one thread; as many as there are cores run at a time. Draws docs/pictures/depth.svg.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import sonde
from benchmarks.cifar10 import decoded
from benchmarks.timing import ROOT, data_folder, spread, write
from sonde.core.dataset import InputSpec
from sonde.models.build import build
from sonde.models.cifar_resnet import CifarResNetConfig
from sonde.report.figures import Axis, Series, curves

NETWORKS = ("plain20", "plain56", "resnet20", "resnet56")
PICTURE = ROOT / "docs" / "pictures" / "depth.svg"
WIDTH, BATCH, TEST_ROWS = 8, 128, 2000
PANEL, TITLE = (460, 268), 30  # a figure's own size; room for what stands above it

# a report's colours, for a picture that stands alone
STYLE = """
svg { --ink: #1c2024; --dim: #656d76; --rule: #e3e6ea; font: 11.5px system-ui, sans-serif; }
svg { --p1: #2563c9; --p2: #d9650b; --p3: #19866b; --p4: #8a4fbe; }
text { fill: var(--ink); } .tk, .ax { fill: var(--dim); } .title { font-size: 14.5px; font-weight: 600; }
path, .h { fill: none; } .axis, .tick { stroke: var(--dim); } .gl { stroke: var(--rule); }
.c1, .c2, .c3, .c4 { stroke-width: 1.8; stroke-linejoin: round; }
.c1 { stroke: var(--p1); } .c2 { stroke: var(--p2); } .c3 { stroke: var(--p3); } .c4 { stroke: var(--p4); }
.f1 { fill: var(--p1); } .f2 { fill: var(--p2); } .f3 { fill: var(--p3); } .f4 { fill: var(--p4); }
"""


class Job(NamedTuple):
    """One training. arrays: a file with x, y, x_test, y_test"""

    network: str
    seed: int
    epochs: int
    arrays: Path


class Curves(NamedTuple):
    """Shares got wrong, one an epoch."""

    train: list[float]
    test: list[float]
    seconds: float


def halved(images: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """(N, 32, 32, 3) uint8 -> (N, 3, 16, 16) float32, normalised by channel. mean, std: (3,), of values in 0..255"""
    small = images.reshape(len(images), 16, 2, 16, 2, 3).mean((2, 4), dtype=np.float32)
    return ((small - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)


def write_arrays(cifar10: Path, rows: int, path: Path) -> None:
    (x, y), (x_test, y_test) = decoded(cifar10, "train"), decoded(cifar10, "test")
    x, y, x_test, y_test = x[:rows], y[:rows], x_test[:TEST_ROWS], y_test[:TEST_ROWS]  # both files are in random order
    mean, std = x.mean((0, 1, 2), dtype=np.float64), x.std((0, 1, 2), dtype=np.float64)
    np.savez(path, x=halved(x, mean, std), y=y, x_test=halved(x_test, mean, std), y_test=y_test)


def error(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of rows got wrong, in evaluation mode; the model is in training mode again afterwards."""
    model.eval()
    with torch.inference_mode():
        wrong = sum((model(a).argmax(1) != b).sum().item() for a, b in zip(x.split(500), y.split(500), strict=True))
    model.train()
    return wrong / len(x)


def trained(job: Job) -> Curves:
    begun = time.perf_counter()
    torch.set_num_threads(1)
    with np.load(job.arrays) as held:
        x, y, x_test, y_test = (torch.from_numpy(held[name]) for name in ("x", "y", "x_test", "y_test"))
    torch.manual_seed(job.seed)
    spec = InputSpec(kind="image", shape=tuple(x.shape[1:]))
    model = build(job.network, spec, 10, CifarResNetConfig(width=WIDTH))
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.2 times as fast here
    wrong: list[float] = []
    found = Curves([], [], 0.0)

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        wrong.append((logits.detach().argmax(1) != target).sum().item())
        return F.cross_entropy(logits, target)

    batches = -(-len(x) // BATCH)
    steps = sonde.steps(
        model,
        (x, y),
        loss=loss,
        total=batches * job.epochs,
        batch_size=BATCH,
        seed=job.seed,
        optimizer="momentum",
        lr=0.1,
        weight_decay=1e-4,
        schedule="step",
        step_size=0.5,
        warmup=0.1,
        threads=1,
    )
    for record in steps:
        if record.step % batches == 0:
            found.train.append(sum(wrong) / len(x))
            found.test.append(error(model, x_test, y_test))
            wrong.clear()
    return found._replace(seconds=time.perf_counter() - begun)


def all_trained(jobs: list[Job]) -> list[Curves]:
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        done = []
        for job, found in zip(jobs, pool.map(trained, jobs), strict=True):
            print(
                f"{job.network}, seed {job.seed}: training error {found.train[-1]:.3f}, test error {found.test[-1]:.3f}, "
                f"{found.seconds:.0f} s",
                flush=True,
            )
            done.append(found)
    return done


def mean_curve(runs: list[list[float]]) -> list[float]:
    return [statistics.mean(values) for values in zip(*runs, strict=True)]


def panel(found: dict[str, list[Curves]], kind: str, number: int) -> str:
    """One of the two figures, in its place. kind: "train" or "test" """
    series = []
    for colour, (name, runs) in enumerate(found.items(), 1):
        means = mean_curve([getattr(run, kind) for run in runs])
        points = [(float(epoch), 100 * value) for epoch, value in enumerate(means, 1)]
        series.append(Series(name=name, points=points, colour=colour))
    title = {"train": "Training error", "test": "Test error"}[kind]
    drawn = curves(series, Axis(label="epoch", zero=True), Axis(label="error, %", high=100.0), name=title)
    x, (width, height) = number * PANEL[0], PANEL
    place = f'<svg x="{x}" y="{TITLE}" width="{width}" height="{height}">{drawn}</svg>'
    return f'<text class="title" x="{x + 64}" y="20">{title}</text>{place}'


def draw(found: dict[str, list[Curves]]) -> None:
    width, height = 2 * PANEL[0], PANEL[1] + TITLE
    panels = panel(found, "train", 0) + panel(found, "test", 1)
    paper = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    PICTURE.write_text(f"{head}<style>{STYLE}</style>{paper}{panels}</svg>\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rows", type=int, default=10_000)
    chosen = parser.parse_args()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "cifar10.npz"
        write_arrays(data_folder() / "cifar10", chosen.rows, arrays)
        jobs = [Job(name, seed, chosen.epochs, arrays) for seed, name in product(range(chosen.seeds), NETWORKS)]
        runs = all_trained(jobs)
    found = {name: [run for job, run in zip(jobs, runs, strict=True) if job.network == name] for name in NETWORKS}
    draw(found)
    table = {
        name: {
            "training error": spread([run.train[-1] for run in each]),
            "test error": spread([run.test[-1] for run in each]),
            "training error, mean by epoch": [round(value, 4) for value in mean_curve([run.train for run in each])],
            "test error, mean by epoch": [round(value, 4) for value in mean_curve([run.test for run in each])],
        }
        for name, each in found.items()
    }
    settings = {"seeds": chosen.seeds, "epochs": chosen.epochs, "rows": chosen.rows, "pixels": 16, "width": WIDTH}
    write("depth", {**settings, "table": table, "seconds": round(time.perf_counter() - begun)})


if __name__ == "__main__":
    main()
