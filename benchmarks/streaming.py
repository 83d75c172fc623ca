"""Streaming JPEG files that do not fit the allowed memory, beside a plain torch DataLoader and beside resident rows.

python -m benchmarks.streaming [--images 3000 --rounds 3]: makes JPEG files of mixed sizes in a temporary folder and reads
epochs of them at a third of the memory they would take. One round runs every way once, in turn: sonde's streaming with 0, 1
and 2 workers, a torch DataLoader with the same decoding, normalisation and workers, streaming with a worker killed in the
middle, and resident rows (whose packing is timed apart). All ways must give the same mean pixel; streaming must give the same
batches as resident, bit by bit.
"""

import argparse
import hashlib
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from benchmarks.timing import spread, write
from sonde.core.config import DataConfig, FeedConfig
from sonde.core.dataset import Dataset as Opened
from sonde.core.dataset import Rows
from sonde.data.feed.build import build_source
from sonde.data.feed.decide import decide
from sonde.data.feed.source import BatchSource
from sonde.modalities.open import open_data

CPU = torch.device("cpu")


def make_photos(folder: Path, count: int) -> None:
    """Two classes of JPEG files of 120 to 360 pixels a side: smooth colours with texture, as photographs compress."""
    random = np.random.default_rng(0)
    for number in range(count):
        width, height = random.integers(120, 360, 2)
        coarse = random.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        picture = np.asarray(Image.fromarray(coarse).resize((int(width), int(height)), Image.Resampling.BICUBIC))
        noisy = np.clip(picture + random.normal(0, 12, picture.shape), 0, 255).astype(np.uint8)
        place = folder / "train" / ("even", "odd")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noisy).save(place / f"{number:05d}.jpg", quality=88)


class Plain(Dataset):
    """What a user would write: one decoded, normalised image and its label."""

    def __init__(self, rows: Rows, opened: Opened) -> None:
        self.rows, self.spec = rows, opened.schema.input
        self.mean = torch.tensor(self.spec.mean).view(-1, 1, 1)
        self.std = torch.tensor(self.spec.std).view(-1, 1, 1)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        read = self.rows.read(np.array([index]))
        return (torch.from_numpy(read["input"][0]).float() / 255 - self.mean) / self.std, int(read["target"][0])


def timed(batches: Iterator[tuple[torch.Tensor, int]], kill: Any = None) -> dict[str, Any]:
    """Rows a second, and what the batches were."""
    digest, total, rows, targets = hashlib.sha256(), 0.0, 0, 0
    begun = time.perf_counter()
    for number, (pictures, target) in enumerate(batches):
        rows += len(pictures)
        sample = pictures[:, :, ::16, ::16].contiguous()  # enough to tell, and cheap beside reading
        total += float(sample.double().mean()) * len(pictures)
        targets += target
        digest.update(sample.numpy().tobytes())
        if number == 2 and kill is not None:
            kill()
    seconds = time.perf_counter() - begun
    return {"rows_per_s": rows / seconds, "mean": total / rows, "targets": targets, "digest": digest.hexdigest()}


def of_source(source: BatchSource) -> Iterator[tuple[torch.Tensor, int]]:
    for batch in source:
        yield batch["input"], int(batch["target"].sum())


def of_loader(loader: DataLoader) -> Iterator[tuple[torch.Tensor, int]]:
    for pictures, target in loader:
        yield pictures, int(target.sum())


def one_round(opened: Opened, batch_size: int, memory: str) -> dict[str, dict[str, Any]]:
    rows = opened.splits["train"]
    found: dict[str, dict[str, Any]] = {}

    def source(kind: Any, workers: int) -> BatchSource:
        config = FeedConfig(batch_size=batch_size, workers=workers, memory=memory)
        return build_source(rows, opened.schema, config, training=True, seed=0, device=CPU, kind=kind)

    for workers in (0, 1, 2):
        found[f"streaming, {workers} workers"] = timed(of_source(source("streaming", workers)))
        loader = DataLoader(Plain(rows, opened), batch_size, shuffle=True, num_workers=workers)
        found[f"DataLoader, {workers} workers"] = timed(of_loader(loader))
    losing = source("streaming", 2)

    def kill() -> None:
        os.kill(losing.reader.processes[0], signal.SIGKILL)  # type: ignore[attr-defined]

    found["streaming, 2 workers, one killed"] = timed(of_source(losing), kill)
    found["streaming, 2 workers, one killed"]["restarts"] = len(losing.warnings)  # one a restart
    begun = time.perf_counter()
    resident = source("resident", 0)
    packing = time.perf_counter() - begun
    found["resident, packing"] = {"rows_per_s": len(rows) / packing}
    found["resident, epoch"] = timed(of_source(resident))
    check(found)
    return found


def check(found: dict[str, dict[str, Any]]) -> None:
    """The same rows in every way, the same batches in every way of ours, and the loss of a worker noticed."""
    judged = {name: entry for name, entry in found.items() if "digest" in entry}
    reference = judged["resident, epoch"]
    for name, entry in judged.items():
        assert entry["targets"] == reference["targets"], name
        assert abs(entry["mean"] - reference["mean"]) < 1e-5, name
        if "DataLoader" not in name:
            assert entry["digest"] == reference["digest"], name
    assert found["streaming, 2 workers, one killed"]["restarts"] == 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=64)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        make_photos(Path(temporary), asked.images)
        opened = open_data(temporary, DataConfig(validation=0.0, test=0.0))
        needed = sum(rows.nbytes() for rows in opened.splits.values())
        memory = f"{needed // 3}B"
        decision = decide(opened, FeedConfig(memory=memory), free_bytes=2**40)
        assert decision.kind == "streaming", decision
        rounds = [one_round(opened, asked.batch_size, memory) for _ in range(asked.rounds)]
    table = {name: spread([entry[name]["rows_per_s"] for entry in rounds]) for name in rounds[0]}
    for name, entry in table.items():
        print(f"{name:34s} {entry['median']:10,.0f} rows/s  (sd {entry['sd']:,.0f}, n {entry['n']})")
    content = {"images": asked.images, "stored_shape": opened.schema.input.shape, "decision": decision.why}
    write("streaming", {**content, "batch_size": asked.batch_size, "rows_per_s": table})


if __name__ == "__main__":
    main()
