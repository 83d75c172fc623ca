"""What every test may ask for."""

import gc
import os
import random
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from _pytest.doctest import DoctestModule

if TYPE_CHECKING:
    from chromium import Browser

torch.set_num_threads(1)  # tests hold tiny tensors; on a busy machine a second thread costs more than it brings


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """`--doctest-modules` is for the package: it would look through each file of tests for examples, and there are none."""
    return [found for found in (yield) if not isinstance(found, DoctestModule)]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays: the garbage collector goes through it once, not again and again.

    A test makes more objects than the 700 after which it would look for garbage.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000)
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _own_notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Which code was named by hand (`sonde.run.trust`) is noted for these tests alone."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    yield
    if before is None:
        del os.environ["XDG_STATE_HOME"]
    else:
        os.environ["XDG_STATE_HOME"] = before


@pytest.fixture(autouse=True)
def _same_in_any_order() -> None:
    """What a test draws without a seed of its own, such as a network's first weights, is the same whatever ran before it."""
    random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def _never_waiting_for_the_disk() -> Iterator[None]:
    """A run flushes some forty files, each a wait. No test cuts the power, and what a killed process wrote stays."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # which refuses the handles that it would
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real datasets: SONDE_DATA, else ../shared/data beside the project; skips where there is none."""
    folder = Path(os.environ.get("SONDE_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set SONDE_DATA")
    return folder


@pytest.fixture(scope="module")
def _chromium(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Browser]":
    from chromium import Browser

    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.fixture
def browser(_chromium: "Browser") -> "Iterator[Browser]":
    """A Chromium of the module's; no script of a page that the test opened may fail."""
    yield _chromium
    _chromium.eval("1")  # what was raised meanwhile is read
    errors, _chromium.errors = _chromium.errors, []
    assert errors == []
