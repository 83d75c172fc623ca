"""Text to be continued: a .txt file, or a folder of them, perhaps with one named train and others validation and test.

A single text is cut in two (or three) where it stands: its end is never trained on. Several files follow one another in the
order of their names, an END after each.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.memory import give_back
from sonde.core.progress import Tick, silent
from sonde.core.units import count, share
from sonde.core.vocabulary import END, UNKNOWN, Characters, Vocabulary, read_vocabulary
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.splits import ORDER, SPLIT_NAMES
from sonde.modalities.catalogue import check_target
from sonde.modalities.modality import Wanted
from sonde.modalities.text.config import TextConfig
from sonde.modalities.text.files import has_text, text_files
from sonde.modalities.text.long_text import Text, after, first, lines, pieces, symbols_of, whole_text
from sonde.modalities.text.token_file import TokenFile, TokenWriter, encode_pieces
from sonde.modalities.text.train_vocabulary import train_vocabulary
from sonde.modalities.text.vocabulary import earlier_vocabulary
from sonde.modalities.text.windows import Windows

MOST_SYMBOLS = 256  # different characters up to which a text is read character by character …
MOST_CHARACTERS = 10_000_000  # … if it is no longer than this
WINDOW = 128  # tokens that are read at a time: more cost time that small budgets put to better use
FEWEST_WINDOWS = 8  # of training text; of a short one the windows are made shorter
SHOWN = 12  # unknown characters in a warning
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")  # of which a .txt among them says something


@dataclass(frozen=True)
class Stream:
    """The tokens (N,) of a split's texts end to end, how often each comes, and where each text begins."""

    tokens: np.ndarray | TokenFile
    counts: np.ndarray
    places: Sequence[tuple[int, str]]

    def __len__(self) -> int:
        return len(self.tokens)


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a file or folder is text, None if it is not."""
    if listing.is_file:
        return "a .txt file" if listing.ending(".txt") else None
    files = text_files(listing)
    if files and sum(len(listing.ending(ending)) for ending in IMAGES) > len(files):
        return None  # lists of the images beside them
    return f"{len(files)} .txt file{'s' * (len(files) > 1)}" if files else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Windows of tokens with the token after each.

    Raises: DataError for a file that is empty or not UTF-8, and a text that is too short
    """
    path = listing.path
    check_target("next", f"{path} is plain text for language modelling", like)
    files, warnings = ([path], []) if listing.is_file else _worth_reading(text_files(listing))
    texts = {file: whole_text(file) for file in files}
    parts, facts = _by_split(texts), []
    if not parts:
        parts, facts = _cut(texts, config, whole=like is not None)
    if config.label_fraction < 1 and like is None:
        characters = round(config.label_fraction * sum(map(len, parts["train"])))
        facts.append(Fact(f"the first {characters:,} characters of the training text", "--label-fraction"))
        parts["train"] = first(parts["train"], characters)
    tick("reading tokens", 0, 0)
    vocabulary, why = (
        _vocabulary(parts["train"], config) if like is None else (read_vocabulary(like.input.tokenizer), "")
    )
    streams = {split: _encoded(texts, vocabulary, several=len(files) > 1) for split, texts in parts.items()}
    if like is None:
        suited = max(1, min(WINDOW, len(streams["train"]) // FEWEST_WINDOWS))
        length = config.of(TextConfig).max_tokens or suited
    else:
        length = like.input.shape[0]
    check_lengths(streams, length, path)
    word = "character" if isinstance(vocabulary, Characters) else "token"
    splits = {
        split: Windows(tokens=held.tokens, length=length, places=held.places, word=word, counts=held.counts)
        for split, held in streams.items()
    }
    window = Fact(f"windows of {length} {word}s", "context length; --max-tokens changes it")
    about = About.at(listing, form="text", why=why, files=files, name=path.resolve().stem)
    schema = next_schema(vocabulary, length) if like is None else like
    facts = [*_sizes(parts, streams, vocabulary, why), *facts, window]
    return about.dataset(schema, splits, facts, [*warnings, *_unknown(parts, streams, vocabulary)])


def _worth_reading(files: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """(files without those that are empty, and without copies of another that is not named for a split, what is said of them)."""
    filled = [file for file in files if has_text(file)] or list(files)
    warnings = [f"{file.name} is empty and skipped" for file in files if file not in filled]
    sizes = Counter(file.stat().st_size for file in filled)
    shortest = sorted(filled, key=lambda file: len(file.name))  # a name, before that name with "(1)" or "copy"
    first: dict[str, Path] = {}
    originals = {f: first.setdefault(_hash(f), f) if sizes[f.stat().st_size] > 1 else f for f in shortest}
    copies = {file: originals[file] for file in filled if originals[file] != file}
    if {file.stem.lower() for file in filled} <= SPLIT_NAMES.keys():
        said = [f"{file.name} and {other.name} hold the same text" for file, other in copies.items()]
        return filled, [*warnings, *said]
    warnings += [f"{file.name} is a copy of {other.name} and is not read again" for file, other in copies.items()]
    kept = [file for file in filled if file not in copies]
    return kept, warnings


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _by_split(texts: Mapping[Path, Text]) -> dict[str, list[Text]]:
    """The texts of each split where several files are all named after one, one of them train; else none."""
    parts: dict[str, list[Text]] = {}
    for file, text in texts.items():
        parts.setdefault(SPLIT_NAMES.get(file.stem.lower(), ""), []).append(text)
    return parts if len(texts) > 1 and "" not in parts and "train" in parts else {}


def _cut(texts: Mapping[Path, Text], config: DataConfig, *, whole: bool) -> tuple[dict[str, list[Text]], list[Fact]]:
    """The texts end to end, cut off at the end for test and before that for validation.

    A share for test is taken where one is requested: a text's model is usually evaluated on its validation part.
    """
    everything = list(texts.values())
    if whole:
        return {"test": everything}, []
    total = sum(map(len, everything))
    sizes = {"test": round((config.test or 0.0) * total)}
    sizes["validation"] = round(config.validation * (total - sizes["test"]))
    parts, facts = {}, []
    for split, size in sizes.items():
        if size:
            total -= size
            parts[split], everything = after(everything, total), first(everything, total)
            what = "the last" if split == "test" or not sizes["test"] else "before it"
            facts.append(Fact(f"{what} {size:,} characters for {split}", "text is split in order, not at random"))
    if not sizes["test"]:
        facts.append(Fact("no test split", "use --test 0.1 for one"))
    return {"train": everything, **parts}, facts


def _vocabulary(texts: Sequence[Text], config: DataConfig) -> tuple[Vocabulary, str]:
    """(vocabulary of the training text, why of this kind)."""
    settings = config.of(TextConfig)
    if settings.vocabulary_of is not None:
        return earlier_vocabulary(settings.vocabulary_of), f"of {settings.vocabulary_of}"
    symbols, total = len(symbols_of(texts)), sum(map(len, texts))
    kind, why = settings.tokenizer, "--tokenizer"
    if kind == "auto" and symbols <= MOST_SYMBOLS and total <= MOST_CHARACTERS:
        kind, why = "characters", "a short text with few distinct characters"
    elif kind == "auto":
        kind, why = "bytes", "a long text, or one with many distinct characters"
    read = (piece for text in texts for piece in pieces(text)) if kind == "characters" else lines(texts)
    return train_vocabulary(read, kind=kind, size=settings.vocabulary), why


def _encoded(texts: Sequence[Text], vocabulary: Vocabulary, *, several: bool) -> Stream:
    written, places = TokenWriter(vocabulary.size), []
    for text in texts:
        places.append((len(written), text.name))
        for tokens in encode_pieces(pieces(text), vocabulary):
            written.add(tokens)
        if several:
            written.add([END])
    give_back()
    return Stream(written.finish(), written.counts, places)


def check_lengths(streams: Mapping[str, Stream], length: int, path: Path) -> None:
    """Raises: DataError for a text that has no room for one window, or that nothing follows."""
    for split, held in streams.items():
        needed = length + 1 if split == "train" else 2
        if len(held) < needed:
            window = f" for a window of --max-tokens {length}" if split == "train" else ""
            leave = ", or give --validation 0" if split == "validation" else ""
            raise DataError(
                f"{path}: the {split} text has {len(held):,} tokens, and {needed:,} are needed{window}; add more text{leave}"
            )


def next_schema(vocabulary: Vocabulary, length: int) -> Schema:
    """Of windows of tokens, each with the token after it."""
    content, size = vocabulary.to_json(), vocabulary.size
    return Schema(
        input=InputSpec(kind="tokens", shape=(length,), tokenizer=content, symbols=size),
        target=TargetSpec(kind="next", names=(), tokenizer=content, symbols=size),
    )


def _sizes(
    parts: Mapping[str, Sequence[Text]], streams: Mapping[str, Stream], vocabulary: Vocabulary, why: str
) -> list[Fact]:
    sizes = {split: sum(map(len, texts)) for split, texts in parts.items()}
    characters = " + ".join(f"{count(sizes[split])} {split}" for split in ORDER if split in sizes)
    if isinstance(vocabulary, Characters):
        return [Fact(f"{characters} characters, {len(vocabulary.symbols)} distinct", why)]
    tokens = sum(map(len, streams.values()))
    per = sum(sizes.values()) / max(1, tokens)
    return [
        Fact(f"{characters} characters", ""),
        Fact(f"{tokens:,} tokens, vocabulary of {vocabulary.size:,}, {per:.2f} characters per token", why),
    ]


def _unknown(parts: Mapping[str, Sequence[Text]], streams: Mapping[str, Stream], vocabulary: Vocabulary) -> list[str]:
    """A warning for each split with tokens that the training text never had."""
    found = []
    for split, held in streams.items():
        if missed := int(held.counts[UNKNOWN]):
            which = ""
            if isinstance(vocabulary, Characters):
                characters = sorted(symbols_of(parts[split]) - set(vocabulary.symbols))
                more = " …" * (len(characters) > SHOWN)
                which = f" ({' '.join(map(repr, characters[:SHOWN]))}{more})"
            found.append(
                f"{missed:,} tokens of the {split} text ({share(missed / len(held))}) do not occur in the training text{which}"
            )
    return found
