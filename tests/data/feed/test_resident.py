import numpy as np
import pytest
import torch
from sample_rows import PixelRows, pixels

from sonde.core.errors import DataError
from sonde.data.feed.resident import ResidentReader, resident_reader, storage_device
from sonde.data.rows import ArrayInputs, InputRows
from sonde.data.splits import SubsetRows

CPU = torch.device("cpu")
ASKED = [torch.tensor([3, 1, 7]), torch.tensor([0, 7])]


def inputs_of(reader: ResidentReader) -> list[np.ndarray]:
    return [batch["input"].numpy() for batch in reader.read(ASKED)]


def test_packed_rows_come_by_number() -> None:
    found = inputs_of(resident_reader(PixelRows(10), torch.arange(10), CPU))
    assert [np.array_equal(got, pixels(rows.numpy())) for got, rows in zip(found, ASKED, strict=True)] == [True, True]


def test_a_few_packed_rows_keep_their_numbers() -> None:
    rows = PixelRows(1000)
    reader = resident_reader(rows, torch.tensor([0, 1, 3, 7]), CPU)
    for got, asked in zip(inputs_of(reader), ASKED, strict=True):
        assert np.array_equal(got, pixels(asked.numpy()))
    assert len(reader._fields["input"][0]) == 4


@pytest.mark.parametrize("turned", [False, True])
def test_rows_in_memory_are_not_copied(turned: bool) -> None:
    array = pixels(np.arange(20))
    if turned:  # stored height, width, channels, as many files have it
        array = np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    rows = InputRows(ArrayInputs(array, "x"), {"target": np.arange(20)})
    chosen = np.array([19, 18, 2, 4, 6, 8, 10, 12])
    reader = resident_reader(SubsetRows(rows, chosen), torch.arange(8), CPU)
    for got, asked in zip(inputs_of(reader), ASKED, strict=True):
        assert np.array_equal(got, pixels(chosen[asked.numpy()]))
    array[19] = 0
    assert not inputs_of(reader)[1][0].any()


def test_fields_of_different_lengths_are_refused() -> None:
    fields = {"input": torch.zeros(5, 2), "target": torch.zeros(4)}
    with pytest.raises(DataError, match=r"^fields differ in their number of rows: input has 5, target has 4; give one"):
        ResidentReader(fields, CPU)


def test_on_a_cpu_rows_stay_where_they_are() -> None:
    assert storage_device({"input": torch.zeros(3)}, CPU) == CPU


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_rows_are_held_there_unless_they_fill_it(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = torch.device("cuda", 0)
    for free in (2**40, 1):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, 2**40))
        reader = resident_reader(PixelRows(10), torch.arange(10), gpu)
        assert reader._storage.type == ("cuda" if free > 1 else "cpu")
        for batch, asked in zip(reader.read(ASKED), ASKED, strict=True):
            assert batch["input"].device.type == "cuda"
            assert np.array_equal(batch["input"].cpu().numpy(), pixels(asked.numpy()))
