"""Sound that a model has made: as recordings, as WAV files, as spectrograms to be looked at and heard."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.core.dataset import Schema
from sonde.modalities.audio.show import spectrogram_picture
from sonde.modalities.audio.waveforms import write_wav
from sonde.modalities.image.made import sheet
from sonde.modalities.image.show import save_png
from sonde.modalities.made import Made
from sonde.nn.sound_code import code_of, vectors_of

BLOCK_S = 0.01  # seconds, whose power is looked at
SILENT_DB = 60.0  # what lies so far below the loudest block is silence (as librosa.effects.trim has it)
GAP_S = 0.3  # between samples in one file
SHOWN = 20  # samples in a report

Sounds = list[dict[str, Any]]
"""Recordings as Hugging Face's data sets hold them, and as `predict` takes them: {"array": (S,) float32, "sampling_rate"}."""


def plain(values: Tensor, schema: Schema) -> Sounds:
    """Waveforms (N, S) without the silence behind each; those that are too loud for a file as loud as one can hold."""
    rate = schema.input.rate
    return [{"array": ended(wave, rate), "sampling_rate": rate} for wave in values.float().cpu().numpy()]


def ended(wave: np.ndarray, rate: int) -> np.ndarray:
    """(S,) -> (S',), up to the last block that is no silence, at most as loud as 1."""
    size = max(1, round(BLOCK_S * rate))
    blocks = np.pad(wave, (0, -len(wave) % size)).reshape(-1, size)
    power = np.square(blocks, dtype=np.float64).mean(1)
    last = int(np.flatnonzero(power >= power.max() * 10 ** (-SILENT_DB / 10))[-1]) if power.any() else 0
    kept = wave[: (last + 1) * size]
    return kept / max(1.0, float(np.abs(kept).max()))


def write(path: Path, sounds: Any, labels: Sequence[str] | None, schema: Schema) -> None:
    """A folder with a WAV file each, called by number and class, or one WAV file of all with gaps between."""
    rate = schema.input.rate
    if path.suffix:
        gap = np.zeros(round(GAP_S * rate), np.float32)
        parts = [part for sound in sounds for part in (sound["array"], gap)]
        write_wav(path, np.concatenate(parts), rate)
        return
    path.mkdir(parents=True, exist_ok=True)
    for number, sound in enumerate(sounds):
        name = f"{number:05d}" if labels is None else f"{number:05d}-{_safe(labels[number])}"
        write_wav(path / f"{name}.wav", sound["array"], rate)


def cards(sounds: Any, folder: Path, stem: str) -> list[Mapping[str, str]]:
    """Files for a report, of the first few: <stem>/<number>.png and .wav. Their names are relative to `folder`."""
    (folder / stem).mkdir(parents=True, exist_ok=True)
    found = []
    for number, sound in enumerate(sounds[:SHOWN]):
        name = f"{stem}/{number}"
        save_png(folder / f"{name}.png", spectrogram_picture(sound["array"], sound["sampling_rate"]))
        write_wav(folder / f"{name}.wav", sound["array"], sound["sampling_rate"])
        found.append({"picture": f"{name}.png", "sound": f"{name}.wav"})
    return found


def pairs(first: Any, second: Any, stem: Path) -> Path:
    """A picture for a report: spectrograms in a row, and below each the other of its pair."""
    pictures = [spectrogram_picture(sound["array"], sound["sampling_rate"]) for sound in (*first, *second)]
    height, width = pictures[0].shape[1], max(picture.shape[2] for picture in pictures)
    page = np.full((len(pictures), height, width, 3), 255, np.uint8)
    for place, picture in enumerate(pictures):
        page[place, :, : picture.shape[2]] = picture.transpose(1, 2, 0)
    path = stem.with_suffix(".png")
    sheet(page, len(first)).save(path, optimize=True)
    return path


def joined(parts: Sequence[Any]) -> Sounds:
    """One list of several."""
    return [sound for part in parts for sound in part]


def chosen(sounds: Any, rows: np.ndarray) -> Sounds:
    """Those with these numbers."""
    return [sounds[int(row)] for row in rows]


def vectors(sounds: Any, schema: Schema) -> Tensor:
    """(N, values of a code)."""
    return vectors_of([torch.from_numpy(sound["array"]) for sound in sounds], code_of(schema.input))


def _safe(name: str) -> str:
    """A class's name as part of a file's."""
    return "".join(each if each.isalnum() or each in "-_" else "_" for each in name)[:40]


MADE = Made(
    plain=plain,
    endings=("/", ".wav"),
    write=write,
    cards=cards,
    reported=20,  # of ten classes two of each
    joined=joined,
    chosen=chosen,
    vectors=vectors,
    space="log-mel spectrograms",
    pairs=pairs,
)
