"""What the network made of a few rows: while it trains, after the latest evaluation; and images that it restored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sonde.core.units import count
from sonde.report.additions import Additions, Section, grid
from sonde.report.became import became_section
from sonde.report.cases import Cases, sections_of_cases
from sonde.report.media import PNG, data_uri, picture_of, png_size

RECONSTRUCTED_BYTES = 400_000  # all pictures of a section
SMALL = 150  # pixels, up to which a picture is enlarged with hard edges
WHICH = {"given": "the image", "seen": "what the network saw", "found": "what it made of it"}
RESTORED = (
    "The network sees the patches that are not grey, and restores the others; of each the mean and the contrast are the truth's, "
    "since it learns patches without them."
)
PICTURE = Markup(
    '<figure><button class="enlarge" aria-label="enlarge {name}"><img class="{kind}" src="{uri}" alt="{name}"></button>'
    "<figcaption>{what}</figcaption></figure>"
)


@dataclass(frozen=True, kw_only=True)
class SamplesShown:
    """The section of a run that trains. html: figures, texts and pictures;  cases: rows with their answers"""

    title: str
    note: str
    html: Markup
    cases: Cases | None = None


def samples_shown(samples: Mapping[str, Any], folder: Path, own: Additions) -> SamplesShown | None:
    """What samples/ holds; None where it holds nothing.

    samples: about.json, and as "files" those of its split by stem;  folder: samples/;  own: what the task makes of these files
    """
    files, about = samples.get("files") or {}, samples.get("about") or {}
    if not files:
        return None
    place = folder / str(about.get("split"))
    restored, became = reconstructions(files, place), became_section(files.get("became"), place)
    parts = [grid(own.figures)] if own.figures else []
    parts += [section.html for section in own.sections]
    parts += [section.html for section in (restored, became) if section is not None]
    cases = sections_of_cases(files, place, split=str(about.get("split")), drawing=own.drawing) if own.cases else []
    rows = [case for section in cases for case in section.rows if case.picture or case.text]
    step = f"step {count(about['step'])}" if isinstance(about.get("step"), int) else "some step"
    note = (
        f"Made after {step} from the weights as they were then; the best checkpoint's are shown when the run has ended."
    )
    note += "".join(f" {section.note}" for section in (restored, became) if section is not None)
    shown = replace(cases[0], rows=rows) if rows else None
    return SamplesShown(title="Samples so far", note=note, html=Markup("\n").join(parts), cases=shown)


def reconstructions(details: Mapping[str, Any], folder: Path) -> Section | None:
    """Images, what the network saw of them and what it made of that; None where there are none.

    details: files of an evaluation by stem, of which reconstructed.json counts;  folder: where they lie
    """
    left, rows = RECONSTRUCTED_BYTES, []
    for entry in details.get("reconstructed") or []:
        found = {which: picture_of(folder, entry["pictures"].get(which)) for which in WHICH}
        size = sum(map(len, found.values()))
        if not all(found.values()) or size > left:
            continue
        left -= size
        name = str(entry.get("row"))[:200]
        pictures = [
            PICTURE.format(name=f"{name}, {what}", kind=_kind(found[which]), uri=data_uri(found[which]), what=what)
            for which, what in WHICH.items()
        ]
        rows.append(
            Markup('<div class="restored">{}</div><p class="dim row">{}</p>').format(Markup("").join(pictures), name)
        )
    if not rows:
        return None
    return Section(name="reconstructed", title="Restored images", note=RESTORED, html=Markup("\n").join(rows))


def _kind(content: bytes) -> str:
    return "pixels" if content.startswith(PNG) and max(png_size(content)) <= SMALL else ""
