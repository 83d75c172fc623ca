"""Films in a report."""

from pathlib import Path
from typing import Any

from sonde.report.films import film_sections

MP4 = b"\0\0\0\x20ftypisom" + bytes(30)


def held(**others: Any) -> dict[str, Any]:
    one = {"name": "best", "seed": 7, "return": 5.0, "length": 9, "shown": 9, "faster": 1, "file": "best.mp4", **others}
    return {"films": {"films": [one], "why": ""}}


def folder(tmp_path: Path, content: bytes = MP4) -> Path:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "best.mp4").write_bytes(content)
    return tmp_path


def test_a_film_stands_in_the_page(tmp_path: Path) -> None:
    (section,) = film_sections(held(), folder(tmp_path))
    assert '<video controls muted loop playsinline preload="auto" src="data:video/mp4;base64,AAAA' in section.html
    assert "Returned 5.000 in 9 steps (seed 7)." in section.html


def test_it_says_where_it_ends_and_how_fast_it_goes(tmp_path: Path) -> None:
    (section,) = film_sections(held(shown=4, faster=3, played_again=2.0), folder(tmp_path))
    assert "its first 4 steps; 3 times as fast; played again it returned 2.000" in section.html
    (section,) = film_sections(held(each=6, faster=2), tmp_path)
    assert "in 9 steps (seed 7); every 6th step; 2 times as fast." in section.html
    (section,) = film_sections(held(each=2, later=8), tmp_path)
    assert "(seed 7); every 2nd step, at last every 8th." in section.html


def test_why_there_is_none_is_said(tmp_path: Path) -> None:
    (section,) = film_sections({"films": {"films": [], "why": "it draws <no> frames"}}, tmp_path)
    assert section.note == "There are no films of this environment: it draws <no> frames."
    assert section.html == ""
    assert film_sections({}, tmp_path) == []


def test_what_is_no_film_or_lies_elsewhere_is_not_shown_and_names_are_escaped(tmp_path: Path) -> None:
    (section,) = film_sections(held(name="<b>"), folder(tmp_path, b"<script>" + bytes(30)))
    assert "<video" not in section.html
    assert "&lt;b&gt;" in section.html
    (section,) = film_sections(held(file="../films/../../best.mp4"), tmp_path)
    assert "<video" not in section.html


def test_an_episode_that_is_several_is_called_all_of_them_and_of_how_many_it_is_told(tmp_path: Path) -> None:
    films = held(also=["median", "worst"])
    films["films"] |= {"episodes": 7, "of": 20}
    (section,) = film_sections(films, folder(tmp_path))
    assert "<h3>Best, median and worst</h3>" in section.html
    assert section.note.endswith("Best, median and worst are of the 7 of 20 episodes that were over in time.")
    films["films"] |= {"episodes": 20}
    assert "of 20 episodes" not in film_sections(films, tmp_path)[0].note
