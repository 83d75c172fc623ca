"""What an evaluation leaves in the run folder: numbers, tables and pictures of what went most wrong and best."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from sonde.core.files import write_json
from sonde.core.seams import Compares, Draws, Meter, Source
from sonde.data.splits import truth_of
from sonde.recipes.build import Assembly

CASES = ("worst", "best")  # tables of rows that are shown
WIDEST = 480  # pixels of a saved picture
HEAVY = 60_000  # bytes; of a picture above it 64 colours are kept, or a report could not hold them all


def write_evaluation(folder: Path, meter: Meter, source: Source, assembly: Assembly) -> None:
    """Fill evaluation/<split>/ as docs/run-folder.md describes it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "metrics.json", meter.compute())
    for stem, content in meter.details().items():
        if stem in CASES:
            content = [
                _with_picture(entry, f"{stem}/{number}.png", folder, source, assembly)
                for number, entry in enumerate(content)
            ]
        write_json(folder / f"{stem}.json", content)


def baseline(assembly: Assembly, split: str) -> dict[str, Any]:
    """What an answer that ignores its input reaches on a split: metrics by name, and "what" that answer is.

    Empty where the task knows of none, and for rows that were learnt by heart.
    """
    dataset, task = assembly.dataset, assembly.task
    if dataset is None or not isinstance(task, Compares) or assembly.config.data.overfit_batches:
        return {}
    target = dataset.schema.target
    known, judged = (
        {
            name: torch.as_tensor(values, dtype=torch.int64 if target.kind == "class" else torch.float32)
            for name, values in truth_of(dataset.splits[part], masked=target.masked).items()
        }
        for part in ("train", split)
    )
    what, metrics = task.trivial(known, judged)
    return {**metrics, "what": what}


def _with_picture(
    entry: dict[str, Any], picture: str, folder: Path, source: Source, assembly: Assembly
) -> dict[str, Any]:
    index = int(entry["index"])
    named = {**entry, "row": source.describe(index), "picture": None}
    if assembly.dataset is None or assembly.dataset.schema.input.kind != "image":
        return named
    by_heart = bool(assembly.config.data.overfit_batches)  # then training rows are judged as validation
    rows = assembly.dataset.splits["train" if by_heart else folder.name]
    pixels = rows.read(np.array([index]))["input"][0]  # (C, H, W) uint8
    if isinstance(assembly.task, Draws):
        pixels = assembly.task.picture(pixels, entry)
    (folder / picture).parent.mkdir(exist_ok=True)
    save_png(folder / picture, pixels)
    return {**named, "picture": picture}


def save_png(path: Path, pixels: np.ndarray) -> None:
    """Write (C, H, W) uint8 as a PNG, enlarged by whole pixels to about 64 or reduced to `WIDEST`."""
    from PIL import Image

    picture = np.ascontiguousarray(pixels[0] if pixels.shape[0] == 1 else pixels.transpose(1, 2, 0))
    image = Image.fromarray(picture)
    factor = max(1, 64 // max(image.size))
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    image.thumbnail((WIDEST, WIDEST))
    image.save(path)
    if path.stat().st_size > HEAVY:
        image.quantize(64).save(path)
