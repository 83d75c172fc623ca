"""Looking on while a loss is computed: what each layer and activation gives, what the loss is called with, and the error that
comes back. Nothing that is computed changes by it."""

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from sonde.diagnose.signals import calls
from sonde.diagnose.signals.readings import Readings, in_words
from sonde.diagnose.signals.sample import Entry, LossCall, Outputs

MOST_ENTRIES = 50_000  # of a tensor: of a larger one the first rows are looked at
MOST_OUTPUTS = 300  # of a step
MOST_CLASSES = 100_000
MOST_VALUES = 1_000  # outputs of a row whose sums are kept: of more, such as an image's pixels, those evenly between
EDGE = 0.97  # of tanh, from where a unit is stuck


class ForwardWatch(TorchFunctionMode):
    """A context in which torch's functions are looked on, called as they would be without it.

    Whatever goes wrong in looking on ends the looking and nothing else: `trouble` then says what did.
    names: identity of a parameter -> its name, without what stands for the network
    """

    def __init__(self, names: Mapping[int, str], readings: Readings) -> None:
        super().__init__()
        self.trouble = ""
        self._names, self._readings = names, readings
        self._hooks: list[RemovableHandle] = []
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
        if torch.compiler.is_compiling():  # nothing of this becomes part of what torch compiles
            return found
        if not self.trouble:
            try:
                if func in calls.LOSSES:
                    self._loss(func, args, dict(kwargs or {}), found)
                elif len(self._outputs) < MOST_OUTPUTS:
                    self._look(func, (*args, *(kwargs or {}).values()), found)  # torch hands on norms' weights by name
            except Exception as trouble:
                self.trouble = in_words(trouble)
        return found

    def close(self) -> None:
        """Take the hooks away and let go of all tensors, once the error has come back."""
        for hook in self._hooks:
            hook.remove()
        self._hooks, self._owners = [], {}

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
        if output is weight or output._base is weight:  # the weight itself, in another shape: nothing was computed
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

    @torch.no_grad()
    def _note(self, output: Tensor, name: str, kind: str, second: bool) -> None:
        if not measurable(output):
            return
        self._owners[id(output)] = (weakref.ref(output), name.split(" → ")[0], second)
        values, keep = _limited(output.detach()).float(), self._readings.keep
        spread, mean = torch.std_mean(values, correction=0)
        places = [keep(mean), keep(spread)]
        if kind == calls.ZEROED:
            axis = 1 if second and values.ndim > 2 else values.ndim - 1
            rows = [dim for dim in range(values.ndim) if dim != axis]
            silent = (values.amax(rows) if rows else values) <= 0
            places += [keep(silent.float().mean())]
        elif kind == calls.BOUNDED:
            low, high = (-EDGE, EDGE) if name.endswith("tanh") else (1 - EDGE, EDGE)
            places += [keep(((values < low) | (values > high)).float().mean())]
        number = len(self._outputs)
        self._outputs.append((name, kind, tuple(places)))
        if output.requires_grad:
            self._hooks.append(output.register_hook(lambda error: self._error(number, error)))

    def _error(self, number: int, error: Tensor) -> None:
        if self.trouble or not measurable(error):
            return
        try:
            with torch.no_grad():
                seen = _limited(error.detach())
                norm = torch.linalg.vector_norm(seen.float()) / max(1, seen.numel()) ** 0.5
                self._errors[number] = self._readings.keep(norm)  # of several the last, which comes from the loss
        except Exception as trouble:
            self.trouble = in_words(trouble)

    @torch.no_grad()
    def _enter(self, given: Tensor, name: str, second: bool) -> None:
        """Keep what reaches the first layer; numbers of tokens say nothing."""
        if not given.is_floating_point() or given.ndim < 2 or not given.numel() or not measurable(given):
            self._entry = ()
            return
        values = _limited(given.detach()).float()
        axis = 1 if second and values.ndim > 2 else values.ndim - 1
        rows = [dim for dim in range(values.ndim) if dim != axis]
        spreads = values.std(dim=rows, unbiased=False)
        single = values.numel() == values.shape[axis]  # row: of which nothing is to be told about others
        measured = (
            values.mean(),
            values.std(unbiased=False),
            values.min(),
            values.max(),
            (spreads == 0).float().mean() * (not single),
            spreads.max(),
            spreads.masked_fill(spreads == 0, torch.inf).min(),
        )
        self._entry = tuple(self._readings.keep(each) for each in measured)
        self._entry_layer = name

    @torch.no_grad()
    def _loss(self, func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], found: Any) -> None:
        named = dict(zip(("input", "target", "weight"), args, strict=False)) | kwargs
        given, target = named.get("input"), named.get("target")
        if not isinstance(given, Tensor) or not isinstance(target, Tensor) or not isinstance(found, Tensor):
            return
        if given.numel() == 0 or len(self._losses) >= MOST_OUTPUTS:
            return
        if not all(measurable(each) and not each.is_complex() for each in (given, target, found)):
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


def measurable(values: Tensor) -> bool:
    """Whether numbers can be taken of it: none of a batch under torch.func's transforms, of nested, sparse or empty tensors."""
    return (
        values.layout is torch.strided
        and not values.is_nested
        and not values.is_meta
        and not is_functorch_wrapped_tensor(values)
    )


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
    rows = _limited(target)
    values = rows.reshape(len(rows) if rows.ndim else 1, -1)
    if values.shape[1] > MOST_VALUES:
        values = values[:, :: -(-values.shape[1] // MOST_VALUES)]
    values = values.double()
    return torch.stack([torch.full_like(values[0], len(values)), values.sum(0), values.square().sum(0)])
