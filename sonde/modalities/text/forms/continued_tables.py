"""Tables of texts to continue: one column of text, chats, or prompts with completions; CSV, JSON lines, Parquet.

texts.csv      text                             one text a row
chat.jsonl     {"messages": [{"role": "user", "content": "…"}, …]}
prompts.jsonl  {"prompt": "…", "completion": "…"}, or instruction, input and output
"""

from collections.abc import Mapping, Sequence

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.core.vocabulary import END, UNKNOWN, Characters, Vocabulary, read_vocabulary
from sonde.data.listing import Listing
from sonde.data.splits import for_evaluation, hold_back, in_order, sizes_in_words
from sonde.modalities.catalogue import check_target
from sonde.modalities.modality import Wanted
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.forms.tables import about_tables, read_tables, split_files
from sonde.modalities.table.read import notes_of
from sonde.modalities.text.config import TextConfig
from sonde.modalities.text.continued import Continued, texts_to_continue
from sonde.modalities.text.forms.text_files import (
    FEWEST_WINDOWS,
    MOST_CHARACTERS,
    MOST_SYMBOLS,
    WINDOW,
    Stream,
    check_lengths,
    next_schema,
)
from sonde.modalities.text.token_file import TokenWriter
from sonde.modalities.text.train_vocabulary import train_vocabulary
from sonde.modalities.text.vocabulary import earlier_vocabulary
from sonde.modalities.text.windows import Windows

TASKS = ("language-model", "masked-language-model", "masked-diffusion")


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a table holds texts to continue and nothing to predict of them; None if it does not."""
    if not split_files(listing) or wanted.config.of(TableConfig).target:
        return None
    if wanted.task not in (None, *TASKS) or (wanted.like is not None and wanted.like.target.kind != "next"):
        return None
    try:
        tables = read_tables(listing, wanted.config, like=wanted.like)
    except DataError:
        return None  # what is wrong with the file is reported when it is read as a table
    found = texts_to_continue(next(iter(tables.values())), asked=wanted.task in TASKS or wanted.like is not None)
    return found.why if found is not None else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Windows of tokens with the token after each, an END behind every row's text; whole rows are held back.

    Raises: DataError for tables that differ in form, and texts too short for a window
    """
    check_target("next", f"{listing.path} holds texts to continue", like)
    tables = read_tables(listing, config, like=like, tick=tick)
    found: dict[str, Continued] = {}
    for split, table in tables.items():
        one = texts_to_continue(table, asked=True)
        if one is None or not one.texts:
            raise DataError(f"{table.name} holds no texts to continue as the other tables do; give it the same columns")
        found[split] = one
    parts, facts = _split(found, config, listing, whole=like is not None)
    vocabulary, why = (
        _vocabulary(parts["train"], config) if like is None else (read_vocabulary(like.input.tokenizer), "")
    )
    streams = {split: _encoded(texts, vocabulary) for split, texts in parts.items()}
    suited = max(1, min(WINDOW, len(streams[next(iter(streams))]) // FEWEST_WINDOWS))
    length = like.input.shape[0] if like is not None else config.of(TextConfig).max_tokens or suited
    check_lengths(streams, length, listing.path)
    word = "character" if isinstance(vocabulary, Characters) else "token"
    splits = {
        split: Windows(tokens=held.tokens, length=length, places=held.places, word=word, counts=held.counts)
        for split, held in streams.items()
    }
    first = next(iter(found.values()))
    about = about_tables(listing, like=like)
    facts = [
        Fact(f"{sizes_in_words(parts)} texts", first.why),
        Fact(f"vocabulary of {vocabulary.size:,} {word}s, windows of {length}", why or "of the model"),
        *facts,
    ]
    warnings = [
        *notes_of(tables.values()),
        *(text for one in found.values() for text in one.warnings),
        *_unknown(streams),
    ]
    return about.dataset(like or next_schema(vocabulary, length), splits, facts, warnings)


def _split(
    found: Mapping[str, Continued], config: DataConfig, listing: Listing, *, whole: bool
) -> tuple[dict[str, list[str]], list[Fact]]:
    texts = {split: list(one.texts) for split, one in found.items()}
    if whole:
        return for_evaluation(texts), []
    count = len(texts["train"])
    indices, facts = hold_back(count, texts, config, called=f"{listing.path} has {count} texts to train on")
    held = {split: [texts["train"][row] for row in rows] for split, rows in indices.items() if len(rows)}
    if config.label_fraction < 1:
        kept = max(1, round(config.label_fraction * len(held["train"])))
        facts.append(Fact(f"the first {kept:,} training texts", "--label-fraction"))
        held["train"] = held["train"][:kept]
    return dict(in_order({**texts, **held})), facts


def _vocabulary(texts: Sequence[str], config: DataConfig) -> tuple[Vocabulary, str]:
    settings = config.of(TextConfig)
    if settings.vocabulary_of is not None:
        return earlier_vocabulary(settings.vocabulary_of), f"of {settings.vocabulary_of}"
    kind, why = settings.tokenizer, "--tokenizer"
    if kind == "auto":
        few = len(set().union(*map(set, texts))) <= MOST_SYMBOLS and sum(map(len, texts)) <= MOST_CHARACTERS
        kind = "characters" if few else "bytes"
        why = "short texts with few distinct characters" if few else "long texts, or many distinct characters"
    return train_vocabulary(texts, kind=kind, size=settings.vocabulary), why


def _encoded(texts: Sequence[str], vocabulary: Vocabulary) -> Stream:
    written, places = TokenWriter(vocabulary.size), []
    for number, tokens in enumerate(vocabulary.encode_all(texts), start=1):
        places.append((len(written), f"text {number}"))
        written.add(np.array([*tokens, END]))
    return Stream(written.finish(), written.counts, places)


def _unknown(streams: Mapping[str, Stream]) -> list[str]:
    return [
        f"{missed:,} tokens of the {split} texts do not occur in the training texts"
        for split, held in streams.items()
        if (missed := int(held.counts[UNKNOWN]))
    ]
