"""Names to objects, and what is said where there is none."""

import sys
from pathlib import Path

import pytest

from sonde.core.catalogue import Catalogue, require, resolve
from sonde.core.errors import ConfigError, MissingDependency


def test_a_name_gives_its_object_and_only_then_its_module_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lazily_named.py").write_text("VALUE = 41 + 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    table = {"answer": "lazily_named:VALUE", "broken": "lazily_absent:VALUE"}
    with pytest.raises(ConfigError, match="unknown model 'answr'; did you mean 'answer'"):
        resolve("model", "answr", table)
    assert "lazily_named" not in sys.modules
    assert resolve("model", "answer", table) == 42


def test_an_optional_package_is_handed_over_or_its_install_line() -> None:
    assert require("json", extra="x", purpose="this").loads("1") == 1
    with pytest.raises(MissingDependency) as caught:
        require("no_such_package.part", extra="audio", purpose="reading sound")
    assert str(caught.value) == "reading sound needs no_such_package.part; install it with: pip install 'sonde[audio]'"


def test_a_package_that_is_there_and_lacks_something_itself_is_not_called_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_there.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        require("half_there", extra="x", purpose="this")


def offer(folder: Path, monkeypatch: pytest.MonkeyPatch, module: str, content: str, entries: str) -> None:
    """A package of somebody else's as it stands in an environment: its module, and its metadata with entry points."""
    (folder / f"{module}.py").write_text(content)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[sonde.things]\n{entries}\n")
    monkeypatch.syspath_prepend(str(folder))


def test_other_packages_rows_stand_behind_ours_and_are_imported_where_they_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(tmp_path, monkeypatch, "their_things", "ROW = 3\n", "theirs = their_things:ROW\nours = their_things:ROW")
    found = Catalogue("sonde.things", {"ours": 1, "more": 2})
    assert list(found) == ["ours", "more", "theirs"]
    assert len(found) == 3
    assert "theirs" in found
    assert "none" not in found
    assert found["ours"] == 1
    assert "their_things" not in sys.modules
    assert found["theirs"] == 3
    with pytest.raises(KeyError):
        found["none"]


def test_a_row_that_cannot_be_imported_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(tmp_path, monkeypatch, "broken_things", "import no_such_package\n", "broken = broken_things:ROW")
    found = Catalogue("sonde.things", {"ours": 1})
    assert list(found) == ["ours", "broken"]
    with pytest.raises(
        ConfigError, match="^broken of the entry points sonde.things cannot be imported: No module named"
    ):
        found["broken"]
