import json
import re
from pathlib import Path
from typing import Any

from sonde.report.boxes import boxes
from sonde.report.folder import read_folder
from sonde.report.looked import looked_figures, seen_section
from sonde.report.page import write_page

IMPORTANCE = {
    "split": "test",
    "rows": 400,
    "metric": "accuracy",
    "larger": True,
    "columns": [{"column": f"<c{n}>", "drops": [0.2 / (n + 1), 0.1 / (n + 1)]} for n in range(30)],
}
EMBEDDING: dict[str, Any] = {
    "split": "test",
    "layer": "head",
    "dimensions": 64,
    "explained": [0.5, 0.25],
    "x": [0.0, 1.0, 2.0, 3.0],
    "y": [0.0, 1.0, 0.0, 1.0],
    "index": [4, 7, 9, 12],
    "names": ["<cat>", "dog"],
    "target": [0, 1, 0, 1],
}


def test_the_most_important_columns_are_drawn_with_their_spread():
    (figure,) = looked_figures({"importance": IMPORTANCE}, {})
    assert figure.svg.count('class="whisker"') == 20
    assert "&lt;c0&gt;: 0.150 accuracy, from 0.100 to 0.200" in figure.svg
    assert "the accuracy falls" in figure.caption
    assert "the mean of 2 shuffles" in figure.caption
    assert "The 20 most important of 30 columns." in figure.caption


def test_two_columns_are_a_sentence():
    (figure,) = looked_figures({"importance": {**IMPORTANCE, "columns": IMPORTANCE["columns"][:2]}}, {})
    assert figure.svg == ""
    assert figure.caption.startswith("<c0> 0.150; <c1> 0.0750.")


def test_wrong_answers_are_crosses_on_the_map():
    answers = {"rows": 20, "index": [4, 7, 8, 9], "target": [0, 1, 0, 0], "prediction": [0, 0, 1, 0]}
    (figure,) = looked_figures({"embedding": EMBEDDING}, {"answers": answers})
    crosses = re.findall(r'class="cross k(\d)" d="([^"]*)"', figure.svg)
    assert [(colour, path.count("l6.8 6.8")) for colour, path in crosses] == [
        ("2", 1)
    ]  # row 7, in the colour of its truth
    assert figure.svg.count("h0") == 3
    assert "&lt;cat&gt;" in figure.svg
    assert "predicted wrongly" in figure.svg


def test_rows_of_all_indices_are_found_without_an_index():
    answers = {"rows": 20, "index": None, "target": [0] * 20, "prediction": [0] * 12 + [1] * 8}
    (figure,) = looked_figures({"embedding": EMBEDDING}, {"answers": answers})
    assert figure.svg.count("l6.8 6.8") == 1


def test_of_very_many_classes_the_rare_ones_are_grey():
    found = {**EMBEDDING, "names": [f"n{n}" for n in range(40)], "target": [n // 2 for n in range(60)]}
    found |= {"x": list(range(60)), "y": list(range(60)), "index": list(range(60))}
    (figure,) = looked_figures({"embedding": found}, {})
    assert "other classes" in figure.svg
    assert len(re.findall(r'class="spot', figure.svg)) == 9


def test_numbers_are_coloured_by_fifths():
    found = {**EMBEDDING, "names": ["price"], "x": list(range(10)), "y": list(range(10)), "index": list(range(10))}
    (figure,) = looked_figures({"embedding": {**found, "target": [float(n) for n in range(10)]}}, {})
    assert "price up to" in figure.svg
    assert [path.count("h0") for path in re.findall(r'class="spot k\d" d="([^"]*)"', figure.svg)] == [2, 2, 2, 2, 2]


def test_training_inputs_are_shown_with_their_labels(image_run: Path):
    content = (image_run / "evaluation" / "test" / "worst" / "0.png").read_bytes()
    (image_run / "evaluation" / "seen").mkdir()
    (image_run / "evaluation" / "seen" / "0.png").write_bytes(content)
    rows = [{"row": "<i>", "label": "cat 70 %, dog 30 %", "picture": "seen/0.png", "size": [28, 28]}]
    rows.append({"row": "out", "label": "x", "picture": "../config.yaml", "size": [28, 28]})
    (image_run / "evaluation" / "seen.json").write_text(json.dumps({"augment": "light", "rows": rows}))
    page = write_page(read_folder(image_run)).read_text(encoding="utf-8")
    section = page[page.index('<section id="seen">') :].partition("</section>")[0]
    assert section.count("<img") == 1
    assert "cat 70 %, dog 30 %" in section
    assert "&lt;i&gt;" in section
    assert "--augment light" in section


def test_boxes_of_training_inputs_are_the_truth(image_run: Path):
    rows = [
        {"row": "r", "picture": "test/worst/0.png", "size": [28, 28], "truth": [{"name": "cell", "box": [1, 1, 9, 9]}]}
    ]
    shown = seen_section({"seen": {"augment": "none", "rows": rows}}, image_run / "evaluation", boxes())
    assert ">cell<" in shown
    assert "missed cell" not in shown


def test_nothing_is_shown_where_nothing_was_looked_at(tmp_path: Path):
    assert looked_figures({}, {}) == []
    assert seen_section({}, tmp_path, None) == ""
