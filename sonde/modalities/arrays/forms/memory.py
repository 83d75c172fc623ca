"""Data that is already in memory: arrays, tensors, lists, data frames, and any of these for each split."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data import fingerprint
from sonde.data.assemble import About
from sonde.data.hugging_face import is_hub_set, is_streaming_set
from sonde.data.mapped import array_of
from sonde.data.plain_arrays import plain
from sonde.data.splits import SPLITS_OF_A_DICT, in_order, refuse_twice
from sonde.data.targets import raw_target
from sonde.modalities.arrays.dataset import ArrayPair, assemble_arrays
from sonde.modalities.arrays.shapes import as_array
from sonde.modalities.catalogue import forms
from sonde.modalities.modality import Wanted
from sonde.modalities.table.config import TableConfig

TORCH_DATA = "torch.utils.data"
SUPPORTED = (
    "a path, a name, (inputs, targets) as arrays or tensors, a data frame or a dict of columns with target=, a torch "
    "Dataset, a Hugging Face Dataset, or a dict of these by split"
)
STREAMS = (
    "a streaming Hugging Face set cannot be read here, where rows are counted, split and read again; load it without "
    "streaming=True, or take rows: datasets.Dataset.from_list(list(stream.take(10_000)), stream.features); sonde.fit trains your "
    "own network on a stream"
)


def read(
    data: Any, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """A dataset of what a program holds.

    Raises: DataError for what is neither inputs with targets nor a table
    """
    wanted = Wanted(config=config, task=task, like=like)
    splits, unused = _used(data)
    first = splits["train"]
    if any(is_streaming_set(value) for value in splits.values()):
        raise DataError(STREAMS)
    if is_hub_set(first) and first.format["type"] != "custom":  # whose transform would be passed over
        return _with_warnings(_read_hub_sets(splits, wanted, tick), unused)
    if _is_of(TORCH_DATA, first) or is_hub_set(first):
        from sonde.modalities.arrays.forms import torch_datasets  # torch is there when one of its datasets is

        return torch_datasets.read(splits, config, task=task, tick=tick, like=like)
    if all(is_frame(value) for value in splits.values()):
        return _with_warnings(_read_frames(splits, wanted), unused)
    for split, value in splits.items():
        if not _is_pair(value):
            raise DataError(
                f"{_called(split, splits)} of type {type(value).__name__} cannot be trained on; give {SUPPORTED}"
            )
    if is_frame(first[0]):
        columns = config.of(TableConfig)
        name = columns.target[0] if columns.target else str(getattr(first[1], "name", None) or "target")
        wanted = replace(wanted, config=config.having(replace(columns, target=(name,))))
        return _read_frames({split: _joined(pair[0], pair[1], name) for split, pair in splits.items()}, wanted)
    if _is_image_list(first[0]):
        return _read_images(splits, config, task=task, tick=tick, like=like)
    pairs = {
        split: ArrayPair(
            as_array(x, _called("x", splits, split)),
            raw_target(_plain(y, _called("y", splits, split)), _called("y", splits, split)),
            _called("x", splits, split),
        )
        for split, (x, y) in splits.items()
    }
    hashed = {f"{split} x": pair.inputs for split, pair in pairs.items()}
    hashed |= {f"{split} y": pair.target.values for split, pair in pairs.items() if pair.target is not None}
    about = About(
        name="arrays",
        source=f"arrays in memory {tuple(pairs['train'].inputs.shape)}",
        form="arrays in memory",
        why=" and ".join(_words(value) for value in first),
        fingerprint=fingerprint.of_arrays(hashed),
    )
    return assemble_arrays(pairs, about, config, task=task, tick=tick, like=like)


def by_split(data: Any) -> dict[str, Any]:
    """Split -> its data. A dict by split names, or ((x, y), (x, y)) for train and test; anything else is train."""
    return _used(data)[0]


def _used(data: Any) -> tuple[dict[str, Any], list[str]]:
    """`by_split`, and warnings about splits of other names, which Hugging Face's and dicts of frames may have."""
    if isinstance(data, Mapping) and data and not _columns_only(data):
        whole = all(is_hub_set(value) or is_streaming_set(value) or _is_table(value) for value in data.values())
        if whole or all(map(_is_split, data)):
            refuse_twice(data)
            named = {SPLITS_OF_A_DICT[key.lower()]: value for key, value in data.items() if _is_split(key)}
            if "train" not in named:
                raise DataError(f"there is no train split, only {', '.join(map(str, data))}")
            others = [str(key) for key in data if not _is_split(key)]
            why = "which is none of train, validation and test"
            return in_order(named), [f"left out the split {name}, {why}" for name in others]
    if isinstance(data, tuple | list) and len(data) == 2 and all(isinstance(d, tuple) and len(d) == 2 for d in data):
        return {"train": data[0], "test": data[1]}, []
    return {"train": data}, []


def is_frame(value: Any) -> bool:
    """Whether it is a pandas or polars DataFrame, a pyarrow Table, one of ours or a dict of columns."""
    kind = type(value)
    return (
        isinstance(value, Mapping) or kind.__name__ in ("DataFrame", "Table") or kind.__module__.startswith("pyarrow")
    )


def _is_table(value: Any) -> bool:
    """Whether it is a whole table, and no column of one."""
    return is_frame(value) and (not type(value).__module__.startswith("pyarrow") or hasattr(value, "column_names"))


def _is_split(key: Any) -> bool:
    return isinstance(key, str) and key.lower() in SPLITS_OF_A_DICT


def _columns_only(data: Mapping[str, Any]) -> bool:
    """Whether a dict holds plain columns, one value a row, rather than whole splits."""
    return all(
        getattr(value, "ndim", 1) == 1
        and not _is_pair(value)
        and not _is_of(TORCH_DATA, value)
        and not is_hub_set(value)
        and not is_streaming_set(value)
        and not _is_table(value)
        for value in data.values()
    )


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(hasattr(part, "__len__") for part in value)


def _is_of(package: str, value: Any) -> bool:
    """Whether a class of the value comes from a package, which need not be imported for that."""
    return any(kind.__module__.startswith(package) for kind in type(value).__mro__)


def _is_image_list(value: Any) -> bool:
    """Whether inputs are a list of files or of Pillow's images."""
    if not isinstance(value, Sequence) or not len(value):
        return False
    return isinstance(value[0], str | Path) or _is_of("PIL.", value[0])


def _plain(values: Any, place: str) -> Any:
    """Targets as numpy takes them: off the device and out of the graph. Raises: DataError as `plain`"""
    found = plain(values, place)
    return array_of(found) if hasattr(found, "detach") else found


def _read_frames(frames: Mapping[str, Any], wanted: Wanted) -> Dataset:
    """What the surest form makes of tables by split that takes them."""
    from sonde.modalities.table.read import frame_table  # brings pyarrow, which arrays do without

    if len(frames) == 1:
        tables = {"train" if wanted.like is None else "test": frame_table(frames["train"], "table")}
    else:
        tables = {split: frame_table(frame, f"{split} table") for split, frame in frames.items()}
    found = (import_module(form.module).read_frames(tables, wanted) for form in forms() if form.frames)
    return next(dataset for dataset in found if dataset is not None)


def _read_hub_sets(splits: Mapping[str, Any], wanted: Wanted, tick: Tick) -> Dataset:
    from sonde.modalities.arrays.forms import hugging_face  # pyarrow and Pillow

    found = hugging_face.read_columns(splits, wanted, tick)
    if found is not None:
        return found
    tables, warnings = hugging_face.frames(splits)
    return _with_warnings(_read_frames(tables, wanted), warnings)


def _with_warnings(dataset: Dataset, warnings: Sequence[str]) -> Dataset:
    return replace(dataset, warnings=[*dataset.warnings, *warnings]) if warnings else dataset


def _joined(frame: Any, target: Any, name: str) -> dict[str, Any]:
    """The columns of a frame with the target as one more, called `name`."""
    columns = {str(name): frame[name] for name in (frame.keys() if hasattr(frame, "keys") else frame.column_names)}
    if name in columns:
        raise DataError(f"the table has a column {name!r} already; give the target another name with target=")
    return {**columns, name: target}


def _read_images(
    splits: Mapping[str, Any], config: DataConfig, *, task: str | None, tick: Tick, like: Schema | None
) -> Dataset:
    from sonde.modalities.image.rows import Encoded, Files, Pictures, assemble_images  # Pillow: not for arrays

    encoded: dict[str, Encoded] = {}
    targets = {}
    for split, (inputs, target) in splits.items():
        paths = isinstance(inputs[0], str | Path)
        encoded[split] = Files(Path(), tuple(map(str, inputs))) if paths else Pictures(tuple(inputs), split)
        targets[split] = raw_target(_plain(target, _called("y", splits, split)), _called("y", splits, split))
        if len(inputs) != len(targets[split].values):
            raise DataError(
                f"{split}: {len(inputs):,} images, but {len(targets[split].values):,} targets; each needs one"
            )
    about = About(
        name="images",
        source=f"{len(splits['train'][0]):,} images in memory",
        form="images",
        why="a list and its targets",
        fingerprint=fingerprint.of_arrays({f"{s} y": t.values for s, t in targets.items()}),
    )
    return assemble_images(encoded, targets, about, config, every_header=True, task=task, tick=tick, like=like)


def _called(what: str, splits: Mapping[str, Any], split: str = "") -> str:
    """ "x" where there is one split, "test x" where there are several."""
    return what if len(splits) == 1 else f"{split} {what}".strip()


def _words(value: Any) -> str:
    shape = getattr(value, "shape", None)
    size = "x".join(map(str, shape)) if shape is not None else f"{len(value)}"
    return f"{type(value).__name__} of {size}"
