"""What two columns say of one another in made rows of a table and in real ones, and whether a classifier tells the rows apart."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from sonde.core.units import count, counted, number

MOST = 12  # pairs in a table
NAMED = 3  # pairs in a sentence
MOST_NAME = 60  # characters of a column's name
SURE = 0.001
TABLE = Markup(
    '<h3>Two columns together</h3>\n<p class="aside">{}</p>\n<div class="scroll"><table><thead><tr><th>columns</th>'
    '<th class="n">made rows</th><th class="n">real rows</th><th class="n">distance</th><th class="n">halves of real rows</th>'
    '<th class="n">p</th></tr></thead><tbody>\n{}</tbody></table></div>\n'
)
ROW = Markup(
    '<tr><td class="word">{} and {}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td>'
    '<td class="n">{}</td></tr>\n'
)
MEANING = (
    "Under made and real rows: Spearman's correlation of two numbers, else Cramér's V (numbers cut at the real rows' quintiles, "
    "a gap as a value of its own). Distance: half the difference of the correlations, else the total variation distance of the "
    "tables of how often two values meet, less what each column alone brings about; 0 is the same, and halves of the real rows "
    "are that far apart by chance. p: by a permutation test for all pairs together."
)


def together_html(together: Any) -> Markup:
    """What `together` of samples.json and sample_quality.json holds: a sentence on both, and the pairs that differ most."""
    if not isinstance(together, Mapping):
        return Markup("")
    pairs = together.get("pairs") or ()
    told = " ".join(f"{line[0].upper()}{line[1:]}." for line in [*detection_told(together), *pairs_told(together)])
    if not pairs:
        return Markup('<p class="aside">{}</p>\n').format(told)
    left = f" {count(len(pairs) - MOST)} more pairs differ less." if len(pairs) > MOST else ""
    rows = Markup("").join(ROW.format(*_cells(pair)) for pair in pairs[:MOST])
    return TABLE.format(f"{told} {MEANING}{left}", rows)


def detection_told(together: Mapping[str, Any]) -> list[str]:
    """How surely boosted trees tell made rows from real ones; nothing where there are too few rows."""
    found = together.get("detection") or {}
    if found.get("value") is None:
        return []
    low, high = found["interval"]
    return [
        f"boosted trees that learn to tell made rows from real ones reach an AUROC of {found['value']:.2f} ({low:.2f} to "
        f"{high:.2f}), where 0.5 is chance and 1 is always; for two halves of the real rows {found['real']:.2f}"
    ]


def pairs_told(together: Mapping[str, Any]) -> list[str]:
    """How many pairs go together otherwise than in real rows, and which do most; nothing where no pair was compared."""
    pairs: Sequence[Mapping[str, Any]] = together.get("pairs") or ()
    if not pairs:
        return []
    wrong = [pair for pair in pairs if pair["wrong"]]
    of_all = counted(len(pairs), "pair of columns", "pairs of columns")
    if not wrong:
        return [
            f"of {of_all} none goes together otherwise than in real rows, beyond chance and by more than next to nothing"
        ]
    named = ", ".join(f"{_short(pair['first'])} and {_short(pair['second'])}" for pair in wrong[:NAMED])
    worst = ", most of all" if len(wrong) > NAMED else ":"
    verb = "goes" if len(wrong) == 1 else "go"
    return [f"of {of_all} {len(wrong)} {verb} together otherwise than in real rows{worst} {named}"]


def _cells(pair: Mapping[str, Any]) -> tuple[str, ...]:
    p = float(pair["p"])
    signed = "+.2f" if pair["kind"] == "numbers" else ".2f"
    return (
        _short(pair["first"]),
        _short(pair["second"]),
        format(float(pair["made"]), signed),
        format(float(pair["real"]), signed),
        f"{float(pair['distance']):.3f}",
        f"{float(pair['floor']):.3f}",
        number(p, 2) if p >= SURE else f"below {SURE}",
    )


def _short(name: Any) -> str:
    return str(name)[:MOST_NAME]
