"""Text in files of any length: read in pieces, so that no more than a few of them are in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sonde.core.errors import DataError
from sonde.data.unzipped import if_latin1
from sonde.modalities.text.files import check_no_nul, utf16

PIECE = 1_000_000  # characters of a piece: it ends with the line in which it has so many …
LONGEST = 4 * PIECE  # … or, where no line ends for so long, before a word


@dataclass(frozen=True)
class Text:
    """The characters `begins` … `ends` - 1 of a file, its lines ended by a newline alone, and what a person calls them."""

    file: Path
    begins: int
    ends: int
    name: str

    def __len__(self) -> int:
        return self.ends - self.begins


def whole_text(file: Path) -> Text:
    """All of a file, read once to count it. Raises: DataError for one that is empty or not UTF-8"""
    characters, blank = 0, True
    for piece in _read(file):
        characters += len(piece)
        blank = blank and not piece.strip()
    if blank:
        raise DataError(f"{file} has no text; add some")
    return Text(file, 0, characters, file.name)


def read_text(file: Path) -> str:
    """The text of a file, its lines ended by a newline alone. Raises: DataError for one that is empty or not UTF-8"""
    text = "".join(_read(file))
    if not text.strip():
        raise DataError(f"{file} has no text; add some")
    return text


def first(texts: Sequence[Text], characters: int) -> list[Text]:
    """Those of the first characters of all."""
    parts = []
    for text in texts:
        if characters > 0:
            parts.append(replace(text, ends=min(text.ends, text.begins + characters)))
        characters -= len(text)
    return parts


def after(texts: Sequence[Text], characters: int) -> list[Text]:
    """What `first` leaves."""
    parts = []
    for text in texts:
        if len(text) > characters:
            skipped = max(0, characters)
            name = f"{text.name} from character {skipped:,} on," if skipped else text.name
            parts.append(replace(text, begins=text.begins + skipped, name=name))
        characters -= len(text)
    return parts


def pieces(text: Text) -> Iterator[str]:
    """The text in pieces of about a million characters, cut where a tokenizer cuts as well.

    A piece ends with a line; of a line that is too long to be held, before a single space between two words. What a vocabulary
    of bytes or words makes of the pieces is what it would make of the whole; one that marks the first word of a text marks
    the first of every piece, which before a space is marked anyhow.
    """
    held, searched = "", PIECE
    for read in _span(text):
        held += read
        while len(held) > PIECE:
            ends = held.find("\n", searched) + 1 or (_before_a_word(held) if len(held) > LONGEST else 0)
            if not ends:
                searched = len(held)
                break
            yield held[:ends]
            held, searched = held[ends:], PIECE
    if held:
        yield held


def lines(texts: Sequence[Text]) -> Iterator[str]:
    """Lines of all texts with what ends them; a line that is too long to be held comes in parts."""
    for text in texts:
        for piece in pieces(text):
            yield from piece.splitlines(keepends=True)


def symbols_of(texts: Sequence[Text]) -> set[str]:
    """The different characters."""
    found: set[str] = set()
    for text in texts:
        for piece in _span(text):
            found.update(piece)
    return found


def _before_a_word(held: str) -> int:
    """The first place from `PIECE` on where a space stands between two words; 0 where there is none."""
    place = held.find(" ", PIECE)
    while 0 < place < len(held) - 1:
        if not held[place - 1].isspace() and not held[place + 1].isspace():
            return place
        place = held.find(" ", place + 1)
    return 0


def _span(text: Text) -> Iterator[str]:
    """The characters of a text, as they are read."""
    place = 0
    for piece in _read(text.file):
        if place >= text.ends:
            return
        found = piece[max(0, text.begins - place) : text.ends - place]
        if found:
            yield found
        place += len(piece)


def _read(file: Path) -> Iterator[str]:
    lines = 0
    with file.open(encoding="utf-8-sig", newline=None) as content:
        try:
            while piece := content.read(PIECE):
                check_no_nul(piece, file, lines)
                lines += piece.count("\n")
                yield piece
        except UnicodeDecodeError:
            raise _not_utf8(file) from None


def _not_utf8(file: Path) -> DataError:
    """The error for a file that is not UTF-8, with the line and byte at which it stops to be so."""
    before = b""  # what a piece ended with: the beginning of a character
    place, line = 0, 1
    with file.open("rb") as content:
        while read := content.read(PIECE):
            held = before + read
            try:
                held.decode("utf-8")
                before = b""
            except UnicodeDecodeError as error:
                if error.end < len(held) or error.reason != "unexpected end of data" or not content.peek(1):
                    line += held[: error.start].count(b"\n")
                    what = f"byte {place + error.start} is 0x{held[error.start]:02x}"
                    if place == 0 and held[:2] in (b"\xff\xfe", b"\xfe\xff"):
                        return utf16(file)
                    return DataError(f"{file} line {line} is not UTF-8 ({what}); {if_latin1(file.name)}")
                before = held[error.start :]
            line += held.count(b"\n")
            place += len(held) - len(before)
    return DataError(f"{file} changes while it is read; wait until it is written")
