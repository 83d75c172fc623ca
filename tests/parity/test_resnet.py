"""Residual networks against torchvision's; `make parity` runs this in an environment that holds torchvision.

Beside a CPU build of PyTorch, SONDE_PARITY_TOOLS names a folder with `torchvision_on_cpu.py` (see benchmarks/parity.py).
"""

import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.parity

parity = runpy.run_path(str(Path(__file__).resolve().parents[2] / "benchmarks" / "parity.py"))


@pytest.mark.parametrize("name", parity["NAMES"])
@pytest.mark.filterwarnings("ignore")  # what torchvision warns of on import is not ours to mend
def test_parameters_logits_gradients_and_statistics_are_torchvisions(name: str):
    try:
        parity["import_torchvision"]()
    except ImportError as error:
        pytest.skip(str(error))
    figures = parity["compare"](name)
    low, high = parity["SPREAD"]
    assert figures["parameters"] == figures["parameters_torchvision"]
    assert low <= figures["spread"] <= high
    for what in ("difference", "difference_training", "difference_statistics"):
        assert figures[what] <= parity["LARGEST_DIFFERENCE"], what
    assert figures["difference_gradient"] <= parity["LARGEST_DIFFERENCE"]
