"""Images by what a file elsewhere calls them: a path from another place or system, a file's name, or a name without ending."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from urllib.parse import unquote

from sonde.modalities.image.modality import FILES


@dataclass(frozen=True)
class NameIndex:
    """Finds images by the tail of what they are called.

    >>> index = NameIndex(("a/1.jpg", "b/1.jpg", "b/2.jpg"))
    >>> index.find("C:\\\\data\\\\b\\\\1.jpg"), index.find("2"), index.find("1")
    (['b/1.jpg'], ['b/2.jpg'], ['a/1.jpg', 'b/1.jpg'])
    """

    names: Sequence[str]  # paths with forward slashes

    def find(self, text: str) -> list[str]:
        """The images that share most folders with a path, counted from its end; several where it does not say which."""
        *folders, last = parts_of(text) or [""]
        known = self._by_file.get(last.lower()) or self._by_stem.get(last.lower())
        if known is None and (said := parts_of(unquote(text.split("?d=")[-1]))):  # as Label Studio has uploaded files
            last = UPLOADED.sub("", said[-1])
            known = self._by_file.get(last.lower()) or self._by_stem.get(last.lower())
        if known is None and PurePosixPath(last).suffix.lower() in ENDINGS:
            known = self._by_stem.get(
                PurePosixPath(last).stem.lower()
            )  # of another ending: written as PNG, kept as JPEG
        if not known or len(known) == 1:
            return list(known or ())
        shared = {name: _shared(PurePosixPath(name).parts[:-1], folders) for name in known}
        most = max(shared.values())
        return [name for name in known if shared[name] == most]

    @cached_property
    def _by_file(self) -> Mapping[str, Sequence[str]]:
        return _grouped((PurePosixPath(name).name.lower(), name) for name in self.names)

    @cached_property
    def _by_stem(self) -> Mapping[str, Sequence[str]]:
        return _grouped((PurePosixPath(name).stem.lower(), name) for name in self.names)


UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")  # what Label Studio puts before the names of uploaded files
ENDINGS = frozenset({*FILES, ".dcm", ".npy"})  # that an image may have had when it was written down


def parts_of(text: str) -> list[str]:
    """The parts of a path however it was written, without what says only where it began.

    >>> parts_of("..\\\\media\\\\x.png"), parts_of("C:/data/x.png"), parts_of("./x.png")
    (['media', 'x.png'], ['C:', 'data', 'x.png'], ['x.png'])
    """
    return [part for part in text.strip().replace("\\", "/").split("/") if part not in ("", ".", "..")]


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, name in pairs:
        found.setdefault(key, []).append(name)
    return found


def _shared(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """How many folders are the same, from the end."""
    count = 0
    for one, other in zip(reversed(ours), reversed(theirs), strict=False):
        if one.lower() != other.lower():
            break
        count += 1
    return count
