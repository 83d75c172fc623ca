"""Clips of moving digits (made): do the digits of made clips move as real ones do?

python -m benchmarks.video [--minutes 15] [--clips 250] [--data moving-digit moving-digits] [--print-only]

Flow matching trains on each set for `--minutes` on all cores, from the start of the process. Of `--clips` samples and as many
held-out clips: how far apart the distributions of speeds (and of changes of speed) of the centre of what is seen are, beside the
same of two halves of the held-out clips; the mean of `sonde.metrics.motion.time_order`; and the share of clips that are told from
their own frames shuffled, where 50 % would say that nothing was learned of time. Last, of clips whose first three frames are
given, how many pixels the centre lies beside the real one in each frame that follows, beside a centre that stays where it was and
one that goes on as it went; where a digit goes is certain but for rounding.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

import sonde
from benchmarks.timing import run, write
from sonde.core.config import DataConfig
from sonde.metrics.motion import centres
from sonde.modalities.open import open_data
from sonde.run.sample_quality import Asked, sample_quality
from sonde.run.sampling import Wanted, drawn_from, plain

KEPT = 3  # frames that are given


def trained(data: str, out: Path, minutes: float) -> sonde.Run:
    """A run of `sonde train` with a time limit, as a process of its own."""
    limit = f"{max(1, round(60 * minutes))}s"
    command = [
        sys.executable,
        "-m",
        "sonde",
        "train",
        data,
        "--task",
        "flow-matching",
        "--time-limit",
        limit,
        "--out",
        out,
    ]
    run(command)
    return sonde.load(out)


def next_frames(trained: sonde.Run, data: str, number: int) -> dict[str, Any]:
    """Mean distance in pixels from the real centre, by frame, of what the run makes of the first frames of held-out clips."""
    rows = open_data(data, DataConfig()).splits["test"]
    real = np.ascontiguousarray(rows.read(np.arange(min(number, len(rows))))["input"][:, :, 0])
    known = trained.preprocess(real)
    assert isinstance(known, torch.Tensor)
    keep = torch.zeros_like(known)
    keep[:, :KEPT] = 1
    classes = (
        [trained.schema.target.names[label] for label in rows.read(np.arange(len(real)))["target"]]
        if (trained.schema.target.has_classes)
        else []
    )
    wanted = Wanted(number=len(real), classes=classes, known=known.cpu(), keep=keep.cpu())
    made = plain(drawn_from(trained, wanted), trained.schema)
    true, found = centres(torch.from_numpy(real)), centres(torch.from_numpy(made))
    last, step = true[:, KEPT - 1], (true[:, KEPT - 1] - true[:, 0]) / (KEPT - 1)
    ahead = torch.arange(1, true.shape[1] - KEPT + 1)[None, :, None]
    stays = last[:, None].expand_as(true[:, KEPT:])
    ways = {"made": found[:, KEPT:], "stays": stays, "goes on": last[:, None] + ahead * step[:, None]}
    beside = {name: (way - true[:, KEPT:]).norm(dim=2).mean(0) for name, way in ways.items()}
    return {name: [round(float(each), 3) for each in value] for name, value in beside.items()}


def measured(data: str, out: Path, minutes: float, clips: int) -> dict[str, Any]:
    """What the result holds of one set."""
    found = trained(data, out, minutes)
    quality = sample_quality(found, data, None, Asked(number=clips))
    copies, sides = quality["memorisation"], {"made": "value", "real": "real"}
    motion = {each["name"]: {side: round(each[key], 4) for side, key in sides.items()} for each in quality["measures"]}
    return {
        "parameters": found.result["parameters"],
        "steps": found.result["steps"],
        "clips/s": round(found.result["samples_per_s"], 1),
        "seconds": round(found.result["seconds"]["total"], 1),
        "test loss": round(found.metrics["loss"], 4),
        "motion": motion,
        "copied": {"made": round(copies["copied"], 4), "real": round(copies["copied_held_out"], 4)},
        "pixels beside, by frame": next_frames(found, data, clips),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["moving-digit", "moving-digits"])
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--clips", type=int, default=250)
    parser.add_argument("--print-only", action="store_true", help="leave benchmarks/results as it is")
    chosen = parser.parse_args()
    table: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for data in chosen.data:
            table[data] = measured(data, Path(temporary) / data, chosen.minutes, chosen.clips)
            print(data, json.dumps(table[data]), flush=True)
    result = {"minutes": chosen.minutes, "clips": chosen.clips, "table": table}
    print(json.dumps(result, indent=2))
    if not chosen.print_only:
        write("video", result)


if __name__ == "__main__":
    main()
