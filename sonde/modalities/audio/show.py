"""Recordings beside a report's cases: to be heard, and as pictures, low pitches at the bottom."""

import numpy as np
import torch

from sonde.modalities.audio.waveforms import write_wav
from sonde.modalities.image.show import save_png
from sonde.modalities.modality import Case
from sonde.nn.spectrogram import LogMel

HEIGHT = 96  # pixels of the picture, whatever the number of mels
WIDEST = 480  # pixels; longer recordings are squeezed
SHADES = np.array(
    [(13, 8, 35), (60, 15, 90), (130, 35, 105), (200, 65, 75), (245, 125, 40), (250, 195, 70), (252, 250, 200)],
    np.float64,
)  # from faint to loud, ever brighter, so that it reads in grey too


def show(case: Case) -> dict[str, str]:
    """The row's recording as a WAV file, and its spectrogram as a PNG."""
    samples = case.rows.read(np.array([case.index]))["input"][0]
    save_png(case.file(".png"), spectrogram_picture(samples, case.spec.rate))
    write_wav(case.file(".wav"), samples, case.spec.rate)
    return {"picture": f"{case.stem}.png", "sound": f"{case.stem}.wav"}


def spectrogram_picture(samples: np.ndarray, rate: int) -> np.ndarray:
    """(S,) float32 in -1..1 -> (3, H, W) uint8, one column of pixels a frame of 10 ms, or more where there are few."""
    mels = 48 if rate >= 8000 else 12
    with torch.no_grad():
        found, _ = LogMel(rate, mels=mels)(torch.as_tensor(samples)[None], torch.tensor([len(samples)]))
    levels = found[0].numpy().T[::-1]  # (M, F), the highest pitch first
    levels = np.clip((levels + 1.5) / 4.0, 0, 1)  # in deviations from the mean: silence below, what is loud above
    repeat = max(1, min(4, WIDEST // levels.shape[1]))
    levels = np.repeat(np.repeat(levels, HEIGHT // mels, 0), repeat, 1)
    if levels.shape[1] > WIDEST:
        levels = levels[:, np.linspace(0, levels.shape[1] - 1, WIDEST).round().astype(int)]
    places = levels * (len(SHADES) - 1)
    low = np.minimum(places.astype(int), len(SHADES) - 2)
    share = (places - low)[..., None]
    return np.rint(SHADES[low] * (1 - share) + SHADES[low + 1] * share).astype(np.uint8).transpose(2, 0, 1)
