"""Texts with targets -> a dataset: rows held back, a vocabulary from the training rows alone, tokens in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Rows, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.core.units import count, share
from sonde.core.vocabulary import UNKNOWN, Characters, Subwords, Vocabulary, Words, read_vocabulary
from sonde.data.assemble import About
from sonde.data.ragged import Ragged
from sonde.data.splits import drawn_from_train, for_evaluation, hold_back
from sonde.data.targets import RawTarget, encode, standardised
from sonde.modalities.text.biological import check_letters
from sonde.modalities.text.config import TextConfig
from sonde.modalities.text.rows import ENCODED_AT_ONCE, encoded, text_rows
from sonde.modalities.text.vocabulary import vocabulary_for

MOST_TOKENS = 512  # of a row; what is longer is cut unless --max-tokens says more
LEAST = 2  # times a word must occur: rarer ones teach what an unknown word is like
LISTED = 3


@dataclass(frozen=True, kw_only=True)
class TextPart:
    """One split as it was found: rows i of all three belong together.

    target: missing classes are "", missing values NaN
    """

    texts: Sequence[str]
    names: Sequence[str]
    target: RawTarget

    def chosen(self, rows: np.ndarray) -> "TextPart":
        """Some of the rows."""
        target = replace(self.target, values=self.target.values[rows])
        return TextPart(
            texts=[self.texts[int(i)] for i in rows], names=[self.names[int(i)] for i in rows], target=target
        )


def assemble_texts(
    parts: Mapping[str, TextPart],
    spec: TargetSpec,
    about: About,
    config: DataConfig,
    *,
    chain: str = "",
    column: str = "",
    tick: Tick = silent,
) -> Dataset:
    """A dataset of texts, or of chains of letters ("nucleotides", "residues").

    spec: of the targets, mean and std still empty
    Raises: DataError for rows that are empty throughout, too few to split, or hold a letter that is none of a chain's
    """
    settings = config.of(TextConfig)
    whole, warnings = _filled(parts)
    plain = settings.tokenizer != "auto"
    if chain and not plain:
        for part in whole.values():
            check_letters(part.texts, chain, part.names)
    count = len(whole["train"].texts)
    labels = encode(whole["train"].target, spec)["target"] if spec.kind == "class" else None
    called = f"{about.source} has {count} rows to train on"
    indices, facts = hold_back(count, whole, config, called=called, labels=labels)
    tick("training a vocabulary", 0, 0)
    texts = [whole["train"].texts[int(i)] for i in indices["train"]]
    vocabulary = vocabulary_of(texts, config, chain if not plain else "")
    most = settings.max_tokens or MOST_TOKENS
    tokens = {split: encoded(part.texts, vocabulary, most=most) for split, part in whole.items()}
    longest = max(int(found.lengths().max()) for found, _ in tokens.values())
    size = vocabulary.size
    input = InputSpec(kind="tokens", shape=(longest,), tokenizer=vocabulary.to_json(), symbols=size, column=column)
    spec = standardised(spec, whole["train"].target, indices["train"])
    splits = drawn_from_train(_rows(whole, tokens, spec), indices)
    facts = [vocabulary_fact(vocabulary, chain), length_fact(splits), *facts]
    schema = Schema(input=input, target=spec)
    return about.dataset(schema, splits, facts, [*warnings, *_truncated(tokens, most)])


def texts_like(parts: Mapping[str, TextPart], about: About, like: Schema) -> Dataset:
    """Texts to evaluate a trained model on, by its vocabulary and classes; a single part is the split "test".

    Raises: DataError for a class that the model does not know
    """
    whole, warnings = _filled(parts)
    vocabulary = read_vocabulary(like.input.tokenizer)
    named, most = for_evaluation(whole), like.input.shape[0]
    tokens = {split: encoded(part.texts, vocabulary, most=most) for split, part in named.items()}
    splits = _rows(named, tokens, like.target)
    facts = [Fact(f"{sum(map(len, splits.values())):,} texts", "tokenized with the vocabulary of the model")]
    return about.dataset(like, splits, facts, [*warnings, *_truncated(tokens, most)])


def _filled(parts: Mapping[str, TextPart]) -> tuple[dict[str, TextPart], list[str]]:
    """The rows that have a text and a target, and warnings that count the others."""
    whole, warnings = {}, []
    for split, part in parts.items():
        empty = np.array([not text for text in part.texts], dtype=bool)
        values = part.target.values
        missing = values == "" if values.dtype.kind == "U" else np.isnan(values).reshape(len(values), -1).all(axis=1)
        for gone, what in ((empty, "no text"), (missing & ~empty, "no target")):
            if gone.any():
                first = part.names[int(gone.argmax())]
                warnings.append(
                    f"{gone.sum():,} of {len(gone):,} {split} rows have {what} and are dropped, first {first}"
                )
        complete = np.flatnonzero(~(empty | missing))
        if not len(complete):
            raise DataError(
                f"{part.target.place}: no row has both a text and a target; fill the columns, or name others"
            )
        whole[split] = part if len(complete) == len(empty) else part.chosen(complete)
    return whole, warnings


def vocabulary_of(texts: Sequence[str], config: DataConfig, chain: str = "") -> Vocabulary:
    """The vocabulary of training texts: letters of a chain, an earlier run's that the settings name, else one trained on them.

    Raises: DataError where the run or file that is named has none; MissingDependency
    """
    if chain:
        return Characters(tuple(sorted(set("".join(texts).upper()))), upper=True)
    return vocabulary_for(texts, config, least=LEAST)[0]


def _rows(parts: Mapping[str, TextPart], tokens: Mapping[str, tuple[Ragged, int]], spec: TargetSpec) -> dict[str, Rows]:
    return {
        split: text_rows(tokens[split][0], part.texts, part.names, encode(part.target, spec))
        for split, part in parts.items()
    }


def vocabulary_fact(vocabulary: Vocabulary, chain: str = "") -> Fact:
    """How text is cut into tokens, and how many there are."""
    number = count(vocabulary.size)
    if chain and isinstance(vocabulary, Characters):
        return Fact(f"letter tokens: {', '.join(vocabulary.symbols)}", f"the cells are sequences of {chain}")
    if isinstance(vocabulary, Words):
        return Fact(
            f"lowercased word tokens, vocabulary of {number}", f"words that occur {LEAST} times or more in train"
        )
    if isinstance(vocabulary, Subwords):
        return Fact(f"subword tokens (BPE), vocabulary of {number}", "merges learned from train")
    return Fact(f"character tokens, vocabulary of {number}", "the characters of train")


def length_fact(splits: Mapping[str, Rows]) -> Fact:
    """How long rows are, and how much of what is evaluated the vocabulary does not know."""
    held = {split: _tokens(rows) for split, rows in splits.items()}
    lengths = np.concatenate([lengths for lengths, _ in held.values()])
    where = next((name for name in ("validation", "test") if name in splits), "train")
    evaluated, missed = held[where]
    unknown = missed / max(1, int(evaluated.sum()))
    low, high = int(lengths.min()), int(lengths.max())
    what = (
        f"{low} to {high} tokens per row, median {int(np.median(lengths))}" if low < high else f"{low} tokens per row"
    )
    return Fact(what, f"{share(unknown, 1)} unknown in {where}")


def _tokens(rows: Rows) -> tuple[np.ndarray, int]:
    """How many tokens each of some rows has, (n,) int64, and how many of all are unknown; a part of the rows at a time."""
    lengths, unknown = [], 0
    for start in range(0, len(rows), ENCODED_AT_ONCE):
        found = rows.read(np.arange(start, min(start + ENCODED_AT_ONCE, len(rows))))["input"]
        lengths.append((found != 0).sum(axis=1))
        unknown += int((found == UNKNOWN).sum())
    return np.concatenate(lengths or [np.zeros(0, dtype=np.int64)]), unknown


def _truncated(tokens: Mapping[str, tuple[Ragged, int]], most: int) -> list[str]:
    return [
        f"{cut:,} of {len(rows):,} {split} rows are longer than {most} tokens and are truncated (--max-tokens)"
        for split, (rows, cut) in tokens.items()
        if cut
    ]
