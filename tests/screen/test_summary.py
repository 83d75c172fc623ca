import pytest

from sonde.screen.summary import findings_lines, result_lines, time_line

RESULT = {
    "status": "finished",
    "objective": {"metric": "accuracy", "mode": "max"},
    "metrics": {
        "validation": {"accuracy": 0.99},
        "test": {"accuracy": 0.9936, "log_loss": 0.0213, "accuracy/cat": 0.5},
    },
    "best": {"epoch": 3, "step": 100, "metric": "accuracy", "value": 0.9931},
    "baseline": {"accuracy": 0.1135, "what": "always predicting 1"},
    "steps": 1200,
}


def test_the_test_split_is_the_headline_and_epochs_count_from_one():
    assert result_lines(RESULT) == [
        "99.36 % test accuracy (best checkpoint: epoch 4, 99.31 % validation)",
        "log loss 0.0213",
        "baseline (always predicting 1): 11.35 %",
    ]


def test_a_classical_model_stands_below_the_baseline():
    beside = {"what": "gradient-boosted trees (scikit-learn)", "accuracy": 0.985, "difference": [0.001, 0.01]}
    assert result_lines({**RESULT, "classical": beside})[-1] == "gradient-boosted trees (scikit-learn): 98.50 %"
    assert (
        len(result_lines({**RESULT, "classical": {"what": "trees", "rmse": 1.0}})) == 3
    )  # another metric than the headline


def test_without_a_test_split_validation_is_named():
    result = {**RESULT, "metrics": {"train": {"loss": 0.1}, "validation": {"accuracy": 0.9931}}, "baseline": {}}
    assert result_lines(result) == ["99.31 % validation accuracy (best checkpoint: epoch 4)"]
    assert result_lines({**result, "best": {"epoch": None, "step": 9}}) == ["99.31 % validation accuracy"]


def test_an_early_end_is_said():
    assert result_lines({**RESULT, "status": "time limit"})[-1] == "time limit after 1,200 steps"


def test_nothing_judged_is_said():
    assert result_lines({"metrics": {}}) == ["not evaluated: the data have neither test nor validation rows"]


@pytest.mark.parametrize(
    ("total", "expected"),
    [(5.0, "5.00 s: input 1.00, other 4.00"), (58.0, "58.0 s: input 1.0, other 57.0"),
     (1250.0, "20 m 50 s (1250 s): input 1, other 1249")],
)  # fmt: skip
def test_the_time_line_keeps_three_digits(total, expected):
    assert time_line({"total": total, "input": 1.0, "other": total - 1}) == expected


def test_no_time_was_measured():
    assert time_line({}) == ""


def test_findings_that_differ_are_all_shown():
    one = {"check": "data", "severity": "warning", "action": "look", "step": None}
    found = [{**one, "evidence": text} for text in ("12 rows dropped", "no column y", "no column y")]
    assert findings_lines(found) == [
        ("warning", "data: 12 rows dropped; look"),
        ("warning", "data (2 times): no column y; look"),
    ]


def test_findings_come_worst_first_and_repeats_are_counted():
    found = [
        {"check": "a", "severity": "note", "evidence": "e", "action": "", "step": None},
        {"check": "b", "severity": "warning", "evidence": "old", "action": "do", "step": 5},
        {"check": "b", "severity": "warning", "evidence": "new", "action": "do", "step": 1500},
        {"check": "c", "severity": "error", "evidence": "e", "action": "stop", "step": 7},
    ]
    assert findings_lines(found) == [
        ("error", "c at step 7: e; stop"),
        ("warning", "b (2 times, the last at step 1,500): new; do"),
        ("note", "a: e"),
    ]


def test_where_how_sure_and_how_to_silence_are_said_of_findings_that_have_them():
    one = {"check": "dead units", "severity": "warning", "evidence": "e", "action": "do", "step": 5}
    assert findings_lines([{**one, "where": "fc1", "certainty": "likely", "name": "dead-units"}]) == [
        ("warning", "dead units at step 5 [fc1, likely]: e; do; or --silence dead-units")
    ]
    note = {**one, "severity": "note", "certainty": "suspected", "name": "dead-units"}
    assert findings_lines([note]) == [("note", "dead units at step 5 [suspected]: e; do")]
    assert findings_lines([{**one, "certainty": "certain", "name": ""}, one]) == [
        ("warning", "dead units (2 times, the last at step 5): e; do")
    ]


def test_the_cause_comes_first_and_three_warnings_at_a_time():
    names = ["plateau", "dead-units", "overfitting", "learning-rate-too-high"]
    found = [
        {
            "check": name.replace("-", " "),
            "severity": "warning",
            "evidence": "e",
            "action": "do",
            "step": 5,
            "name": name,
        }
        for name in names
    ]
    found.append({"check": "a", "severity": "note", "evidence": "e", "action": "", "step": None})
    lines = findings_lines(found, ["learning-rate-too-high", "dead-units"], most=3)
    assert [text.partition(" at ")[0] for _, text in lines[:3]] == ["learning rate too high", "dead units", "plateau"]
    assert lines[3:] == [
        ("warning", "one more, which may go away with these: overfitting; report.html shows all"),
        ("note", "a: e"),
    ]
    assert len(findings_lines(found)) == 5


def test_a_split_without_time_is_named_and_games_are_called_games() -> None:
    evaluated = {
        "validation": {"rows": 0, "of": 100, "called": "games"},
        "test": {"rows": 100, "of": 500, "called": "games"},
    }
    result = {"headline": "score", "metrics": {"test": {"score": 0.72}}, "evaluated": evaluated}
    assert result_lines(result) == [
        "0.7200 test score on 100 of 500 games",
        "validation not evaluated: the time limit left no time for it; give a longer --time-limit",
    ]
    nothing = {
        "headline": "score",
        "metrics": {"train": {}},
        "evaluated": {"test": {"rows": 0, "of": 5, "called": "games"}},
    }
    assert result_lines(nothing) == ["not evaluated: the time limit left no time for it; give a longer --time-limit"]


def test_episodes_without_an_end_are_not_for_a_longer_limit() -> None:
    result = {"evaluated": {"test": {"rows": 0}}, "metrics": {"train": {"loss": 1.0}}, "headline": "loss"}
    assert "give a longer --time-limit" in result_lines({**result, "experience": {"episodes": 3.0}})[0]
    assert "--max-episode-steps 1000 cuts episodes off" in result_lines({**result, "experience": {"episodes": 0.0}})[0]
