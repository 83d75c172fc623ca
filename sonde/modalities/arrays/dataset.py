"""Arrays with targets, from whatever file or variable, as a dataset."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About, Found, Part, assemble
from sonde.data.rows import ArrayInputs, MappedInputs
from sonde.data.targets import RawTarget, unlabelled, without_target
from sonde.modalities.arrays import column_statistics
from sonde.modalities.arrays.shapes import inputs_of, layout_for, layout_of
from sonde.modalities.catalogue import check_kind
from sonde.modalities.image import pixel_statistics
from sonde.modalities.image.config import ImageConfig, refuse_groups, refuse_pages
from sonde.modalities.table.config import TableConfig
from sonde.modalities.video.axes import clip_layout, clips_of, not_clips, why_clips
from sonde.modalities.video.config import VideoConfig
from sonde.modalities.video.dataset import assemble_clips
from sonde.tasks.table import one_class_is_enough, target_kind


@dataclass(frozen=True)
class ArrayPair:
    """Inputs (n, …) of one split in any layout, and its targets; None for a task that needs none."""

    inputs: np.ndarray
    target: RawTarget | None
    place: str  # what errors and `describe` call the inputs


def assemble_arrays(
    pairs: Mapping[str, ArrayPair],
    about: About,
    config: DataConfig,
    *,
    task: str | None = None,
    tick: Tick = silent,
    like: Schema | None = None,
    scale: float = 0.0,
) -> Dataset:
    """A dataset of arrays: clips where that is said, images where shape and range say so, else sequences or flat rows.

    scale: what values of images were multiplied by already, to be repeated on arrays that come later

    Raises: DataError for splits that differ in shape, and for NaN or infinite inputs
    """
    first = next(iter(pairs.values()))
    for pair in pairs.values():
        if len(pair.inputs) == 0:
            raise DataError(f"{pair.place} holds no rows")
        if pair.inputs.shape[1:] != first.inputs.shape[1:]:
            raise DataError(
                f"{pair.place} has inputs of shape {pair.inputs.shape[1:]}, but {first.place} {first.inputs.shape[1:]}"
            )
    if why := why_clips(first.inputs, first.place, config, task, like):
        return _clips(pairs, about, config, why=why, task=task, like=like)
    if like is not None:
        layout = layout_for(first.inputs, like.input, first.place)
    else:
        layout = layout_of([pair.inputs for pair in pairs.values()], first.place)
    inputs = {split: inputs_of(pair.inputs, layout, pair.place) for split, pair in pairs.items()}
    images = layout.kind == "image"
    rows = "sequences" if layout.axes in ("ntv", "nvt") else "flat rows"
    how = "arrays read as images" if images else f"arrays read as {rows}"
    facts = list(about.facts) + ([Fact(how, layout.why)] if layout.why else [])
    if images:
        inputs, resized = _resized(inputs, config, like, tick)
        facts += resized
    labelled = all(pair.target is not None for pair in pairs.values())
    parts = {
        split: Part(inputs=inputs[split], target=pair.target or unlabelled(len(pair.inputs)))
        for split, pair in pairs.items()
    }
    scale = 0.0 if layout.full else scale or (layout.scale if first.inputs.dtype != np.uint8 else 0.0)
    shape = _shape(next(iter(inputs.values())))
    guess = not_clips(first.inputs, first.place, config, task, shape[0]) if images else ""
    found = found_numbers(
        parts,
        replace(about, facts=facts, warnings=[*about.warnings, *filter(None, (layout.guess, guess))]),
        config,
        shape=shape,
        scale=scale if images else None,
        like=like,
        full=layout.full,
    )
    if labelled:
        return assemble(
            found, config, kind=target_kind(task), task=task, one_class=one_class_is_enough(task), like=like
        )
    known = None if like is None else replace(like, target=replace(like.target, kind="labels"))
    return without_target(assemble(found, config, like=known), TargetSpec(kind="none", names=("row",)))


def _clips(
    pairs: Mapping[str, ArrayPair], about: About, config: DataConfig, *, why: str, task: str | None, like: Schema | None
) -> Dataset:
    """A dataset of clips."""
    place, first = next(iter(pairs.values())).place, next(iter(pairs.values())).inputs
    layout = clip_layout({split: pair.inputs for split, pair in pairs.items()}, why, place, like and like.input)
    frames = like.input.shape[0] if like is not None else config.of(VideoConfig).clip_frames or first.shape[1]
    if frames > first.shape[1]:
        raise DataError(f"{place} has clips of {first.shape[1]} frames, and {frames} are asked for")
    inputs = {split: clips_of(pair.inputs[:, :frames], layout, pair.place) for split, pair in pairs.items()}
    facts = [*about.facts, Fact(f"{place} {tuple(first.shape)} read as clips, axis 1 as time", why)]
    facts += [Fact("values stored in 8 bits", layout.frame.why)] if layout.frame.why else []
    frame = _shape(next(iter(inputs.values())))
    return assemble_clips(
        inputs,
        {split: pair.target for split, pair in pairs.items()},
        replace(about, facts=facts),
        config,
        shape=(frame[0], frame[1], frame[2], frame[3]),
        scale=layout.frame.scale if first.dtype != np.uint8 else 0.0,
        task=task,
        like=like,
    )


def found_numbers(
    parts: Mapping[str, Part],
    about: About,
    config: DataConfig,
    *,
    shape: tuple[int, ...],
    scale: float | None,
    like: Schema | None,
    full: float = 0.0,
) -> Found:
    """What a form found in arrays, with how it is fitted.

    scale: of images, as in `InputSpec`; None for flat rows of numbers
    full:  of images kept as float32, the value that became 1.0
    Raises: DataError where a model was trained on the other of the two
    """
    check_kind("array" if scale is None else "image", about.source, like)
    outputs = config.of(TableConfig).target
    if scale is None:
        what, fit = f"rows of {shape[0]:,} numbers", column_statistics.fitted
        if len(shape) == 2:
            each = f" of {shape[1]:,} numbers" if shape[1] > 1 else ""
            what, fit = f"sequences of {shape[0]:,} steps{each}", column_statistics.fitted_over_time
        return Found(
            about=about, what=what, shape=shape, parts=parts, fit=fit, scaled=column_statistics.scaled, outputs=outputs
        )
    refuse_groups(about.source, config)
    refuse_pages(about.source, config)
    fit = partial(pixel_statistics.fitted, shape=shape, scale=scale, full=full)
    return Found(about=about, what=pixel_statistics.words(shape), shape=shape, parts=parts, fit=fit, outputs=outputs)


def _resized(
    inputs: dict[str, ArrayInputs | MappedInputs], config: DataConfig, like: Schema | None, tick: Tick
) -> tuple[dict[str, ArrayInputs | MappedInputs], list[Fact]]:
    """Images at the asked size, or at the size and with the colours of a trained model, in memory."""
    channels, height, width = _shape(next(iter(inputs.values())))
    side = config.of(ImageConfig).image_size
    wanted = like.input.shape if like is not None else (channels, side, side) if side is not None else None
    if wanted is None or wanted == (channels, height, width):
        return inputs, []
    from sonde.modalities.image.files import convert_all  # Pillow is not needed to read arrays as they are

    changed: dict[str, ArrayInputs | MappedInputs] = {}
    for split, held in inputs.items():
        whole = held.array if isinstance(held, ArrayInputs) else held.read(np.arange(len(held)))
        changed[split] = ArrayInputs(convert_all(whole, wanted, tick=tick), held.place)
    return changed, [Fact(f"images resized from {height}x{width} to {wanted[1]}x{wanted[2]}", "--image-size")]


def _shape(inputs: ArrayInputs | MappedInputs) -> tuple[int, ...]:
    return tuple(inputs.array.shape[1:] if isinstance(inputs, ArrayInputs) else inputs.row.shape)
