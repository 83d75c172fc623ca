"""The part of a report that shows films of episodes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sonde.core.units import count, metric, ordinal
from sonde.report.additions import Section
from sonde.report.media import film_of

FILM = Markup(
    '<figure><h3>{}</h3><video controls muted loop playsinline preload="auto" src="{}"></video>'
    "<figcaption>{}</figcaption></figure>\n"
)
MOST_WHY = 300  # characters
NOTE = "Episodes of the last evaluation, played again from their seeds with the actions that the kept weights took."


def film_sections(details: Mapping[str, Any], folder: Path) -> list[Section]:
    """One section with the films of films.json, or with the reason why there are none; none where nothing is told.

    folder: of the evaluation's files
    """
    found = details.get("films")
    if not isinstance(found, Mapping):
        return []
    why = str(found.get("why") or "")[:MOST_WHY]
    films = found.get("films") if isinstance(found.get("films"), Sequence) else []
    html = Markup("").join(_film(each, folder) for each in films or () if isinstance(each, Mapping))
    if not html and not why:
        return []
    note = NOTE + _among(found) if html else f"There are no films of this environment: {why}."
    if html and why:
        note += f" Others could not be made: {why}."
    body = Markup('<div class="films">\n{}</div>\n').format(html) if html else Markup("")
    return [Section(name="films", title="Films", html=body, note=note)]


def _film(held: Mapping[str, Any], folder: Path) -> Markup:
    uri = film_of(folder / "films", held.get("file"))
    name = str(held.get("name") or "")[:40]
    names = [name, *(str(each)[:40] for each in held.get("also") or ())]
    together = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    title, caption = f"{together[:1].upper()}{together[1:]}", _caption(held)
    if uri:
        return FILM.format(title, uri, caption)
    return Markup("<figure><h3>{}</h3><figcaption>{}</figcaption></figure>\n").format(
        title, f"{caption} It is too large to stand here: evaluation/{folder.name}/films/{held.get('file')}."
    )


def _among(found: Mapping[str, Any]) -> str:
    """Of how many episodes best, median and worst are, where not all were over."""
    episodes, of = _number(found.get("episodes")), _number(found.get("of"))
    if not 0 < episodes < of:
        return ""
    return f" Best, median and worst are of the {count(episodes)} of {count(of)} episodes that were over in time."


def _caption(held: Mapping[str, Any]) -> str:
    returned, length, shown, seed = (held.get(each) for each in ("return", "length", "shown", "seed"))
    told = f"Returned {metric('return', _number(returned))} in {count(_number(length))} steps (seed {count(_number(seed))})"
    if _number(shown) < _number(length):
        told += f"; its first {count(_number(shown))} steps"
    told += _every(held)
    if _number(held.get("faster")) > 1:
        told += f"; {held['faster']} times as fast"
    if "played_again" in held:
        again = metric("return", _number(held["played_again"]))
        told += f"; played again it returned {again}: its seed does not tell what the environment does"
    return f"{told}."


def _every(held: Mapping[str, Any]) -> str:
    """Which of the steps are shown, where not all are."""
    each, later = (int(_number(held.get(name))) for name in ("each", "later"))
    if each < 1:
        return ""
    return (
        f"; every {ordinal(each)} step"
        if not later
        else f"; every {ordinal(each)} step, at last every {ordinal(later)}"
    )


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
