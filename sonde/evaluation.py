"""What an evaluation leaves in the run folder: numbers, tables and the pictures of what went most wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from sonde.core.files import write_json
from sonde.core.seams import Compares, Meter, Source
from sonde.data.splits import truth_of
from sonde.recipes.build import Assembly


def write_evaluation(folder: Path, meter: Meter, source: Source, assembly: Assembly) -> None:
    """Fill evaluation/<split>/ as docs/run-folder.md describes it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "metrics.json", meter.compute())
    for stem, content in meter.details().items():
        if stem == "worst":
            content = [_with_picture(entry, number, folder, source, assembly) for number, entry in enumerate(content)]
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
    entry: dict[str, Any], number: int, folder: Path, source: Source, assembly: Assembly
) -> dict[str, Any]:
    index = int(entry["index"])
    named = {**entry, "row": source.describe(index), "picture": None}
    if assembly.dataset is None or assembly.dataset.schema.input.kind != "image":
        return named
    by_heart = bool(assembly.config.data.overfit_batches)  # then training rows are judged as validation
    rows = assembly.dataset.splits["train" if by_heart else folder.name]
    pixels = rows.read(np.array([index]))["input"][0]  # (C, H, W) uint8
    (folder / "worst").mkdir(exist_ok=True)
    save_png(folder / "worst" / f"{number}.png", pixels)
    return {**named, "picture": f"worst/{number}.png"}


def save_png(path: Path, pixels: np.ndarray) -> None:
    """Write (C, H, W) uint8 as a PNG, enlarged by whole pixels to about 64."""
    from PIL import Image

    picture = np.ascontiguousarray(pixels[0] if pixels.shape[0] == 1 else pixels.transpose(1, 2, 0))
    image = Image.fromarray(picture)
    factor = max(1, 64 // max(image.size))
    image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST).save(path)
