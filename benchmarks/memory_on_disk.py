"""Peak memory of training on what stays on disk: mapped arrays of 400 MB, and a long text.

python -m benchmarks.memory_on_disk [--text-mb 1000]
"""

import argparse
import json
import random
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.memory import TRAIN, peak_mib
from benchmarks.timing import data_folder, write

ARRAYS = {"float32 rows": (32_552, 3072), "uint8 images": (130_208, 32, 32, 3)}  # 400 MB each
SHORT_MB = 20
SMALL = ["--batch-size", "8"]  # logits over 30,000 words take most of the memory of larger batches
TOKENIZERS = ("characters", "words", "bytes")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--text-mb", type=int, default=1000)
    parser.add_argument("--tokenizers", nargs="*", default=TOKENIZERS)
    asked = parser.parse_args()
    imported = peak_mib("import torch, resource; print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)")
    table = {"torch imported": round(imported, 1)}
    with tempfile.TemporaryDirectory() as folder:
        for name, shape in ARRAYS.items():
            place = write_arrays(Path(folder) / name.replace(" ", "-"), shape)
            for memory in ("50%", "100MB"):
                flags = ["--model", "mlp", "--lr", "0.01", "--memory", memory]
                table[f"{name}, --memory {memory}"] = trained(place, Path(folder), flags)
        for megabytes in (SHORT_MB, asked.text_mb):  # what a network takes by itself, and what the text adds
            text = write_text(Path(folder) / f"text-{megabytes}.txt", megabytes)
            for tokenizer in asked.tokenizers:
                flags = [
                    "--model",
                    "lstm-lm",
                    "--tokenizer",
                    tokenizer,
                    "--validation",
                    "0.0005",
                    "--precision",
                    "fp32",
                ]
                table[f"text of {megabytes} MB, {tokenizer}"] = trained(text, Path(folder), [*flags, *SMALL])
    write("memory_on_disk", {"peak, MiB": table})


def trained(data: Path, folder: Path, flags: list[str]) -> float:
    out = str(Path(tempfile.mkdtemp(dir=folder)) / "run")
    peak = peak_mib(TRAIN, "train", str(data), "--steps", "20", "--threads", "1", "--quiet", "--out", out, *flags)
    print(json.dumps({data.name: round(peak, 1), "flags": flags}), flush=True)
    return round(peak, 1)


def write_arrays(folder: Path, shape: tuple[int, ...]) -> Path:
    rng = np.random.default_rng(0)
    folder.mkdir()
    if len(shape) == 2:
        np.save(folder / "x.npy", rng.standard_normal(shape, dtype=np.float32))
    else:
        np.save(folder / "x.npy", rng.integers(0, 256, shape, dtype=np.uint8))
    np.save(folder / "y.npy", rng.integers(0, 10, shape[0]))
    return folder


def write_text(file: Path, megabytes: int) -> Path:
    """Lines of a play in random order, a twentieth of them with a number that makes new words."""
    draw = random.Random(0)
    lines = (data_folder() / "tinyshakespeare" / "input.txt").read_text().splitlines()
    written = 0
    with file.open("w") as out:
        while written < megabytes * 1_000_000:
            more = f" {draw.randrange(100_000)}" if draw.random() < 0.05 else ""
            written += out.write(f"{draw.choice(lines)}{more}\n")
    return file


if __name__ == "__main__":
    main()
