"""CIFAR-10 with a hundredth and a tenth of its labels: what learning without labels before is worth.

python -m benchmarks.few_labels [--minutes 45] [--tuning 3] [--draws 3] [--model compact-cnn] [--task simclr]

One network learns for `--minutes` from all training images without their labels. From it a linear probe and a fine-tuning
start, each `--tuning` minutes long; beside them the same network from scratch, as long as these, and once as long as all of it
together. All see the same changes of images. A draw is another order of the training rows, of which `--label-fraction` keeps
others each time. It takes minutes + tuning x draws x 6 + 2 x (minutes + tuning): three and a quarter hours by default.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import data_folder, run, spread, write
from sonde.core.config import DataConfig
from sonde.modalities.open import open_data

FRACTIONS = (0.01, 0.1)
AUGMENT = "resized-crop=0.2,flip,colour=0.5,grey=0.2"


def train(data: Path, out: Path, minutes: float, *flags: str | Path) -> dict[str, Any]:
    """result.json of `sonde train` with a time limit."""
    limit = ["--time-limit", f"{round(minutes * 60)}s", "--augment", AUGMENT, "--out", out]
    seconds, _ = run([sys.executable, "-m", "sonde", "train", data, *limit, *flags])
    result = json.loads((out / "result.json").read_text())
    print(f"{out.name}: {seconds:.0f} s, {result['epochs']} epochs, test {result['metrics']['test']}", flush=True)
    return result


def drawn(folder: Path, count: int) -> list[Path]:
    """CIFAR-10 as so many NPZ files, the training rows of each in an order of its own."""
    splits = open_data(data_folder() / "cifar10", DataConfig(validation=0)).splits
    arrays: dict[str, Any] = {}
    for split in ("train", "test"):
        fields = splits[split].read(np.arange(len(splits[split])))
        arrays |= {f"x_{split}": fields["input"].transpose(0, 2, 3, 1), f"y_{split}": fields["target"]}
    paths = [folder / f"cifar10-{number}.npz" for number in range(count)]
    for number, path in enumerate(paths):
        order = np.random.default_rng(number).permutation(len(arrays["y_train"]))
        np.savez(path, **{**arrays, **{name: arrays[name][order] for name in ("x_train", "y_train")}})
    return paths


def compare(
    data: Path, folder: Path, before: Path, number: int, chosen: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """Fraction -> way -> test accuracy, for one draw."""
    found: dict[str, dict[str, float]] = {}
    for fraction in FRACTIONS:
        # about once every 200 updates: judging 5,000 rows takes longer than learning from a few hundred
        flags = ["--model", chosen.model, "--label-fraction", str(fraction), "--evaluate-every", str(0.5 / fraction)]
        started = [*flags, "--pretrained", before]
        ways: dict[str, tuple[float, list[str | Path]]] = {
            "linear probe": (chosen.tuning, [*started, "--freeze", "backbone"]),
            "fine-tuned": (chosen.tuning, [*started]),
            "from scratch": (chosen.tuning, [*flags]),
        }
        if number == 0:
            ways["from scratch, same total time"] = (chosen.minutes + chosen.tuning, [*flags])
        found[f"{fraction:g}"] = {
            way: train(data, folder / f"{way}, {fraction:g}, draw {number}", minutes, *more)["metrics"]["test"][
                "accuracy"
            ]
            for way, (minutes, more) in ways.items()
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--tuning", type=float, default=3)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--model", default="compact-cnn")
    parser.add_argument("--task", default="simclr")
    parser.add_argument("--print-only", action="store_true", help="leave benchmarks/results as it is")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        before = folder / "without labels"
        files = drawn(folder, chosen.draws)
        flags = ("--task", chosen.task, "--model", chosen.model, "--evaluate-every", "4")
        learnt = train(files[0], before, chosen.minutes, *flags)
        draws = [compare(path, folder, before, number, chosen) for number, path in enumerate(files)]
    table = {
        fraction: {way: spread([one[fraction][way] for one in draws if way in one[fraction]]) for way in ways}
        for fraction, ways in draws[0].items()
    }
    print(json.dumps(table, indent=2))
    if not chosen.print_only:
        settings = {name: getattr(chosen, name) for name in ("task", "model", "minutes", "tuning", "draws")}
        before_them = {"epochs": learnt["epochs"], **learnt["metrics"]["test"]}
        write("few_labels", {**settings, "augment": AUGMENT, "without labels": before_them, "table": table})


if __name__ == "__main__":
    main()
