"""How matches against several opponents went."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf, log10
from typing import Any, Literal

from torch import Tensor

from sonde.metrics.game_intervals import Match, ladder_interval, match_interval

MODES: Mapping[str, Literal["max", "min"]] = {"score": "max", "wins": "max", "losses": "min", "length": "min"}


def elo(score: float) -> float:
    """How many Elo points stronger a side is that scores so much on average, a draw counting half.

    Source: Elo 1978, The rating of chess players; the expected score is 1 / (1 + 10^(-d / 400))

    >>> round(elo(0.75), 1), elo(0.5)
    (190.8, 0.0)
    """
    if score <= 0 or score >= 1:
        return -inf if score <= 0 else inf
    return 400 * log10(score / (1 - score))


class MatchesMeter:
    """Mean score over opponents, each counting the same, and the match against each."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[str, float, float, bool]] = {}

    def update(self, outputs: Mapping[str, Any], index: Tensor) -> None:
        """Add games by their number."""
        rows = zip(
            outputs["opponent"],
            outputs["score"].tolist(),
            outputs["length"].tolist(),
            outputs["first"].tolist(),
            strict=True,
        )
        self._found |= dict(zip(index.tolist(), rows, strict=True))

    def merge(self, other: "MatchesMeter") -> None:
        """Add another's games."""
        self._found |= other._found

    def kept(self) -> dict[int, tuple[str, float, float, bool]]:
        """(opponent, score, length, whether it began) of each game, by its number."""
        return dict(self._found)

    def take_up(self, kept: Mapping[int, tuple[str, float, float, bool]]) -> None:
        """Add games that were kept."""
        self._found |= kept

    def _by_opponent(self) -> dict[str, list[tuple[float, float, bool]]]:
        found: dict[str, list[tuple[float, float, bool]]] = {}
        for number in sorted(self._found):
            name, *rest = self._found[number]
            found.setdefault(name, []).append(tuple(rest))  # type: ignore[arg-type]
        return found

    def compute(self) -> dict[str, float]:
        """The metrics, each the mean over opponents, so that score, wins and losses agree also where fewer games were played
        against some; then the score against each.
        """
        matches = self._by_opponent()
        means = {name: _mean(score for score, _, _ in games) for name, games in matches.items()}
        return {
            "score": _mean(means.values()),
            "wins": _mean(_mean(score == 1 for score, _, _ in games) for games in matches.values()),
            "losses": _mean(_mean(score == 0 for score, _, _ in games) for games in matches.values()),
            "length": _mean(_mean(length for _, length, _ in games) for games in matches.values()),
            **{f"score_{name.replace('-', '_')}": mean for name, mean in means.items()},
        }

    def details(self) -> dict[str, Any]:
        """{"matches": opponent -> games, wins, draws, losses, as first and second, Elo with its interval of 95 %; "intervals"}.

        The interval of the score is that of a mean over opponents, see `sonde.metrics.game_intervals`.
        """
        matches = self._by_opponent()
        around = ladder_interval([_ends([score for score, _, _ in games]) for games in matches.values()])
        found = {name: _match(games) for name, games in matches.items()}
        return {"matches": found, "intervals": {"score": [around.low, around.high]}}


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def _match(games: Sequence[tuple[float, float, bool]]) -> dict[str, Any]:
    scores = [score for score, _, _ in games]
    found: dict[str, Any] = {**_counts(scores), "length": sum(length for _, length, _ in games) / len(games)}
    for word, began in (("first", True), ("second", False)):
        found[word] = _counts([score for score, _, first in games if first == began])
    around = match_interval(_ends(scores))
    found["score"] = {"value": sum(scores) / len(scores), "low": around.low, "high": around.high}
    found["elo"] = {name: _finite(elo(value)) for name, value in found["score"].items()}
    return found


def _ends(scores: Sequence[float]) -> Match:
    return Match(wins=scores.count(1.0), draws=scores.count(0.5), losses=scores.count(0.0))


def _counts(scores: Sequence[float]) -> dict[str, int]:
    return {"games": len(scores), **_ends(scores)._asdict()}


def _finite(value: float) -> float | None:
    return round(value, 1) if abs(value) != inf else None
