"""Generative adversarial networks on MNIST: Sonde's, with and without classes, beside PyTorch's own DCGAN example.

python -m benchmarks.gan [--data mnist] [--minutes 30] [--samples 4000] [--judge 3] [--print-only]

All train one after the other for `--minutes` on all cores, from the start of the process for Sonde (validation and report
included) and from the first step for the example; networks are of one size. What they make is judged by a classifier that Sonde
trains on the same training rows for `--judge` minutes: the share of conditional samples that it takes for the class that was
asked for, and in its features the Fréchet distance and the kernel distance to the test rows, precision and recall
(`sonde.metrics.two_samples`). What two halves of the test rows
have stands beside all. `--data digits --minutes 1 --judge 0.3` tries it.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import sonde
from benchmarks.timing import ROOT, data_folder, last_json, run, write
from sonde.core.config import DataConfig
from sonde.data.feed.normalise import Normalise
from sonde.metrics.frechet import frechet_distance
from sonde.metrics.two_samples import compare
from sonde.modalities.open import open_data
from sonde.nn.features import features, remove_head

CONDITIONAL, UNCONDITIONAL, PEER = "sonde", "sonde, without classes", "DCGAN example"


class Judge:
    """A classifier's answers and the features before its last layer, of pixels as they are stored."""

    def __init__(self, folder: Path) -> None:
        trained = sonde.load(folder)
        self.accuracy = trained.metrics["accuracy"]
        self.names = list(trained.schema.target.names)
        self._model = trained.task.modules["model"].eval()
        self._prepare = Normalise(trained.schema.input, torch.device("cpu"))
        self._head = [module for module in self._model.modules() if isinstance(module, torch.nn.Linear)][-1]
        remove_head(self._model)

    @torch.no_grad()
    def __call__(self, images: np.ndarray) -> tuple[Tensor, Tensor]:
        """(N, H, W) uint8 -> (features (N, d), the number of the likeliest class (N,))."""
        found = []
        for first in range(0, len(images), 256):
            found.append(
                features(self._model, self._prepare.image(torch.from_numpy(images[first : first + 256])[:, None]))
            )
        seen = torch.cat(found)
        return seen, self._head(seen).argmax(1)


def trained(data: str, out: Path, minutes: float, *flags: str) -> dict[str, Any]:
    """result.json of `sonde train` with a time limit."""
    limit = f"{max(1, round(60 * minutes))}s"
    run([sys.executable, "-m", "sonde", "train", data, "--time-limit", limit, "--out", out, *flags])
    return json.loads((out / "result.json").read_text())


def of_sonde(data: str, out: Path, minutes: float, samples: int, *flags: str) -> tuple[np.ndarray, dict[str, Any]]:
    """(samples, what it took)."""
    result = trained(data, out, minutes, "--task", "gan", *flags)
    told = {name: result[name] for name in ("parameters", "steps")}
    told |= {"rows/s": round(result["samples_per_s"], 1), "seconds": round(result["seconds"]["total"], 1)}
    return sonde.load(out).sample(samples), told


def of_peer(images: np.ndarray, folder: Path, minutes: float, samples: int) -> tuple[np.ndarray, dict[str, Any]]:
    """The same of the example, in a process of its own with this environment's torch."""
    np.savez(folder / "data.npz", images=images)
    script = ROOT / "benchmarks" / "peers" / "dcgan_mnist.py"
    asked = [str(60 * minutes), str(samples)]
    _, output = run([sys.executable, script, folder / "data.npz", *asked, folder / "made.npz"])
    return np.load(folder / "made.npz")["images"], last_json(output)


def judged(judge: Judge, real: Tensor, images: np.ndarray, asked: Tensor | None) -> dict[str, Any]:
    """What is measured of samples. asked: their classes, where they were made of one"""
    made, answers = judge(images)
    half = len(real) // 2
    found = asdict(compare(real[:half], made))
    if half > real.shape[1]:  # at equal numbers of rows, by which Fréchet distances are biased
        found["Fréchet"] = frechet_distance(real[:half], made[:half])
        found["Fréchet between halves"] = frechet_distance(real[:half], real[half : 2 * half])
    if asked is not None:
        found["agreement"] = round(float((answers == asked).double().mean()), 4)
    counts = torch.bincount(answers, minlength=len(judge.names)).double() / len(answers)
    found["rarest class"] = round(float(counts.min()), 4)
    return {name: round(value, 5) if isinstance(value, float) else value for name, value in found.items()}


def rows_of(data: str) -> tuple[np.ndarray, np.ndarray]:
    """(training images, test images), (N, H, W) uint8."""
    splits = open_data(data, DataConfig(validation=0)).splits
    images = [splits[name].read(np.arange(len(splits[name])))["input"] for name in ("train", "test")]
    train, test = (np.ascontiguousarray(np.asarray(each)[:, 0]) for each in images)
    return train, test


def measured(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Everything that the result holds."""
    data = "digits" if chosen.data == "digits" else str(data_folder() / chosen.data)
    train, test = rows_of(data)
    result = trained(data, folder / "judge", chosen.judge)
    judge = Judge(folder / "judge")
    test = test[: 2 * chosen.samples]
    real, _ = judge(test)
    table: dict[str, Any] = {}
    ways = {CONDITIONAL: (), UNCONDITIONAL: ("--no-by-class",)}
    for name, flags in ways.items():
        images, told = of_sonde(data, folder / name, chosen.minutes, chosen.samples, *flags)
        asked = torch.arange(len(images)) % len(judge.names) if not flags else None
        table[name] = told | judged(judge, real, images, asked)
        print(name, json.dumps(table[name]), flush=True)
    images, told = of_peer(train, folder, chosen.minutes, chosen.samples)
    table[PEER] = told | judged(judge, real, images, None)
    print(PEER, json.dumps(table[PEER]), flush=True)
    return {
        "data": chosen.data,
        "minutes": chosen.minutes,
        "judge": {"model": result["model"], "accuracy": round(judge.accuracy, 4), "minutes": chosen.judge},
        "table": table,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--samples", type=int, default=4_000)
    parser.add_argument("--judge", type=float, default=3)
    parser.add_argument("--print-only", action="store_true", help="leave benchmarks/results as it is")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        found = measured(chosen, Path(temporary))
    print(json.dumps(found, indent=2))
    if not chosen.print_only:
        write("gan", found)


if __name__ == "__main__":
    main()
