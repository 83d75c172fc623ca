"""Windows of series, some with anomalies that are planted: of an ECG-like one that is made here, and of two real ones."""

import csv
from pathlib import Path

import numpy as np

WIDTH = 64  # steps of a window
TRAIN = 0.6  # of a series, before any of the windows that are judged
IN_TRAINING = (
    0.02  # share of the training windows that have one too, so that both classes are known; none is trained on
)
SERIES = ("ecg-like", "min-temperatures", "ETTh1")

# N windows


def windows(name: str, folder: Path) -> dict[str, np.ndarray]:
    """x_train, y_train, x_test, y_test: windows (N, WIDTH) float32 and whether an anomaly was planted (N,) int64."""
    values, drawn = series(name, folder), np.random.default_rng(0)
    cut = int(TRAIN * len(values))
    values = (values - values[:cut].mean()) / values[:cut].std()
    found: dict[str, np.ndarray] = {}
    for split, part, stride, planted in (
        ("train", values[:cut], 4, IN_TRAINING),
        ("test", values[cut:], 16, 0.5),
    ):
        starts = np.arange(0, len(part) - WIDTH, stride)
        x = np.stack([part[start : start + WIDTH] for start in starts]).astype(np.float32)
        y = (drawn.random(len(x)) < planted).astype(np.int64)
        for row in np.flatnonzero(y):
            x[row] = with_anomaly(x[row], drawn)
        found |= {f"x_{split}": x, f"y_{split}": y}
    return found


def with_anomaly(window: np.ndarray, drawn: np.random.Generator) -> np.ndarray:
    """One of four, somewhere in the window: a spike, a shift, a sensor that gives one value only, or noise."""
    changed = window.copy()
    length = int(drawn.integers(6, 20))
    start = int(drawn.integers(0, len(window) - length))
    here = slice(start, start + length)
    match int(drawn.integers(4)):
        case 0:
            changed[start : start + 2] += drawn.choice([-1, 1]) * drawn.uniform(2, 4)
        case 1:
            changed[here] += drawn.choice([-1, 1]) * drawn.uniform(1, 2)
        case 2:
            changed[here] = changed[start]
        case _:
            changed[here] += drawn.normal(0, drawn.uniform(0.5, 1), length)
    return changed


def series(name: str, folder: Path) -> np.ndarray:
    """(T,) values. folder: with the two real ones"""
    if name == "ecg-like":
        return ecg_like()
    file, column = {
        "min-temperatures": ("daily-min-temperatures.csv", -1),
        "ETTh1": ("ETTh1.csv", -1),
    }[name]
    with (folder / file).open(encoding="utf-8") as rows:
        lines = list(csv.reader(rows))[1:]
    return np.array([float(line[column]) for line in lines if line])


def ecg_like(beats: int = 1_000) -> np.ndarray:
    """Beats of about 32 steps, five bumps each, with jitter and noise: made, not a patient's. Source: McSharry et al. 2003, IEEE
    Transactions on Biomedical Engineering 50(3)"""
    drawn = np.random.default_rng(1)
    bumps = ((-0.2, 0.12, 0.025), (-0.03, -0.15, 0.01), (0.0, 1.0, 0.01), (0.03, -0.25, 0.01), (0.3, 0.3, 0.04))
    parts = []
    for _ in range(beats):
        length = int(round(32 * (1 + 0.05 * drawn.standard_normal())))
        place = np.linspace(-0.5, 0.5, length, endpoint=False)
        height = 1 + 0.05 * drawn.standard_normal()
        parts.append(sum(height * a * np.exp(-((place - at) ** 2) / (2 * width)) for at, a, width in bumps))
    values = np.concatenate(parts)
    return values + 0.02 * drawn.standard_normal(len(values))
