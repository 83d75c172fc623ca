import base64
import json
from typing import Any

import pytest

from sonde.report.cases import AT_ONCE, PICTURES_BYTES, sections_of_cases, worst_rows
from sonde.report.folder import Reading, read_folder
from sonde.report.media import png_size


def details_of(run: Reading) -> dict[str, Any]:
    return run.evaluated[run.split]


def entry(index: int, target: str, prediction: str, loss: float = 1.0) -> dict[str, Any]:
    return {
        "index": index,
        "row": f"row {index}",
        "target": target,
        "prediction": prediction,
        "confidence": 0.6,
        "loss": loss,
    }


def classes(worst: list[dict[str, Any]], best: list[dict[str, Any]], wrong: int) -> dict[str, Any]:
    table = {"names": ["a", "b"], "precision": [1, 1], "recall": [1, 1], "f1": [1, 1], "support": [50, 50]}
    return {
        "worst": worst,
        "best": best,
        "per_class": table,
        "confusion": {"names": ["a", "b"], "counts": [[50 - wrong, wrong], [0, 50]]},
    }


def test_right_answers_are_not_among_the_most_wrong(tmp_path):
    worst = [entry(0, "a", "b", 2.0), entry(1, "a", "a", 0.6), entry(2, "b", "b", 0.5)]
    details = classes(worst, [entry(2, "b", "b", 0.5), entry(3, "b", "b", 0.1)], wrong=1)
    wrong, close = sections_of_cases(details, tmp_path, split="test")[:2]
    assert (wrong.title, [case.index for case in wrong.rows]) == ("Most wrong", [0])
    assert wrong.note.startswith("The only wrong prediction on the test data")
    assert (close.title, [case.index for case in close.rows]) == ("Correct, but least confident", [1])


def test_a_faultless_evaluation_says_so(tmp_path):
    wrong, _ = sections_of_cases(classes([entry(1, "a", "a")], [], wrong=0), tmp_path, split="test")
    assert wrong.rows == []
    assert wrong.note == "None: all 100 test rows are predicted correctly."


def test_how_many_of_the_wrong_ones_are_shown_is_said(tmp_path):
    worst = [entry(n, "a", "b") for n in range(24)]
    (wrong,) = sections_of_cases(classes(worst, [], wrong=30), tmp_path, split="test")
    assert wrong.note.startswith("24 of 30 wrong predictions")


def test_the_lowest_loss_does_not_repeat_the_highest(image_run):
    details = details_of(read_folder(image_run))
    details["best"] = [{**details["worst"][0]}, {**details["worst"][1], "index": 99}]
    sections = sections_of_cases(details, image_run / "evaluation" / "test", split="test")
    assert [case.index for section in sections if section.name == "best" for case in section.rows] == [99]


def test_of_few_rows_each_is_in_one_list(image_run):
    details = details_of(read_folder(image_run))
    details["per_class"]["unit"] = "objects"  # not simply right or wrong
    details["best"] = list(reversed(details["worst"]))[:10]
    worst, best = sections_of_cases(details, image_run / "evaluation" / "test", split="test")
    assert [case.index for case in worst.rows] == [0, 1, 2, 3, 4, 5, 6]
    assert [case.index for case in best.rows] == [13, 12, 11, 10, 9, 8, 7]


def test_many_cards_are_shown_in_two_goes(image_run):
    details = details_of(read_folder(image_run))
    wrong = sections_of_cases(details, image_run / "evaluation" / "test", split="test")[0]
    assert (len(wrong.rows), len(wrong.more), wrong.kind) == (AT_ONCE, 14 - AT_ONCE, "cards")


def test_objects_and_pixels_are_not_simply_right_or_wrong(tmp_path):
    details = classes([entry(0, "1 cell", "2 cell")], [], wrong=0)
    details["per_class"]["unit"] = "objects"
    (section,) = sections_of_cases(details, tmp_path, split="test")
    assert section.title == "Highest loss"
    assert section.rows[0].right is None


def test_pictures_travel_in_the_page(image_run):
    place = image_run / "evaluation" / "test"
    rows = worst_rows(details_of(read_folder(image_run)), place)
    kind, _, content = rows[0].picture.partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(content) == (place / "worst" / "0.png").read_bytes()
    assert png_size(base64.b64decode(content)) == (28, 28)
    assert rows[0].pixelated
    assert (rows[0].confidence, rows[0].target, rows[0].prediction) == ("99 %", "4", "9")


def test_pictures_are_bounded(image_run):
    place = image_run / "evaluation" / "test"
    small = (place / "worst" / "0.png").read_bytes()
    entries = [{"index": i, "picture": f"worst/b{i}.png"} for i in range(24)]
    for i in range(24):
        (place / "worst" / f"b{i}.png").write_bytes(small + bytes(59_000))
    rows = worst_rows({"worst": entries}, place)
    shown = [row for row in rows if row.picture]
    assert len(rows) == 24
    assert 10 < len(shown) <= PICTURES_BYTES // 59_000
    (place / "worst" / "b0.png").write_bytes(small + bytes(61_000))
    assert worst_rows({"worst": entries}, place)[0].picture == ""


@pytest.mark.parametrize(
    "name", ["../../../secret.png", "/etc/hostname", "worst/text.png", "worst/absent.png", 7, None]
)
def test_only_pictures_of_the_folder_are_taken(image_run, name):
    place = image_run / "evaluation" / "test"
    (image_run.parent / "secret.png").write_bytes((place / "worst" / "0.png").read_bytes())
    (place / "worst" / "text.png").write_text("not a picture")
    assert worst_rows({"worst": [{"index": 0, "picture": name}]}, place)[0].picture == ""


def test_several_targets_are_told_by_name(regression_run):
    rows = worst_rows(details_of(read_folder(regression_run)), regression_run)
    assert rows[0].target == "price 50.00, rent 31.20"
    assert rows[0].confidence == ""
    worst = [{"index": 0, "target": ["cat", "dog"], "prediction": [], "confidence": None, "loss": None}]
    assert worst_rows(json.loads(json.dumps({"worst": worst})), regression_run)[0].prediction == "none"


def test_what_a_row_is_shown_by_is_named(tmp_path):
    worst = [{"index": 1, "target": 0.0, "prediction": 5.0, "loss": 25.0, "by": "squared error"}]
    (section,) = sections_of_cases({"worst": worst, "scatter": {"names": ["x"]}}, tmp_path, split="test")
    assert [case.by for case in section.rows] == ["squared error"]
    (section,) = sections_of_cases({"worst": [{**worst[0], "by": None}]}, tmp_path, split="test")
    assert [case.by for case in section.rows] == ["loss"]
