"""A comparison in words: the verdict, scores with their intervals, differences, and what stands in the way of comparing."""

from collections.abc import Hashable, Mapping, Sequence

from sonde.comparison.differences import Difference
from sonde.comparison.environments import experience_of, met_in
from sonde.comparison.judgements import not_judged_alike
from sonde.comparison.members import Member, clipped
from sonde.comparison.own_code import measured_apart
from sonde.comparison.settings import beside_settings, differing, same_but_for_chance
from sonde.comparison.told import named
from sonde.comparison.units import ENOUGH, Family, Unit, by_unit
from sonde.core.units import ABSENT, count, counted, is_share, metric, metric_name, number
from sonde.metrics.intervals import Interval

MOST_NAMED = 4
MOST_SETTINGS = 4
SHORT = 24  # characters of a value
MUCH_MORE = 1.2  # times the steps of another, beyond what rounding to whole rollouts makes of equal ones


def interval_text(name: str, interval: Interval | None) -> str:
    """An interval with as many digits as the score.

    >>> interval_text("accuracy", Interval(0.9501, 0.985)), interval_text("rmse", Interval(3.5, 4.25))
    ('95.01 to 98.50 %', '3.500 to 4.250')
    """
    if interval is None:
        return ABSENT
    low, high = metric(name, interval.low), metric(name, interval.high)
    return f"{low.removesuffix(' %')} to {high}"


def change_text(name: str, value: float) -> str:
    """A difference of two scores, with its sign; of percentages in points. One that is shown as 0 has no sign.

    >>> change_text("accuracy", -0.0123), change_text("rmse", 0.5), change_text("accuracy", -1e-9)
    ('-1.23 points', '+0.500', '0 points')
    """
    if not (round(100 * value, 2) if is_share(name) else value):
        return "0 points" if is_share(name) else "0"
    sign = "-" if value < 0 else "+"  # a hyphen, which the page's script sorts by
    return f"{sign}{100 * abs(value):.2f} points" if is_share(name) else f"{sign}{number(abs(value), 3)}"


def change_interval(name: str, interval: Interval | None) -> str:
    """The interval of a difference.

    >>> change_interval("accuracy", Interval(-0.02, 0.001)), change_interval("rmse", None)
    ('-2.00 to +0.10', '–')
    """
    if interval is None:
        return ABSENT
    return " to ".join(change_text(name, end).removesuffix(" points") for end in (interval.low, interval.high))


def verdict(family: Family, found: Difference) -> str:
    """Whether a unit differs from the best by more than noise."""
    if found.beyond is None:
        return found.how
    if not found.beyond:
        return "within noise"
    if family.higher is None:
        return "differs"
    return "worse" if (found.value < 0) == family.higher else "better"


def judged_on(family: Family) -> str:
    """The metric, the split and the direction.

    >>> judged_on(Family(task="", metric="log_loss", split="test", higher=False, units=[]))
    'log loss on the test data, lower is better'
    """
    way = {True: ", higher is better", False: ", lower is better", None: ", whose better direction is not known"}
    where = f" on the {family.split} data" if family.split else ""
    if any(member.judged is not None for member in family.members):
        where = f" of samples beside {family.split} rows"
    return f"{metric_name(family.metric)}{where}{way[family.higher]}" if family.metric else "no metric yet"


def problem(family: Family) -> str:
    """The task and, where it is one, the data; or the environment."""
    data = {member.source for member in family.members}
    if family.acts:
        return f"acting in {data.pop()}"
    return f"{family.task or 'no task'}{f' of {data.pop()}' if len(data) == 1 else ', various data'}"


def title(families: Sequence[Family], found: Sequence[Mapping[str, Difference]]) -> str:
    """The first thing on the page."""
    if len(families) == 1:
        return headline(families[0], found[0])
    return f"{len(families)} problems, each compared by itself"


def headline(family: Family, found: Mapping[str, Difference]) -> str:
    """The first thing to know, in a few words."""
    scored = family.scored
    if len(scored) < 2:
        return f"Only {scored[0].name} has a score" if scored else "No run has a score yet"
    if len(data_of(scored)) > 1:
        return f"Different {_what_differs(scored)}: scores not comparable"
    if family.higher is None:
        return f"{counted(len(scored), 'score', 'scores')}, of which none is known to be better"
    beyond = [each.beyond for each in found.values()]
    if _about_measures(family):
        return f"Different {metric_name(family.metric)} functions: scores not comparable"
    if all(beyond):
        return f"{scored[0].name} is best"
    if False not in beyond:
        return f"{scored[0].name} leads; the noise is not known"
    if any(beyond):
        return f"No clear best: {1 + beyond.count(False)} of {len(scored)} within noise"
    return "No difference beyond noise"


def summary(family: Family, found: Mapping[str, Difference]) -> list[str]:
    """The verdict in sentences."""
    scored = family.scored
    if not scored:
        return ["No run is over, so there is nothing to compare but curves."]
    best = scored[0]
    assert best.value is not None
    first = f"{best.name}: {metric(family.metric, best.value)} {metric_name(family.metric)}"
    first += f" ({interval_text(family.metric, best.interval)})" if best.interval else ""
    judged = best.members[0].judged
    sentences = [f"{first} on the {family.split} data." if judged is None else f"{first}: {judged.beside}."]
    if len(data_of(scored)) > 1 or family.higher is None:
        return sentences
    alike = [name for name, each in found.items() if each.beyond is False]
    worse = [name for name, each in found.items() if each.beyond]
    if worse:
        sentences.append(f"Better than {named(worse)} beyond noise.")
    if alike:
        sentences.append(f"{named(alike)} {'does' if len(alike) == 1 else 'do'} not differ from it beyond noise.")
    return sentences


def cautions(families: Sequence[Family], members: Sequence[Member]) -> list[str]:
    """What stands in the way of comparing, for the top of the page."""
    found = []
    if len(families) > 1:
        kinds = ", ".join(f"{problem(family)} ({counted(len(family.members), 'run', 'runs')})" for family in families)
        found.append(
            f"Different problems or data, which are not comparable with one another, each in a part of its own: {kinds}."
        )
    for family in families:
        found += _about_data(family) + _about_experience(family) + _about_parts(family)
        found += _about_repeats(family) + _about_measures(family)
        lacking = [unit.name for unit in family.units if not unit.values and unit.members[0].result]
        if lacking and family.split:
            found.append(f"{named(lacking)}: no {metric_name(family.metric)} on the {family.split} data.")
    found += not_judged_alike(members)
    open_ones = [f"{member.name} ({member.state})" for member in members if not member.result]
    if open_ones:
        found.append(f"Without a result: {named(open_ones)}.")
    unreadable = [f"{member.name}: {text}" for member in members for text in member.reading.unreadable]
    return found + unreadable[:MOST_NAMED]


def data_of(units: Sequence[Unit]) -> dict[str, list[Unit]]:
    """The units by what their data hash to."""
    found: dict[str, list[Unit]] = {}
    for unit in units:
        found.setdefault(unit.members[0].data, []).append(unit)
    return found


def _what_differs(units: Sequence[Unit]) -> str:
    """What keeps scores from being comparable: the data, or of one game whom it was played against."""
    readings = [unit.members[0].reading for unit in units]
    one_game = len({str(reading.data.get("source")) for reading in readings}) == 1 and all(map(met_in, readings))
    return "opponents" if one_game and len(set(map(met_in, readings))) > 1 else "data"


def _about_data(family: Family) -> list[str]:
    """Said of runs that were trained on other data than the rest, and of data that nobody can tell apart."""
    by_data = data_of(family.units)
    if len(by_data) > 1:
        groups = [
            f"{units[0].members[0].source} ({named([unit.name for unit in units])})" for units in by_data.values()
        ]
        what = _what_differs(family.units)
        return [f"Different {what}, so that scores are not comparable across them: {'; '.join(groups)}."]
    if family.members[0].reading.data.get("fingerprint") is None and len(family.units) > 1:
        return ["Whether these runs had the same data is not known: their folders hold no fingerprint of them."]
    return []


def _about_experience(family: Family) -> list[str]:
    """Said of runs that acted or played, where some had much more experience than others, which is in their scores."""
    taken = []
    for unit in family.scored:
        steps = [steps for member in unit.members if (steps := experience_of(member.reading))]
        taken += [(sum(steps) / len(steps), unit.name)] if steps else []
    if len(taken) < 2 or max(taken)[0] < MUCH_MORE * min(taken)[0]:
        return []
    (least, one), (most, other) = min(taken), max(taken)
    what = "steps of the environment" if family.acts else "moves of self-play"
    same = "give each the same --environment-steps" if family.acts else "let each play as many"
    return [
        f"Not the same experience: {other} took {count(round(most))} {what}, {one} {count(round(least))}; a difference may "
        f"come of that. To compare methods, {same}."
    ]


def _about_parts(family: Family) -> list[str]:
    """Said of runs that a time limit left no time to evaluate on all rows."""
    parts = []
    for member in family.members:
        part = (member.result.get("evaluated") or {}).get(family.split) or {}
        if part.get("rows"):
            of = f" of {count(part['of'])}" if part.get("of") else ""
            parts.append(f"{member.name} on {count(part['rows'])}{of} {part.get('called') or 'rows'}")
    if not parts:
        return []
    more = f"; {len(parts) - MOST_NAMED} more such runs" if len(parts) > MOST_NAMED else ""
    told = "; ".join(parts[:MOST_NAMED]) + more
    return [f"Evaluated on a part only, as time limits had it, so that scores may not be of the same rows: {told}."]


def _about_repeats(family: Family) -> list[str]:
    """Said of runs that are another training of a setting with a seed that was had before."""
    found = []
    firsts: dict[Hashable, Unit] = {}
    for unit in family.units:
        if unit.repeats:
            names = named([member.name for member in unit.repeats])
            found.append(
                f"Counted once, as {unit.name}: {names} {'repeats' if len(unit.repeats) == 1 else 'repeat'} what is counted "
                "there, with the same settings, code, data, seed and score."
            )
        if unit.values and (first := firsts.setdefault(_setting(unit), unit)) is not unit:
            found.append(
                f"{unit.name}: settings, code, data and seed are those of {first.name} and the score is not, so they stand "
                "apart; what differs is in no file of theirs, such as a network's first weights. Runs of one setting are "
                "taken together where each has its own --seed."
            )
    return found[:MOST_NAMED] + ([f"{len(found) - MOST_NAMED} more such runs."] if len(found) > MOST_NAMED else [])


def _about_measures(family: Family) -> list[str]:
    """Said where scores of one name are of different functions."""
    first, *others = family.scored or [None]
    apart = [
        unit.name
        for unit in others
        if first is not None and unit is not None and measured_apart(unit.members[0], first.members[0], family.metric)
    ]
    if not apart or first is None:
        return []
    return [
        f"{named(apart)}: {metric_name(family.metric)} is another function there than in {first.name}, so that these scores are "
        "not comparable; name a metric that is the same in all: --metric NAME."
    ]


def _setting(unit: Unit) -> Hashable:
    return same_but_for_chance(unit.members[0]), bool(unit.members[0].folds)


def settings_lines(family: Family) -> list[str]:
    """What the runs differ by, a line each, those that somebody typed first: "--lr: 0.001 (a, b); 0.1 (c)"."""
    found = [*beside_settings(family.members), *differing(family.members)]
    lines = []
    for name, texts in found[:MOST_SETTINGS]:
        runs: dict[str, list[str]] = {}
        for unit, text in zip(family.units, by_unit(family, texts), strict=True):
            runs.setdefault(text, []).append(unit.name)
        short = [clipped(text, SHORT) for text in runs]
        told = [text if short.count(cut) > 1 else cut for text, cut in zip(runs, short, strict=True)]
        pairs = list(zip(told, runs.values(), strict=True))[:MOST_NAMED]
        shown = [f"{text} ({named(units)})" for text, units in pairs]
        rest = len(runs) - MOST_NAMED
        lines.append(f"{name}: {'; '.join(shown)}{f'; {rest} more values' if rest > 0 else ''}")
    if len(found) > MOST_SETTINGS:
        lines.append(f"and {counted(len(found) - MOST_SETTINGS, 'more setting', 'more settings')}, on the page")
    return lines


def how_sure(family: Family, found: Mapping[str, Difference]) -> str:
    """What the intervals are, and what they leave out."""
    single = all(len(unit.values) == 1 for unit in family.scored)
    text = "Intervals of 95 %: of one run over its evaluated rows, of several seeds over these."
    if len(found) > 1:
        text += f" A difference counts where chance alone would show any of these {len(found)} once in 20 comparisons at most."
    if single and found:
        text += (
            " Each was trained once: what another seed would give is not in these intervals. To know, train each with "
            "--seed 1, --seed 2, --seed 3; runs of the same settings are taken together."
        )
    elif any(1 < len(unit.values) < ENOUGH for unit in family.scored):
        text += " Two seeds give no interval; a third would."
    return text
