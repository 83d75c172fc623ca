"""What may have been meant by a name that is none of data."""

from pathlib import Path

import pytest

from sonde.modalities.environment.words import meant


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("mazes.py:Maze", ["env:mazes:Maze"]),
        ("mazes.py:make(size=5)", ["env:mazes:make(size=5)"]),
        ("mazes:Maze", ["env:mazes:Maze"]),
        ("games/own.py:Short", ["env:games.own:Short"]),
        ("games.own:Short", ["env:games.own:Short"]),
        ("mazes.py:Gone", []),
        ("gone.py:Maze", []),
    ],
)
def test_what_a_file_defines_is_named_as_it_is_read(
    place: str, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "games").mkdir()
    (tmp_path / "mazes.py").write_text("class Maze:\n    pass\n\ndef make(size=3): ...\n")
    (tmp_path / "games" / "own.py").write_text("Short = lambda: None\n")
    assert meant(place) == names
