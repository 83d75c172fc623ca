"""Our networks against torchvision's and timm's; `make parity` runs this in an environment that holds both.

Beside a CPU build of PyTorch, SONDE_PARITY_TOOLS names a folder with `torchvision_on_cpu.py` (see benchmarks/parity.py).
"""

import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.parity

parity = runpy.run_path(str(Path(__file__).resolve().parents[2] / "benchmarks" / "parity.py"))


@pytest.mark.parametrize("name", parity["COMPARISONS"])
@pytest.mark.filterwarnings("ignore")  # what the libraries warn of on import is not ours to fix
def test_parameters_logits_gradients_and_statistics_are_theirs(name: str):
    comparison = parity["COMPARISONS"][name]
    try:
        parity["import_library"](comparison.library)
    except ImportError as error:
        pytest.skip(str(error))
    figures = parity["compare"](name)
    low, high = parity["SPREAD"]
    assert figures["parameters"] == figures["parameters_theirs"]
    assert low <= figures["spread"] <= high
    for what in ("difference", "difference_training", "difference_gradient", "difference_statistics"):
        assert figures[what] <= parity["LARGEST_DIFFERENCE"], what
    assert figures["same_settings"]
    if comparison.same_start:
        assert figures["difference_start"] <= parity["LARGEST_START"]
