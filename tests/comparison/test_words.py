import json
from collections.abc import Callable
from pathlib import Path

from sonde.comparison.differences import from_the_best
from sonde.comparison.members import members_of
from sonde.comparison.rows import cost_rows, metric_rows, score_rows
from sonde.comparison.units import families
from sonde.comparison.words import cautions, headline, how_sure, summary, title


def told(folder: Path, metric: str = "") -> tuple[str, list[str], list[str]]:
    members = members_of([folder])
    found = families(members, metric)
    differences = [from_the_best(family) for family in found]
    return title(found, differences), summary(found[0], differences[0]), cautions(found, members)


def test_a_best_run_is_called_so(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 40, model="b")
    head, sentences, minded = told(tmp_path)
    assert head == "a is best"
    assert sentences == ["a: 95.00 % accuracy (91.04 to 97.26 %) on the test data.", "Better than b beyond noise."]
    assert minded == []


def test_noise_is_called_so(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 11, at=50, model="b")
    head, sentences, _ = told(tmp_path)
    assert head == "No difference beyond noise"
    assert sentences[1] == "b does not differ from it beyond noise."
    make_classifier(tmp_path / "c", 90, model="c")
    assert told(tmp_path)[0] == "No clear best: 2 of 3 within noise"


def test_different_data_are_said_at_the_top(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 40, data="other", source="/x/mnist")
    head, sentences, minded = told(tmp_path)
    assert head == "Different data: scores not comparable"
    assert len(sentences) == 1
    assert minded == ["Different data, so that scores are not comparable across them: digits (a); mnist (b)."]


def test_scores_against_other_opponents_are_not_compared_and_the_higher_is_the_better(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    def played(name: str, score: float, *opponents: str) -> None:
        more = {"task": "alphazero", "metric": "score", "mode": "", "source": "game:tic_tac_toe", "score": score}
        make_run(tmp_path / name, **more)
        place = tmp_path / name / "evaluation" / "test"
        place.mkdir(parents=True)
        one = {"games": 100, "wins": round(100 * score), "draws": 0, "losses": round(100 * (1 - score))}
        (place / "matches.json").write_text(json.dumps(dict.fromkeys(opponents, one)))
        (place / "intervals.json").write_text(json.dumps({"score": [score - 0.05, score + 0.05]}))

    played("a", 0.9, "random")
    played("b", 0.6, "random", "mcts-50")
    head, sentences, minded = told(tmp_path)
    assert head == "Different opponents: scores not comparable"
    assert len(sentences) == 1
    assert minded[0] == (
        "Different opponents, so that scores are not comparable across them: game:tic_tac_toe against random (a); "
        "game:tic_tac_toe against random, mcts-50 (b)."
    )
    played("c", 0.3, "random")
    members = members_of([tmp_path])
    alike = families(members)[0]
    assert alike.higher is True
    assert [unit.name for unit in alike.scored] == ["a", "c"]


def test_games_of_much_more_self_play_are_to_be_minded(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    for name, score, moves in (("a", 0.9, 3000), ("b", 0.6, 1200)):
        folder = make_run(tmp_path / name, task="alphazero", metric="score", source="game:hex", score=score)
        result = json.loads((folder / "result.json").read_text())
        (folder / "result.json").write_text(json.dumps({**result, "self_play": {"moves": moves}}))
    minded = told(tmp_path)[2]
    assert [
        text for text in minded if text.startswith("Not the same experience: a took 3,000 moves of self-play, b 1,200")
    ]


def test_runs_that_are_not_over_and_other_problems_are_said_at_the_top(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    make_run(tmp_path / "a", score=None)
    make_run(tmp_path / "b")
    make_run(tmp_path / "c", task="regression", metric="rmse", mode="min", source="house.csv")
    head, _, minded = told(tmp_path)
    assert head == "2 problems, each compared by itself"
    assert minded[0].endswith("a part of its own: classification of digits (2 runs), regression of house.csv (1 run).")
    assert minded[1] == "Without a result: a (stopped at step 40 of 400)."


def test_a_metric_whose_direction_nobody_knows_has_no_best(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 40, model="b")
    assert told(tmp_path, "other")[0] == "2 scores, of which none is known to be better"


def test_runs_without_noise_that_is_known(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    make_run(tmp_path / "a", score=0.9)
    make_run(tmp_path / "b", score=0.8, model="b")
    assert told(tmp_path)[0] == "a leads; the noise is not known"


def test_rows_of_the_tables(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 40, model="b")
    (family,) = families(members_of([tmp_path]))
    found = from_the_best(family)
    first, second = score_rows(family, found)
    assert (first.score, first.verdict, first.change, first.of) == ("95.00 %", "highest", "", "200 rows")
    assert (second.change, second.verdict, second.time) == ("-15.00 points", "worse", "30 s")
    assert cost_rows(family)[0] == ["a", "finished", "30 s", "2", "40", "1,000", "100", "cpu"]
    assert metric_rows(family) == [("accuracy", ["95.00 %", "80.00 %"]), ("other", ["1.500", "1.500"])]
    assert "train each with --seed 1, --seed 2, --seed 3" in how_sure(family, found)
    assert headline(family, found) == "a is best"


def test_runs_that_were_evaluated_in_part_are_said_to_be_with_how_many_rows(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    make_classifier(tmp_path / "a", 10)
    place = make_classifier(tmp_path / "b", 40, model="b") / "result.json"
    part = {"rows": 5, "of": 20, "called": "games"}
    place.write_text(json.dumps({**json.loads(place.read_text()), "evaluated": {"test": part, "validation": part}}))
    (minded,) = told(tmp_path)[2]
    assert minded.startswith("Evaluated on a part only")
    assert minded.endswith(": b on 5 of 20 games.")
