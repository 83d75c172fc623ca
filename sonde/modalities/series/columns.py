"""A table with a column of times -> a series at even steps; where it is cut, and how long its windows are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Fact
from sonde.core.errors import DataError
from sonde.core.units import counted
from sonde.modalities.series.config import SeriesConfig
from sonde.modalities.series.time_index import DAY, TimeStep, between, positions, written
from sonde.modalities.series.times import Times
from sonde.modalities.table.kinds import Categories, Kind, infer_kind, parse
from sonde.modalities.table.read import Table

MOST_GAPS = 0.1  # of the steps; a series with more missing is hardly one
MOST_AHEAD = 0.3  # of the rows; a variable that is missing in more at the end has ended, and is not what is asked for
SEASONS_BACK = 14  # of a day: two weeks of hours, what the papers of long forecasts look back on (336)
WEEKS_BACK = 26  # of days: minimum temperatures, 3, 8 and 26 weeks leave 0.471, 0.460 and 0.443 of validation error
LONGEST_BACK = 512  # longest look-back that is chosen by default, in steps
LONGEST_AHEAD, USUAL_AHEAD = 96, 12  # steps; of a season that is longer, or where there is none

# T steps, V variables


@dataclass(frozen=True, kw_only=True)
class Series:
    """Values at even steps.

    values: (T, V) float64, gaps filled with the value before;  known: (T, V) bool, False where one was filled
    stamps: (T,) datetime64[s]
    ahead:  rows behind the last step, with a time and nothing of what is forecast: they are what is asked for
    """

    values: np.ndarray
    known: np.ndarray
    stamps: np.ndarray
    step: TimeStep
    warnings: tuple[str, ...]
    ahead: int = 0

    def __len__(self) -> int:
        return len(self.values)

    def at(self, place: int) -> str:
        """When a step was, as a person writes it."""
        return written(self.stamps[place], self.step)


@dataclass(frozen=True)
class Cuts:
    """The steps at which the parts of a series end: those before `train` are trained on, and so on."""

    train: int
    validation: int
    test: int

    def parts(self) -> dict[str, tuple[int, int]]:
        """Split -> (first step, the one behind its last), those with any."""
        ends = {"train": self.train, "validation": self.validation, "test": self.test}
        begins = dict(zip(ends, (0, self.train, self.validation), strict=True))
        return {split: (begins[split], end) for split, end in ends.items() if end > begins[split]}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Steps that a window looks back on and forecasts, and after which the series repeats itself (1: never)."""

    look_back: int
    horizon: int
    season: int
    facts: tuple[Fact, ...]


def regular(table: Table, times: Times, names: Sequence[str], forecast: int) -> Series:
    """The columns `names`, of which the first `forecast` are forecast, at even steps, in the order of time.

    Raises: DataError for a time that stands twice or falls between two steps, for too many gaps, and for cells that are no
    numbers
    """
    stamps, time = times.stamps, times.name
    if len(stamps) < 3:
        raise DataError(f"{table.name} holds {len(stamps)} rows, too few for a time series; add more")
    order = np.argsort(stamps, kind="stable")
    warnings = _order_warnings(table, time, stamps)
    _refuse_twice(table, time, stamps, order, times.written_by)
    cells = _cells(table, names)[order]
    ahead = _ahead(np.isnan(cells[:, :forecast]))
    end = len(order) - ahead
    step = times.step(stamps[order])
    stamps, cells, order = stamps[order][:end], cells[:end], order[:end]
    if len(stamps) < 3:
        raise DataError(f"{table.name} holds {len(stamps)} rows with values, too few for a time series; add more")
    places = positions(stamps, step)
    if (places < 0).any():
        late = int((places < 0).argmax())
        raise DataError(
            f"{table.place(int(order[late]))}: {written(stamps[late], step)} is not on a time step, and most rows are "
            f"{step.word}; fix the times in {time!r}, or read an ordinary table with --task regression"
        )
    steps = int(places[-1]) + 1
    gaps = _gaps(stamps, places, step)
    if steps - len(stamps) > MOST_GAPS * steps:
        raise DataError(
            f"{table.name}: {gaps}, and most rows are {step.word}; fill the gaps, or read an ordinary table with --task "
            "regression"
        )
    values = np.full((steps, len(names)), np.nan)
    values[places] = cells
    filled, known = _filled(table, values, names)
    empty = int((~known).sum()) - (steps - len(stamps)) * len(names)
    missing = [gaps] * bool(gaps) + [f"{empty:,} of {known.size:,} values are missing"] * bool(empty)
    if missing:
        missing.append("missing values were forward-filled and are ignored as targets in training and evaluation")
    stamps = between(stamps, step, steps)
    return Series(values=filled, known=known, stamps=stamps, step=step, warnings=(*warnings, *missing), ahead=ahead)


def _ahead(missing: np.ndarray) -> int:
    """Rows at the end without what is forecast, of (rows, F): without all of it, else without some of it, where those are few."""
    columns = [np.asarray(missing.all(axis=1)), *missing.T]
    tails = [int(one[::-1].argmin()) for one in columns if not one.all()]
    if not tails:
        return 0
    longest = max(tails)
    return tails[0] or (longest if 1 < longest <= MOST_AHEAD * len(missing) else 0)


def _cells(table: Table, names: Sequence[str]) -> np.ndarray:
    """(rows, V) float64, NaN where missing. Raises: DataError"""
    values = np.empty((len(table), len(names)))
    for place, name in enumerate(names):
        kind = infer_kind(table, name)
        cells = parse(table, name, kind if kind.kind == "number" else Kind(kind="number"))
        assert not isinstance(cells, Categories)
        values[:, place] = cells
    return values


def cut(series: Series, config: DataConfig, name: str) -> tuple[Cuts, str]:
    """Where the parts end, and why: as `--split-at` says, else by shares of the whole. Raises: DataError, ConfigError"""
    settings = config.of(SeriesConfig)
    steps = len(series)
    if settings.split_at:
        ends = [_place(series, text, name) for text in settings.split_at]
        cuts = Cuts(*ends, *([steps] if len(ends) == 2 else []))
        if not 0 < cuts.train <= cuts.validation <= cuts.test <= steps:
            places = ", ".join(f"{end:,}" for end in ends)
            raise DataError(
                f"--split-at {' '.join(settings.split_at)} are the steps {places} of {steps:,} in {name}; they must "
                "increase and lie inside"
            )
        return cuts, "--split-at"
    if config.validation + config.test_share >= 1:
        raise DataError(
            f"--validation {config.validation:g} and --test {config.test_share:g} leave no steps to train on"
        )
    test = round(config.test_share * steps)
    validation = round(config.validation * steps)
    return Cuts(steps - test - validation, steps - test, steps), "split by time: validation and test come after train"


def sizes(series: Series, cuts: Cuts, config: DataConfig, scaled: np.ndarray) -> Sizes:
    """How long windows are. scaled: (steps of train, F), what is forecast, standardised.

    Raises: DataError for windows that are longer than the parts
    """
    settings = config.of(SeriesConfig)
    facts: list[Fact] = []
    season, why = _season(series.step, scaled)
    facts.append(Fact(f"season of {season} steps" if season > 1 else "no season", why))
    held = {split: end - begin for split, (begin, end) in cuts.parts().items() if split != "train"}
    shortest = min([*held.values(), max(1, cuts.train // 3)])
    first = series.step.seasons[0]
    horizon, why = settings.horizon, "--horizon"
    if horizon is None:
        usual = min(first, LONGEST_AHEAD) if first > 1 else USUAL_AHEAD
        horizon, why = min(usual, shortest), "a season" if usual == first else "customary"
        if horizon < usual:
            why = (
                "the shortest split is no longer"
                if held and min(held.values()) == horizon
                else "a third of the training steps"
            )
    for split, steps in held.items():
        if horizon > steps:
            raise DataError(
                f"--horizon {horizon} is longer than the {steps:,} {split} steps; give at most {steps}, or hold out more with "
                f"--{split} or --split-at"
            )
    facts.append(Fact(f"forecast horizon of {horizon} steps", why))
    look_back, why = settings.look_back, "--look-back"
    if look_back is None:
        look_back, why = _look_back(series.step, horizon, cuts.train)
    if look_back + horizon > cuts.train:
        longest = cuts.train - horizon
        remedy = f"--look-back {longest} is the longest" if longest > 0 else "give a smaller --horizon"
        raise DataError(
            f"--look-back {look_back} and a horizon of {counted(horizon, 'step', 'steps')} need {look_back + horizon:,} training "
            f"steps, and there are {cuts.train:,}; {remedy}"
        )
    facts.append(Fact(f"input window of {counted(look_back, 'step', 'steps')}", why))
    return Sizes(look_back=look_back, horizon=horizon, season=season, facts=tuple(facts))


def _look_back(step: TimeStep, horizon: int, train: int) -> tuple[int, str]:
    """(steps, why), the longer of three horizons and what is customary for the step."""
    first = step.seasons[0]
    if step.unit == "seconds" and step.count < DAY:
        usual, why = SEASONS_BACK * first, "two weeks" if first > 1 else f"{SEASONS_BACK} steps are customary"
        if usual > LONGEST_BACK:
            why = f"two weeks are {usual:,} steps, and longer than {LONGEST_BACK} none is chosen; --look-back sets another"
            usual = LONGEST_BACK
    elif step == TimeStep(DAY, "seconds"):
        usual, why = 7 * WEEKS_BACK, "half a year"
    else:
        usual, why = 2 * first, "two seasons"
    if usual < 3 * horizon:
        usual, why = 3 * horizon, "three horizons"
    quarter, beside = train // 4, train - horizon
    room = max(1, min(quarter, beside))
    if usual <= room:
        return usual, why
    why = "a quarter of the training steps" if quarter <= beside else "the training steps beside a horizon"
    if first == 1 or room < first or room % first == 0:
        return room, why
    return room // first * first, f"{why}, in whole seasons of {first}"


def _season(step: TimeStep, scaled: np.ndarray) -> tuple[int, str]:
    """The customary season by which repeating the past errs least in the training part."""
    possible = [season for season in step.seasons if 1 < season <= len(scaled) // 2]
    if not possible:
        return 1, "no season is usual at this sampling rate" if step.seasons == (
            1,
        ) else "the training split is too short for one"
    errors = {season: float(np.abs(scaled[season:] - scaled[:-season]).mean()) for season in possible}
    best = min(possible, key=lambda season: errors[season])
    others = ", ".join(f"{errors[season]:.2f} after {season}" for season in possible if season != best)
    why = f"{step.word}: error of the seasonal naive forecast {errors[best]:.2f} standard deviations"
    return best, why + (f" ({others})" if others else "")


def _order_warnings(table: Table, time: str, stamps: np.ndarray) -> list[str]:
    back = int((np.diff(stamps).astype(np.int64) < 0).sum())
    if not back:
        return []
    if back == len(stamps) - 1:
        return [f"{table.name} begins with the newest row; rows were sorted by {time!r}"]
    return [f"{table.name}: {back:,} rows are older than the row before; all were sorted by {time!r}"]


def _refuse_twice(table: Table, time: str, stamps: np.ndarray, order: np.ndarray, step: TimeStep) -> None:
    again = np.flatnonzero(np.diff(stamps[order]).astype(np.int64) == 0)
    if len(again):
        first, second = int(order[again[0]]), int(order[again[0] + 1])
        more = f", and {len(again) - 1:,} more are duplicates" if len(again) > 1 else ""
        raise DataError(
            f"{table.place(second)}: {time!r} is {written(stamps[second], step)}, as in row {table.number(first)} already{more}; "
            "keep one row per time, name the column that tells several series apart with --group, or read an ordinary table with "
            "--task regression"
        )


def _gaps(stamps: np.ndarray, places: np.ndarray, step: TimeStep) -> str:
    """How many steps have no row and after which the first is; "" for none."""
    missing = int(places[-1]) + 1 - len(places)
    if not missing:
        return ""
    before = written(stamps[(np.diff(places) > 1).argmax()], step)
    return f"{missing:,} of {int(places[-1]) + 1:,} steps have no row, the first after {before}"


def _filled(table: Table, values: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """(values without gaps, which were known): each gap holds the value before it, one at the beginning that after it."""
    known = ~np.isnan(values)
    for place, name in enumerate(names):
        if not known[:, place].any():
            raise DataError(f"{table.name}: column {name!r} is missing in every row; leave it out")
    if known.all():
        return values, known
    latest = np.maximum.accumulate(np.where(known, np.arange(len(values))[:, None], -1), axis=0)
    latest = np.where(latest < 0, known.argmax(axis=0), latest)
    return np.take_along_axis(values, latest, axis=0), known


def _place(series: Series, text: str, name: str) -> int:
    """The step that a row's number or a date means. Raises: DataError"""
    if re.fullmatch(r"\d[\d_]*", text):
        return int(text)
    try:
        moment = np.datetime64(text.strip().replace(" ", "T"), "s")
    except ValueError:
        middle = series.at(len(series) // 2)
        raise DataError(f"--split-at {text} is neither a number of steps nor a date such as {middle}") from None
    if not series.stamps[0] < moment <= series.stamps[-1]:
        first, last = series.at(0), series.at(len(series) - 1)
        raise DataError(f"--split-at {text} lies outside of {name}, which goes from {first} to {last}")
    return int(np.searchsorted(series.stamps, moment))
