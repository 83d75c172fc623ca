"""Names to objects, and what is said where there is none."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sonde.core.catalogue import Catalogue, _entry_points, added, libraries, record_of_package, require, resolve
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


def install(folder: Path, package: str, points: str) -> None:
    """What `pip install` leaves of a package that adds entry points."""
    about = folder / f"{package}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(points)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    _entry_points.cache_clear()
    yield tmp_path
    _entry_points.cache_clear()


def test_an_installed_package_adds_names_without_being_imported(packages: Path) -> None:
    install(packages, "counting", "[sonde.tasks]\ncount = counting_absent.task:COUNT\n[sonde.models]\nx = y:z\n")
    assert added("sonde.tasks", ["regression"]) == {"count": "counting_absent.task:COUNT"}
    assert added("sonde.modalities", []) == {}
    assert "counting_absent" not in sys.modules


def test_a_name_that_is_taken_is_refused_naming_both_packages(packages: Path) -> None:
    install(packages, "counting", "[sonde.tasks]\ncount = a:A\n")
    with pytest.raises(ConfigError, match="^sonde and counting both register 'count' in sonde.tasks; uninstall one$"):
        added("sonde.tasks", ["count"])
    install(packages, "tallying", "[sonde.tasks]\ncount = b:B\n")
    _entry_points.cache_clear()
    with pytest.raises(
        ConfigError, match="^(counting and tallying|tallying and counting) both register 'count' in sonde.t"
    ):
        added("sonde.tasks", [])


def test_an_optional_package_is_handed_over_or_its_install_line() -> None:
    assert require("json", extra="x", purpose="this").loads("1") == 1
    with pytest.raises(MissingDependency) as caught:
        require("no_such_package.part", extra="x", purpose="reading sound")
    assert str(caught.value) == "reading sound needs no_such_package.part; install it with: pip install no_such_package"


def test_the_install_line_names_the_libraries_of_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with an extra would ask a package index for a package that is called as this one is."""
    metadata = tmp_path / "sonde-9.dist-info"
    metadata.mkdir()
    needs = ["torch", "jiwer>=3 ; extra == 'audio'", 'soundfile; extra == "audio"', 'rdkit; extra == "audio2"']
    lines = ["Metadata-Version: 2.4", "Name: sonde", "Version: 9", *(f"Requires-Dist: {need}" for need in needs)]
    (metadata / "METADATA").write_text("\n".join(lines))
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])
    assert libraries("audio") == ["jiwer>=3", "soundfile"]
    assert libraries("unknown") == []
    with pytest.raises(
        MissingDependency, match="needs no_such_package; install it with: pip install 'jiwer>=3' soundfile$"
    ):
        require("no_such_package", extra="audio", purpose="this")


def test_every_extra_that_the_code_names_is_one() -> None:
    root = Path(__file__).parents[2]
    declared = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    sources = [file.read_text() for file in (root / "sonde").rglob("*.py")]
    named = {extra for text in sources for extra in re.findall(r'require\([^()]*extra="(\w+)"', text)}
    assert len(named) >= 6
    assert named <= set(declared)
    assert not any("pip install 'sonde[" in text for text in sources)


def test_a_package_that_is_there_and_lacks_something_itself_is_not_called_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_there.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        require("half_there", extra="x", purpose="this")


def test_a_catalogue_lists_other_packages_rows_behind_ours_and_imports_one_where_it_is_looked_up(
    packages: Path,
) -> None:
    install(packages, "counting", "[sonde.things]\ntheirs = counting_rows:ROW\n")
    (packages / "counting_rows.py").write_text("ROW = 3\n")
    found = Catalogue("sonde.things", {"ours": 1, "more": 2})
    assert list(found) == ["ours", "more", "theirs"]
    assert len(found) == 3
    assert "theirs" in found
    assert "none" not in found
    assert found["ours"] == 1
    assert "counting_rows" not in sys.modules
    assert found["theirs"] == 3
    with pytest.raises(KeyError):
        found["none"]


def test_what_is_wrong_with_another_packages_record_is_said_with_its_name(packages: Path) -> None:
    places = {"broken": "counting_broken:ROW", "empty": "counting_rows2:NONE", "number": "counting_rows2:ROW"}
    places |= {"other": "counting_rows2:PATH", "fits": "counting_rows2:FITS"}
    lines = "".join(f"{name} = {place}\n" for name, place in places.items())
    install(packages, "counting", f"[sonde.records]\n{lines}")
    (packages / "counting_broken.py").write_text("import no_such_package\n")
    (packages / "counting_rows2.py").write_text(
        "from types import SimpleNamespace\nROW = 3\nPATH = SimpleNamespace(name='path')\nFITS = SimpleNamespace(name='fits')\n"
    )

    def record(name: str) -> object:
        return record_of_package("sonde.records", [], name, kind=SimpleNamespace, called="name")

    assert record("fits") == SimpleNamespace(name="fits")
    for name, message in {
        "broken": "counting registers 'broken' in sonde.records as counting_broken:ROW, which cannot be imported: ModuleNotFound",
        "empty": "counting registers 'empty' in sonde.records as counting_rows2:NONE, which cannot be imported: AttributeError",
        "number": "counting registers 'number' in sonde.records, which is a int, not a SimpleNamespace",
        "other": "counting registers 'other' in sonde.records, and its record has name='path'; give both one name",
    }.items():
        with pytest.raises(ConfigError, match=message):
            record(name)
