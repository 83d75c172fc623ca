"""Line-aligned texts in two languages: line k of train.en says what line k of train.de says. Gzipped or not.

train.en(.gz)  train.de(.gz)  val.en  val.de  test_2016.en  test_2016.de     also dev and valid; src and tgt as languages
A single file of such a pair may be named too, to evaluate on it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema
from sonde.core.errors import DataError
from sonde.core.natural_order import natural
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.splits import SPLIT_NAMES, in_order
from sonde.data.unzipped import content_of
from sonde.modalities.catalogue import check_target
from sonde.modalities.modality import Wanted
from sonde.modalities.text.config import TextConfig
from sonde.modalities.text.parallel import Pairs, assemble_pairs, pairs_like

CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es "
    "et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj "
    "kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv "
    "ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti "
    "tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu src tgt trg"
)
LANGUAGES = frozenset(CODES.split())
"""Codes of ISO 639-1, and what toolkits call the two sides."""
PROGRAMS = frozenset({"cs", "pl", "ps", "pt", "so", "ts"})  # languages whose code is also an ending of other files
FIRST = ("src", "en")  # what is translated from, where nobody says
SHOWN = 60  # characters of a line in an error
MANY = 5  # names in an error


class Part(NamedTuple):
    """The files of one split."""

    source: Path
    target: Path


@dataclass(frozen=True, kw_only=True)
class Found:
    """languages: (from, to);  why: how they were chosen;  parts: the files of each split;  aside: others that were left"""

    languages: tuple[str, str]
    why: str
    parts: Mapping[str, Part]
    aside: Sequence[str] = ()


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a folder, or a file with a partner beside it, holds line-aligned texts; None if it does not."""
    stems = _stems(listing)
    pairs = {stem: sorted(sides) for stem, sides in stems.items() if len(sides) > 1}
    if pairs:
        return ", ".join(f"{stem}.{' and .'.join(sides)}" for stem, sides in pairs.items())
    alone = [
        (stem, side) for stem, sides in stems.items() for side in sides if _split_of(stem) and side not in PROGRAMS
    ]
    return f"{alone[0][0]}.{alone[0][1]}, whose translation is missing" if alone and listing.is_dir else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Tokens of both sides, by vocabularies of the training text or those of a trained model.

    Raises: DataError for a side that is missing or longer than the other, text that is not UTF-8, and languages that leave the
            direction open
    """
    path = listing.path
    check_target("tokens", f"{path} holds texts in two languages", like)
    found = _found(listing, config, like)
    tick("reading lines", 0, 0)
    parts: dict[str, Pairs] = {}
    warnings = [f"{name} is not used; evaluate on it with: sonde eval RUN {path / name}" for name in found.aside]
    for split, files in found.parts.items():
        parts[split], empty = _aligned(files)
        if empty:
            warnings.append(empty)
    sizes = " + ".join(f"{len(pairs):,} {split}" for split, pairs in in_order(parts).items())
    first = next(iter(found.parts.values()))
    about = About.at(
        listing,
        form="line-aligned texts",
        why=found.why,
        files=[file for part in found.parts.values() for file in part],
        name=path.resolve().name.split(".")[0],
        facts=[
            Fact(f"{sizes} pairs of lines", f"line-aligned texts: {first.source.name} beside {first.target.name}"),
            Fact("from {} to {}".format(*found.languages), found.why),
        ],
        warnings=warnings,
    )
    if like is not None:
        return pairs_like(about, parts, like)
    return assemble_pairs(about, parts, found.languages, config, tick=tick)


def _stems(listing: Listing) -> dict[str, dict[str, Path]]:
    """What stands before the language in a file's name -> language -> file; of a single file, those of its own stem."""
    folder = Listing(listing.path.parent) if listing.is_file else listing
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.files, key=lambda entry: natural(entry.name)):
        if begun := re.fullmatch(
            r"(src|tgt|trg)[-_.](.+)\.txt(\.gz)?", file.name, re.IGNORECASE
        ):  # OpenNMT: src-train.txt
            found.setdefault(begun[2], {}).setdefault(begun[1].lower(), file)
            continue
        match = re.fullmatch(r"(.+)\.([A-Za-z]{2,3})(?:[-_][A-Za-z]+)?", file.name.removesuffix(".gz"))
        if match and match[2].lower() in LANGUAGES:
            side = file.name.removesuffix(".gz").removeprefix(f"{match[1]}.")
            found.setdefault(match[1], {}).setdefault(side, file)
    if listing.is_dir:
        return found
    return {stem: sides for stem, sides in found.items() if listing.path in sides.values() and len(sides) > 1}


def _split_of(stem: str) -> str | None:
    """The split that a stem means: test for test, test_2016_flickr and test.2016."""
    words = re.split(r"[^a-z]+", stem.lower())
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)


def _found(listing: Listing, config: DataConfig, like: Schema | None) -> Found:
    """Which files are what. Raises: DataError"""
    path, stems = listing.path, _stems(listing)
    every = sorted({side for sides in stems.values() for side in sides})
    languages, why = _direction(path, every, config, like)
    parts: dict[str, Part] = {}
    aside = []
    for stem, sides in stems.items():
        split = _split_of(stem) or ("test" if len(stems) == 1 and path.is_file() else None)
        there = [sides[side] for side in languages if side in sides]
        if split is None or not there:
            continue
        if len(there) == 1:
            lacking = next(side for side in languages if side not in sides)
            raise DataError(f"{there[0]} has no {stem}.{lacking} beside it; add that side, or remove this file")
        if split in parts:
            aside.append(there[0].name)
            continue
        parts[split] = Part(*there)
    if "train" not in parts and like is None:
        raise DataError(
            f"{path}: no pair of files is named train, such as train.{languages[0]} and train.{languages[1]}"
        )
    if not parts:
        raise DataError(f"{path} holds no pair of files in {' and '.join(languages)}; check the languages")
    return Found(languages=languages, why=why, parts=parts, aside=aside)


def _direction(
    path: Path, every: Sequence[str], config: DataConfig, like: Schema | None
) -> tuple[tuple[str, str], str]:
    """((from, to), why). Raises: DataError for languages that are not there, and for a direction that is left open."""
    settings = config.of(TextConfig)
    if like is not None:
        return (like.target.names[0], like.target.names[1]), "as in training"
    given = {"--source-language": settings.source_language, "--target-language": settings.target_language}
    for flag, side in given.items():
        if side and side not in every:
            raise DataError(f"{path} has no files in {flag} {side}; there are {', '.join(every[:MANY])}")
    source, target = given.values()
    if source and source == target:
        raise DataError(f"--source-language and --target-language are both {source}; give two languages")
    if source and target:
        return (source, target), "typed"
    rest = [side for side in every if side not in (source, target)]
    if len(every) == 1:
        raise DataError(f"{path} has files in {every[0]} alone; add the same lines in another language beside them")
    if len(every) > 2:
        raise DataError(f"{path} has files in {', '.join(every[:MANY])}; give --source-language and --target-language")
    if source or target:
        return (source or rest[0], target or rest[0]), "typed"
    first = next((side for side in FIRST if side in every), every[0])
    other = next(side for side in every if side != first)
    why = "English first" if first == "en" else "by their names" if first == "src" else "in alphabetical order"
    return (first, other), f"{why}; --source-language {other} reverses the direction"


def _aligned(files: Part) -> tuple[Pairs, str]:
    """The lines with text on both sides, and a warning that counts the others. Raises: DataError for unequal numbers of lines"""
    sources, targets = lines_of(files.source), lines_of(files.target)
    if len(sources) != len(targets):
        longer, shorter = (files.source, files.target) if len(sources) > len(targets) else (files.target, files.source)
        number = min(len(sources), len(targets)) + 1
        line = (sources if len(sources) > len(targets) else targets)[number - 1]
        raise DataError(
            f"{longer} has {max(len(sources), len(targets)):,} lines and {shorter.name} {number - 1:,}: line {number:,}, "
            f"“{line[:SHOWN]}”, has no translation; the lines of both must belong together"
        )
    numbers = np.array([n for n, pair in enumerate(zip(sources, targets, strict=True)) if all(pair)], dtype=np.int64)
    if not len(numbers):
        raise DataError(f"{files.source} and {files.target.name} have no line with text on both sides; fill them")
    place = f"{files.source.name}, {files.target.name}"
    pairs = Pairs(sources=sources, targets=targets, numbers=np.arange(1, len(sources) + 1), place=place).chosen(numbers)
    if not (gone := len(sources) - len(numbers)):
        return pairs, ""
    first = next(n for n, pair in enumerate(zip(sources, targets, strict=True), 1) if not all(pair))
    return pairs, f"{gone:,} lines of {place} are empty on one side and are dropped, first line {first:,}"


def lines_of(file: Path) -> list[str]:
    """The lines without blanks around them. Raises: DataError for what is not UTF-8, or no gzip"""
    content = content_of(file)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"{file} line {number:,} is not UTF-8 (byte 0x{content[error.start]:02x}); save the file as UTF-8"
        ) from None
    lines = text.split("\n")  # and at nothing else: a line may hold other signs that break lines
    return [line.strip() for line in (lines[:-1] if lines[-1] == "" else lines)]
