"""Questions about paragraphs in the JSON of SQuAD v1.1 (Rajpurkar et al. 2016, arXiv:1606.05250) and 2.0 (arXiv:1806.03822).

questions.json                       one file; whole articles are held back
squad/train-v1.1.json  dev-v1.1.json     a file per split, named for it
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Schema, TargetSpec
from sonde.core.progress import Tick, silent
from sonde.core.vocabulary import Vocabulary, read_vocabulary
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.splits import (
    SPLIT_NAMES,
    drawn_from_train,
    for_evaluation,
    held_back_facts,
    in_order,
    share_out,
    sizes_in_words,
    thinned,
)
from sonde.modalities.catalogue import check_target
from sonde.modalities.modality import Wanted
from sonde.modalities.text.config import TextConfig
from sonde.modalities.text.question_rows import QuestionRows, passages_of, rows_of
from sonde.modalities.text.questions import Questions, looks_like_squad, read_questions
from sonde.modalities.text.vocabulary import vocabulary_for

ENDS, NO_ANSWER = ("start", "end"), "no answer"  # names of a target; the third where some questions have no answer
WINDOW = 384  # tokens that a network reads at once, as in Devlin et al. 2018


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a file or folder holds questions, None if it does not."""
    files = _files(listing)
    if not files:
        return None
    return f"data > paragraphs > qas in {', '.join(file.name for file in files.values())}"


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Questions as rows. Raises: DataError naming file, article and question for what cannot be used"""
    path = listing.path
    check_target("span", f"{path} holds questions about paragraphs", like)
    files = _files(listing)
    found: dict[str, Questions] = {}
    for place, (split, file) in enumerate(files.items()):
        tick("reading questions", place, len(files))
        found[split] = read_questions(file, skip=config.skip_unreadable, unanswerable=knows_unanswerable(like))
    return questions_dataset(
        found, listing, config, form="SQuAD JSON", files=list(files.values()), like=like, tick=tick
    )


def knows_unanswerable(like: Schema | None) -> bool:
    """Whether questions without an answer are kept: in training, and for models that were trained on such."""
    return like is None or NO_ANSWER in like.target.names


def questions_dataset(
    found: Mapping[str, Questions],
    listing: Listing,
    config: DataConfig,
    *,
    form: str,
    files: Sequence[Path],
    notes: Sequence[str] = (),
    like: Schema | None = None,
    tick: Tick = silent,
) -> Dataset:
    """Questions by split as rows, those of the training file held back by whole articles.

    form: what `files` are, in words;  notes: warnings of what was guessed while they were read
    """
    parts: dict[str, np.ndarray] = {}
    if like is None:
        parts = {split: rows for split, rows in _parts(found, config).items() if len(rows)}
        vocabulary, why = vocabulary_for(_training_texts(found["train"], parts["train"]), config, auto="bpe")
    else:
        vocabulary, why = read_vocabulary(like.input.tokenizer), "of the model"
    tick("cutting text into tokens", 0, 0)
    rows = {split: questions_as_rows(questions, vocabulary) for split, questions in found.items()}
    unanswerable = sum(questions.unanswerable() for questions in found.values())
    schema = like or _schema(rows["train"], vocabulary, config, unanswerable=found["train"].unanswerable() > 0)
    warnings = [*notes, *(text for questions in found.values() for text in questions.warnings())]
    about = About.at(listing, form=form, why=why, files=files, warnings=warnings)
    held = [split for split in ("validation", "test") if split in parts]
    held_back = held_back_facts(
        {split: len(parts[split]) for split in held}, held, stratified=False, how="random, whole articles"
    )
    facts = [*_facts(found, rows, schema, vocabulary, why, form=form), *held_back]
    if unanswerable:
        facts.append(Fact(f"{unanswerable:,} questions without an answer", "learned and scored as in SQuAD 2.0"))
    if like is not None:
        return about.dataset(schema, for_evaluation(rows), facts)
    return thinned(about.dataset(schema, drawn_from_train(rows, parts), facts), config)


def questions_as_rows(questions: Questions, vocabulary: Vocabulary) -> QuestionRows:
    """All questions of a file or of several, their paragraphs held once."""
    return rows_of(questions.questions, passages_of(questions.paragraphs, vocabulary), vocabulary)


def _files(listing: Listing) -> dict[str, Path]:
    """Split -> file; one file alone is "train". A folder's files are distinguished by the word they begin with."""
    files = [file for file in listing.ending(".json") if listing.once(looks_like_squad, file)]
    if len(files) == 1:
        return {"train": files[0]}
    words = {file: SPLIT_NAMES.get(re.split(r"[^a-z]", file.name.lower())[0]) for file in files}
    found = {split: file for file, split in words.items() if split is not None}
    return in_order(found) if "train" in found else {}


def _parts(found: Mapping[str, Questions], config: DataConfig) -> dict[str, np.ndarray]:
    """Questions of the training file that stay there or are held back, by whole articles, or paragraphs where there is one.

    A file of its own is for evaluation: nothing is held out for a test then, and no more than a validation part.
    """
    train = found["train"]
    by_article = np.array([train.articles[question.paragraph] for question in train.questions])
    by_paragraph = np.array([question.paragraph for question in train.questions])
    groups = by_article if len(set(by_article.tolist())) > 2 else by_paragraph
    return share_out(len(groups), {*found, "test"} if len(found) > 1 else found, config, groups=groups)


def _training_texts(questions: Questions, rows: np.ndarray) -> list[str]:
    """The questions that are trained on, and each of their paragraphs once."""
    chosen = [questions.questions[row] for row in rows]
    paragraphs = dict.fromkeys(question.paragraph for question in chosen)
    return [*(questions.paragraphs[place] for place in paragraphs), *(question.text for question in chosen)]


def _schema(train: QuestionRows, vocabulary: Vocabulary, config: DataConfig, *, unanswerable: bool) -> Schema:
    window = config.of(TextConfig).max_tokens or WINDOW
    longest = int(train.lengths().max())
    return Schema(
        input=InputSpec(
            kind="tokens", shape=(min(longest, window),), tokenizer=vocabulary.to_json(), symbols=vocabulary.size
        ),
        target=TargetSpec(kind="span", names=(*ENDS, NO_ANSWER) if unanswerable else ENDS, shape=(window,)),
    )


def _facts(
    found: Mapping[str, Questions],
    rows: Mapping[str, QuestionRows],
    schema: Schema,
    vocabulary: Vocabulary,
    why: str,
    *,
    form: str,
) -> list[Fact]:
    counts = sizes_in_words({split: questions.questions for split, questions in found.items()})
    paragraphs = sum(len(questions.paragraphs) for questions in found.values())
    articles = sum(len(set(questions.articles)) for questions in found.values())
    lengths = np.concatenate([each.lengths() for each in rows.values()])
    window = schema.target.shape[0]
    longer = int((lengths > window).sum())
    read = (
        f"{longer:,} are longer than {window} tokens and split into windows" if longer else f"window of {window} tokens"
    )
    several = sum(len(q.answers) > 1 for questions in found.values() for q in questions.questions)
    facts = [
        Fact(f"{counts} questions about {paragraphs:,} paragraphs of {articles:,} articles", form),
        Fact(f"rows of {int(lengths.min())} to {int(lengths.max())} tokens", read),
        Fact(f"vocabulary of {vocabulary.size:,} tokens", why),
    ]
    if several:
        what = f"{several:,} questions with several correct answers"
        facts.append(Fact(what, "trained on the first, evaluated against the best match"))
    return facts
