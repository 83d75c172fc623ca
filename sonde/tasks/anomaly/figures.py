"""What the report shows of anomaly detection: how scores of normal rows and of anomalies are spread, and the classes."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from sonde.core.units import count, number, share
from sonde.metrics.anomaly import threshold_told
from sonde.report.additions import Additions, Section
from sonde.report.distributions import Bar, histogram
from sonde.report.figures import Axis
from sonde.report.learning import Figure

OTHER = {"neighbours": "reconstruction", "reconstruction": "neighbours"}
NORMAL, ANOMALOUS = 1, 2  # entries of the palette
ROW = Markup('<tr><td>{}</td><td>{}</td><td class="num">{}</td><td class="num">{}</td><td class="num">{}</td></tr>\n')
TABLE = Markup(
    '<div class="scroll"><table><thead><tr><th>class</th><th></th><th class="num">rows</th><th class="num">median score</th>'
    '<th class="num">called anomalies</th></tr></thead><tbody>{}</tbody></table></div>\n'
)


def additions(details: Mapping[str, Any]) -> Additions:
    """Figures and a table of one evaluation."""
    return Additions(figures=_scores(details), sections=_classes(details))


def highlights(details: Mapping[str, Any]) -> list[str]:
    """The threshold, how often normal rows exceed it, and how the other score does where that can be told."""
    found = details.get("scores") or {}
    told = threshold_told(found.get("threshold"), float(found.get("false_alarms") or 0), found.get("promised"))
    return told + _other_score(found)


def _other_score(found: Mapping[str, Any]) -> list[str]:
    name, beside = found.get("score"), found.get("beside")
    if beside:
        rates = [share(rate, 1) for rate in beside["detection_rate"]]
        own, other = (f"AUROC {number(area, 4)}" for area in beside["auroc"])
        told = f"--score {beside['score']} by the same network: {other}, and of the anomalies {rates[1]} found at "
        return [
            f"{told}{share(found['false_alarms'], 1)} false alarms of these rows (--score {name}: {own}, {rates[0]})"
        ]
    if name not in OTHER or sum(found.get("anomalous") or ()):
        return []
    told = (
        f"--score {name} was taken, the other is --score {OTHER[name]}: none of these rows is known to be an anomaly, "
    )
    return [
        f"{told}so nothing tells which finds more; train with both and `sonde predict` rows that you know to be odd"
    ]


def _scores(details: Mapping[str, Any]) -> list[Figure]:
    found = details.get("scores") or {}
    normal, anomalous = found.get("normal") or [], found.get("anomalous") or []
    if not normal or sum(normal) == 0:
        return []
    low, high, limit = float(found["low"]), float(found["high"]), found.get("threshold")
    step = (high - low) / len(normal)
    bars = []
    for counts, colour, sign, what in ((normal, NORMAL, 1, "normal rows"), (anomalous, ANOMALOUS, -1, "anomalies")):
        total = sum(counts)
        for place, each in enumerate(counts):
            if each:
                start = low + place * step
                title = f"{count(each)} {what} from {number(start)} to {number(start + step)}"
                bars.append(Bar(low=start, high=start + step, height=sign * each / total, colour=colour, title=title))
    caption = f"How {count(sum(normal))} normal rows score"
    caption += f" (up) and {count(sum(anomalous))} anomalies (down)" if sum(anomalous) else ""
    caption += ". The highest 1 % stand in the last bar."
    if limit is not None:
        rate = share(found.get("false_alarms"), 1)
        caption += f" The line is the threshold, {number(limit)}, which {rate} of held-out normal rows exceed."
    svg = histogram(bars, Axis(label="score"), Axis(label="share of rows"), name="Scores", line=limit)
    return [Figure(title="Scores", svg=svg, caption=caption)]


def _classes(details: Mapping[str, Any]) -> list[Section]:
    rows = details.get("by_class") or []
    if not rows:
        return []
    told = [
        ROW.format(
            row["name"],
            "normal" if row["normal"] else "anomaly",
            count(row["rows"]),
            number(row["score"]),
            share(row["above"], 1),
        )
        for row in rows
    ]
    note = "Only rows of the normal classes were trained on. Anomalies that score like normal rows cannot be told from them."
    return [Section(name="by-class", title="Classes", html=TABLE.format(Markup("").join(told)), note=note)]
