"""Sets are known by what they can do, and nothing is imported for that."""

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.data import TensorDataset

from sonde.data.hugging_face import is_hub_set


class Set:
    """As much of a `datasets.Dataset` as tells it."""

    features: Any = {}
    column_names: Any = []
    num_rows = 0

    def with_format(self, kind: str) -> "Set":
        return self

    def select(self, rows: Any) -> "Set":
        return self


def test_what_is_a_set() -> None:
    assert is_hub_set(Set())
    for other in (
        pd.DataFrame({"features": [1]}),
        TensorDataset(torch.zeros(2)),
        {"train": Set()},
        np.zeros(3),
        [],
        "digits",
    ):
        assert not is_hub_set(other)


def test_recognising_imports_nothing_heavy() -> None:
    code = (
        "import sys; from sonde.data.hugging_face import is_hub_set, is_streaming_set; is_hub_set(3);"
        "print([name for name in ('torch', 'pyarrow', 'pandas', 'datasets', 'numpy') if name in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
