"""What is said of series that were opened: how long they are and how they are cut, what was sorted, filled or left out."""

from collections.abc import Mapping

import numpy as np

from sonde.core.dataset import Fact, Rows
from sonde.core.marks import shell_quoted
from sonde.data.targets import first_few
from sonde.modalities.series.panel import FEWEST, Panel
from sonde.modalities.series.windows import SeriesWindows

LISTED = 8  # variables and series named in a fact


def variables_fact(targets: list[str], names: list[str]) -> Fact:
    """How many variables are forecast, and which."""
    count = f"{len(targets)} variables are" if len(targets) > 1 else "1 variable is"
    inputs = len(names) - len(targets)
    why = f"--target; {inputs} more are inputs" if inputs else "all columns of numbers; --target selects some"
    return Fact(f"{count} forecast: {first_few(targets, LISTED)}", why)


def facts_of(panel: Panel, time: str, parts: dict[str, tuple[int, int]], why: str) -> list[Fact]:
    """How long the series is, or the time line of several, and how it is cut."""
    series = panel.span
    span = f"from {series.at(0)} to {series.at(len(series) - 1)}"
    facts = [Fact(f"{len(series):,} steps, {series.step.word}, {span}", f"column {time!r}")]
    if panel.ids:
        listed = f"{len(panel.series):,} series: {first_few(panel.labels, LISTED)}"
        facts.append(
            Fact(
                listed,
                f"identified by {', '.join(map(repr, panel.ids))}, trained together, each scaled by its own training "
                "part",
            )
        )
    for split, (begin, end) in parts.items():
        facts.append(Fact(f"{end - begin:,} {split} steps, from {series.at(begin)} to {series.at(end - 1)}", why))
    last = max(end for _, end in parts.values())
    if last < len(series):
        facts.append(Fact(f"{len(series) - last:,} steps at the end are not used", why))
    return facts


def warnings_of(panel: Panel) -> list[str]:
    """What was sorted and filled; of several series what is true of the first, and of how many."""
    told: dict[str, list[str]] = {}
    for one, label in zip(panel.series, panel.labels, strict=True):
        for warning in one.warnings:
            told.setdefault(warning.replace(f" ({label})", ""), []).append(label)
    return [
        warning
        if not panel.ids
        else f"{warning} (series {labels[0]!r}" + f" and {len(labels) - 1} more" * (len(labels) > 1) + ")"
        for warning, labels in list(told.items())[:LISTED]
    ]


def flags_of(names: list[str]) -> str:
    """Names of columns as a shell takes them."""
    return " ".join(shell_quoted(name) for name in names[:LISTED]) + " …" * (len(names) > LISTED)


def ahead_of(panel: Panel, carried: list[str]) -> list[str]:
    """That the rows to forecast were set aside. carried: columns with values there that are not used"""
    ahead = max(one.ahead for one in panel.series)
    if not ahead:
        return []
    unused = ""
    if carried:
        names = first_few([repr(name) for name in carried], LISTED)
        unused = (
            f"; their {names} are not used: of what is known in advance, name the columns: --known {flags_of(carried)}"
        )
    return [
        f"the last {ahead} rows{' of a series' if panel.ids else ''} have a time and no value, so they are not trained on; "
        f"sonde predict forecasts them{unused}"
    ]


def unused(panel: Panel, splits: Mapping[str, Rows]) -> list[str]:
    """Series too short for a window to train on, or too short or over too early to be scored."""
    short = first_few(panel.short, LISTED)
    said = [f"{len(panel.short)} series of fewer than {FEWEST} rows are left out: {short}"] if panel.short else []
    for split, what in (("train", "are not trained on"), ("test", "are not scored on test")):
        rows = splits.get(split)
        if not panel.ids or not isinstance(rows, SeriesWindows):
            continue
        seen = set(np.searchsorted(panel.bases(), rows.moments, "right") - 1)
        gone = [repr(label) for place, label in enumerate(panel.labels) if place not in seen]
        if gone:
            steps = rows.look_back + rows.horizon
            why = f"a window takes {steps:,} steps there; a smaller --look-back or --horizon takes fewer"
            said.append(f"{len(gone)} of {len(panel.labels)} series {what}: {first_few(gone, LISTED)} ({why})")
    return said
