from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sonde.cli.outputs import MARK, OutputPlace, refuse_inputs, refuse_own_data
from sonde.core.errors import ConfigError
from sonde.core.files import write_json


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """A run of the folder `photos`."""
    (tmp_path / "photos" / "cats").mkdir(parents=True)
    (tmp_path / "photos" / "cats" / "1.png").write_text("a cat")
    (tmp_path / "run").mkdir()
    write_json(tmp_path / "run" / "data.json", {"source": str(tmp_path / "photos"), "form": "folder of images"})
    return SimpleNamespace(folder=tmp_path / "run")


@pytest.mark.parametrize(
    "name", ["photos", "photos/cats", "photos/cats/1.png", "photos/samples.png", "run/../photos/x"]
)
def test_nothing_is_written_in_or_over_the_runs_own_data(name: str, run: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the data that .*run was trained on, .*photos; name a place outside"):
        refuse_own_data(tmp_path / name, run)
    refuse_own_data(tmp_path / "made", run)
    refuse_own_data(tmp_path / "photos-2" / "1.png", run)


def test_a_table_and_an_archive_are_not_written_over_and_what_is_beside_them_is_free(run: Any, tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_text("")
    write_json(tmp_path / "run" / "data.json", {"source": f"{tmp_path / 'data.zip'}#train", "form": "CSV table"})
    with pytest.raises(ConfigError, match="is the data"):
        refuse_own_data(tmp_path / "data.zip", run)
    refuse_own_data(tmp_path / "samples.csv", run)


def test_the_name_of_embedded_data_is_no_folder(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    write_json(tmp_path / "run" / "data.json", {"source": "digits", "form": "embedded"})
    OutputPlace(Path("digits"), run, folder=True)


def test_earlier_samples_are_replaced_and_counted(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "made"
    place = OutputPlace(out, run, folder=True)
    assert place.clear() == 0
    out.mkdir()
    for name in ("00000-cat.png", "00001-dog.png"):
        (out / name).write_text("")
    place.mark()
    assert OutputPlace(out, run, folder=True).clear() == 2
    assert [each.name for each in out.iterdir()] == [MARK]


def test_a_folder_with_anything_else_is_refused_and_stays(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "made"
    out.mkdir()
    (out / MARK).write_text("00000.png\n")
    (out / "00000.png").write_text("")
    (out / "00001.png").write_text("a photo of mine")  # of no mark, whatever it is called
    line = "holds 1 file or folder that Sonde did not write, such as 00001.png; name a new or empty folder"
    with pytest.raises(ConfigError, match=line):
        OutputPlace(out, run, folder=True)
    assert (out / "00000.png").exists()


def test_a_file_is_replaced_where_it_has_the_usual_name_and_refused_else(run: Any, tmp_path: Path) -> None:
    for name in ("samples.png", "cat.png", "cat-2.png"):
        (tmp_path / name).write_text("")
    assert OutputPlace(tmp_path / "samples.png", run, folder=False).clear() == 1
    with pytest.raises(ConfigError, match="cat.png exists already; name another file, such as --out .*cat-3.png"):
        OutputPlace(tmp_path / "cat.png", run, folder=False)
    assert OutputPlace(tmp_path / "new.png", run, folder=False).clear() == 0


def test_an_input_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "t.csv").write_text("")
    (tmp_path / "new" / "1.png").write_text("a photo")
    for out in ("t.csv", "new", "new/1.png"):
        with pytest.raises(
            ConfigError, match="would be written in or over the input .*; name another place with --out"
        ):
            refuse_inputs(tmp_path / out, ["Who built it?", str(tmp_path / "t.csv"), str(tmp_path / "new")])
    refuse_inputs(tmp_path / "new" / "p.csv", ["It was built in 1907.", str(tmp_path / "new"), "x" * 5000])
