from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from sonde.modalities.audio.waveforms import write_wav
from sonde.modalities.table.compared import compared
from sonde.report.made import MOST_CHARACTERS, made_sections


def test_the_picture_stands_in_the_page_with_how_it_was_made(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "samples.png")
    told = {"picture": "samples.png", "number": 60, "steps": 20, "sampler": "heun", "seed": 0, "classes": ["<b>", "2"]}
    (section,) = made_sections({"samples": told}, tmp_path)
    assert "(20 steps of sampler heun, seed 0)" in section.note
    assert "A column for each class: <b>, 2." in section.note  # escaped by the template, as every note
    assert 'src="data:image/png;base64,' in section.html


def test_without_a_picture_there_is_no_section(tmp_path: Path) -> None:
    assert made_sections({}, tmp_path) == []
    assert made_sections({"samples": {"picture": "../elsewhere.png", "number": 1}}, tmp_path) == []


def test_texts_stand_side_by_side_and_are_no_markup(tmp_path: Path) -> None:
    told = {"texts": ["<b>one</b>", "two"], "number": 2, "steps": 8, "seed": 0, "sampler": "ancestral"}
    (section,) = made_sections({"samples": told}, tmp_path)
    assert "<pre>&lt;b&gt;one&lt;/b&gt;</pre>" in section.html
    (cut,) = made_sections({"samples": {**told, "texts": ["x" * 9000]}}, tmp_path)
    assert cut.html.count("x") == MOST_CHARACTERS
    assert "8 steps of sampler ancestral, seed 0" in section.note


def test_rows_of_a_table_stand_beside_real_ones(tmp_path: Path) -> None:
    table = {"sex": ["f", "<b>", "m", None], "age": [1, 1, 2, 9], "fare": [1.5, 2.5, 1.0, 8.0]}
    found = compared(pa.table(table), pa.table({**table, "age": [1, 5, 2, 7]}))
    told = {"number": 4, "steps": 0, "seed": 0, "real_rows": 4, "split": "test", "compared": found}
    (section,) = made_sections({"samples": told}, tmp_path)
    assert section.note == "4 new rows that the best checkpoint made (seed 0), beside 4 test rows."
    assert "<td>&lt;b&gt;</td>" in section.html
    assert "<b>" not in section.html
    assert section.html.index("<h3>age</h3>") < section.html.index("<h3>sex</h3>")  # which do not differ
    assert "Gaps: 25 % of the made rows, 25 % of the real ones." in section.html
    assert "They differ by" in section.html


def test_what_can_be_heard_stands_below_its_spectrogram_with_its_class(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "0.png")
    write_wav(tmp_path / "0.wav", np.zeros(80), 8000)
    card = {"picture": "0.png", "sound": "0.wav", "class": "<b>"}
    gone = {"picture": "0.png", "sound": "../elsewhere.wav", "class": "gone"}
    told = {"cards": [card, gone], "number": 2, "steps": 0, "seed": 0, "classes": ["<b>", "gone"]}
    (section,) = made_sections({"samples": told}, tmp_path)
    assert section.html.count('<audio controls preload="none" src="data:audio/wav;base64,') == 1
    assert "<figcaption>&lt;b&gt;</figcaption>" in section.html
    assert "Below each is the class" in section.note
