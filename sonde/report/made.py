"""The part of a report that shows inputs which the model has made."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sonde.core.units import count, counted
from sonde.report.additions import Section
from sonde.report.column_pairs import together_html
from sonde.report.made_rows import made_rows_html
from sonde.report.media import data_uri, picture_of, sound_of

# who asked their system for less motion sees the frames beside one another first
MOVING = Markup(
    '<p><picture><source media="(prefers-reduced-motion: reduce)" srcset="{still}">'
    '<img class="made" src="{moving}" alt="{alt}"></picture></p>\n'
    '<p class="aside">Frame by frame, a row for each of the first clips:</p>\n'
    '<p><img class="made" src="{still}" alt="frames of the first samples"></p>\n'
)
PICTURE = Markup('<p><img class="made" src="{}" alt="{}"></p>\n')
MOST_CHARACTERS = 2_000  # of a text that is shown
HEARD = Markup('<figure><img src="{}" alt="{}"><audio controls preload="none" src="{}"></audio>{}</figure>\n')
MOST = 24  # that can be heard
ROOM = 1_000_000  # bytes of what can be heard, as text of the page


def texts_grid(texts: Sequence[tuple[str, str]]) -> Markup:
    """(title, text) side by side, line breaks kept."""
    one = Markup("<figure><h3>{}</h3><pre>{}</pre></figure>\n")
    parts = Markup("").join(one.format(title, text[:MOST_CHARACTERS]) for title, text in texts)
    return Markup('<div class="grid">\n{}</div>\n').format(parts)


def made_sections(details: Mapping[str, Any], folder: Path) -> list[Section]:
    """One section with the samples of samples.json: pictures, sounds, texts, or rows beside real ones; none where there are none.

    folder: of the evaluation's files
    """
    found = details.get("samples")
    if not isinstance(found, Mapping):
        return []
    if isinstance(found.get("compared"), Mapping):
        note = f"{count(found['number'])} new rows that the best checkpoint made{_how(found)}, beside "
        note += f"{count(found['real_rows'])} {found['split']} rows."
        html = made_rows_html(found["compared"], str(found["split"])) + together_html(found.get("together"))
        return [Section(name="samples", title="Samples", html=html, note=note)]
    uri, texts = data_uri(picture_of(folder, found.get("picture"))), found.get("texts")
    html = PICTURE.format(uri, f"{found.get('number')} samples") if uri else heard(found.get("cards"), folder)
    if isinstance(texts, list):
        html = texts_grid([(f"sample {number}", str(text)) for number, text in enumerate(texts, start=1)])
    if not html:
        return []
    note = f"New inputs that the best checkpoint made, not chosen by hand{_how(found)}."
    classes = found.get("classes")
    if not uri and classes:
        note += " Below each is the class that was asked for."
    if uri and isinstance(classes, list) and 1 < len(classes) <= 12:
        note += f" A column for each class: {', '.join(map(str, classes))}."
    if uri and (still := data_uri(picture_of(folder, found.get("stills")))):
        html = MOVING.format(moving=uri, still=still, alt=f"{found.get('number')} samples")
    return [Section(name="samples", title="Samples", html=html, note=note)]


def heard(cards: Any, folder: Path) -> Markup:
    """Spectrograms with what can be heard below each, and its class; as many as there is room for. folder: of their files"""
    found, left = Markup(""), ROOM
    for card in cards[:MOST] if isinstance(cards, Sequence) else ():
        if not isinstance(card, Mapping):
            continue
        picture = data_uri(picture_of(folder, card.get("picture")))
        sound = data_uri(sound_of(folder, card.get("sound")))
        left -= len(picture) + len(sound)
        if left < 0 or not (picture and sound):
            continue
        name = str(card.get("class") or "")[:100]
        caption = Markup("<figcaption>{}</figcaption>").format(name) if name else ""
        found += HEARD.format(picture, f"spectrogram of {name or 'a recording'}", sound, caption)
    return Markup('<div class="heard">{}</div>\n').format(found) if found else found


def _how(found: Mapping[str, Any]) -> str:
    steps = found.get("steps")
    if not isinstance(steps, int) or not steps:
        return f" (seed {found.get('seed')})"
    return f" ({counted(steps, 'step', 'steps')} of sampler {found.get('sampler')}, seed {found.get('seed')})"
