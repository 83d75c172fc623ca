from pathlib import Path

import numpy as np
import pytest
from sample_places import at
from sample_questions import content, write
from sample_settings import data_config

from sonde.core.code_points import text_of, texts_of
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.core.vocabulary import BEGIN, END, UNKNOWN, read_vocabulary
from sonde.data.feed.layout import lengths_of
from sonde.data.splits import SubsetRows
from sonde.modalities.open import open_data, open_like, recognise
from sonde.modalities.text.forms import squad
from sonde.modalities.text.question_rows import QUESTION


def opened(path: Path, **settings: object) -> Dataset:
    return open_data(path, data_config(**settings))  # type: ignore[arg-type]


def articles(rows: object) -> set[str]:
    return {rows.describe(index).split(", ")[0] for index in range(len(rows))}  # type: ignore[attr-defined, arg-type]


def test_a_file_becomes_rows_with_whole_articles_held_back(tmp_path: Path) -> None:
    dataset = opened(write(tmp_path / "facts.json", content(10)))
    assert (dataset.form, dataset.name) == ("SQuAD JSON", "facts")
    assert dataset.schema.target.kind == "span"
    assert dataset.schema.target.out_dim == 2
    assert {name: len(rows) for name, rows in dataset.splits.items()} == {"train": 63, "validation": 9, "test": 18}
    train, validation, test = (articles(dataset.splits[name]) for name in ("train", "validation", "test"))
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert "whole articles" in dataset.facts[-1].why


@pytest.mark.parametrize("kind", ["bpe", "bytes", "words"])
def test_a_row_is_question_and_context_and_its_target_is_the_answer(kind: str, tmp_path: Path) -> None:
    given = content(4)
    given["data"][0]["paragraphs"][0]["context"] += " Über “Größe” — naïve, 6½."
    dataset = opened(write(tmp_path / "facts.json", given), tokenizer=kind, test=0.0, validation=0.0)
    vocabulary = read_vocabulary(dataset.schema.input.tokenizer)
    rows = dataset.splits["train"]
    indices = np.array([0, 5, 30])
    fields = rows.read(indices)
    lengths = lengths_of(rows)
    assert lengths is not None
    assert fields["input"].shape == (3, lengths[indices].max())
    for row, index in enumerate(indices):
        tokens = fields["input"][row, : lengths[index]]
        assert tokens[0] == BEGIN
        assert tokens[-1] == END
        first_end = list(tokens).index(END)
        assert list(tokens).count(END) == 2
        assert not fields["input"][row, lengths[index] :].any()
        context, answers = text_of(fields["context"][row]), texts_of(fields["answers"][row])
        assert vocabulary.encode(text_of(fields["question"][row])) == list(tokens[1:first_end])
        assert vocabulary.encode(context) == list(tokens[first_end + 1 : -1])
        first, last = fields["target"][row]
        begin, end = fields["spans"][row, first, 0], fields["spans"][row, last, 1]
        assert context[begin:end] == answers[0]
        assert first > first_end


def test_spans_say_what_each_token_stands_for(tmp_path: Path) -> None:
    given = content(3)
    given["data"][0]["paragraphs"][0]["context"] += "  Two  spaces\nand “quotes”."
    dataset = opened(write(tmp_path / "facts.json", given), test=0.0, validation=0.0, tokenizer="words")
    vocabulary = read_vocabulary(dataset.schema.input.tokenizer)
    fields = dataset.splits["train"].read(np.array([0]))
    context = text_of(fields["context"][0])
    known = 0
    for token, (begin, end) in zip(fields["input"][0], fields["spans"][0], strict=True):
        if end and token != UNKNOWN:
            assert vocabulary.symbol(int(token)) == context[begin:end].lower()
            known += 1
    assert known > 20
    assert "".join(context[begin:end] for begin, end in fields["spans"][0]) == "".join(context.split())


def test_paragraphs_are_held_once(tmp_path: Path) -> None:
    few = opened(write(tmp_path / "few.json", content(4)), test=0.0, validation=0.0)
    given = content(4)
    for article in given["data"]:
        for paragraph in article["paragraphs"]:
            paragraph["qas"] *= 20
    many = opened(write(tmp_path / "many.json", given), test=0.0, validation=0.0)
    assert len(many.splits["train"]) == 20 * len(few.splits["train"])
    assert many.splits["train"].nbytes() < 8 * few.splits["train"].nbytes()


def test_files_named_for_splits_are_those(tmp_path: Path) -> None:
    write(tmp_path / "train-v1.1.json", content(4))
    write(tmp_path / "dev-v1.1.json", content(2, seed=1))
    assert at(recognise)(tmp_path).form.name == "SQuAD's JSON"
    dataset = opened(tmp_path)
    assert {name: len(rows) for name, rows in dataset.splits.items()} == {"train": 36, "validation": 18}
    assert dataset.fingerprint.keys() == {"train-v1.1.json", "dev-v1.1.json"}


def test_the_vocabulary_is_of_the_training_rows(tmp_path: Path) -> None:
    dev = content(2, seed=1)
    dev["data"][0]["paragraphs"][0]["context"] += " Zyzzyva Qwxz."
    write(tmp_path / "train.json", content(4))
    write(tmp_path / "dev.json", dev)
    vocabulary = read_vocabulary(opened(tmp_path, tokenizer="words").schema.input.tokenizer)
    assert vocabulary.encode("zyzzyva built") == [UNKNOWN, vocabulary.encode("built")[0]]


def test_several_answers_are_kept_and_told(tmp_path: Path) -> None:
    given = content(4)
    first = given["data"][0]["paragraphs"][0]["qas"][0]
    answer = first["answers"][0]
    shorter = {"text": answer["text"].split()[0], "answer_start": answer["answer_start"]}
    first["answers"] = [answer, shorter]
    dataset = opened(write(tmp_path / "facts.json", given), test=0.0, validation=0.0)
    assert texts_of(dataset.splits["train"].read(np.array([0]))["answers"][0]) == [answer["text"], shorter["text"]]
    assert any("1 questions with several correct answers" in fact.what for fact in dataset.facts)


def test_long_questions_are_cut_and_windows_said(tmp_path: Path) -> None:
    given = content(4, filler=12)
    given["data"][0]["paragraphs"][0]["qas"][0]["question"] = "Who built " + "the very old " * 60 + "bridge?"
    dataset = opened(write(tmp_path / "facts.json", given), test=0.0, validation=0.0, max_tokens=200)
    tokens = dataset.splits["train"].read(np.array([0]))["input"][0]
    assert list(tokens).index(END) == QUESTION + 1
    assert dataset.schema.target.shape == (200,)
    assert dataset.schema.input.shape == (200,)
    assert any("longer than 200 tokens and split into windows" in fact.why for fact in dataset.facts)


def test_a_part_of_the_training_rows(tmp_path: Path) -> None:
    dataset = opened(write(tmp_path / "facts.json", content(10)), label_fraction=0.5)
    assert len(dataset.splits["train"]) == 31
    assert isinstance(dataset.splits["train"], SubsetRows)


def test_judging_reads_with_the_models_vocabulary(tmp_path: Path) -> None:
    trained = opened(write(tmp_path / "a.json", content(6)), tokenizer="words")
    other = open_like(write(tmp_path / "b.json", content(2, seed=9)), trained.schema, DataConfig())
    assert other.schema is trained.schema
    assert {name: len(rows) for name, rows in other.splits.items()} == {"test": 18}
    vocabulary = read_vocabulary(trained.schema.input.tokenizer)
    fields = other.splits["test"].read(np.array([0]))
    assert vocabulary.encode(text_of(fields["question"][0])) == list(
        fields["input"][0][1 : len(vocabulary.encode(text_of(fields["question"][0]))) + 1]
    )


def test_folds_cut_by_article(tmp_path: Path) -> None:
    path = write(tmp_path / "facts.json", content(6))
    tests = [articles(opened(path, folds=3, fold=fold).splits["test"]) for fold in (1, 2, 3)]
    assert len(set().union(*tests)) == 6
    assert sum(map(len, tests)) == 6


def test_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has questions and no columns, so leave --target out"):
        opened(write(tmp_path / "facts.json", content(3)), target=("answer",))


def test_a_model_of_something_else_does_not_judge_questions(tmp_path: Path) -> None:
    from sonde.core.dataset import InputSpec, Schema, TargetSpec

    like = Schema(input=InputSpec(kind="tokens", shape=(9,)), target=TargetSpec(kind="class", names=("a", "b")))
    with pytest.raises(
        DataError, match="holds questions about paragraphs; the model was trained on another kind of target"
    ):
        at(squad.read)(write(tmp_path / "facts.json", content(3)), DataConfig(), like=like)
