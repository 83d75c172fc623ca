"""Recordings in memory: 16 bits a sample as they are held, floats as they are read."""

import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sonde.data.ragged import Ragged

FULL_SCALE = 32_768  # of a sample of 16 bits: what 1.0 is as a float


@dataclass(frozen=True, kw_only=True)
class Waveforms:
    """Rows of recordings (`sonde.data.rows.Sequences`): `input` float32 in -1..1, zero behind each one's end, and `lengths`.

    samples: int16 of all recordings
    ragged:  further fields that differ in length from row to row, such as a transcript as `target`
    fixed:   fields (n, …) of one shape
    names:   where each row came from
    """

    samples: Ragged
    names: Sequence[str]
    ragged: Mapping[str, Ragged] = field(default_factory=dict)
    fixed: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The fields of some rows, in the given order, each as wide as the longest of them."""
        lengths = self.lengths()[indices]
        input = np.zeros((len(lengths), int(lengths.max(initial=1))), dtype=np.float32)
        for row, (index, length) in enumerate(zip(indices, lengths, strict=True)):
            input[row, :length] = self.samples[index]
        input *= np.float32(1 / FULL_SCALE)
        found = {"input": input, "lengths": lengths}
        found |= {name: held.padded(indices) for name, held in self.ragged.items()}
        return found | {name: values[indices] for name, values in self.fixed.items()}

    def describe(self, index: int) -> str:
        """The file, and what else tells the recording."""
        return self.names[index]

    def nbytes(self) -> int:
        """Bytes of all fields as they are held."""
        held = (self.samples, *self.ragged.values())
        return sum(each.values.nbytes for each in held) + sum(values.nbytes for values in self.fixed.values())

    def lengths(self) -> np.ndarray:
        """(n,) int64, in samples."""
        return self.samples.lengths()

    def targets(self) -> np.ndarray:
        """The `target` field of all rows, padded to the longest where they differ."""
        if "target" in self.fixed:
            return self.fixed["target"]
        return self.ragged["target"].padded(np.arange(len(self)))


def write_wav(path: Path, samples: np.ndarray, rate: int) -> None:
    """Write (S,) floats in -1..1 as a WAV file of 16 bits and one channel."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(to_int16(samples).astype("<i2").tobytes())


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Floats in -1..1 -> int16, louder ones at full scale."""
    return np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
