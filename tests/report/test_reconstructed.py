from pathlib import Path

from PIL import Image

from sonde.report.reconstructed import reconstructed_sections


def test_pictures_stand_in_the_page_with_what_they_show(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("L", (4, 4)).save(tmp_path / name)
    along = {"picture": "b.png", "numbers": [3, 0], "deviations": 2.5}
    found = {"split": "test", "rows": 9, "picture": "a.png", "number": 9, "traversals": along}
    first, second = reconstructed_sections(found, tmp_path)
    assert first.note.startswith("9 inputs of the test data, drawn at random")
    assert 'src="data:image/png;base64,' in first.html
    assert "(3, 0), from 2.5 standard deviations" in second.note


def test_columns_are_listed_from_the_worst() -> None:
    columns = [{"name": "<age>", "error": 0.25}, {"name": "sex", "error": 0.5}]
    (section,) = reconstructed_sections({"split": "test", "rows": 1200, "columns": columns}, Path())
    assert "The mean error of 1,200 rows" in section.html
    assert "&lt;age&gt;" in section.html
    assert "<age>" not in section.html
    assert section.html.index("sex") < section.html.index("&lt;age&gt;")


def test_without_files_there_is_no_section(tmp_path: Path) -> None:
    assert reconstructed_sections(None, tmp_path) == []
    assert reconstructed_sections({"split": "test", "picture": "../elsewhere.png"}, tmp_path) == []


def test_the_error_by_the_size_of_the_code_says_what_it_is_of() -> None:
    curve = {
        "numbers": [1, 2, 4],
        "error": [0.9, 0.5, 0.2],
        "pca": [0.8, 0.6, 0.5],
        "whole": 0.2,
        "fitted": 1500,
        "rows": 90,
    }
    (section,) = reconstructed_sections({"split": "test", "bottleneck": curve}, Path())
    assert "90 rows of the test data" in section.html
    assert "fitted on 1,500 training rows" in section.html
    assert "PCA of the inputs" in section.html
    assert reconstructed_sections({"split": "test", "bottleneck": {**curve, "numbers": [1, 2]}}, Path()) == []
