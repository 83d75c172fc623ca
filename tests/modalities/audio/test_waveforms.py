import pickle
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from torch import device

from sonde.core.dataset import Rows
from sonde.data.feed.streaming import StreamingReader
from sonde.data.ragged import end_to_end
from sonde.data.rows import Sequences
from sonde.modalities.audio.waveforms import Waveforms, to_int16, write_wav

HELD = [np.array([1, -2, 3], np.int16), np.array([32_767, -32_768], np.int16), np.arange(5, dtype=np.int16)]


def rows(**more: object) -> Waveforms:
    return Waveforms(samples=end_to_end(HELD, np.int16), names=["a", "b", "c"], **more)  # type: ignore[arg-type]


def test_rows_are_floats_with_silence_behind_their_end() -> None:
    read = rows(fixed={"target": np.array([7, 8, 9])}).read(np.array([1, 0]))
    assert read["input"].dtype == np.float32
    assert read["input"].tolist() == [[32_767 / 32_768, -1.0, 0.0], [1 / 32_768, -2 / 32_768, 3 / 32_768]]
    assert read["lengths"].tolist() == [2, 3]
    assert read["target"].tolist() == [8, 7]


def test_transcripts_are_padded_too() -> None:
    made = rows(ragged={"target": end_to_end([[5, 3], [6, 7, 3], [3]])})
    assert made.read(np.array([0, 1]))["target"].tolist() == [[5, 3, 0], [6, 7, 3]]
    assert made.targets().tolist() == [[5, 3, 0], [6, 7, 3], [3, 0, 0]]
    assert rows(fixed={"target": np.arange(3)}).targets().tolist() == [0, 1, 2]


def test_they_are_rows_of_sequences_that_say_what_they_are() -> None:
    made = rows()
    assert isinstance(made, Rows)
    assert isinstance(made, Sequences)
    assert (len(made), made.describe(1), made.nbytes()) == (3, "b", 2 * 10)
    assert made.lengths().tolist() == [3, 2, 5]
    again = pickle.loads(pickle.dumps(made))
    assert (again.read(np.array([2]))["input"] == made.read(np.array([2]))["input"]).all()


def test_batches_hold_floats_and_whole_lengths() -> None:
    import torch

    (batch,) = StreamingReader(rows(), device("cpu"), batch_size=2).read([torch.tensor([0, 2])])
    assert (batch["input"].dtype, batch["lengths"].dtype) == (torch.float32, torch.int64)
    assert batch["input"].shape == (2, 5)


def test_floats_become_samples_and_what_is_too_loud_full_scale() -> None:
    assert to_int16(np.array([0.0, 0.5, 1.0, -1.0, 2.0, -3.0])).tolist() == [
        0,
        16_384,
        32_767,
        -32_768,
        32_767,
        -32_768,
    ]
    samples = np.arange(-32_768, 32_768, 7, dtype=np.int16)
    assert (to_int16(samples / 32_768) == samples).all()


def test_a_wav_file_is_what_others_read(tmp_path: Path) -> None:
    samples = np.array([0.0, 0.25, -0.5], np.float32)
    write_wav(tmp_path / "a.wav", samples, 8_000)
    read, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert (read.tolist(), rate) == (samples.tolist(), 8_000)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)


@pytest.mark.parametrize("order", [[2, 0, 1], [1], [2, 2]])
def test_rows_come_in_the_order_asked(order: list[int]) -> None:
    read = rows().read(np.array(order))
    for place, index in enumerate(order):
        assert (read["input"][place, : len(HELD[index])] * 32_768).astype(int).tolist() == HELD[index].tolist()
