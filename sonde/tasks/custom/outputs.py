"""What a network of a researcher's own returned: a tensor, or a tuple, dict or dataclass of such."""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.errors import ConfigError
from sonde.core.nested import in_words
from sonde.core.seams import Loss
from sonde.tasks.custom.opened import attributes_of
from sonde.tasks.custom.signatures import name_of, of_a_library

APART = 2e-5  # of a loss: rounding of fp32 sums stays far below


def own_loss(output: Any) -> Tensor:
    """The loss that a network computed by itself: `output.loss` or output["loss"]. Raises: ConfigError where there is none"""
    found = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)
    if found is None:
        raise ConfigError(
            "a plain module needs loss=(output, target) -> scalar mean over the rows; only a network whose output has `.loss` or "
            f"['loss'] goes without, and this one returned {returned(output)}"
        )
    return found


def named_outputs(output: Any, rows: int) -> dict[str, Any]:
    """The parts of an output that have a value for each row, by name: "output" for a single tensor, a tuple's "output_1", …

    Raises: ConfigError where there is none
    """
    if isinstance(output, Tensor):
        return {"output": output}
    if isinstance(output, Mapping):
        parts = {str(name): part for name, part in output.items()}
    elif is_dataclass(output):
        parts = dict(vars(output))
    elif hasattr(output, "_asdict"):
        parts = output._asdict()
    elif isinstance(output, tuple | list):
        parts = {f"output_{place + 1}": part for place, part in enumerate(output)}
    else:
        parts = attributes_of(output) or {}
    kept = {name: _by_row(part, rows) for name, part in parts.items()}
    kept = {name: part for name, part in kept.items() if part is not None}
    if not kept:
        raise ConfigError(
            f"the network returned {returned(output)}, which holds no tensor of {rows} rows to predict with"
        )
    return kept


def row_of(part: Any, row: int) -> Any:
    """One row of what `named_outputs` has: numbers, nested lists, dicts."""
    if isinstance(part, Tensor):
        return part[row].tolist()
    if isinstance(part, dict):
        return {name: row_of(inner, row) for name, inner in part.items()}
    return [row_of(inner, row) for inner in part]


def returned(output: Any) -> str:
    """An output in words, such as "a tuple of 2: (8, 3) float32, (8, 1) float32"."""
    if isinstance(output, Tensor):
        return f"a tensor {in_words(output)}"
    if isinstance(output, Mapping):
        return f"a dict of {', '.join(f'{name} {in_words(part)}' for name, part in output.items()) or 'nothing'}"
    if isinstance(output, tuple | list):
        return f"a {type(output).__name__} of {len(output)}: {', '.join(map(in_words, output))}"
    return "None" if output is None else f"a {type(output).__name__}"


def check_loss_of(function: Callable[..., Any], output: Any, given: list[Any], more: dict[str, Any], what: str) -> None:
    """Try what fails, or computes nonsense without a word, for all batches alike.

    Raises: ConfigError for an output of several parts that a function of a library cannot take, for None that none can take, and
            for shapes (B, 1) and (B,) that are broadcast to (B, B)
    """
    if isinstance(output, Tensor):
        if given and isinstance(given[0], Tensor):
            refuse_broadcast(
                lambda one, other: function(one, other, *given[1:], **more), output, given[0], what, function
            )
        return
    if output is not None and not of_a_library(function):
        return
    try:
        with torch.no_grad():
            function(output, *given, **more)
    except (TypeError, AttributeError, RuntimeError, ValueError) as trouble:
        if output is None:
            raise ConfigError(
                f"the network returned None, and {what} {name_of(function)} cannot compute with it; let its forward return its "
                "output"
            ) from trouble
        part = _pick(output)
        raise ConfigError(
            f"the network returned {returned(output)}, and {what} {name_of(function)} takes a tensor; give a function of the "
            f"whole output, such as lambda output, target: {name_of(function)}({part}, target)"
        ) from trouble


def refuse_broadcast(
    function: Callable[[Tensor, Tensor], Any], output: Tensor, target: Tensor, what: str, named: Callable[..., Any]
) -> None:
    """Where output and target differ by axes of size 1 only, see whether that changes what `function` computes.

    It is called without a gradient, on the pair as it is and with either in the other's shape, also on values that differ by
    row, since equal ones would hide a difference; random streams and a module's state are left as they were.
    named: `function` as the user gave it, which may be a module with state
    Raises: ConfigError where the pair as it is gives another number than both pairs of one shape, which agree
    """
    if not _only_ones_apart(output, target):
        return
    tries = [(output.detach(), target), *_told_apart(output.detach(), target)]
    with torch.no_grad(), _undone(named, output.device), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of what is refused here
        for one, other in tries:
            as_is = _number(function, one, other)
            alike = [
                _number(function, one, other.reshape(one.shape)),
                _number(function, one.reshape(other.shape), other),
            ]
            # a function that reshapes by itself agrees with one of the two
            if _close(*alike) and not _close(as_is, alike[0]) and as_is is not None:
                sizes = tuple(torch.broadcast_shapes(output.shape, target.shape))
                raise ConfigError(
                    f"{what} compares outputs {tuple(output.shape)} with targets {tuple(target.shape)}, which are broadcast "
                    f"to {sizes}, every output with every target; give targets of shape {tuple(output.shape)} "
                    f"(target.reshape(output.shape)), or let the network return {tuple(target.shape)} "
                    "(output.reshape(target.shape))"
                )


def is_mean_over_rows(function: Callable[..., Any], output: Any, target: Any) -> bool:
    """Whether a loss of a batch is the mean of its halves', by their rows, as far as this batch tells: rounding is left out, and
    what cannot be cut or is drawn at random is taken for one.

    It is called without a gradient; random streams and a module's state are left as they were.
    """
    if not isinstance(output, Tensor) or not isinstance(target, Tensor) or not output.ndim or not target.ndim:
        return True
    rows = len(output)
    if rows < 2 or len(target) != rows:
        return True
    half = rows // 2
    with torch.no_grad(), _undone(function, output.device), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole, again = _number(function, output, target), _number(function, output, target)
        first, last = _number(function, output[:half], target[:half]), _number(function, output[half:], target[half:])
    if whole is None or again is None or first is None or last is None or not torch.equal(whole, again):
        return True
    mean = (first * half + last * (rows - half)) / rows
    return bool((mean - whole).abs() <= APART * whole.abs().clamp(min=1e-6))


def _told_apart(output: Tensor, target: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Pairs of these shapes whose rows differ: moved by ramps, and of two classes by turns, as logits and as their numbers."""
    if len(output) != len(target):
        return []

    def by_row(rows: Tensor, like: Tensor) -> Tensor:
        return rows.to(like.device, like.dtype).view(-1, *[1] * (like.ndim - 1)).expand_as(like).contiguous()

    ramp, turns = torch.linspace(0.1, 0.9, len(output)), torch.arange(len(output)) % 2
    moved = output + by_row(ramp, output)
    other = target + by_row(ramp.flip(0), target) if target.is_floating_point() else target
    return [(moved, target), (moved, other), (by_row(8 * turns - 4, output), by_row(turns, target))]


def _only_ones_apart(output: Tensor, target: Tensor) -> bool:
    """Whether two shapes differ, but not in their sizes above 1, and are broadcast to something larger than either."""
    if output.shape == target.shape or [n for n in output.shape if n != 1] != [n for n in target.shape if n != 1]:
        return False
    return torch.broadcast_shapes(output.shape, target.shape).numel() > output.numel()


def _close(one: Tensor | None, other: Tensor | None) -> bool:
    return one is not None and other is not None and torch.allclose(one, other, rtol=1e-4, atol=1e-7)


def _number(function: Callable[[Tensor, Tensor], Any], output: Tensor, target: Tensor) -> Tensor | None:
    """What a function computes, where that is one finite number or one under "loss"."""
    try:
        value = function(output, target)
        value = value["loss"] if isinstance(value, Mapping) else value.value if isinstance(value, Loss) else value
        found = torch.as_tensor(value, dtype=torch.float64).cpu()
    except Exception:  # noqa: BLE001  # whatever the caller's function does not take cannot be compared
        return None
    return found if found.numel() == 1 and bool(torch.isfinite(found).all()) else None


@contextmanager
def _undone(function: Callable[..., Any], device: torch.device) -> Iterator[None]:
    """Random streams and the state of a module are as before once the body is done."""
    state = copy.deepcopy(function.state_dict()) if isinstance(function, nn.Module) else None
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            if state is not None:
                function.load_state_dict(state)  # type: ignore[attr-defined]


def _by_row(part: Any, rows: int) -> Any:
    if isinstance(part, Tensor):
        return part if part.ndim and len(part) == rows else None
    if isinstance(part, Mapping):
        kept = {str(name): _by_row(inner, rows) for name, inner in part.items()}
        return {name: inner for name, inner in kept.items() if inner is not None} or None
    if isinstance(part, tuple | list):
        return tuple(inner for inner in (_by_row(inner, rows) for inner in part) if inner is not None) or None
    return None


def _pick(output: Any) -> str:
    """How to write one part of an output."""
    if isinstance(output, Mapping):
        name = "logits" if "logits" in output else next(iter(output), "logits")
        return f"output[{name!r}]"
    if isinstance(output, tuple | list):
        return "output[0]"
    names = [name for name in getattr(output, "__dict__", {}) if not name.startswith("_")]
    return f"output.{'logits' if 'logits' in names or not names else names[0]}"
