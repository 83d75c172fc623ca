import numpy as np
import pytest
import torch

from sonde.core.code_points import code_points, of_several
from sonde.core.errors import NonFinite
from sonde.data.ragged import end_to_end
from sonde.metrics.answers import AnswersMeter, best_of, exact_match, f1, normalised

# worked out by hand from the rules of evaluate-v1.1.py: lower case, punctuation out, articles out, spaces one
CASES = [
    ("Denver Broncos", "the Denver Broncos", 1, 1),
    ("Denver Broncos.", "denver broncos", 1, 1),
    ("Broncos", "Denver Broncos", 0, 2 / 3),
    ("in 1990", "1990", 0, 2 / 3),
    ("a", "the", 1, 0),  # both are nothing: the script counts a match, and no word in common
    ("the cat the cat", "cat", 0, 2 / 3),
    ("red red blue", "red blue blue", 0, 2 / 3),
    ("$1.2-million", "12million", 1, 1),
    ("Santa Clara, California", "San Francisco", 0, 0),
    ("An apple a day", "apple day", 1, 1),
    ("Theatre", "atre", 0, 0),  # an article inside a word stays
]


@pytest.mark.parametrize(("answer", "truth", "exact", "overlap"), CASES)
def test_scores_are_the_official_scripts(answer: str, truth: str, exact: float, overlap: float) -> None:
    assert exact_match(answer, truth) == exact
    assert f1(answer, truth) == pytest.approx(overlap)


def test_the_nearest_of_several_truths_counts() -> None:
    truths = ["Santa Clara, California", "Levi's Stadium", "Santa Clara"]
    assert best_of(exact_match, "levis stadium", truths) == 1
    assert best_of(f1, "stadium in Santa Clara", truths) == pytest.approx(2 * 2 / (4 + 2))


def test_normalising_keeps_what_is_no_ascii_punctuation() -> None:
    assert normalised("6½ sacks – the “best”") == "6½ sacks – “best”"


def outputs(rows: list[tuple[str, str, list[str], int, int]], **more: torch.Tensor) -> dict[str, torch.Tensor]:
    questions, contexts, answers = (
        torch.from_numpy(end_to_end(texts).padded(np.arange(len(rows))))
        for texts in (
            [code_points(question) for question, *_ in rows],
            [code_points(context) for _, context, *_ in rows],
            [of_several(truths) for _, _, truths, *_ in rows],
        )
    )
    found = torch.tensor([[begin, end] for *_, begin, end in rows])
    return {"question": questions, "context": contexts, "answers": answers, "found": found, "truth": found, **more}


ROWS = [
    ("Where?", "It was in Santa Clara.", ["Santa Clara", "in Santa Clara"], 10, 21),
    ("Who?", "The Denver Broncos won.", ["Denver Broncos"], 11, 18),
    ("When?", "Nobody knows – é.", ["knows"], 0, 6),
]


def test_means_over_rows_and_however_they_are_batched() -> None:
    whole = AnswersMeter()
    loss = torch.tensor([0.5, 1.0, 3.0])
    whole.update(outputs(ROWS, loss=loss), torch.arange(3))
    assert whole.compute() == pytest.approx({"f1": (1 + 2 / 3 + 0) / 3, "exact_match": 1 / 3, "loss": 1.5})
    one, two = AnswersMeter(), AnswersMeter()
    one.update(outputs(ROWS[:1], loss=loss[:1]), torch.tensor([0]))
    two.update(outputs(ROWS[1:], loss=loss[1:]), torch.tensor([1, 2]))
    one.merge(two)
    assert one.compute() == pytest.approx(whole.compute())
    assert one.details() == whole.details()


def test_cases_are_told_worst_first_with_their_texts() -> None:
    meter = AnswersMeter()
    meter.update(outputs(ROWS, loss=torch.tensor([0.5, 1.0, 3.0])), torch.arange(3))
    worst = meter.details()["worst"]
    assert [case["index"] for case in worst] == [2, 1, 0]
    assert worst[1]["prediction"] == "Broncos"
    assert worst[2]["target"] == "Santa Clara / in Santa Clara"
    assert worst[0]["context"].endswith("– é.")


def test_few_cases_are_kept_of_many() -> None:
    meter = AnswersMeter()
    for start in range(0, 300, 3):
        meter.update(outputs(ROWS, loss=torch.tensor([0.1, 1.0, start / 10])), torch.arange(start, start + 3))
    found = meter.details()
    assert (len(found["worst"]), len(found["best"])) == (12, 6)
    assert found["worst"][0]["index"] == 299
    assert found["best"][0]["f1"] == 1
    assert meter.compute()["f1"] == pytest.approx((1 + 2 / 3) / 3)


def test_a_loss_that_is_no_number_names_its_row() -> None:
    meter = AnswersMeter()
    meter.update(outputs(ROWS, loss=torch.tensor([0.5, float("nan"), 3.0])), torch.tensor([4, 7, 5]))
    with pytest.raises(NonFinite, match="7"):
        meter.compute()


def test_a_rule_has_no_loss() -> None:
    meter = AnswersMeter()
    meter.update(outputs(ROWS), torch.arange(3))
    assert meter.compute().keys() == {"f1", "exact_match"}


def test_questions_without_an_answer_are_scored_as_in_squad_2() -> None:
    rows = [
        ("Where?", "It was in Santa Clara.", ["Santa Clara"], 10, 15),  # half of it: F1 2/3
        ("Who?", "The Denver Broncos won.", ["Denver Broncos"], 0, 0),  # not answered, and has an answer
        ("When?", "Nobody knows.", [], 0, 0),  # rightly not answered
        ("Why?", "Nobody knows.", [], 0, 6),
    ]
    one, two, whole = AnswersMeter(), AnswersMeter(), AnswersMeter()
    one.update(outputs(rows[:2]), torch.arange(2))
    two.update(outputs(rows[2:]), torch.arange(2, 4))
    whole.update(outputs(rows), torch.arange(4))
    one.merge(two)
    expected = {
        "f1": (2 / 3 + 0 + 1 + 0) / 4,
        "exact_match": 1 / 4,
        "has_answer_f1": 1 / 3,
        "has_answer_exact_match": 0,
        "no_answer_exact_match": 1 / 2,
    }
    assert one.compute() == whole.compute() == pytest.approx(expected)
    shown = {case["index"]: (case["target"], case["prediction"]) for case in whole.details()["worst"]}
    assert shown[3] == ("(no answer)", "Nobody")
    assert shown[1] == ("Denver Broncos", "(no answer)")
