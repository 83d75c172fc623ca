"""Where downloads are kept."""

import pytest

from sonde.core.cache import cache_folder


def test_the_cache_is_where_it_was_put(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONDE_CACHE", "/somewhere/else")
    assert str(cache_folder()) == "/somewhere/else"
    monkeypatch.setenv("SONDE_CACHE", "")
    assert cache_folder().parts[-2:] == (".cache", "sonde")
