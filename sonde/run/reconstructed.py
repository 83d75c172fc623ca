"""What an autoencoder gives back, for the report: beside the inputs, and as each number of its code is varied."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.catalogue import load
from sonde.core.dataset import Schema
from sonde.core.files import write_json
from sonde.core.reconstruction import Reconstruction
from sonde.modalities.catalogue import modality
from sonde.modalities.made import Made
from sonde.run.bottleneck import FITTED, bottleneck_curve

NAME = "reconstructions"  # of the file in evaluation/
SHOWN = 12  # inputs
HEARD = 10  # of those that can be heard
VARIED = 8  # numbers of the code, those that vary most
STEPS = 11  # of each, from this many standard deviations below its mean to as many above
WIDEST = 2.5
LOOKED_AT = 512  # rows by which means and deviations of codes are known
DIGITS = 4


def write_reconstructions(
    folder: Path,
    found: Reconstruction,
    schema: Schema,
    batches: Callable[[int], Sequence[Batch]],
    *,
    split: str,
    trained: Callable[[int], Sequence[Batch]],
) -> None:
    """reconstructions.json and its pictures. folder: evaluation/;  batches: of so many rows at most, drawn from the split

    trained: the same of training rows
    """
    looked = batches(LOOKED_AT)
    content: dict[str, Any] = {"split": split, "rows": sum(map(len, looked))}
    made: Made | None = load(about) if (about := modality(schema.input.kind).made) else None
    if made is not None and made.cards is not None:
        content |= _cards(folder, found, schema, looked, made)
    elif made is not None and made.pairs is not None:
        content |= _pictures(folder, found, schema, looked, made)
    elif len(schema.input.columns) == schema.input.shape[0]:
        errors = torch.cat([found.outputs["anomaly"](batch)["error"].float().cpu() for batch in looked]).mean(0)
        names = [column.name for column in schema.input.columns]
        content["columns"] = [
            {"name": name, "error": round(error, DIGITS)} for name, error in zip(names, errors.tolist(), strict=True)
        ]
    if (curve := bottleneck_curve(found, schema.input, trained(FITTED), looked)) is not None:
        content["bottleneck"] = curve
    write_json(folder / f"{NAME}.json", content)


def _cards(folder: Path, found: Reconstruction, schema: Schema, looked: Sequence[Batch], made: Made) -> dict[str, Any]:
    """Some inputs and what is given back of each, one after the other."""
    assert made.cards is not None
    first = looked[0].rows(torch.arange(min(HEARD, len(looked[0]))))
    shown = []
    for name, stem, values in (
        ("as recorded", "inputs", first["input"]),
        ("given back", "outputs", found.reconstruct(first)),
    ):
        cards = made.cards(made.plain(values.float().cpu(), schema), folder, f"{NAME}/{stem}")
        shown.append([{**card, "class": name} for card in cards])
    return {"cards": [card for pair in zip(*shown, strict=True) for card in pair], "number": len(first)}


def _pictures(
    folder: Path, found: Reconstruction, schema: Schema, looked: Sequence[Batch], made: Made
) -> dict[str, Any]:
    assert made.pairs is not None
    first = looked[0].rows(torch.arange(min(SHOWN, len(looked[0]))))
    inputs, back = (made.plain(each.float().cpu(), schema) for each in (first["input"], found.reconstruct(first)))
    errors = shade(found.outputs["anomaly"](first)["error"].float().cpu(), like=inputs)
    picture = made.pairs(inputs, np.concatenate([back, errors]), folder / NAME)
    content: dict[str, Any] = {"picture": picture.name, "number": len(first)}
    if found.decode is not None:
        codes = torch.cat([found.latent(batch).float() for batch in looked])
        varied, places = traversals(codes)
        images = made.plain(found.decode(varied.flatten(0, 1)).float().cpu(), schema)
        images = images.reshape(len(places), STEPS, *images.shape[1:])
        picture = made.pairs(images[0], images[1:].reshape(-1, *images.shape[2:]), folder / "traversals")
        content["traversals"] = {"picture": picture.name, "numbers": places, "deviations": WIDEST}
    return content


def traversals(codes: Tensor) -> tuple[Tensor, list[int]]:
    """Codes (R, STEPS, L), and which of their numbers were varied (R): those that vary most over rows (N, L), one at a time."""
    mean, deviation = codes.mean(0), codes.std(0, correction=0)
    places = deviation.argsort(descending=True, stable=True)[:VARIED].tolist()
    steps = torch.linspace(-WIDEST, WIDEST, STEPS, device=codes.device)
    varied = mean.repeat(len(places), STEPS, 1)
    for row, place in enumerate(places):
        varied[row, :, place] += steps * deviation[place]
    return varied, places


def shade(errors: Tensor, *, like: np.ndarray) -> np.ndarray:
    """Errors (N, C, H, W) as images like others: bright where they are large, the largest of all white."""
    grey = errors.clamp(min=0).mean(1)
    pixels = (255 * grey / grey.max().clamp(min=1e-12)).round().to(torch.uint8).numpy()
    return pixels if like.ndim == 3 else np.repeat(pixels[..., None], like.shape[-1], axis=-1)
