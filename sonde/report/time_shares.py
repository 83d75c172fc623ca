"""Where the time of a run that acts went, as curves: into environments or self-play, into deciding, into learning."""

from sonde.report.figures import Axis, Series
from sonde.report.folder import Reading
from sonde.report.learning import Figure, across, figure, logged

PARTS = {"environment": 1, "self_play": 1, "policy": 2, "learning": 3}
"""Part -> its colour; a line of the log has the seconds of each so far, as "environment_seconds"."""
PLACES = (
    20  # of a curve, about: rollouts come in bursts, so that few lines of the log hold either all of one part or none
)


def time_shares(run: Reading) -> list[Figure]:
    """One, where the log tells; none of a run of an earlier version."""
    known = {part: dict(logged(run, f"{part}_seconds")) for part in PARTS}
    known = {part: values for part, values in known.items() if values}
    places = sorted(set.intersection(*(set(values) for values in known.values()))) if known else []
    ends = places[:: max(1, len(places) // PLACES)]
    taken = [
        {part: (values[one] or 0.0) - (values[before] or 0.0) for part, values in known.items()}
        for before, one in zip(ends, ends[1:], strict=False)
    ]
    shares = [(end, each, sum(each.values())) for end, each in zip(ends[1:], taken, strict=True)]
    shown = [
        Series(
            name=part.replace("_", "-"),
            points=[(end, 100 * each[part] / whole) for end, each, whole in shares if whole > 0],
            colour=PARTS[part],
        )
        for part in known
    ]
    if not any(series.points for series in shown):
        return []
    whole = {part: max(value or 0.0 for value in values.values()) for part, values in known.items()}
    total = sum(whole.values())
    said = ", ".join(f"{100 * seconds / total:.0f} % {part.replace('_', '-')}" for part, seconds in whole.items())
    caption = f"In all {said}; evaluations and checkpoints are left out."
    axis = Axis(label="share of the time, %", bounds=(0, 100))
    return [figure("Time by part", shown, across(run), axis, name="Time by part", caption=caption)]
