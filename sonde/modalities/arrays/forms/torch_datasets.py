"""Any `torch.utils.data.Dataset` or `DataLoader` that yields (input, target) tuples or dicts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data import fingerprint
from sonde.data.assemble import About, Part, assemble
from sonde.data.rows import ArrayInputs, Inputs
from sonde.data.splits import in_order
from sonde.data.targets import raw_target
from sonde.modalities.arrays.dataset import found_numbers
from sonde.modalities.arrays.shapes import Layout, as_array, lay_out, layout_for, layout_of
from sonde.modalities.image.config import ImageConfig
from sonde.modalities.image.files import convert_all, decode, pixels, stored_size
from sonde.tasks.table import one_class_is_enough, target_kind

IN_MEMORY = 2 << 30  # bytes of inputs that are kept from the pass that reads the targets
EACH_TICK = 500
INPUT_KEYS = ("input", "inputs", "image", "images", "pixel_values", "x", "img", "data", "features")
TARGET_KEYS = ("target", "targets", "label", "labels", "y", "class")


@dataclass(frozen=True)
class TorchInputs:
    """Inputs that are read from the dataset again each time."""

    dataset: Any
    shape: tuple[int, ...]
    layout: Layout | None  # None: items are Pillow's images
    place: str
    dtype: np.dtype  # of what is read

    def __len__(self) -> int:
        return len(self.dataset)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 images or float32 rows of `shape`."""
        return np.stack([self._one(int(index)) for index in indices])

    def _one(self, index: int) -> np.ndarray:
        place = self.describe(index)
        item, _ = pair_of(self.dataset[index], place)
        if self.layout is None:
            return pixels(decode(item, place), self.shape)
        laid = lay_out(as_array(item, place)[None], self.layout, place)
        return (laid if laid.shape[1:] == self.shape else convert_all(laid, self.shape))[0]

    def describe(self, index: int) -> str:
        """ "MyDataset item 17"."""
        return f"{self.place} item {index}"

    def nbytes(self) -> int:
        """Bytes of all inputs once packed."""
        return len(self) * math.prod(self.shape) * self.dtype.itemsize


@dataclass
class Pass:
    """What one pass over a dataset gathered. `inputs` is emptied when it outgrows `limit`."""

    limit: int
    inputs: list[Any] = field(default_factory=list)
    targets: list[Any] = field(default_factory=list)
    sizes: set[tuple[int, int]] = field(default_factory=set)  # (height, width) of Pillow images
    colour: bool = False
    shapes: set[tuple[int, ...]] = field(default_factory=set)  # of arrays
    low: float = math.inf
    high: float = -math.inf
    bytes_seen: int = 0

    @property
    def complete(self) -> bool:
        """Whether all inputs are still there."""
        return len(self.inputs) == len(self.targets)

    def add(self, item: Any, target: Any, place: str) -> None:
        """One row. Raises: DataError for inputs that are neither images nor numbers."""
        if isinstance(item, Image.Image):
            item = decode(item, place)
            self.sizes.add((item.height, item.width))
            self.colour = self.colour or item.mode != "L"
            self.bytes_seen += item.height * item.width * (1 if item.mode == "L" else 3)
        else:
            item = as_array(item, place)
            self.shapes.add(item.shape)
            self.low, self.high = min(self.low, float(item.min())), max(self.high, float(item.max()))
            self.bytes_seen += item.nbytes
        if self.bytes_seen <= self.limit:
            self.inputs.append(item)
        else:
            self.inputs.clear()
        self.targets.append(target.item() if isinstance(target, torch.Tensor) and target.ndim == 0 else target)


def read(
    splits: Mapping[str, Any],
    config: DataConfig,
    *,
    task: str | None = None,
    tick: Tick = silent,
    like: Schema | None = None,
    limit: int = IN_MEMORY,
) -> Dataset:
    """Datasets by split. Each is gone through once; inputs above `limit` bytes are read again when they are needed.

    Raises: DataError for items that are no pair, differ in shape, or come from an endless or too large stream
    """
    facts, warnings, gathered, sources = [], [], {}, {}
    for split, given in splits.items():
        source = given.dataset if isinstance(given, DataLoader) else given
        if source is not given:
            facts.append(Fact("the rows of the DataLoader's dataset", "Sonde makes its own batches and order"))
        place = type(source).__name__
        sources[split] = source
        gathered[split] = _gather(source, place, limit, tick)
        if not _same_twice(source, place):
            warnings.append(f"{place} gives another item 0 each time (a random transform?); the first one read is kept")
    shape, layout, more = _shape(gathered, config, like)
    first = splits["train"]
    parts = {}
    for split, seen in gathered.items():
        place = type(sources[split]).__name__
        target = raw_target(_stacked(seen.targets, place), f"{place} target")
        parts[split] = Part(inputs=_inputs(seen, sources[split], shape, layout, place), target=target)
    hashed = {f"{split} targets": part.target.values for split, part in parts.items()}
    hashed |= {f"{s} inputs": p.inputs.array for s, p in parts.items() if isinstance(p.inputs, ArrayInputs)}
    about = About(
        name=type(first).__name__.lower(),
        source=f"{type(first).__name__} in memory",
        form="torch Dataset",
        why=type(first).__name__ + _mapping(sources["train"]),
        class_names=_class_names(sources["train"]),
        facts=[*facts, *more],
        warnings=[*warnings, *([layout.guess] if layout is not None and layout.guess and like is None else [])],
        fingerprint=fingerprint.of_arrays(hashed),
    )
    images = layout is None or layout.kind == "image"
    scale = layout.scale if layout is not None and images and layout.why else 0.0
    found = found_numbers(in_order(parts), about, config, shape=shape, scale=scale if images else None, like=like)
    return assemble(found, config, kind=target_kind(task), task=task, one_class=one_class_is_enough(task), like=like)


def pair_of(item: Any, place: str) -> tuple[Any, Any]:
    """(input, target) of an item: the first two of a tuple, or by the keys of a dict.

    Raises: DataError for anything else

    >>> pair_of({"image": 1, "label": 2, "id": 3}, "set item 0")
    (1, 2)
    """
    if isinstance(item, Mapping):
        inputs = [key for key in INPUT_KEYS if key in item]
        targets = [key for key in TARGET_KEYS if key in item]
        if inputs and targets:
            return item[inputs[0]], item[targets[0]]
        raise DataError(f"{place} is a dict with {', '.join(map(str, item))}; name the two to use input and target")
    if isinstance(item, tuple | list) and len(item) >= 2:
        return item[0], item[1]
    raise DataError(f"{place} is a {type(item).__name__}; an item is (input, target) or a dict with these keys")


def _gather(source: Any, place: str, limit: int, tick: Tick) -> Pass:
    seen = Pass(limit=limit)
    if isinstance(source, TensorDataset):
        _whole_tensors(source, seen)
        return seen
    countable = _by_number(source)
    total = len(source) if countable else 0
    for row, item in enumerate((source[row] for row in range(total)) if countable else source):
        if row % EACH_TICK == 0:
            tick(f"reading {place}", row, total)
        seen.add(*pair_of(item, f"{place} item {row}"), f"{place} item {row}")
        if not countable and not seen.complete:
            raise DataError(f"{place} yields more than {limit:,} bytes and has no random access; give it __getitem__")
    if not seen.targets:
        raise DataError(f"{place} has no items")
    return seen


def _by_number(source: Any) -> bool:
    """Whether items can be read by index; a stream inherits `__getitem__` too, and raises there."""
    return not isinstance(source, IterableDataset) and hasattr(source, "__len__") and hasattr(source, "__getitem__")


def _whole_tensors(source: TensorDataset, seen: Pass) -> None:
    """The two tensors of a TensorDataset, without taking them apart."""
    if len(source.tensors) < 2:
        raise DataError("the TensorDataset holds one tensor; it needs inputs and targets")
    inputs, targets = (tensor.detach().cpu().numpy() for tensor in source.tensors[:2])
    seen.inputs, seen.targets = list(inputs), list(targets)
    seen.shapes.add(inputs.shape[1:])


def _same_twice(source: Any, place: str) -> bool:
    """Whether item 0 is the same when read again; a stream is not read twice."""
    if not _by_number(source):
        return True
    one, two = (pair_of(source[0], f"{place} item 0")[0] for _ in range(2))
    return np.array_equal(np.asarray(one), np.asarray(two))


def _shape(
    gathered: Mapping[str, Pass], config: DataConfig, like: Schema | None
) -> tuple[tuple[int, ...], Layout | None, list[Fact]]:
    """The shape of one input once read, its layout (None for Pillow's images), and facts about them."""
    sizes = sorted({size for seen in gathered.values() for size in seen.sizes})
    shapes = {shape for seen in gathered.values() for shape in seen.shapes}
    if sizes and shapes:
        raise DataError("some items are images and others arrays; give one kind")
    if sizes:
        if like is not None:
            return like.input.shape, None, []
        height, width, why = stored_size(sizes, config.of(ImageConfig).image_size)
        channels = 3 if any(seen.colour for seen in gathered.values()) else 1
        return (channels, height, width), None, [Fact(f"image size {height}x{width}", why)]
    if len(shapes) > 1:
        raise DataError(f"items differ in shape: {', '.join(map(str, sorted(shapes)[:4]))}; resize them in the Dataset")
    shape = next(iter(shapes))
    # an item with one axis is a row of numbers already; of inputs that were not kept their range is known
    probe = [
        np.stack(seen.inputs)
        if seen.complete
        else np.stack([np.full(shape, end, np.float32) for end in (seen.low, seen.high)])
        for seen in gathered.values()
    ]
    layout = _layout(probe, shape, like)
    out = lay_out(np.zeros((1, *shape), probe[0].dtype), layout, "items").shape[1:]
    read = "images" if layout.kind == "image" else "sequences" if layout.axes in ("ntv", "nvt") else "flat rows"
    facts = [Fact(f"items read as {read}", layout.why)]
    return _wanted(out, layout, config, like), layout, facts if layout.why else []


def _layout(probe: list[np.ndarray], shape: tuple[int, ...], like: Schema | None) -> Layout:
    if not shape:
        return Layout(axes="flat")
    if like is not None and like.input.kind == "array":
        return layout_for(probe[0], like.input, "the Dataset's inputs")
    return layout_of(probe, "the Dataset's inputs")


def _wanted(shape: tuple[int, ...], layout: Layout, config: DataConfig, like: Schema | None) -> tuple[int, ...]:
    """The shape required by a trained model or `--image-size`, else the one that is there."""
    settings = config.of(ImageConfig)
    if layout.kind == "array":
        return shape
    if like is not None and like.input.kind == "image":
        return like.input.shape
    return shape if settings.image_size is None else (shape[0], settings.image_size, settings.image_size)


def _inputs(seen: Pass, source: Any, shape: tuple[int, ...], layout: Layout | None, place: str) -> Inputs:
    if not seen.complete:
        flat = layout is not None and layout.kind == "array"
        return TorchInputs(source, shape, layout, place, np.dtype(np.float32 if flat else np.uint8))
    if layout is not None:
        laid = lay_out(np.stack(seen.inputs), layout, place)
        return ArrayInputs(laid if laid.shape[1:] == shape else convert_all(laid, shape), place)
    return ArrayInputs(np.stack([pixels(image, shape) for image in seen.inputs]), place)


def _stacked(targets: list[Any], place: str) -> np.ndarray:
    try:
        return np.array([t.detach().cpu().numpy() if isinstance(t, torch.Tensor) else t for t in targets])
    except ValueError:
        raise DataError(
            f"{place}: targets differ in shape from item to item; a target is one value or one row"
        ) from None


def _class_names(source: Any) -> tuple[str, ...]:
    """`classes`, as torchvision's datasets have them."""
    names = getattr(source, "classes", ())
    usable = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    return tuple(names) if usable else ()


def _mapping(source: TorchDataset[Any]) -> str:
    """How a dict's keys were understood."""
    if not _by_number(source) or not isinstance(source[0], Mapping):
        return ""
    keys = [next(key for key in known if key in source[0]) for known in (INPUT_KEYS, TARGET_KEYS)]
    return f": {keys[0]!r} is the input, {keys[1]!r} the target"
