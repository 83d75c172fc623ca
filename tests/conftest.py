"""What every test may ask for."""

import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # tests hold tiny tensors; on a busy machine a second thread costs more than it brings


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real datasets: SONDE_DATA, else ../shared/data beside the project; skips where there is none."""
    folder = Path(os.environ.get("SONDE_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set SONDE_DATA")
    return folder
