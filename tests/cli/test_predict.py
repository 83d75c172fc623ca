"""What predictions look like in a table and in a file."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from sonde.cli.main import main
from sonde.cli.predict import table, writer
from sonde.core.errors import ConfigError
from sonde.tasks.table import spec

FOUND: list[dict[str, Any]] = [
    {
        "input": "a.png",
        "prediction": "cat, black",
        "probability": 0.912345,
        "probabilities": {"owl": 0.004, "cat, black": 0.912345, "dog": 0.05, "cow": 0.01, "ant": 0.0},
    },
    {"input": "b.png", "prediction": "dog", "probability": 1.0, "probabilities": {"dog": 1.0}},
]


def write(path: Path, found: list[dict[str, Any]]) -> None:
    writer(path)(path, found)


def test_a_table_for_a_person() -> None:
    columns, rows = table(FOUND)
    assert columns == ["input", "prediction", "probability", "runners-up"]
    assert rows[0] == ["a.png", "cat, black", "91.23 %", "dog 5.00 %, cow 1.00 %, owl 0.40 %"]
    assert rows[1] == ["b.png", "dog", "100.00 %", ""]


def test_labels_that_were_called_are_no_runners_up() -> None:
    entry = {"input": "a", "prediction": ["sun", "sea"], "probabilities": {"sun": 0.9, "sea": 0.6, "ice": 0.1}}
    assert table([entry])[1] == [["a", "sun, sea", "ice 10.00 %"]]


def test_scores_are_no_shares() -> None:
    entry = {"input": "a", "prediction": "x", "score": 12.5, "scores": {"x": 12.5, "y": -12.5}}
    assert table([entry])[1] == [["a", "x", "12.50", "y -12.50"]]


def test_numbers_of_a_regression() -> None:
    assert table([{"input": "t.csv row 3", "price": 123.456}]) == (["input", "price"], [["t.csv row 3", "123.5"]])


def test_csv_holds_every_value_whole(tmp_path: Path) -> None:
    write(tmp_path / "p.CSV", FOUND)
    rows = list(csv.DictReader((tmp_path / "p.CSV").read_text(encoding="utf-8").splitlines()))
    assert [row["prediction"] for row in rows] == ["cat, black", "dog"]
    assert [float(row["probability"]) for row in rows] == [0.912345, 1.0]
    assert float(rows[0]["probabilities/owl"]) == 0.004
    assert rows[1]["probabilities/owl"] == ""


def test_json_is_what_python_gets(tmp_path: Path) -> None:
    write(tmp_path / "p.json", [*FOUND, {"input": "c", "probability": float("nan")}])
    assert json.loads((tmp_path / "p.json").read_text()) == [*FOUND, {"input": "c", "probability": None}]


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (
            "p.xls",
            "--out p.xls is not a supported output format; use a name ending in .csv, .json, .png",
        ),
        ("p.cvs", "--out p.cvs is not a supported output format; did you mean p.csv?"),
        ("p", "--out p is not a supported output format"),
        ("nowhere/p.csv", "--out nowhere/p.csv: there is no folder nowhere"),
    ],
)
def test_a_file_that_cannot_be_written_is_known_at_once(out: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        writer(Path(out))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("words", "missing"), [([], "RUN"), (["runs/a"], "INPUT")])
def test_both_words_are_needed(words: list[str], missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", *words]) == 2
    line = f"sonde: error: sonde predict needs {missing}; usage: sonde predict RUN INPUT …\n"
    assert capsys.readouterr().err == line


def test_features_are_counted_in_a_table_and_whole_in_a_file(tmp_path: Path) -> None:
    found = [{"input": "a.png", "features": {"0": 0.5, "1": -2.0}}]
    shorten = spec("simclr").shorten
    assert table(found, shorten=shorten) == (["input", "features"], [["a.png", "2 numbers"]])
    write(tmp_path / "a.csv", found)
    assert (tmp_path / "a.csv").read_text() == "input,features/0,features/1\na.png,0.5,-2.0\n"


@pytest.mark.parametrize(
    ("task", "entry", "shown"),
    [
        ("structure", {"distances": [[0.0, 3.8], [3.8, 0.0]]}, {"distances": "2x2 in Å"}),
        (
            "torsions",
            {"phi": [1.0] * 1200, "psi": [2.0] * 1200},
            dict.fromkeys(("phi", "psi"), "1,200 angles in degrees"),
        ),
        ("segmentation", {"shares": {"sky": 0.5, "sea": 0.0, "ice": 0.4, "cat": 0.06, "dog": 0.04}}, None),
        ("regression", {"phi": 1.5, "shares": 2.0}, {"phi": "1.500", "shares": "2.000"}),
    ],
)
def test_what_has_no_room_is_shortened_as_its_task_says(task: str, entry: dict, shown: dict | None) -> None:
    shown = shown or {"covers": "sky 50.0 %, ice 40.0 %, cat 6.0 %"}
    assert table([{"input": "a", **entry}], shorten=spec(task).shorten) == (
        ["input", *shown],
        [["a", *shown.values()]],
    )


def test_actions_stand_in_a_table_as_logs_have_them(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", [{"input": "row 0", "action": [2962.5, 0.0]}, {"input": "row 1", "action": [0.25, 1.0]}])
    assert (tmp_path / "a.csv").read_text() == "input,action_0,action_1\nrow 0,2962.5,0.0\nrow 1,0.25,1.0\n"
    write(tmp_path / "b.csv", [{"input": "row 0", "action": [1.5]}, {"input": "row 1", "action": 3}])
    assert (tmp_path / "b.csv").read_text() == "input,action\nrow 0,1.5\nrow 1,3\n"
    write(tmp_path / "c.json", [{"input": "row 0", "action": [2962.5, 0.0]}])
    assert json.loads((tmp_path / "c.json").read_text()) == [{"input": "row 0", "action": [2962.5, 0.0]}]
