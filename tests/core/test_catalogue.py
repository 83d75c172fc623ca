"""Names to objects, and what is said where there is none."""

import sys
from pathlib import Path

import pytest

from sonde.core.catalogue import require, resolve
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
