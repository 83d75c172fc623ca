"""How samples became, as a report shows it."""

from pathlib import Path
from typing import Any

import pytest

from sonde.report import became
from sonde.report.became import became_section

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


def found(*steps: int, **more: Any) -> dict[str, Any]:
    return {
        "number": 10, "steps": 8, "pictures": [{"step": step, "picture": f"became/{step}.png"} for step in steps], **more
    }  # fmt: skip


def test_a_row_stands_below_another_and_names_its_step(tmp_path: Path) -> None:
    (tmp_path / "became").mkdir()
    for step in (10, 2000):
        (tmp_path / "became" / f"{step}.png").write_bytes(PNG)
    section = became_section(found(10, 30, 2000, classes=["<a>", "b"]), tmp_path)
    assert section is not None
    assert section.html.index("step 10") < section.html.index("step 2,000")
    assert "step 30" not in section.html  # whose picture is gone
    assert section.note == (
        "The same 10 samples again and again, from the same noise in 8 steps, which are few; by the averaged weights where there "
        "are any. Classes: <a>, b."
    )


def test_without_pictures_there_is_nothing(tmp_path: Path) -> None:
    assert became_section(found(10), tmp_path) is None
    assert became_section(None, tmp_path) is None
    assert became_section({}, tmp_path) is None


def test_pictures_that_are_too_large_together_leave_out_the_earliest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(became, "MOST_BYTES", 2 * len(PNG))
    (tmp_path / "became").mkdir()
    for step in (1, 2, 3):
        (tmp_path / "became" / f"{step}.png").write_bytes(PNG)
    section = became_section(found(1, 2, 3), tmp_path)
    assert section is not None
    assert "step 1<" not in section.html
    assert "step 2<" in section.html


def test_rows_of_a_table_stand_below_one_another_by_step(tmp_path: Path) -> None:
    pictures = [{"step": 10 * step, "rows": [[f"<{step}>", "x"], ["y", ""]]} for step in range(1, 13)]
    section = became_section({"number": 2, "steps": 0, "names": ["<a>", "b"], "pictures": pictures}, tmp_path)
    assert section is not None
    assert section.html.count('rowspan="2"') == 8  # of twelve steps, the first and the last among them
    assert section.html.index("step 10<") < section.html.index("step 120<")
    assert "<th>&lt;a&gt;</th><th>b</th>" in section.html
    assert "<td>&lt;12&gt;</td><td>x</td>" in section.html
    assert (
        section.note
        == "The same 2 rows again and again, from the same noise; by the averaged weights where there are any."
    )
    assert became_section({"number": 2, "names": ["a"], "pictures": []}, tmp_path) is None
