"""What the curves of a run did, in sentences: from where to where they went, and where they were best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sonde.core.units import number
from sonde.report.scale import Point

SAME = 0.02  # of a change beside the value it began with, below which a curve stayed where it was
RISEN = 0.05  # of how far a curve came from its first point to its best, by which it must have gone back to have turned
AWAY = 0.1  # or of its best value
FAR = 0.5  # of the way from its first point to its end, by which a curve must have been beyond both to have gone there and back
FEW = 5  # points, of fewer of which no such thing is said
END = 20  # the last twentieth of the points stands for the end of a noisy curve

Say = Callable[[float], str]


def short(value: float) -> str:
    """A value of a curve, for a sentence."""
    return number(value, 3)


@dataclass(frozen=True, kw_only=True)
class Course:
    """Where a curve began, was best, and ended. at: x of the best point; last_at: of the last; count: finite points

    last: the mean of the last twentieth of the points, which are so many: merged;  followed: points after the best one
    """

    first: float
    last: float
    best: float
    at: float
    last_at: float
    count: int
    broken: int
    merged: int
    followed: int

    @property
    def change(self) -> str:
        """The verb for what it did from the first point to the last."""
        return verb(self.first, self.last)

    @property
    def turned(self) -> bool:
        """Whether it has moved away from its best value by a good part of that, or of the way to it."""
        back = abs(self.last - self.best)
        return self.at < self.last_at and (
            back > RISEN * abs(self.first - self.best) or back > AWAY * abs(self.best) > 0
        )


def course(points: Sequence[Point], *, higher: bool = False) -> Course | None:
    """The course of a curve; None where no point is finite. higher: whether more is better"""
    finite = [(x, y) for x, y in points if y is not None]
    if not finite:
        return None
    at, best = (max if higher else min)(finite, key=lambda point: point[1])
    end = [y for _, y in finite[-max(1, len(finite) // END) :]]
    return Course(
        first=finite[0][1],
        last=sum(end) / len(end),
        best=best,
        at=at,
        last_at=finite[-1][0],
        count=len(finite),
        broken=len(points) - len(finite),
        merged=len(end),
        followed=sum(x > at for x, _ in finite),
    )


def verb(first: float, last: float) -> str:
    """What a value did on its way.

    >>> verb(2.0, 1.0), verb(1.0, 1.01), verb(1.0, 3.0)
    ('fell', 'stayed', 'rose')
    """
    if abs(last - first) <= SAME * abs(first):
        return "stayed"
    return "fell" if last < first else "rose"


def moved(what: str, found: Course, say: Say = short) -> str:
    """ "training loss fell from 2.30 to 0.0500"."""
    if found.count == 1:
        return f"{what} was {say(found.last)}"
    if found.change == "stayed":
        return f"{what} stayed at about {say(found.last)}"
    return f"{what} {found.change} from {say(found.first)} to {say(found.last)}"


def turned_between(points: Sequence[Point]) -> Point | None:
    """Where a curve was, in the mean of a twentieth of its points, far beyond both where it began and where it ended: it went
    there and came back. None of one that did not, and of few points."""
    finite, found = [(x, y) for x, y in points if y is not None], course(points)
    if found is None or found.count < FEW:
        return None
    size = max(1, len(finite) // END)
    parts = [finite[first : first + size] for first in range(1, len(finite) - size, size)]
    means = [(part[len(part) // 2][0], sum(y for _, y in part) / len(part)) for part in parts]
    low, high = sorted((found.first, found.last))
    at, away = max(means, key=lambda point: max(point[1] - high, low - point[1]))
    beyond = max(away - high, low - away)
    return (at, away) if beyond > max(FAR * (high - low), AWAY * max(abs(low), abs(high))) else None


def there_and_back(what: str, points: Sequence[Point], axis: str, say: Say = short) -> str:
    """ "it rose from 1.00 to about 9.00 by step 40, and fell to 2.00 since"; of a curve that did not turn as `moved`."""
    found, turn = course(points), turned_between(points)
    assert found is not None
    if turn is None or turn[1] is None:
        return moved(what, found, say)
    there, back = ("rose", "fell") if turn[1] > found.first else ("fell", "rose")
    told = f"{what} {there} from {say(found.first)} to about {say(turn[1])} by {axis} {place(turn[0])}"
    return f"{told}, and {back} to {say(found.last)}"


def best_at(what: str, found: Course, axis: str, say: Say = short, *, higher: bool = False) -> str:
    """ "validation loss was lowest (0.120) at epoch 3 and rose to 0.300 since". axis: "epoch" or "step" """
    extreme, away = ("highest", "fell") if higher else ("lowest", "rose")
    if found.count == 1:
        return f"{what} was {say(found.best)} at the only evaluation"
    text = f"{what} was {extreme} ({say(found.best)}) at {axis} {place(found.at)}"
    if found.at == found.last_at:
        return f"{text}, the last evaluation"
    if found.turned:
        return f"{text} and {away} to {say(found.last)} since{_merged(found)}"
    return f"{text} and hardly changed since ({say(found.last)})"


def _merged(found: Course) -> str:
    """That what a curve ended at is no point of it, where that is so."""
    return f" (the mean of the last {found.merged})" if found.merged > 1 else ""


def of_losses(train: Sequence[Point], validation: Sequence[Point], axis: str) -> str:
    """What the losses did, and how far apart they ended."""
    told: list[str] = []
    if (found := course(train)) is not None:
        told.append(moved("training loss", found))
    if (found := course(validation)) is not None:
        told.append(best_at("validation loss", found, axis))
    text = sentence("; ".join(told))
    broken = sum(y is None for _, y in train)
    return f"{text} {broken} logged values were not finite; the curve is broken there." if broken else text


def of_metric(name: str, points: Sequence[Point], axis: str, say: Say, higher: bool | None) -> str:
    """What a validation metric did."""
    found = course(points, higher=bool(higher))
    if found is None:
        return ""
    if found.count == 1 or higher is None:
        return sentence(moved(name, found, say) + _merged(found))
    return sentence(f"{moved(name, found, say)}{_merged(found)}; it was {_best(found, axis, say, higher)}")


def _best(found: Course, axis: str, say: Say, higher: bool) -> str:
    return best_at("", found, axis, say, higher=higher).removeprefix(" was ")


def of_rate(points: Sequence[Point], axis: str) -> str:
    """How the learning rate was led."""
    found = course(points, higher=True)
    if found is None:
        return ""
    if found.first == found.best == found.last:
        return f"Constant at {short(found.best)}."
    steps = [] if found.first == found.best else [f"rose to {short(found.best)} by {axis} {place(found.at)}"]
    final = points[-1][1]
    if final is not None and final < found.best:
        steps.append(f"fell from {short(found.best)} to {short(final)} by the end")
    return sentence(", then ".join(steps))


def of_norm(points: Sequence[Point], axis: str, clip: float) -> str:
    """How large gradients were, before clipping."""
    finite = sorted(y for _, y in points if y is not None)
    found = course(points, higher=True)
    if found is None:
        return ""
    middle = finite[len(finite) // 2]
    text = f"median {short(middle)}, highest {short(found.best)} at {axis} {place(found.at)}"
    if clip > 0:
        cut = sum(y > clip for y in finite)
        text += f"; {cut} of {len(finite)} logged steps were above {clip:g} and clipped to it"
    return sentence(text)


def of_range_test(points: Sequence[Point], chosen: float | None) -> str:
    """Where the loss of a range test was lowest, and what was made of it."""
    found = course(points)
    if found is None:
        return ""
    text = (
        f"as the rate was raised, the loss fell from {short(found.first)} to {short(found.best)} at {short(found.at)}"
    )
    if found.at < found.last_at and found.last > found.best:
        text += " and rose beyond"
    return sentence(f"{text}; {short(chosen)} was chosen" if chosen else text)


def place(x: float) -> str:
    """An epoch or a step.

    >>> place(3.0), place(2.3022), place(1200)
    ('3', '2.3', '1,200')
    """
    return f"{x:,.0f}" if x >= 100 or x == int(x) else f"{x:.2g}"


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}." if text else ""
