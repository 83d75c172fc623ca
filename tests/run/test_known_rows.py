import numpy as np
import torch

from sonde.core.dataset import Dataset, InputSpec, Schema, TargetSpec
from sonde.data.rows import ArrayInputs, InputRows
from sonde.run import known_rows
from sonde.run.known_rows import reader_of


def test_rows_are_read_evenly_over_all_the_same_each_time(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(known_rows, "MOST_ROWS", 5)
    monkeypatch.setattr(known_rows, "AT_ONCE", 3)
    rows = InputRows(ArrayInputs(np.arange(20, dtype=np.float32)[:, None], "rows"))
    schema = Schema(input=InputSpec(kind="array", shape=(1,)), target=TargetSpec(kind="none", names=("row",)))
    dataset = Dataset(name="t", source="t", form="arrays", schema=schema, splits={"train": rows}, facts=[])
    read = reader_of(dataset, torch.device("cpu"))
    for _ in range(2):
        assert [batch["input"].flatten().tolist() for batch in read()] == [[0, 4, 8], [12, 16]]
