"""Looking on while a loss is computed: what each layer and activation gives, what the loss is called with, and the error that
comes back. Nothing that is computed changes by it."""

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from sonde.diagnose.signals import calls
from sonde.diagnose.signals.sample import Entry, LossCall, Outputs

MOST_ENTRIES = 4_000_000  # of a tensor: of a larger one the first rows are looked at
MOST_OUTPUTS = 300  # of a step
MOST_CLASSES = 100_000
EDGE = 0.97  # of tanh, from where a unit is stuck


class Readings:
    """Scalars on a device, read together and late."""

    def __init__(self) -> None:
        self._kept: list[Tensor] = []
        self._read: list[float] | None = None

    def keep(self, value: Tensor) -> int:
        """The place of a scalar among those that are read."""
        self._kept.append(value.detach().reshape(()).float())
        return len(self._kept) - 1

    def __getitem__(self, place: int) -> float:
        if self._read is None:
            self._read = torch.stack(self._kept).tolist() if self._kept else []
            self._kept = []
        return self._read[place]


class ForwardWatch(TorchFunctionMode):
    """A context in which torch's functions are looked on, called as they would be without it.

    names: identity of a parameter -> its name, without what stands for the network
    inside: whether outputs are measured, besides the calls of losses
    """

    def __init__(self, names: Mapping[int, str], readings: Readings, *, inside: bool = True) -> None:
        super().__init__()
        self._names, self._readings, self._inside = names, readings, inside
        self._owners: dict[int, tuple[weakref.ref[Tensor], str, bool]] = {}  # tensor -> what gave it, channels second
        self._outputs: list[tuple[str, str, tuple[int, ...]]] = []
        self._errors: dict[int, int] = {}
        self._losses: list[dict[str, Any]] = []
        self._entry: tuple[int, ...] | None = None
        self._entry_layer = ""
        self._entry_normed = False

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        with torch.no_grad():
            if func in calls.LOSSES:
                self._loss(func, args, dict(kwargs or {}), found)
            elif self._inside and len(self._outputs) < MOST_OUTPUTS:
                self._look(func, (*args, *(kwargs or {}).values()), found)  # torch hands on norms' weights by name
        return found

    def _look(self, func: Callable[..., Any], args: Sequence[Any], found: Any) -> None:
        output = found[0] if isinstance(found, tuple | list) and found else found
        if not isinstance(output, Tensor) or not output.is_floating_point() or output.numel() == 0:
            return
        before = self._owner(args)
        if func in calls.ACTIVATIONS:
            name, kind = calls.ACTIVATIONS[func]
            layer, second = before or ("", output.ndim == 4)
            self._note(output, f"{layer} → {name}" if layer else name, kind, second)
            return
        weight = next((each for each in _tensors(args) if id(each) in self._names), None)
        if weight is None:
            if before is not None and output.ndim > 1 and self._owner([output]) is None:
                self._owners[id(output)] = (weakref.ref(output), *before)
            return
        name = self._names[id(weight)].rpartition(".")[0] or self._names[id(weight)]
        second = func in calls.CHANNELS_SECOND
        normed = func in calls.NORMALISED
        if self._entry is None and weight.ndim > 1 and args and isinstance(args[0], Tensor):
            self._enter(args[0], name, second)
        elif len(self._outputs) == 1 and normed:
            self._entry_normed = True
        self._note(output, name, "norm" if normed else "layer", second)

    def _owner(self, args: Sequence[Any]) -> tuple[str, bool] | None:
        """The layer that gave the first of the arguments that one gave."""
        for each in _tensors(args):
            held = self._owners.get(id(each))
            if held is not None and held[0]() is each:
                return held[1], held[2]
        return None

    def _note(self, output: Tensor, name: str, kind: str, second: bool) -> None:
        self._owners[id(output)] = (weakref.ref(output), name.split(" → ")[0], second)
        seen, keep = _limited(output.detach()), self._readings.keep
        values = seen.float()
        mean = values.mean()
        places = [keep(mean), keep(values.std(unbiased=False))]
        if kind == calls.ZEROED:
            axis = 1 if second and values.ndim > 2 else values.ndim - 1
            rows = [dim for dim in range(values.ndim) if dim != axis]
            places += [keep((values <= 0).all(dim=rows).float().mean() if rows else (values <= 0).float().mean())]
        elif kind == calls.BOUNDED:
            low, high = (-EDGE, EDGE) if name.endswith("tanh") else (1 - EDGE, EDGE)
            places += [keep(((values < low) | (values > high)).float().mean())]
        number = len(self._outputs)
        self._outputs.append((name, kind, tuple(places)))
        if output.requires_grad:
            output.register_hook(lambda error: self._error(number, error))

    def _error(self, number: int, error: Tensor) -> None:
        with torch.no_grad():
            self._errors.setdefault(number, self._readings.keep(error.detach().float().square().mean().sqrt()))

    def _enter(self, given: Tensor, name: str, second: bool) -> None:
        """Keep what reaches the first layer; numbers of tokens say nothing."""
        if not given.is_floating_point() or given.ndim < 2:
            self._entry = ()
            return
        values = _limited(given.detach()).float()
        axis = 1 if second and values.ndim > 2 else values.ndim - 1
        rows = [dim for dim in range(values.ndim) if dim != axis]
        spreads = values.std(dim=rows, unbiased=False)
        measured = (
            values.mean(),
            values.std(unbiased=False),
            values.min(),
            values.max(),
            (spreads == 0).float().mean(),
            spreads.max(),
            spreads.masked_fill(spreads == 0, torch.inf).min(),
        )
        self._entry = tuple(self._readings.keep(each) for each in measured)
        self._entry_layer = name

    def _loss(self, func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], found: Any) -> None:
        named = dict(zip(("input", "target", "weight"), args, strict=False)) | kwargs
        given, target = named.get("input"), named.get("target")
        if not isinstance(given, Tensor) or not isinstance(target, Tensor) or not isinstance(found, Tensor):
            return
        if given.numel() == 0 or len(self._losses) >= MOST_OUTPUTS:
            return
        kind, keep = calls.LOSSES[func], self._readings.keep
        scores = _limited(given.detach()).float()
        of_classes = kind in (calls.CLASSES, calls.LOG_CLASSES)
        axis = 1 if scores.ndim > 1 else 0
        call: dict[str, Any] = {
            "kind": kind,
            "name": func.__name__,
            "shape": tuple(given.shape),
            "target": tuple(target.shape),
            "smoothing": float(named.get("label_smoothing", 0.0) or 0.0),
            "reduction": str(named.get("reduction", "mean")),
            "weighted": named.get("weight") is not None or named.get("pos_weight") is not None,
            "value": keep(found.detach().float().mean() if found.numel() else found.new_zeros(())),
            "lowest": keep(scores.min()),
            "highest": keep(scores.max()),
            "spread": keep(scores.std(dim=0, unbiased=False).mean() if scores.ndim else scores.new_zeros(())),
            "off": None,
            "counts": _counted(kind, target, int(named.get("ignore_index", -100))),
        }
        if of_classes and scores.ndim > 1 and scores.shape[axis] > 1:
            sums = (scores.exp() if kind == calls.LOG_CLASSES else scores).sum(axis)
            call["off"] = keep((sums - 1).abs().max())
        self._losses.append(call)

    def outputs(self) -> list[Outputs]:
        """What was measured of layers, in their order; reads the device."""
        found = []
        for number, (name, kind, places) in enumerate(self._outputs):
            mean, spread, *more = (self._readings[place] for place in places)
            error = self._errors.get(number)
            found.append(
                Outputs(
                    name=name,
                    kind=kind,
                    mean=mean,
                    spread=spread,
                    silent=more[0] if kind == calls.ZEROED else 0.0,
                    stuck=more[0] if kind == calls.BOUNDED else 0.0,
                    error=None if error is None else self._readings[error],
                )
            )
        return found

    def loss_calls(self) -> list[LossCall]:
        """The losses that were called; reads the device."""
        found = []
        for call in self._losses:
            places = {name: self._readings[call[name]] for name in ("value", "lowest", "highest", "spread")}
            counted = call["counts"]
            of_classes = isinstance(counted, Tensor) and counted.ndim == 1
            found.append(
                LossCall(
                    kind=call["kind"],
                    name=call["name"],
                    value=places["value"],
                    shape=call["shape"],
                    target=call["target"],
                    lowest=places["lowest"],
                    highest=places["highest"],
                    off=None if call["off"] is None else self._readings[call["off"]],
                    spread=places["spread"],
                    counts={place: int(n) for place, n in enumerate(counted.tolist()) if n} if of_classes else {},
                    sums=counted.flatten().tolist() if isinstance(counted, Tensor) and not of_classes else (),
                    smoothing=call["smoothing"],
                    weighted=call["weighted"],
                    reduction=call["reduction"],
                )
            )
        return found

    def entry(self) -> Entry | None:
        """What reached the first layer; None of tokens."""
        if not self._entry:
            return None
        mean, spread, lowest, highest, constant, widest, narrowest = (self._readings[place] for place in self._entry)
        return Entry(
            mean=mean,
            spread=spread,
            lowest=lowest,
            highest=highest,
            constant=constant,
            widest=widest,
            narrowest=narrowest,
            normed=self._entry_normed,
        )


def _tensors(args: Iterable[Any]) -> Iterable[Tensor]:
    for each in args:
        if isinstance(each, Tensor):
            yield each
        elif isinstance(each, tuple | list):
            yield from (inner for inner in each if isinstance(inner, Tensor))


def _limited(values: Tensor) -> Tensor:
    """The first rows of a large tensor."""
    if values.numel() <= MOST_ENTRIES or values.ndim == 0:
        return values
    return values[: max(1, MOST_ENTRIES * len(values) // values.numel())]


def _counted(kind: str, target: Tensor, ignored: int) -> Tensor | None:
    """Of classes how often each occurs; of yes and no per output, and of values, (n, Σ, Σ²); nothing where it cannot be told."""
    target = target.detach()
    if kind in (calls.CLASSES, calls.LOG_CLASSES):
        if target.is_floating_point():
            return None
        flat = target.flatten()
        flat = flat[(flat != ignored) & (flat >= 0) & (flat < MOST_CLASSES)]
        return torch.bincount(flat) if flat.numel() else None
    values = _limited(target).double().reshape(len(target) if target.ndim else 1, -1)
    return torch.stack([torch.full_like(values[0], len(values)), values.sum(0), values.square().sum(0)])
