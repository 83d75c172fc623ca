"""What latent diffusion saves, and what guidance by a weaker self brings: flow matching in pixels and in codes, in equal time.

python -m benchmarks.latent [--data mnist] [--minutes 10] [--number 2000] [--parts latent weaker] [--rows 0] [--steps 0]

latent  flow matching in pixels for --minutes; an autoencoder (vae, 4 channels, 4 times smaller a side) for a quarter of these
        and flow matching in its codes for the rest, and a vq-vae and flow matching in its codes alike. Images a second in
        training and in sampling (20 steps, 64 at a time), and what a classifier that Sonde trained on the same rows says of them
weaker  samples of the run in pixels, plain, with classifier-free guidance, and guided by a run of a tenth of its time

Training takes about three and a half times --minutes, and the judge's; drawing --number samples eight times over for `weaker`
takes as long again on one core. What a part found is written when it is done. Every number of quality stands beside that of
two halves of the real rows. --rows reads that many training rows only, and --steps trains so many steps in place of
--minutes, to try the script.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import sonde
from benchmarks.timing import RESULTS, data_folder, run, write

PARTS = ("latent", "weaker")
SHARE = 0.25  # of the minutes, for the autoencoder
WEAKER = 0.1
SPEED = 256  # samples by which sampling is timed
VAE = "--task vae --latent-channels 4 --widths 32 64"
VQ_VAE = "--task vq-vae --widths 32 64 --codes 512 --code-width 4"
FLOW = "--task flow-matching"
WEIGHTS = (1.5, 2.0, 3.0)


class Bench:
    """One folder with the runs of a measurement."""

    def __init__(self, data: Path, folder: Path, asked: argparse.Namespace) -> None:
        self.data, self.folder, self.asked = data, folder, asked

    def train(self, name: str, minutes: float, flags: str) -> Path:
        """A run by that name."""
        asked, out = self.asked, self.folder / name
        share = minutes / asked.minutes
        length = ["--time-limit", f"{max(5, round(60 * minutes))}s"]
        if asked.steps:
            length = ["--steps", str(max(1, round(share * asked.steps)))]
        run([*SONDE, "train", self.data, "--out", out, "--quiet", *length, *flags.split()])
        return out

    def judged(self, out: Path, judge: Path, *how: str) -> dict[str, Any]:
        """What the judge says of samples, each with what it says of real rows."""
        run([*SONDE, "eval", out, self.data, "--judge", judge, "-n", str(self.asked.number), *how])
        found = json.loads((out / "evaluation" / "sample_quality.json").read_text())
        return {
            each["name"]: {key: round(each[key], 5) for key in ("value", "real") if each[key] is not None}
            for each in found["measures"]
        }


SONDE = (sys.executable, "-m", "sonde")


def speed(out: Path) -> dict[str, Any]:
    """How fast a run trained and samples, how large its network is."""
    trained = sonde.load(out)
    trained.sample(8)
    begun = time.perf_counter()
    trained.sample(SPEED)
    taken = time.perf_counter() - begun
    return {
        "parameters": sum(each.numel() for each in trained.task.modules.parameters()),
        "steps": trained.result["steps"],
        "rows/s": trained.result["samples_per_s"],
        "samples/s": round(SPEED / taken, 2),
    }


def latent(bench: Bench, judge: Path) -> dict[str, Any]:
    """Pixels and codes in equal time, that of the autoencoder counted."""
    minutes = bench.asked.minutes
    pixels = bench.train("pixels", minutes, FLOW)
    table = {"pixels": {**speed(pixels), **bench.judged(pixels, judge)}}
    for name, flags in (("vae", VAE), ("vq-vae", VQ_VAE)):
        codes = bench.train(name, SHARE * minutes, flags)
        out = bench.train(f"codes of {name}", (1 - SHARE) * minutes, f"{FLOW} --latent {codes}")
        given_back = {key: round(sonde.load(codes).metrics[key], 4) for key in ("psnr", "ssim")}
        shape = json.loads((out / "data.json").read_text())["autoencoder"]["shape"]
        table[f"codes of {name}"] = {"shape": shape, "given back": given_back, **speed(out), **bench.judged(out, judge)}
        print(name, table[f"codes of {name}"], flush=True)
    print("pixels", table["pixels"], flush=True)
    return table


def weaker(bench: Bench, judge: Path) -> dict[str, Any]:
    """The run in pixels with and without guidance of either kind."""
    minutes, pixels = bench.asked.minutes, bench.folder / "pixels"
    if not pixels.exists():
        bench.train("pixels", minutes, FLOW)
    weak = bench.train("weak", WEAKER * minutes, FLOW)
    table = {"plain": bench.judged(pixels, judge), "the weaker run": bench.judged(weak, judge)}
    for weight in WEIGHTS:
        table[f"classes, {weight:g}"] = bench.judged(pixels, judge, "--guidance", str(weight))
        table[f"weaker, {weight:g}"] = bench.judged(pixels, judge, "--guidance", str(weight), "--weaker", str(weak))
        print(weight, table[f"weaker, {weight:g}"], flush=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--number", type=int, default=2000)
    parser.add_argument("--parts", nargs="*", default=[*PARTS], choices=PARTS)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--steps", type=int, default=0)
    asked = parser.parse_args()
    place = data_folder() / asked.data
    data = place if place.is_dir() else Path(asked.data)
    kept = RESULTS / "latent.json"
    table = json.loads(kept.read_text()).get("table", {}) if kept.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        if asked.rows:
            data = few(asked.data, Path(folder) / "few.npz", asked.rows)
        bench = Bench(data, Path(folder), asked)
        judge = bench.train("judge", asked.minutes / 2, "--task classification")
        accuracy = sonde.load(judge).metrics["accuracy"]
        entry = {"data": asked.data, "minutes": asked.minutes, "samples": asked.number, "judge's accuracy": accuracy}
        for part in asked.parts:
            table[part] = {"latent": latent, "weaker": weaker}[part](bench, judge)
            if not asked.rows and not asked.steps:  # what only tries the script is no result
                write("latent", {**entry, "table": table})
    print(json.dumps(table, indent=2))


def few(data: str, file: Path, rows: int) -> Path:
    """The first training rows, and as many test rows, of data that Sonde knows."""
    import numpy as np

    from sonde.core.config import DataConfig
    from sonde.modalities.open import open_data

    opened = open_data(data, DataConfig())
    parts = {}
    for split in ("train", "test"):
        read = opened.splits[split].read(np.arange(min(rows, len(opened.splits[split]))))
        parts |= {f"x_{split}": read["input"].transpose(0, 2, 3, 1), f"y_{split}": read["target"]}
    np.savez(file, **parts)
    return file


if __name__ == "__main__":
    main()
