"""Training curves of a run that plays a game against itself: its games, how they end, and what its loss is made of."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sonde.core.units import share
from sonde.report import captions
from sonde.report.figures import Axis, Series
from sonde.report.folder import Reading
from sonde.report.learning import LOSS_TERMS, Figure, across, figure, finite, learning_figures, logged
from sonde.report.scale import Point
from sonde.report.time_shares import time_shares


class Part(NamedTuple):
    """How some numbers of the log are shown. names: what follows the phase -> what its curve is called"""

    title: str
    label: str
    names: dict[str, str]
    reads: str


PARTS = (
    Part(
        "Policy",
        "nats",
        {"policy": "loss", "search_entropy": "entropy of the search", "search_kl": "still to learn"},
        "The network learns the policy that the search made of each position. The loss is the entropy of that policy, below "
        "which it cannot fall, and what is still to learn: how far the network's own policy is from it (KL divergence).",
    ),
    Part(
        "Value",
        "nats",
        {"value": "loss"},
        "Cross-entropy with how games ended: won, drawn or lost. Ends are partly chance, so that it does not fall to 0.",
    ),
    Part(
        "Explained variance of the values",
        "1 is perfect",
        {"explained_variance": "explained variance"},
        "Of how games ended: 1 where values foresee it, 0 where they are no better than a constant, below 0 worse. Games of two "
        "players that are alike are partly chance, so that it stays below 1.",
    ),
)


def playing_figures(run: Reading) -> list[Figure]:
    """The figures of whatever was logged so far."""
    drawn = [_results(run), _lengths(run), _games(run), *(_part(run, part) for part in PARTS)]
    shown = [each for each in drawn if each is not None]
    usual = [each for each in learning_figures(run) if each.title != LOSS_TERMS]
    return [*usual[:2], *shown, *usual[2:], *time_shares(run)]


def _results(run: Reading) -> Figure | None:
    """How games of self-play ended so far: shares of all of them."""
    first, draws = logged(run, "first_wins"), logged(run, "draws")
    if not finite(first) or len(first) != len(draws):
        return None
    second: list[Point] = [
        (x, None if a is None or b is None else max(0.0, 1 - a - b))
        for (x, a), (_, b) in zip(first, draws, strict=True)
    ]
    told = {"who began won": first, "drawn": draws, "who began lost": second}
    ended = ", ".join(f"{name} {_share(finite(points)[-1])}" for name, points in told.items())
    return _figure(
        run,
        "Results of self-play",
        told,
        Axis(label="share of the games, %", bounds=(0, 100)),
        f"At the end: {ended}. Of all games so far, which both sides played alike and explored.",
        scale=100,
    )


def _lengths(run: Reading) -> Figure | None:
    points = logged(run, "game_length")
    told = _told("it", points)
    return _figure(
        run,
        "Length of games",
        {"moves": points},
        Axis(label="moves of a game", zero=True),
        f"{told} The mean over all games of self-play so far.",
    )


def _games(run: Reading) -> Figure | None:
    games, positions = logged(run, "games"), logged(run, "positions")
    if not finite(games):
        return None
    played = f"{finite(games)[-1]:,.0f} games"
    learned = f" and {finite(positions)[-1]:,.0f} positions to learn from" if finite(positions) else ""
    caption = f"At the end {played}{learned}: of moves that were searched in full, in games that ended."
    return _figure(run, "Games played", {"games": games}, Axis(label="games", zero=True), caption)


def _part(run: Reading, part: Part) -> Figure | None:
    keys = list(dict.fromkeys(key for line in run.steps for key in line))
    found = {
        called: logged(run, key)
        for name, called in part.names.items()
        for key in keys
        if key.rpartition("/")[2] == name
    }
    caption = " ".join(filter(None, [*(_told(called, points) for called, points in found.items()), part.reads]))
    return _figure(run, part.title, found, Axis(label=part.label), caption)


def _told(name: str, points: Sequence[Point], say: Callable[[float], str] = captions.short) -> str:
    course = captions.course(points)
    return "" if course is None else captions.sentence(captions.moved(name, course, say))


def _figure(
    run: Reading, title: str, curves: dict[str, list[Point]], axis: Axis, caption: str, *, scale: float = 1
) -> Figure | None:
    series = [
        Series(name=name, points=[(x, None if y is None else scale * y) for x, y in points], colour=place)
        for place, (name, points) in enumerate(curves.items(), 1)
        if finite(points)
    ]
    if not series:
        return None
    return figure(title, series, across(run), axis, name=f"{title} over time", caption=caption)


def _share(value: float) -> str:
    return share(value, 0).replace(" ", "\u00a0")
