"""Single rows of an evaluation: those most wrong, and those with the highest and the lowest loss, as a person judges them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sonde.core.units import count, counted, number, share
from sonde.report.media import PNG, data_uri, picture_of, png_size, sound_of
from sonde.report.moved import Cell, cells_of
from sonde.report.shots import Drawing, Shot

MOST = 24  # rows of each list that are read
AT_ONCE = 12  # of a section; the others stand below a line to be opened
WIDE_AT_ONCE = 4  # of such as take the page's width
MOST_TEXT = 400  # characters of a row's text
PICTURES_BYTES = 750_000  # all of them: base64 adds a third, and the page must stay under 2 MB
MOVED = (
    "“Moved the prediction by”: the prediction minus its average with the column's values of other rows; increases are "
    "blue, decreases orange; for classes in percentage points of the predicted class's probability."
)
SMALL = 150  # pixels, up to which a picture is enlarged with hard edges


@dataclass(frozen=True, kw_only=True)
class Case:
    """A row that is shown.

    right:   whether the answer is the truth, None where answers are not simply right or wrong
    picture, sound: data URIs;  size: of the picture as the row has it, (width, height);  pixelated: drawn with hard edges
    shown:   the picture with truth and answer on it, where a task draws them
    cells:   of a row of a table its columns;  moves: what `Cell.moved` is measured in
    """

    index: int
    row: str
    target: str
    prediction: str
    confidence: str
    loss: str
    by: str  # what that is, where it is not the run's loss
    right: bool | None = None
    text: str = ""
    sound: str = ""
    picture: str = ""
    pixelated: bool = False
    shown: Markup = Markup("")
    cells: Sequence[Cell] = ()


@dataclass(frozen=True, kw_only=True)
class Cases:
    """A section of rows.

    note: what is in it;  legend: of their pictures;  kind: "cards", "large" or "wide" ones, or "lines" of a table
    """

    name: str
    title: str
    note: str
    kind: str = "cards"
    legend: Markup = Markup("")
    rows: Sequence[Case] = ()
    more: Sequence[Case] = field(default=())


def sections_of_cases(
    details: Mapping[str, Any], folder: Path, *, split: str, drawing: Drawing | None = None
) -> list[Cases]:
    """The sections of one evaluation. folder: evaluation/<split>;  split: as a person calls it"""
    if "worst" not in details:
        return []
    both = "best" in details
    room = PICTURES_BYTES * 2 // 3 if both else PICTURES_BYTES
    worst = worst_rows(details, folder, room=room, drawing=drawing)
    best = worst_rows(details, folder, stem="best", room=PICTURES_BYTES - room, drawing=drawing) if both else []
    worst, best = _apart(worst, best)
    found = (
        _by_error(worst, details, split)
        if any(case.right is not None for case in worst)
        else _by_loss(worst, split, values=bool(details.get("scatter")), odd=not anomalies_labelled(details))
    )
    if best and (best[0].picture or best[0].text or best[0].cells):
        found.append(Cases(name="best", title="Lowest loss", note=f"{split.capitalize()} rows.", rows=best))
    if any(cell.moved for case in worst for cell in case.cells):
        found[0] = replace(found[0], note=f"{found[0].note} {MOVED}")
    return [_laid_out(section, drawing) for section in found]


def _apart(worst: Sequence[Case], best: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Each row in one of the lists: of few rows both hold the same. Wrong answers are never among the best."""
    lowest = {(case.index, case.row) for case in best}
    kept = [
        case
        for place, case in enumerate(worst)
        if case.right is False or (case.index, case.row) not in lowest or 2 * place < len(worst)
    ]
    met = {(case.index, case.row) for case in kept}
    return kept, [case for case in best if (case.index, case.row) not in met]


def anomalies_labelled(details: Mapping[str, Any]) -> bool:
    """Whether rows are known to be anomalies, which are to have the highest scores: nothing is wrong with those then."""
    return any(row.get("normal") is False for row in details.get("by_class") or () if isinstance(row, Mapping))


def _by_loss(worst: Sequence[Case], split: str, *, values: bool, odd: bool = True) -> list[Cases]:
    """odd: whether the worst may be so because something is wrong with them"""
    if not worst:
        return []
    note = f"{split.capitalize()} rows."
    note += " Mislabelled rows and corrupt inputs tend to be among them." if odd else ""
    return [Cases(name="worst", title="Largest errors" if values else "Highest loss", note=note, rows=worst)]


def _by_error(worst: Sequence[Case], details: Mapping[str, Any], split: str) -> list[Cases]:
    """Wrong answers alone, and apart from them right ones that were given with the least confidence."""
    wrong, right = ([case for case in worst if case.right is said] for said in (False, True))
    rows, mistakes = _mistakes(details)
    if wrong:
        all_ = f"All {count(mistakes)}" if mistakes == len(wrong) else f"{len(wrong)} of {count(mistakes)}"
        told = (
            "The only wrong prediction"
            if mistakes == 1
            else f"{all_} wrong predictions"
            if mistakes
            else "Wrong predictions"
        )
        note = (
            f"{told} on the {split} data, the highest loss first. Mislabelled rows and corrupt inputs tend to be here."
        )
    else:
        what = counted(rows, f"{split} row is", f"{split} rows are") if rows else f"{split} rows are"
        note = (
            f"None: all {what} predicted correctly."
            if rows
            else f"None of the {split} rows that are kept is predicted wrongly."
        )
    found = [Cases(name="worst", title="Most wrong", note=note, rows=wrong)]
    if right and len(wrong) < AT_ONCE:
        note = f"{split.capitalize()} rows that are predicted correctly, with the highest loss: close calls."
        found.append(Cases(name="close", title="Correct, but least confident", note=note, rows=right[:AT_ONCE]))
    return found


def _mistakes(details: Mapping[str, Any]) -> tuple[int, int]:
    """(rows that were evaluated, those that were answered wrongly), (0, 0) where that is not known."""
    matrix = details.get("confusion") or {}
    if not matrix or matrix.get("unit"):
        return 0, 0
    counts = matrix["counts"]
    rows = sum(map(sum, counts))
    return rows, rows - sum(row[place] for place, row in enumerate(counts))


def _laid_out(section: Cases, drawing: Drawing | None) -> Cases:
    rows = section.rows
    pictures = any(case.picture or case.sound or case.cells for case in rows)
    wide = drawing is not None and drawing.wide and pictures
    large = (drawing is not None and pictures) or any(case.cells for case in rows)
    most = WIDE_AT_ONCE if wide else AT_ONCE if pictures else MOST
    return replace(
        section,
        kind="wide" if wide else "large" if large else "cards" if pictures else "lines",
        legend=drawing.legend if drawing is not None and pictures else Markup(""),
        rows=rows[:most],
        more=rows[most:],
    )


def worst_rows(
    details: Mapping[str, Any],
    folder: Path,
    *,
    stem: str = "worst",
    room: int = PICTURES_BYTES,
    drawing: Drawing | None = None,
) -> list[Case]:
    """The rows with the highest (or, by `stem`, the lowest) loss with their pictures, as far as they fit into `room` bytes.

    folder: evaluation/<split>
    """
    left = room
    found = []
    # of pixels an answer is partly right, and of objects; a class or a list of labels is right or wrong
    exact = (
        bool(details.get("per_class")) and not details["per_class"].get("unit") and "iou" not in details["per_class"]
    )
    for entry in (details.get(stem) or [])[:MOST]:
        content = picture_of(folder, entry.get("picture"))
        content = b"" if len(content) > left else content
        left -= len(content)
        sound = data_uri(sound_of(folder, entry.get("sound")))
        sound = "" if len(sound) > left else sound
        left -= len(sound)
        pixelated = content.startswith(PNG) and max(png_size(content)) <= SMALL
        case = Case(
            index=int(entry.get("index") or 0),
            row=_text(entry.get("row", entry.get("index"))),
            target=_text(entry.get("target")),
            prediction=_text(entry.get("prediction")),
            confidence=share(entry["confidence"], 0) if entry.get("confidence") is not None else "",
            loss=number(entry.get("loss")),
            by=str(entry.get("by") or "loss")[:40],
            right=entry.get("target") == entry.get("prediction") if exact else None,
            text=str(entry.get("text") or "")[:MOST_TEXT],
            sound=sound,
            picture=data_uri(content),
            pixelated=pixelated,
            cells=cells_of(entry, details.get("moved") or {}),
        )
        if drawing is not None and content and entry.get("size"):
            rows, columns = entry["size"]
            shot = Shot(uri=case.picture, size=(int(columns), int(rows)), name=case.row, pixelated=pixelated)
            case = replace(case, shown=drawing.draw(shot, entry))
            left -= max(0, len(case.shown) - len(case.picture)) * 3 // 4  # of class maps; base64 adds a third
        found.append(case)
    return found


def _text(value: Any) -> str:
    """A target or prediction: class names as they are, numbers rounded, several outputs in a row."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value) or "none"
    if isinstance(value, float):
        return number(value, 4)
    return str(value)[:200]
