"""Every case of what people have does what is right. SONDE_CASES names their folder, else `cases` beside the one of real data."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cases.case import Case, Program, Work, cases_folder
from tests.cases.run import all_cases

FOLDER = cases_folder()
pytestmark = pytest.mark.skipif(FOLDER is None, reason="no folder of cases; set SONDE_CASES")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What several cases share: short runs on examples."""
    return tmp_path_factory.mktemp("base")


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=[pytest.mark.slow] if case.slow else [])
        for name, case in (all_cases(FOLDER) if FOLDER else {}).items()
    ],
)
def test_a_case(case: Case, tmp_path: Path, base: Path) -> None:
    if isinstance(case, Program) and any(find_spec(name) is None for name in case.needs):
        pytest.skip(f"needs {', '.join(case.needs)}")
    assert FOLDER is not None
    assert case.act(Work(cases=FOLDER, place=tmp_path, base=base)) in ("right", "warned", "refused")
