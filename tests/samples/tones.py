"""Recordings that are made: tones of a low, a middle and a high pitch, a folder each."""

from pathlib import Path

import numpy as np

from sonde.modalities.audio.waveforms import write_wav

RATE = 8000  # samples a second
PITCHES = {"low": 250.0, "middle": 800.0, "high": 2400.0}  # Hz
SECONDS = 0.15


def tone(hz: float, seconds: float = SECONDS, loud: float = 0.5) -> np.ndarray:
    """(S,) float64."""
    return loud * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)


def folders(place: Path, each: int = 8) -> Path:
    """Class folders of so many recordings each, all a little different in pitch and length."""
    for name, hz in PITCHES.items():
        (place / name).mkdir(parents=True)
        for number in range(each):
            sound = tone(hz * (1 + 0.01 * number), SECONDS * (1 + 0.02 * number), 0.3 + 0.05 * (number % 5))
            write_wav(place / name / f"{number}.wav", sound, RATE)
    return place
