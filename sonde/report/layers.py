"""What signals.jsonl says of a network's inside, as grids of layers by steps, and in a sentence each about this very run."""

import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sonde.core.units import ABSENT, count, number, share

APART = 100.0  # first beside last layer, from where it is a fault: healthy networks lie between 0.16 and 11
LEVEL = 12.0  # and within which it says nothing
SURELY = 1e-3  # the same, over all looks: what vanishes so far leaves the first layers as they were
DEEP, LOOKS, BY_LAYER = (
    4,
    3,
    1.3,
)  # layers, looks, and times from a layer to the next: as the rule `diagnose/rules/gradients` asks
SMALL_STEP, LARGE_STEP = (
    2e-4,
    0.2,
)  # of update / size: healthy medians lie between 8e-4 and 4e-2, and single layers below 8.6e-2
HEALTHY_STEPS = (
    "in 45 healthy runs of nine networks the median was 0.08 % to 4 %, and no layer changed by more than 9 %"
)
"""What an update is beside a weight where all is well: `doctor.md` 0.3, the same that the rules go by."""
NEAR_ZERO = 0.05  # size · √fan of a weight that begins near zero: its update / size says nothing
FEW, MANY = 0.01, 0.5  # share of units
T = TypeVar("T")
LAYER, ZEROED, BOUNDED = "layer", "zeroed below a limit", "bounded"  # kinds of outputs (`diagnose/signals/calls`)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """One quantity by layer and by step that was looked at.

    names:  from the network's input to its output
    values: [layer][look]; None where it was not measured, or was not finite
    """

    names: Sequence[str]
    steps: Sequence[int]
    values: Sequence[Sequence[float | None]]

    def known(self, look: int) -> list[tuple[str, float]]:
        """(layer, value) of one look."""
        pairs = zip(self.names, self.values, strict=True)
        return [(name, value) for name, row in pairs if (value := row[look]) is not None]

    def apart(self, look: int) -> float | None:
        """The first layer's value as a multiple of the last's; None of fewer than two layers, or where one is 0."""
        known = self.known(look)
        if len(known) < 2 or not known[0][1] > 0 or not known[-1][1] > 0:
            return None
        return known[0][1] / known[-1][1]

    def compared(self) -> "Grid":
        """From the first look on at which first and last layer compare: behind weights that begin at 0, all is 0 before.

        Of the layers of that look, at those looks that have its first and last: where phases take turns, others have more layers.
        """
        start = next((look for look in range(len(self.steps)) if self.apart(look) is not None), 0)
        rows = [(name, row) for name, row in zip(self.names, self.values, strict=True) if row[start] is not None]
        ends = [row for _, row in (*rows[:1], *rows[-1:])]
        looks = [look for look in range(start, len(self.steps)) if all(row[look] is not None for row in ends)]
        return Grid(
            names=[name for name, _ in rows],
            steps=[self.steps[look] for look in looks],
            values=[[row[look] for look in looks] for _, row in rows],
        )

    def zero(self, look: int) -> list[str]:
        """Layers whose value is exactly 0 at one look."""
        return [name for name, value in self.known(look) if value == 0]

    def none(self) -> list[str]:
        """Layers whose value is exactly 0 at every look, of which one alone tells nothing."""
        pairs = zip(self.names, ([value for value in row if value is not None] for row in self.values), strict=True)
        return [name for name, known in pairs if len(known) > 1 and not any(known)]

    def extreme(self, choose: Callable[..., Any]) -> tuple[str, int, float] | None:
        """(layer, step, value) of the largest or smallest of all values."""
        cells = [
            (value, name, step)
            for name, row in zip(self.names, self.values, strict=True)
            for step, value in zip(self.steps, row, strict=True)
            if value is not None
        ]
        if not cells:
            return None
        value, name, step = choose(cells, key=lambda cell: cell[0])
        return name, step, value


@dataclass(frozen=True, kw_only=True)
class Inside:
    """The grids of a run.

    error: root mean square of the loss's gradient with respect to what a layer gives (δ)
    gradient: norm of a weight's;  spread: standard deviation of what activations give, of layers where there are none
    stuck: share of units that are dead or saturated;  update: a weight's update / size
    """

    error: Grid
    gradient: Grid
    spread: Grid
    stuck: Grid
    update: Grid

    @property
    def steps(self) -> Sequence[int]:
        """Those that were looked at."""
        return self.gradient.steps

    def sentences(self) -> list[str]:
        """What this run shows, a sentence for each quantity that was measured."""
        pairs = (
            (self.error, error_says),
            (self.gradient, gradient_says),
            (self.spread, spread_says),
            (self.stuck, stuck_says),
            (self.update, update_says),
        )
        return [says(grid) for grid, says in pairs if any(grid.known(look) for look in range(len(grid.steps)))]


def inside(lines: Sequence[Mapping[str, Any]]) -> Inside | None:
    """The grids of signals.jsonl's lines, None where there are none. Raises: KeyError, TypeError, ValueError for other lines"""
    if not lines:
        return None
    outputs = [_outputs(line["outputs"]) for line in lines]
    layers = [{name: entry for name, entry in look.items() if entry.kind == LAYER} for look in outputs]
    active = [{name: entry for name, entry in look.items() if entry.kind not in (LAYER, "norm")} for look in outputs]
    limited = [{n: entry for n, entry in look.items() if entry.kind in (ZEROED, BOUNDED)} for look in outputs]
    weights = [
        {name: _Weight(*(_finite(value) for value in held)) for name, held in line["weights"].items()} for line in lines
    ]
    steps = [int(line["step"]) for line in lines]
    return Inside(
        error=_grid(steps, layers, lambda each: each.error),
        gradient=_grid(steps, weights, lambda each: each.norm),
        spread=_grid(steps, active if any(active) else layers, lambda each: each.spread),
        stuck=_grid(steps, limited, lambda each: each.stuck if each.kind == BOUNDED else each.silent),
        update=_grid(steps, weights, lambda each: each.ratio),
    )


@dataclass(frozen=True)
class _Weight:
    size: float | None
    gradient: float | None
    update: float | None
    entries: float | None
    fan: float | None
    inputs: float | None = None  # not in lines of the first versions

    @property
    def norm(self) -> float | None:
        return None if self.gradient is None or self.entries is None else self.gradient * math.sqrt(self.entries)

    @property
    def ratio(self) -> float | None:
        if not self.size or self.update is None or self.fan is None or self.size * math.sqrt(self.fan) < NEAR_ZERO:
            return None
        return self.update / self.size


@dataclass(frozen=True)
class _Output:
    kind: str
    spread: float | None
    silent: float | None
    stuck: float | None
    error: float | None


def _outputs(entries: Iterable[Sequence[Any]]) -> dict[str, _Output]:
    """By name; of a layer that is used several times the root mean squares over its uses."""
    uses: dict[str, list[_Output]] = {}
    for name, kind, _, *rest in entries:
        spread, silent, stuck, error = map(_finite, rest)
        uses.setdefault(str(name), []).append(_Output(str(kind), spread, silent, stuck, error))
    return {
        name: several[0]
        if len(several) == 1
        else _Output(
            several[0].kind,
            *(_root([getattr(each, field) for each in several]) for field in ("spread", "silent", "stuck", "error")),
        )
        for name, several in uses.items()
    }


def _root(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.sqrt(statistics.fmean(value * value for value in known)) if known else None


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _grid(steps: Sequence[int], looks: Sequence[Mapping[str, T]], value: Callable[[T], float | None]) -> Grid:
    names = list(dict.fromkeys(name for look in looks for name in look))
    rows = [[value(look[name]) if name in look else None for look in looks] for name in names]
    kept = [(name, row) for name, row in zip(names, rows, strict=True) if any(each is not None for each in row)]
    return Grid(names=[name for name, _ in kept], steps=steps, values=[row for _, row in kept])


def error_says(grid: Grid) -> str:
    """How the error signal fares on its way from the loss to the first layer."""
    said = _on_its_way(grid.compared(), "the error")
    none = grid.none()
    if said is not None:
        return _at_first(grid, "No error reaches {}") + said
    known = grid.known(0)
    if len(known) > 1 and known[0][1] == 0:
        if known[0][0] in none:
            return f"No error reaches {known[0][0]} at any step that was measured: nothing there can learn."
        return _at_first(grid, "No error reaches {}").strip()
    return "The error was measured at one layer only." if known else "No error was measured."


def gradient_says(grid: Grid) -> str:
    """How the weights' gradients differ from layer to layer."""
    later = grid.compared()
    first, last = later.apart(0), later.apart(-1)
    if first is None:
        none = grid.none()
        if len(grid.known(0)) > 1 and none:
            return f"The gradient of {_some(none)} is exactly 0 at every step that was measured."
        if len(grid.known(0)) > 1 and grid.zero(0):
            return _at_first(grid, "The gradient of {} is exactly 0").strip()
        return "Only one weight has a gradient, so there is nothing to compare it with."
    names = later.known(0)
    text = f"The gradient of {names[0][0]} is {compact(first)} times that of {names[-1][0]}" + _later(later, last)
    return _at_first(grid, "The gradient of {} is exactly 0") + f"{text}: {_verdict(later)}."


def _at_first(grid: Grid, what: str) -> str:
    """A sentence on what is 0 at the first look, "" where the first layer is not: it does not last, as the others tell."""
    zero = grid.zero(0)
    if not zero or zero[0] != grid.known(0)[0][0]:
        return ""
    return f"{what.format(_some(zero))} at step {count(grid.steps[0])}, which is so behind weights that begin at 0. "


def spread_says(grid: Grid) -> str:
    """Whether what the layers answer still differs from row to row: at the first look and the last of the same layers.

    Where phases take turns, not every look sees all layers.
    """
    at = next(look for look in range(len(grid.steps)) if grid.known(look))
    known = grid.known(at)
    (first, a), (last, b) = known[0], known[-1]
    late, then = at, dict(known)
    for look in range(at + 1, len(grid.steps)):
        values = dict(grid.known(look))
        if first in values and last in values:
            late, then = look, values
    if len(known) < 2:
        text = f"The activations of {first} have a standard deviation of {compact(a)}"
        if late == at:
            return f"{text}." if at == 0 else f"{text} at step {count(grid.steps[at])}."
        begun = "at first" if at == 0 else f"at step {count(grid.steps[at])}"
        return f"{text} {begun}, and of {compact(then[first])} at step {count(grid.steps[late])}."
    begun = "in the first step" if at == 0 else f"at step {count(grid.steps[at])}"
    text = f"The activations have a standard deviation of {compact(a)} at {first} and of {compact(b)} at {last} {begun}"
    if late > at:
        text += f", {compact(then[first])} and {compact(then[last])} at step {count(grid.steps[late])}"
    if b and a / b > APART:
        return text + ": deep in the network all rows look nearly alike."
    if a and b / a > APART:
        return text + ": outputs grow from layer to layer."
    return text + "."


def stuck_says(grid: Grid) -> str:
    """How many units no longer answer."""
    worst, last = grid.extreme(max), max(grid.known(-1), key=lambda pair: pair[1], default=None)
    if worst is None or worst[2] == 0:
        return "No unit is dead or saturated at any step that was measured."
    name, step, value = worst
    if value < FEW:
        return f"Hardly any unit is dead or saturated: at most {share(value, 1)}, at {name} at step {count(step)}."
    text = (
        f"{share(value, 0)} of the units at {name} are dead or saturated at step {count(step)}, the most of any layer"
    )
    if last is not None and step != grid.steps[-1]:
        text += f"; at the last measured step, {count(grid.steps[-1])}, {share(last[1], 0)} at {last[0]}"
    return text + (": these pass on hardly any error." if value > MANY else ".")


def update_says(grid: Grid) -> str:
    """How far a step moves the weights."""
    values = [value for row in grid.values for value in row if value is not None]
    largest, smallest = grid.extreme(max), grid.extreme(min)
    if not values or largest is None or smallest is None:
        return "No weight is large enough for its updates to be compared with it."
    middle = statistics.median(values)
    text = (
        f"A step changes the weights by {_percent(middle)} (median), most {largest[0]} at step {count(largest[1])} "
        f"({_percent(largest[2])}), least {smallest[0]} at step {count(smallest[1])} ({_percent(smallest[2])})"
    )
    if middle < SMALL_STEP:
        return text + f": little; {HEALTHY_STEPS}."
    if largest[2] > LARGE_STEP:
        return text + f": much; {HEALTHY_STEPS}."
    return text + "."


def _on_its_way(grid: Grid, what: str) -> str | None:
    """From the last layer to the first, at the first look and at the last."""
    first, last = grid.apart(0), grid.apart(-1)
    if first is None:
        return None
    names = grid.known(0)
    way = f"From the last layer ({names[-1][0]}) to the first ({names[0][0]}) {what}"
    if max(_off(first), _off(last or first)) <= LEVEL:
        text = f"{way} keeps its order of magnitude: {compact(first)} times {_when(grid)}"
        then = "" if last is None or len(grid.steps) < 2 else f", {compact(last)} at step {count(grid.steps[-1])}"
        return f"{text}{then}."
    text = f"{way} {_changes(first)} {_when(grid)}"
    if last is not None and len(grid.steps) > 1:
        same = (first < 1) == (last < 1)
        then = f" and {compact(_off(last))} times" if same else f", and {_changes(last)}"
        text += f"{then} at step {count(grid.steps[-1])}"
    return f"{text}: {_verdict(grid)}."


def _changes(apart: float) -> str:
    return f"{'shrinks' if apart < 1 else 'grows'} {compact(_off(apart))} times"


def _off(apart: float) -> float:
    return max(apart, 1 / apart)


def _verdict(grid: Grid) -> str:
    """What a ratio means; of a vanishing gradient is spoken where the rule for it would (`doctor.md` M2): in deep networks, from
    the first look on, lastingly, and from layer to layer. Else it is a fact without a fault."""
    looks = [apart for look in range(len(grid.steps)) if (apart := grid.apart(look)) is not None]
    if max(_off(looks[0]), _off(looks[-1])) <= APART:
        return "neither vanishing nor exploding"
    values = [value for _, value in grid.known(0)]
    middle, step = statistics.median(looks), _by_layer(values)
    if len(looks) >= LOOKS and len(values) >= DEEP:
        if max(middle, looks[0]) < 1 / APART and step > BY_LAYER:
            return "it vanishes, and the first layers learn " + (
                "hardly or not at all" if middle < SURELY else "slowly"
            )
        if min(middle, looks[0]) > APART and step < 1 / BY_LAYER:
            return "it explodes, and the first layers change erratically"
    return "far apart, which alone is not a fault"


def _by_layer(values: Sequence[float]) -> float:
    """How many times a layer's value is that of the layer before it, in the middle."""
    return statistics.median(b / a for a, b in itertools.pairwise(values) if a > 0) if values[0] > 0 else math.inf


def _later(grid: Grid, last: float | None) -> str:
    if last is None or len(grid.steps) < 2:
        return f" {_when(grid)}"
    return f" {_when(grid)}, and {compact(last)} times at step {count(grid.steps[-1])}"


def _when(grid: Grid) -> str:
    """Of the first look."""
    return "in the first step" if grid.steps[0] == 1 else f"at step {count(grid.steps[0])}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def compact(value: float | None) -> str:
    """Two digits, in as few characters.

    >>> compact(3.12e-08), compact(0.0123), compact(0.5), compact(3.6e7)
    ('3.1e-8', '0.012', '0.50', '3.6e7')
    """
    if value is None or value == 0 or 1e-3 <= abs(value) < 1e4:
        return ABSENT if value is None else number(value, 2)
    return f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def _percent(value: float) -> str:
    return f"{compact(100 * value)} %"
