"""A sheet of training images, each beside several versions that an augmentation makes of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sonde.augment.boxes import BoxPolicy, parse_boxes
from sonde.augment.policy import Policy, parse
from sonde.cli.contact_sheet import GAP, TILE, fitting
from sonde.core.batch import Batch
from sonde.core.dataset import Dataset, TargetSpec
from sonde.core.errors import ConfigError, DataError
from sonde.core.units import share
from sonde.run.choose import choose, choose_model, choose_task
from sonde.run.generated import parted
from sonde.tasks.detection.drawing import COLOURS
from sonde.tasks.segmentation.drawing import painted

if TYPE_CHECKING:
    from PIL import Image

IMAGES = 8  # lines of the sheet, and the batch that mixing and mosaics draw from
VERSIONS = 6  # beside each image as it is
LINE = 15  # pixels of a line of text


def write_augmented(path: Path, dataset: Dataset, text: str) -> str:
    """Draw a few training images, and what the policy makes of them, to a PNG; returns the policy, for "auto" the recipe's.

    Masks and boxes are drawn where the data has them, as they were moved along.
    Raises: ConfigError for a policy that does not suit the data, DataError for images that cannot be read or a sheet that
    cannot be written
    """
    text, policy = policy_of(dataset, text)
    rows = dataset.splits["train"]
    chosen = np.sort(np.random.default_rng(0).permutation(len(rows))[:IMAGES])
    batch = Batch(
        {name: torch.from_numpy(field) for name, field in rows.read(chosen).items()}, torch.from_numpy(chosen)
    )
    columns = [batch.fields]
    for version in range(VERSIONS):
        columns.append(policy(batch, torch.Generator().manual_seed(version)).fields)
    sheet = _sheet([rows.describe(int(index)) for index in chosen], columns, dataset.schema.target)
    try:
        sheet.save(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from None
    return text


def policy_of(dataset: Dataset, text: str) -> tuple[str, Policy | BoxPolicy]:
    """The policy in words, and as training would apply it. Raises: ConfigError"""
    schema = dataset.schema
    if not schema.input.has_planes:
        raise ConfigError(f"--augment {text} changes images, and {dataset.source} holds none; leave it out")
    if parted(text)[1] is not None:
        raise ConfigError(
            f"--augment {text}: samples of a run are not drawn here; leave generated= out, and see sonde sample"
        )
    if text == "auto":
        task, model = choose_task(dataset, None)[0], choose_model(dataset, None)[0]
        text = str(choose(dataset, task=task, model=model).settings.get("augment", ("none", ""))[0])
    if schema.target.has_boxes:
        return text, parse_boxes(text)
    policy = parse(text)
    if schema.target.has_masks:
        policy.check_moves("masks")
    return text, policy.filled_with(schema.input.mean)


def _sheet(names: list[str], columns: list[Mapping[str, Tensor]], target: TargetSpec) -> "Image.Image":
    """A line for each image: its name, then itself and its versions, each with its class below, where it has one."""
    from PIL import Image, ImageDraw

    pictures = [[_picture(fields, place, target) for fields in columns] for place in range(len(names))]
    tall = max(picture.height for picture in pictures[0])
    below = LINE if target.has_classes else 0
    height = LINE + tall + below + GAP
    sheet = Image.new("RGB", (3 * GAP + len(columns) * (TILE + GAP), GAP + len(names) * height), "white")
    draw = ImageDraw.Draw(sheet)
    for place, name in enumerate(names):
        top = GAP + place * height
        draw.text((GAP, top), fitting(draw, name, sheet.width - 2 * GAP), fill="black")
        for number, (fields, picture) in enumerate(zip(columns, pictures[place], strict=True)):
            left = GAP + number * (TILE + GAP) + (2 * GAP if number else 0)
            sheet.paste(picture, (left, top + LINE))
            draw.text((left, top + LINE + tall + 1), fitting(draw, caption(fields, place, target), TILE), fill="black")
    return sheet


def caption(fields: Mapping[str, Tensor], place: int, target: TargetSpec) -> str:
    """The class of an image, of a mixed one both: "cat (70 %), dog (30 %)"; "" where it has none."""
    if not target.has_classes:
        return ""
    name = target.names[int(fields["target"][place])]
    if "mix_weight" not in fields:
        return name
    other, weight = target.names[int(fields["mix_target"][place])], float(fields["mix_weight"][place])
    return f"{name} ({share(weight, 0)}), {other} ({share(1 - weight, 0)})"


def _picture(fields: Mapping[str, Tensor], place: int, target: TargetSpec) -> "Image.Image":
    """The image, fitted into a tile, with its mask or boxes on it."""
    from PIL import Image, ImageDraw

    image = fields["input"][place]
    pixels = (image if image.dtype == torch.uint8 else (image * 255).round().clamp(0, 255).to(torch.uint8)).numpy()
    if target.has_masks:
        pixels = painted(pixels, fields["target"][place].numpy(), target.names)
    planes = np.broadcast_to(pixels, (3, *pixels.shape[1:])).transpose(1, 2, 0)
    scale = TILE / max(pixels.shape[1:])
    scale = int(scale) if scale >= 1 else scale
    size = max(1, round(pixels.shape[2] * scale)), max(1, round(pixels.shape[1] * scale))
    method = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    picture = Image.fromarray(np.ascontiguousarray(planes)).resize(size, method)
    if target.has_boxes:
        pencil = ImageDraw.Draw(picture)
        for kind, *sides in fields["target"][place].tolist():
            if kind >= 0:
                left, top, right, bottom = (round(side * scale) for side in sides)
                colour = COLOURS[int(kind) % len(COLOURS)]
                pencil.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=colour)
    return picture
