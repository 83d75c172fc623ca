"""Spoken digits that a network says: flow matching of log-mel spectrograms, judged by a classifier of Sonde's own.

python -m benchmarks.spoken [--minutes 20] [--judge 3] [--samples 500] [--guidance 1] [--print-only]

486 recordings of six speakers to learn from, 54 that choose the best checkpoint, 120 that judge. The classifier trains for
`--judge` minutes on the same rows, the flow for `--minutes` (validation and report included), both on all cores. What the judge
hears in samples stands beside what it hears in the real test clips, and in the same clips after their way through the mel
filters and back by Griffin-Lim: a perfect network would reach the latter. Distances in its features are to one half of the test
clips, and beside those of the other half. `--minutes 1 --judge 1 --samples 60` tries it.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

import sonde
from benchmarks.timing import data_folder, run, write
from sonde.core.run_folder import RunFolder
from sonde.metrics.kernel_distance import kernel_distance
from sonde.modalities.audio.made import MADE
from sonde.nn.sound_code import code_of
from sonde.run.judge import Seen, seen_by
from sonde.run.judged_rows import parts_of
from sonde.run.real_rows import Real, real_rows

FLAGS = ("--labels", "{label}_{speaker}_{take}", "--held-out", "take=0-1")


def trained(data: Path, out: Path, minutes: float, *flags: str) -> dict[str, Any]:
    """result.json of `sonde train` with a time limit."""
    limit = f"{max(1, round(60 * minutes))}s"
    run([sys.executable, "-m", "sonde", "train", data, *FLAGS, "--time-limit", limit, "--out", out, *flags])
    return json.loads((out / "result.json").read_text())


def through_mels(flow: sonde.Run, real: Real) -> list[dict[str, Any]]:
    """Real clips, coded as the network sees them and decoded as its samples are."""
    code = code_of(flow.schema.input)
    decoded = [code.decode(code.encode(torch.from_numpy(sound["array"])[None])) for sound in real.plain]
    return MADE.plain(torch.cat(decoded), flow.schema)


def floor(flow: sonde.Run, judge: sonde.Run, data: Path) -> dict[str, Any]:
    """What the judge hears in real test clips as they are, and through mels and back."""
    parts = parts_of(RunFolder(flow.folder), str(data), flow.schema)
    real = real_rows(parts.splits["test"], flow.schema, MADE, most=10_000)
    half = len(real.index) // 2
    seen = {
        "as recorded": seen_by(judge, real.plain, MADE),
        "through mels and back": seen_by(judge, through_mels(flow, real), MADE),
    }
    reference = seen["as recorded"].features[:half]

    def told(found: Seen) -> dict[str, float]:
        assert real.labels is not None
        distance = kernel_distance(found.features[half : 2 * half], reference)
        right = float((found.classes == real.labels).double().mean())
        return {"agreement": right, "kernel distance": distance.value, "its error": distance.error}

    return {name: told(each) for name, each in seen.items()}


def measured(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Everything that the result holds."""
    data = data_folder() / "fsdd" / "recordings"
    judge = trained(data, folder / "judge", chosen.judge)
    flow = trained(data, folder / "flow", chosen.minutes, "--task", "flow-matching")
    asked = ["--judge", folder / "judge", "--number", str(chosen.samples), "--guidance", str(chosen.guidance)]
    run([sys.executable, "-m", "sonde", "eval", folder / "flow", data, *asked])
    quality = json.loads((folder / "flow" / "evaluation" / "sample_quality.json").read_text())
    samples = {each["name"]: each for each in quality["measures"]}
    made = {name: each["value"] for name, each in samples.items() if each["value"] is not None}
    return {
        "minutes": {"flow": chosen.minutes, "judge": chosen.judge},
        "model": flow["model"],
        "parameters": flow["parameters"],
        "steps": flow["steps"],
        "rows/s": round(flow["samples_per_s"], 1),
        "seconds": round(flow["seconds"]["total"], 1),
        "judge": judge["metrics"]["test"]["accuracy"],
        "guidance": chosen.guidance,
        "samples": chosen.samples,
        "n of distances": quality["n"],
        "made": made | {"interval of agreement": samples["class_agreement"]["interval"]},
        "copies": quality["memorisation"]["p_distance"],
        "real": floor(sonde.load(folder / "flow"), sonde.load(folder / "judge"), data),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--judge", type=float, default=3)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--guidance", type=float, default=1.0)
    parser.add_argument("--print-only", action="store_true", help="leave benchmarks/results as it is")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        found = measured(chosen, Path(temporary))
    print(json.dumps(found, indent=2))
    if not chosen.print_only:
        write("spoken", found)


if __name__ == "__main__":
    main()
