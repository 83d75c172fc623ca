"""From what a form found to a dataset: targets encoded, rows held back, statistics fitted on the training rows alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Column, Dataset, Fact, InputKind, InputSpec, Rows, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.data.rows import ArrayInputs, InputRows, Inputs, StandardisedInputs
from sonde.data.splits import ORDER, hold_back, labels_of, subset
from sonde.data.targets import RawTarget, by_name, encode, infer, standardised

ENOUGH_IMAGES = 5000  # for a channel's mean and std: off by 0.2 % of a standard deviation or so
ENOUGH_ROWS = 20_000  # for quantiles
MOST_BINNED = 256  # features that get quantiles
READ_AT_ONCE = 4096  # rows
COLUMNS = 512  # of that many rows
LISTED_ABSENT = 8
COLOURS = {1: "grey", 3: "colour"}


@dataclass(frozen=True, kw_only=True)
class Part:
    """One split as it was found."""

    inputs: Inputs
    target: RawTarget


@dataclass(frozen=True, kw_only=True)
class About:
    """What a form says of the data besides their rows; the fields are `Dataset`'s.

    class_names: where the source has them and targets are places among them
    """

    name: str
    source: str
    form: str
    why: str  # the files or arguments that were read
    class_names: Sequence[str] = ()
    facts: Sequence[Fact] = ()
    warnings: Sequence[str] = ()
    fingerprint: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a form read.

    shape:   of one input: (channels, height, width) or (features,)
    sampled: images looked at for mean and std; fewer where they must be decoded
    scale:   as in `InputSpec`
    """

    about: About
    kind: InputKind
    shape: tuple[int, ...]
    parts: Mapping[str, Part]
    sampled: int = ENOUGH_IMAGES
    scale: float = 0.0


def assemble(found: Found, config: DataConfig, *, task: str | None = None, like: Schema | None = None) -> Dataset:
    """A dataset whose schema is fitted on its training rows, or is `like` a trained model's.

    With `like` nothing is held back, and rows without a split of their own are the test split.

    Raises: DataError for inputs and targets that do not fit each other, the task or the model
    """
    _check_lengths(found.parts)
    if like is not None:
        return _assemble_like(found, like)
    raw = {split: part.target for split, part in found.parts.items()}
    spec, target_fact = infer(raw, task=task, names=found.about.class_names, columns=config.target)
    labels = encode(raw["train"], spec)["target"] if spec.kind == "class" else None
    count = len(found.parts["train"].inputs)
    called = f"{found.about.source} has {count} training rows"
    indices, facts = hold_back(count, found.parts, config, called=called, labels=labels)
    spec = standardised(spec, raw["train"], indices["train"])
    input_spec, parts = _fit_inputs(found, indices["train"])
    whole = {split: InputRows(parts[split], encode(raw[split], spec)) for split in found.parts}
    splits: dict[str, Rows] = {
        split: whole[split] if split in whole and split != "train" else subset(whole["train"], indices[split])
        for split in ORDER
        if split in whole or split in indices
    }
    return Dataset(
        name=found.about.name,
        source=found.about.source,
        form=found.about.form,
        schema=Schema(input=input_spec, target=spec),
        splits=splits,
        facts=[size_fact(found), target_fact, *found.about.facts, *facts],
        warnings=[*found.about.warnings, *_absent_classes(splits, spec)],
        fingerprint=found.about.fingerprint,
    )


def check_kind(kind: InputKind, source: str, like: Schema | None) -> None:
    """Raises: DataError when data is of another kind than a model's."""
    if like is not None and kind != like.input.kind:
        words = {
            "image": "images",
            "array": "rows of numbers",
            "table": "tables",
            "tokens": "text",
            "audio": "recordings",
        }
        words |= {"series": "time series", "molecule": "molecules", "protein": "proteins"}
        raise DataError(f"{source} holds {words[kind]}; the model was trained on {words[like.input.kind]}")


def size_fact(found: Found) -> Fact:
    """ "60,000 train + 10,000 test images, 28x28 grey", and what was read."""
    counts = " + ".join(f"{len(part.inputs):,} {split}" for split, part in found.parts.items())
    if len(found.parts) == 1:
        counts = f"{len(next(iter(found.parts.values())).inputs):,}"
    if found.kind == "image":
        channels, height, width = found.shape
        what = f"images, {height}x{width} {COLOURS.get(channels, f'with {channels} channels')}"
    else:
        what = f"rows of {found.shape[0]:,} numbers"
    return Fact(f"{counts} {what}", f"{found.about.form}: {found.about.why}")


def image_statistics(inputs: Inputs, rows: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std per channel of some images, of values in 0..1, exact over their pixels.

    A std of 0 (a blank channel) becomes 1, so that dividing by it changes nothing.
    """
    total: np.ndarray = np.zeros((1, 256))
    for start in range(0, len(rows), 256):
        images = inputs.read(rows[start : start + 256])
        total = total + np.stack([np.bincount(plane.ravel(), minlength=256) for plane in images.swapaxes(0, 1)])
    levels = np.arange(256) / 255
    share = total / total.sum(axis=1, keepdims=True)
    mean = share @ levels
    std = np.sqrt(np.maximum(share @ levels**2 - mean**2, 0))
    return tuple(map(float, mean)), tuple(float(s) if s > 1e-6 else 1.0 for s in std)


def standardised_inputs(inputs: Inputs, columns: Sequence[Column]) -> Inputs:
    """Flat inputs by the columns' mean and std; images, which have no columns, as they are."""
    if not columns:
        return inputs
    mean = np.array([c.mean for c in columns], dtype=np.float32)
    lazy = StandardisedInputs(inputs, mean, np.array([c.std for c in columns], dtype=np.float32))
    if isinstance(inputs, ArrayInputs):  # once and for all, so that reading stays a slice of an array
        return replace(inputs, array=lazy.read(np.arange(len(inputs))))
    return lazy


def _assemble_like(found: Found, like: Schema) -> Dataset:
    check_kind(found.kind, found.about.source, like)
    if found.shape != like.input.shape:
        raise DataError(f"{found.about.source} has inputs of shape {found.shape}; the model takes {like.input.shape}")
    parts = found.parts if len(found.parts) > 1 else {"test": next(iter(found.parts.values()))}
    splits: dict[str, Rows] = {
        split: InputRows(
            standardised_inputs(part.inputs, like.input.columns),
            encode(by_name(part.target, found.about.class_names, like.target), like.target),
        )
        for split, part in parts.items()
    }
    return Dataset(
        name=found.about.name,
        source=found.about.source,
        form=found.about.form,
        schema=like,
        splits=splits,
        facts=[size_fact(found), Fact("read as the model was trained", "sizes, classes and scales of its schema")],
        warnings=found.about.warnings,
        fingerprint=found.about.fingerprint,
    )


def _check_lengths(parts: Mapping[str, Part]) -> None:
    for split, part in parts.items():
        inputs, targets = len(part.inputs), len(part.target.values)
        if inputs != targets:
            raise DataError(
                f"{split}: {inputs:,} inputs, but {targets:,} targets in {part.target.place}; each input needs one"
            )
        if inputs == 0:
            raise DataError(f"{split}: there are no rows; leave the split out or fill it")


def _fit_inputs(found: Found, train: np.ndarray) -> tuple[InputSpec, dict[str, Inputs]]:
    """The input's spec, and the inputs of each part, standardised where they are flat arrays."""
    parts = {split: part.inputs for split, part in found.parts.items()}
    if found.kind == "image":
        # evenly spaced rows of a sorted index: no draw, and no class is missed when the rows are sorted by class
        places = np.linspace(0, len(train) - 1, min(len(train), found.sampled)).round().astype(np.int64)
        mean, std = image_statistics(parts["train"], train[places])
        return InputSpec(kind="image", shape=found.shape, mean=mean, std=std, scale=found.scale), parts
    columns = _fit_columns(parts["train"], train)
    spec = InputSpec(kind="array", shape=found.shape, columns=columns)
    return spec, {split: standardised_inputs(inputs, columns) for split, inputs in parts.items()}


def _fit_columns(inputs: Inputs, rows: np.ndarray) -> tuple[Column, ...]:
    """Mean and std of each feature over all training rows, a piece at a time; quantiles where features are few."""
    shift = inputs.read(rows[:1])[0].astype(np.float64)  # values far from zero would lose their variance to rounding
    total, squares = np.zeros_like(shift), np.zeros_like(shift)
    cuts = np.linspace(0, len(shift), max(1, -(-len(shift) // COLUMNS)) + 1).astype(int)
    for start in range(0, len(rows), READ_AT_ONCE):
        read = inputs.read(rows[start : start + READ_AT_ONCE])
        # doubles of some columns at a time: the sum of one is the same however many stand beside it
        for columns in map(slice, cuts[:-1], cuts[1:]):
            piece = read[:, columns] - shift[columns]
            total[columns] += piece.sum(axis=0)
            squares[columns] += np.square(piece).sum(axis=0)
    mean = total / len(rows)
    std = np.sqrt(np.maximum(squares / len(rows) - mean**2, 0))
    std[std == 0] = 1.0  # constant: the shift makes that exact
    edges = _quantiles(inputs, rows, mean + shift, std)
    return tuple(
        Column(name=str(i), kind="number", source=str(i), mean=float(m), std=float(s), quantiles=e)
        for i, (m, s, e) in enumerate(zip(mean + shift, std, edges, strict=True))
    )


def _quantiles(inputs: Inputs, rows: np.ndarray, mean: np.ndarray, std: np.ndarray) -> list[tuple[float, ...]]:
    """Bin edges of each standardised feature, for models that bin numbers; empty where there are too many features."""
    if len(mean) > MOST_BINNED:
        return [()] * len(mean)
    from sonde.modalities.table.encode import bin_edges  # brings pyarrow, which images do without

    places = np.linspace(0, len(rows) - 1, min(len(rows), ENOUGH_ROWS)).round().astype(np.int64)
    sample = (inputs.read(rows[places]) - mean) / std
    return [bin_edges(feature) for feature in sample.T]


def _absent_classes(splits: Mapping[str, Rows], spec: TargetSpec) -> list[str]:
    """A warning for classes without any training row."""
    train = splits["train"]
    if spec.kind != "class":
        return []
    counts = np.bincount(labels_of(train), minlength=len(spec.names))
    absent = [name for name, number in zip(spec.names, counts, strict=True) if number == 0]
    return [f"no training row has the class {', '.join(absent[:LISTED_ABSENT])}"] if absent else []
