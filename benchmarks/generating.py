"""Class-conditional digits in a given time each: flow matching and diffusion of Sonde, torchcfm's and diffusers' own examples.

python -m benchmarks.generating [--minutes 30] [--number 2000]: one process after another, all on the same images of MNIST.
Sonde's samples are drawn as the others' are (guidance 1), and again from the same weights with guidance. A classifier that
Sonde trained on the same rows judges them all: the share of samples that it takes for the class that was asked for, and the
Fréchet and kernel distance, precision and recall beside the 10,000 test rows in what its last layer sees. The distance between
the two halves of the test rows stands beside them as the floor. Speed is that of 64 samples at a time. diffusers' example
learns at a rate of 1e-4: where it has had a few hundred updates, its DDIM samples in 20 steps are still noise, while its DDPM
samples in 250 begin to be digits.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import sonde
from benchmarks.environments import python
from benchmarks.timing import data_folder, last_json, run, write
from sonde.core.catalogue import load
from sonde.engine.plan import cores
from sonde.metrics.coverage import coverage
from sonde.metrics.frechet import frechet_distance
from sonde.metrics.kernel_distance import kernel_distance
from sonde.modalities.catalogue import modality
from sonde.run.judge import Seen, seen_by, weights_hash

PEER_SCRIPTS = Path(__file__).parent / "peers"
OURS = ("flow-matching", "diffusion")
GUIDED = 1.5  # a weak guidance, by which classes are clearer at little cost in variety
PEERS = {"torchcfm": "torchcfm_mnist.py", "diffusers": "diffusers_mnist.py"}


def ours(
    task: str, mnist: Path, out: Path, minutes: float, number: int
) -> tuple[dict[str, Any], dict[str, np.ndarray], np.ndarray]:
    """(what it took, images (N, 28, 28) uint8 by what they are called, their classes)."""
    words = [sys.executable, "-m", "sonde", "train", mnist, "--task", task, "--time-limit", f"{round(minutes * 60)}s"]
    seconds, _ = run([*words, "--out", out])
    trained = sonde.load(out)
    labels = np.arange(number) % 10
    classes = [str(each) for each in range(10)]
    begun = time.perf_counter()
    images = trained.sample(number, classes=classes)
    sampled = time.perf_counter() - begun
    guided = trained.sample(number, classes=classes, guidance=GUIDED)
    told = {
        "parameters": sum(p.numel() for p in trained.task.modules.parameters()),
        "steps": trained.result["steps"],
        "rows/s": trained.result["samples_per_s"],
        "seconds": round(seconds, 1),
        "samples/s": round(number / sampled, 2),
        "validation loss": trained.result["best"]["value"],
    }
    return told, {task: images, f"{task}, guidance {GUIDED:g}": guided}, labels


def peer(
    name: str, mnist: Path, out: Path, minutes: float, number: int
) -> tuple[dict[str, Any], dict[str, np.ndarray], np.ndarray]:
    """The same of another's example."""
    _, output = run([python(name), PEER_SCRIPTS / PEERS[name], mnist, str(minutes * 60), str(number), out])
    with np.load(out) as made:
        return last_json(output), {name: made["images"]}, made["labels"]


def distances(made: Seen, labels: np.ndarray, real: Seen) -> dict[str, float]:
    """What the judge says of samples."""
    near = coverage(made.features, real.features)
    return {
        "agreement": round(float((made.classes == torch.from_numpy(labels)).double().mean()), 4),
        "frechet": round(frechet_distance(made.features, real.features), 3),
        "kernel": round(kernel_distance(made.features, real.features).value, 5),
        "precision": round(near.precision, 3),
        "recall": round(near.recall, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--number", type=int, default=2000)
    parser.add_argument("--only", nargs="*", default=[*OURS, *PEERS], choices=[*OURS, *PEERS])
    chosen = parser.parse_args()
    mnist = data_folder() / "mnist"
    for name in PEERS.keys() & set(chosen.only):
        python(name)  # made now, if it must be, and not while anything is timed
    table: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        judge = sonde.train(mnist, epochs=4, out=place / "judge", quiet=True)
        made = load(modality("image").made)
        images, digits = test_rows(mnist)
        whole = seen_by(judge, images[..., None], made)
        halves = [
            Seen(
                features=whole.features[part::2],
                classes=whole.classes[part::2],
                certain=whole.certain[part::2],
                layer=whole.layer,
            )
            for part in (0, 1)
        ]
        table["halves of the test rows"] = distances(halves[0], digits[0::2], halves[1])
        for name in chosen.only:
            take = ours if name in OURS else peer
            out = place / (name if name in OURS else f"{name}.npz")
            table[name], samples, labels = take(name, mnist, out, chosen.minutes, chosen.number)
            for what, drawn in samples.items():
                told = table.setdefault(what, {})
                told |= distances(seen_by(judge, drawn[..., None], made), labels, whole)
                print(what, told, flush=True)
        about = {"accuracy": judge.metrics["accuracy"], "weights": weights_hash(judge), "layer": whole.layer}
    print(json.dumps(table, indent=2))
    entry = {
        "minutes": chosen.minutes,
        "samples": chosen.number,
        "cores of each": cores(),
        "judge": about,
        "table": table,
    }
    write("generating", entry)


def test_rows(mnist: Path) -> tuple[np.ndarray, np.ndarray]:
    """The test images and their digits."""
    import gzip

    with gzip.open(mnist / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(mnist / "t10k-labels-idx1-ubyte.gz") as file:
        return images, np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int64)


if __name__ == "__main__":
    main()
