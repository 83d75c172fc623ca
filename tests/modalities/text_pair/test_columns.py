import random

import pytest

from sonde.core.errors import DataError
from sonde.modalities.table.read import Table, frame_table
from sonde.modalities.text_pair.columns import columns_like, find_pair, paired_by_name

draw = random.Random(0)
WORDS = [
    "a", "man", "plays", "the", "old", "guitar", "in", "front", "of", "some",
    "people", "who", "sing", "and", "dance", "near", "their", "red", "car",
]  # fmt: skip
ROWS = 60


def sentences(words: int = 8) -> list[str]:
    return [" ".join(draw.choices(WORDS, k=words)) for _ in range(ROWS)]


LABELS = ["yes", "no", "maybe"] * (ROWS // 3)


def table(**columns: object) -> Table:
    return frame_table(columns, "t.csv")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["pair_ID", "sentence_A", "sentence_B"], ("sentence_A", "sentence_B")),
        (["#1 ID", "#2 ID", "#1 String", "#2 String"], ("#1 ID", "#2 ID")),
        (["question1", "question2"], ("question1", "question2")),
        (["textA", "textB"], ("textA", "textB")),
        (["left_title", "right_title"], ("left_title", "right_title")),
        (["Hypothesis", "Premise"], ("Premise", "Hypothesis")),
        (["sentence1", "sentence2", "sentence1_parse", "sentence2_parse"], ("sentence1", "sentence2")),
        (["sentence1", "sentence2_parse"], None),
        (["abstract", "bbstract"], None),
        (["c1", "c3"], None),
        (["title", "body"], None),
    ],
)
def test_names_tell_what_belongs_together(names: list[str], expected: tuple[str, str] | None) -> None:
    assert paired_by_name(names) == expected


def test_columns_named_alike_are_read_and_the_label_found() -> None:
    ids = draw.sample(range(10_000), ROWS)
    found = find_pair(table(pair_ID=ids, s_a=sentences(), s_b=sentences(), label=LABELS), (), ())
    assert found is not None
    assert (found.first, found.second, found.targets, found.aside) == ("s_a", "s_b", ("label",), ())
    assert found.identifiers == ("pair_ID",)
    third = find_pair(table(s_a=sentences(), s_b=sentences(), comment=sentences(), label=LABELS), (), ())
    assert third is not None
    assert third.aside == ("comment",)
    assert found.guessed


def test_of_several_labels_none_is_chosen_and_the_others_are_aside_when_one_is_named() -> None:
    scores = [draw.randint(1, 5) for _ in range(ROWS)]
    pairs = table(s1=sentences(), s2=sentences(), score=scores, label=LABELS)
    open_ended, named = find_pair(pairs, (), ()), find_pair(pairs, (), ("label",))
    assert open_ended is not None
    assert named is not None
    assert open_ended.targets == ()
    assert named.aside == ("score",)


def test_two_texts_of_any_name_are_a_pair_where_nothing_else_could_be_an_input() -> None:
    plain = table(title=sentences(), body=sentences(20), label=LABELS)
    found = find_pair(plain, (), ())
    assert found is not None
    assert (found.first, found.second, found.why) == ("title", "body", "the only two columns of text")
    ages = [draw.random() for _ in range(ROWS)]
    assert find_pair(table(title=sentences(), body=sentences(), age=ages, label=LABELS), (), ("label",)) is None
    assert find_pair(table(en=sentences(), de=sentences()), (), ()) is None


def test_categories_of_some_words_and_letters_of_genes_are_no_texts() -> None:
    moods = ["not good at all", "very good in all"] * (ROWS // 2)
    genes = ["".join(draw.choices("acgt", k=30)) for _ in range(ROWS)]
    assert find_pair(table(answer1=moods, answer2=moods[::-1], label=LABELS), (), ("label",)) is None
    assert find_pair(table(chain1=genes, chain2=genes[::-1], label=LABELS), (), ("label",)) is None


def test_the_pair_may_be_named() -> None:
    names = [word.title() for word in WORDS] * 4
    people = table(one=names[:ROWS], two=names[5 : 5 + ROWS], same=[0, 1] * (ROWS // 2))
    assert find_pair(people, (), ("same",)) is None
    found = find_pair(people, ("two", "one"), ("same",))
    assert found is not None
    assert (found.first, found.second) == ("two", "one")
    with pytest.raises(DataError, match="no column 'tow' to read as text; did you mean 'two'"):
        find_pair(people, ("tow", "one"), ())
    assert find_pair(table(s1=sentences(), s2=sentences(), label=LABELS), ("none",), ()) is None
    with pytest.raises(DataError, match="column 'one' is both input and target; name another"):
        find_pair(people, ("two", "one"), ("one",))
    with pytest.raises(DataError, match="column 'same' holds int64, where text should be"):
        find_pair(people, ("two", "same"), ())


def test_a_model_finds_its_columns_again() -> None:
    trained = ("premise", "hypothesis")
    assert columns_like(table(hypothesis=["a"], premise=["b"], other=["c"]), trained) == trained
    assert columns_like(table(sentence1=["a"], sentence2=["b"], other=["c"]), trained) == ("sentence1", "sentence2")
    with pytest.raises(
        DataError, match="no columns 'premise' and 'hypothesis', which the model reads; it has 'x', 'y'; name"
    ):
        columns_like(table(x=["a"], y=["b"]), trained)  # x and y may be the first pair of a file without a header
