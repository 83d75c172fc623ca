"""Pairs of texts -> a dataset of tokens on both sides, fed in batches where both are of like length."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.core.vocabulary import END, Vocabulary, read_vocabulary
from sonde.data.assemble import About
from sonde.data.ragged import Numbered, Ragged, RaggedRows, end_to_end
from sonde.data.splits import drawn_from_train, for_evaluation, hold_back
from sonde.modalities.text.config import TextConfig
from sonde.modalities.text.rows import TextRows
from sonde.modalities.text.vocabulary import vocabulary_for

MOST_TOKENS = 256  # of a side, END counted; longer pairs are left out of training unless --max-tokens says more

# n pairs, S tokens of a source, M of a target


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """The lines of one split that have text on both sides: line numbers[i] of its files holds sources[i] and targets[i].

    place: what the pair of files is called
    """

    sources: Sequence[str]
    targets: Sequence[str]
    numbers: np.ndarray
    place: str

    def __len__(self) -> int:
        return len(self.sources)

    def chosen(self, rows: np.ndarray) -> "Pairs":
        """Some of them."""
        chosen: list[int] = rows.tolist()
        return Pairs(
            sources=[self.sources[row] for row in chosen],
            targets=[self.targets[row] for row in chosen],
            numbers=self.numbers[rows],
            place=self.place,
        )


def assemble_pairs(
    about: About, parts: Mapping[str, Pairs], languages: tuple[str, str], config: DataConfig, *, tick: Tick = silent
) -> Dataset:
    """A dataset by vocabularies of the training rows alone, with rows held back where splits are missing."""
    count = len(parts["train"])
    indices, facts = hold_back(count, parts, config, called=f"{about.source} has {count} training pairs")
    tick("training a vocabulary", 0, 0)
    source, target, vocabulary_fact = _vocabularies(parts["train"].chosen(indices["train"]), config)
    most = config.of(TextConfig).max_tokens or MOST_TOKENS
    tick("encoding", 0, 0)
    rows, long = {}, {}
    for split, pairs in parts.items():
        rows[split], long[split] = pair_rows(pairs, source, target, most=most)
    before = len(indices["train"])
    indices["train"] = indices["train"][~long["train"][indices["train"]]]
    if not len(indices["train"]):
        raise DataError(f"{about.source}: every training pair is longer than {most} tokens; give a larger --max-tokens")
    longest = max(int(found.tokens.ragged["input"].lengths().max()) for found in rows.values())
    schema = Schema(
        input=InputSpec(kind="tokens", shape=(longest,), tokenizer=source.to_json(), symbols=source.size),
        target=TargetSpec(kind="tokens", names=languages, tokenizer=target.to_json(), symbols=target.size),
    )
    warnings = []
    if left := before - len(indices["train"]):
        warnings.append(
            f"{left:,} training pairs longer than {most} tokens are dropped; raise --max-tokens to keep them"
        )
    cut = {split: int(long[split].sum()) for split in rows if split != "train"}
    warnings += [f"{n:,} {split} pairs are truncated to {most} tokens (--max-tokens)" for split, n in cut.items() if n]
    facts = [vocabulary_fact, _length_fact(rows["train"]), *facts]
    return about.dataset(schema, drawn_from_train(rows, indices), facts, warnings, suggestion="translation")


def pairs_like(about: About, parts: Mapping[str, Pairs], like: Schema) -> Dataset:
    """A dataset by a model's vocabularies with nothing held back; a single pair of files is the split "test"."""
    source, target = read_vocabulary(like.input.tokenizer), read_vocabulary(like.target.tokenizer)
    most = max(MOST_TOKENS, like.input.shape[0])
    splits = {split: pair_rows(pairs, source, target, most=most)[0] for split, pairs in for_evaluation(parts).items()}
    return about.dataset(like, splits, suggestion="translation")


def pair_rows(pairs: Pairs, source: Vocabulary, target: Vocabulary, *, most: int) -> tuple[TextRows, np.ndarray]:
    """Rows of `input` (S) and `target` (M) tokens with END behind, and of `reference`, the true text in UTF-8; and of each
    whether it was cut to `most` tokens on a side. The text of a row is its source.
    """
    inputs, targets = source.encode_all(pairs.sources), target.encode_all(pairs.targets)
    long = np.array([max(len(one), len(two)) >= most for one, two in zip(inputs, targets, strict=True)], dtype=bool)
    ragged = {"input": _ended(inputs, most), "target": _ended(targets, most), "reference": utf8(pairs.targets)}
    one, two = ragged["input"].lengths(), ragged["target"].lengths()
    # sorted by the source alone, a third of the target's places would be padding
    keys = two * (int(one.max(initial=0)) + 1) + one
    names = Numbered(pairs.place, pairs.numbers, "line")
    return TextRows(RaggedRows(ragged=ragged, names=names, bucket_keys=keys), pairs.sources), long


def source_rows(texts: Sequence[str], names: Sequence[str], source: Vocabulary, *, most: int) -> TextRows:
    """Rows of `input` alone, for prediction."""
    return TextRows(RaggedRows(ragged={"input": _ended(source.encode_all(texts), most)}, names=names), texts)


def utf8(texts: Sequence[str]) -> Ragged:
    """The bytes of each text."""
    return end_to_end([np.frombuffer(text.encode(), dtype=np.uint8) for text in texts], np.uint8)


def _ended(rows: Sequence[Sequence[int]], most: int) -> Ragged:
    return end_to_end([[*tokens[: most - 1], END] for tokens in rows])


def _vocabularies(pairs: Pairs, config: DataConfig) -> tuple[Vocabulary, Vocabulary, Fact]:
    """Of the source and of the target, which are one and the same unless --shared-vocabulary is off."""
    if config.of(TextConfig).shared_vocabulary:
        both, why = vocabulary_for([*pairs.sources, *pairs.targets], config, auto="bpe")
        return both, both, Fact(f"one vocabulary of {both.size:,} tokens for both sides", why)
    source, why = vocabulary_for(pairs.sources, config, auto="bpe")
    target, _ = vocabulary_for(pairs.targets, config, auto="bpe")
    return source, target, Fact(f"vocabularies of {source.size:,} and {target.size:,} tokens", why)


def _length_fact(rows: TextRows) -> Fact:
    spans = []
    for side in ("input", "target"):
        lengths = rows.tokens.ragged[side].lengths()
        spans.append(f"{lengths.min()} to {lengths.max()} (median {int(np.median(lengths))})")
    return Fact(f"{spans[0]} tokens per source, {spans[1]} per target", "train, including the end token")
