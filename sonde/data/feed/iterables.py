"""Whatever yields training data one after the other: whether that is rows or batches, where it ends, and what comes twice."""

import ast
import inspect
import itertools
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, Sampler, default_collate

from sonde.core.acting import acted_in
from sonde.core.errors import ConfigError, DataError, first_line
from sonde.core.nested import like
from sonde.data.feed.fields import by_name, is_text
from sonde.data.hugging_face import is_streaming_set


class Rows:
    """Batches of an iterable that yields single rows; a single row left over at the end joins the batch before."""

    def __init__(self, data: Iterable[Any], batch_size: int) -> None:
        self.data, self.batch_size = data, batch_size

    def __iter__(self) -> Iterator[Any]:
        rows = iter(self.data)
        held = list(itertools.islice(rows, self.batch_size))
        while held:
            coming = list(itertools.islice(rows, self.batch_size))
            if len(coming) == 1 < self.batch_size:
                held, coming = held + coming, []
            yield collated(held)
            held = coming


class Looked:
    """An iterable of unknown kind: rows where its first item surely is one, else batches; that item is not lost."""

    def __init__(self, data: Iterable[Any], batch_size: int) -> None:
        self.data, self.batch_size = data, batch_size
        self.in_batches = False  # until its first item has told

    def __iter__(self) -> Iterator[Any]:
        items = iter(self.data)
        first = next(items, None)
        if first is None:
            return
        whole = itertools.chain([first], items)
        self.in_batches = not is_row(first)
        yield from whole if self.in_batches else Rows(whole, self.batch_size)


class Called:
    """What a function returns, called anew for every pass."""

    def __init__(self, function: Callable[[], Iterable[Any]]) -> None:
        self.function = function

    def __iter__(self) -> Iterator[Any]:
        found = self.function()
        if not isinstance(found, Iterable):
            name = getattr(self.function, "__name__", type(self.function).__name__)
            env = acted_in(found, "lambda: …" if name == "<lambda>" else name)
            raise ConfigError(
                f"{name}() returned a {type(found).__name__}"
                + (f", {env}" if env else "; let it yield rows or batches, or return an iterable")
            )
        return iter(found)


class JoinedBatches(Sampler[list[int]]):
    """Row numbers of batches, the last of which takes the single row that would be left over."""

    def __init__(self, sampler: Iterable[int], batch_size: int) -> None:
        self.sampler, self.batch_size = sampler, batch_size

    def __len__(self) -> int:
        rows = len(self.sampler)  # type: ignore[arg-type]
        return -(-rows // self.batch_size) - (rows > self.batch_size and rows % self.batch_size == 1)

    def __iter__(self) -> Iterator[list[int]]:
        rows = list(self.sampler)
        for number in range(len(self)):
            start = number * self.batch_size
            yield rows[start:] if number == len(self) - 1 else rows[start : start + self.batch_size]


def batches_of(data: Any, *, batch_size: int, workers: int) -> Iterable[Any]:
    """An iterable of batches from one of rows or batches.

    data: a torch IterableDataset and a streaming set of Hugging Face's `datasets` yield rows; what has a `pipeline` (webdataset)
          batches where one of its stages makes them; a function is called for every pass; of anything else the first item tells
    Raises: ConfigError where several workers would yield the same rows
    """
    if is_streaming_set(data):
        # formatted for torch it is one of its iterable datasets, and shares its shards out among workers by itself
        data = data if isinstance(data, IterableDataset) else data.with_format("torch")
        return (
            DataLoader(data, batch_size, num_workers=workers, collate_fn=collated)
            if workers
            else Rows(data, batch_size)
        )
    if hasattr(data, "pipeline"):
        made = _is_batched(data)
        if workers:
            return DataLoader(
                data, None if made else batch_size, num_workers=workers, collate_fn=_as_is if made else collated
            )
        return data if made else Rows(data, batch_size)
    if isinstance(data, IterableDataset):
        if not workers:
            return Rows(data, batch_size)
        if workers > 1 and never_shares(data):
            raise ConfigError(
                f"--workers {workers}: every worker would yield all rows of {type(data).__name__}, so that each comes {workers} "
                "times an epoch; split them in its __iter__ with torch.utils.data.get_worker_info(), or give --workers 1"
            )
        return DataLoader(data, batch_size, num_workers=workers, collate_fn=collated)
    if not isinstance(data, Iterable) and callable(data):
        data = Called(cast(Callable[[], Iterable[Any]], data))
    return Looked(data, batch_size)


def unwrapped(data: Any) -> Any:
    """What `Rows` and `Looked` take their items from."""
    while isinstance(data, Rows | Looked):
        data = data.data
    return data


def ends(data: Any) -> bool:
    """Whether iterating comes to an end, as far as that can be known.

    It does not for itertools' endless ones, for pipelines that repeat without a number, for what has a false property `ends`, and
    for what says `while True:` and has no way out.
    """
    data = unwrapped(data)
    data = data.dataset if isinstance(data, DataLoader) else data
    if isinstance(data, itertools.count | itertools.cycle):
        return False
    if isinstance(data, itertools.repeat):
        try:
            return data.__length_hint__() >= 0
        except TypeError:  # of one that repeats without a number
            return False
    if hasattr(data, "pipeline") and not (getattr(data, "nsamples", None) or 0) > 0:
        resampled = any(type(stage).__name__ == "ResampledShards" for stage in data.pipeline)
        return not resampled and getattr(data, "repetitions", 1) < sys.maxsize
    own = getattr(data, "ends", None)
    return not loops_forever(data) if own is None else bool(own)


def loops_forever(data: Any) -> bool:
    """Whether the source of an `__iter__`, or of a function that yields, surely has no end: `while True:` without a way out."""
    data = data.function if isinstance(data, Called) else data
    code = getattr(data, "gi_code", None) or (
        data if inspect.isfunction(data) else getattr(type(data), "__iter__", None)
    )
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))  # type: ignore[arg-type]
    except (OSError, TypeError, SyntaxError):
        return False
    return any(
        isinstance(node, ast.While)
        and isinstance(node.test, ast.Constant)
        and bool(node.test.value)
        and not any(isinstance(inner, ast.Break | ast.Return | ast.Raise | ast.Try) for inner in ast.walk(node))
        for node in ast.walk(tree)
    ) and any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(tree))


def repeated(data: Any) -> str:
    """A warning about rows that several workers may yield more than once; "" where they cannot."""
    loader = data if isinstance(data, DataLoader) else None
    if loader is None or loader.num_workers < 2 or not isinstance(loader.dataset, IterableDataset):
        return ""
    if is_streaming_set(loader.dataset) or hasattr(loader.dataset, "pipeline"):
        return ""  # which share their shards out
    name, workers = type(loader.dataset).__name__, loader.num_workers
    if never_shares(loader.dataset) and loader.worker_init_fn is None:
        return (
            f"every row occurs {workers} times per epoch: {name} does not split its rows between its {workers} workers"
        )
    if mentions_workers(loader.dataset) or loader.worker_init_fn is not None:
        return ""
    return f"rows occur {workers} times per epoch unless {name} splits them between its {workers} workers"


def never_shares(dataset: Any) -> bool:
    """Whether a dataset surely yields the same rows in every worker.

    Nothing in its file asks for the worker, it holds no other dataset, and its `__iter__` calls only what is Python's own or
    torch's.
    """
    if mentions_workers(dataset):
        return False
    if any(isinstance(value, Iterable) and type(value).__module__ not in PLAIN for value in vars(dataset).values()):
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(type(dataset).__iter__)))
    except (OSError, TypeError, SyntaxError):
        return False
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return all(isinstance(function, ast.Name) and function.id in KNOWN or _of_torch(function) for function in called)


PLAIN = frozenset({"builtins", "torch", "numpy", "pathlib"})
KNOWN = frozenset(
    {"range", "enumerate", "zip", "len", "iter", "int", "float", "map", "list", "sorted", "reversed", "min", "max"}
)


def mentions_workers(dataset: Any) -> bool:
    """Whether the source of a dataset's class, or of the file it stands in, reads which worker it is in."""
    for get in (
        lambda: inspect.getsource(type(dataset)),
        lambda: inspect.getsource(sys.modules[type(dataset).__module__]),
    ):
        try:
            if "worker_info" in get():
                return True
        except (OSError, TypeError, KeyError):
            continue
    return False


def is_row(sample: Any) -> bool:
    """Whether an item surely is one row and no batch: it holds a number, a single text, or an image of Pillow's."""
    return any(_single(part) for part in _parts(sample))


def _parts(sample: Any) -> list[Any]:
    if isinstance(sample, Mapping):
        return list(sample.values())
    if (named := by_name(sample)) is not None:
        return list(named.values())
    return list(sample) if isinstance(sample, tuple | list) else [sample]


def collated(rows: list[Any]) -> Any:
    """Rows as a batch; pictures of Pillow's become (channels, height, width) bytes.

    Raises: DataError for rows that differ in shape
    """
    try:
        return default_collate([tuple(map(_as_part, row)) if isinstance(row, list) else _as_part(row) for row in rows])
    except RuntimeError as error:
        if "equal size" not in str(error):
            raise
        raise DataError(
            "the rows of a batch differ in shape; give them one shape, or yield batches that are padded already"
        ) from None
    except (TypeError, KeyError) as error:
        raise DataError(
            f"the rows of a batch cannot be put together: {first_line(error).split(';')[0]}; give each the same fields of "
            "tensors, arrays, numbers or texts, or a DataLoader with a collate_fn of your own"
        ) from None


def tell_epoch(data: Any, epoch: int) -> None:
    """Call `set_epoch` of what has it: streaming sets and samplers that shuffle by it."""
    data = unwrapped(data)
    parts = [data, *(getattr(data, name, None) for name in ("dataset", "sampler", "batch_sampler"))]
    for part in (*parts, getattr(parts[-1], "sampler", None)):
        if callable(set_epoch := getattr(part, "set_epoch", None)):
            set_epoch(epoch)


def _is_batched(pipeline: Any) -> bool:
    """Whether the last stage that makes or undoes batches makes them."""
    names = [
        getattr(getattr(stage, "f", stage), "__name__", type(stage).__name__).lower() for stage in pipeline.pipeline
    ]
    made = [name for name in names if "batched" in name]
    return bool(made) and "unbatched" not in made[-1]


def _single(part: Any) -> bool:
    if isinstance(part, bool | int | float | str | bytes | np.generic):
        return True
    if isinstance(part, torch.Tensor | np.ndarray):
        return part.ndim == 0
    if isinstance(part, Mapping | tuple) or by_name(part) is not None:
        return any(_single(inner) for inner in _parts(part) if not isinstance(inner, str | bytes))
    return _is_picture(part)


def _is_picture(part: Any) -> bool:
    return any(kind.__module__.startswith("PIL.") for kind in type(part).__mro__)


def _as_part(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _as_part(part) for name, part in value.items() if part is not None}
    if isinstance(value, tuple):
        return like(value, [_as_part(part) for part in value])
    named = by_name(value)
    return _as_array(value) if named is None else _as_part(named)


def _as_array(value: Any) -> Any:
    if not _is_picture(value):
        return torch.as_tensor(value) if isinstance(value, list) and not is_text(value) else value
    pixels = np.array(value)
    return torch.from_numpy(pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def _as_is(batch: Any) -> Any:
    return batch


def _of_torch(function: ast.expr) -> bool:
    """Whether a call is to torch's or numpy's own namespace: torch.arange(…)."""
    while isinstance(function, ast.Attribute):
        function = function.value
    return isinstance(function, ast.Name) and function.id in ("torch", "np", "numpy")
