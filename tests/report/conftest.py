"""Run folders as a training leaves them: pictures in ten classes, a binary table, a regression."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest


def png(pixels: np.ndarray) -> bytes:
    """A greyscale PNG of (height, width) uint8."""
    height, width = pixels.shape

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    raw = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def put(path: Path, content: object) -> None:
    """JSON, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def config(data: str, model: str, reasons: dict[str, str]) -> str:
    """A config.yaml (JSON is YAML)."""
    settings = {
        "model": model,
        "batch_size": 64,
        "lr": 0.004,
        "epochs": 8.0,
        "hidden": [256, 128],
        "clip": 0.0,
        "seed": 0,
    }
    settings |= {"optimizer": "adamw", "ema": 0.0, "weight_decay": 0.01, "deterministic": False, "time_limit": None}
    origin = {"model": "inferred", "batch_size": "typed", "lr": "recipe", "epochs": "recipe", "optimizer": "recipe"}
    return json.dumps({"data": data, "settings": settings, "origin": origin, "reasons": reasons})


def journal(rng: np.random.Generator, *, batches: int, epochs: int, metric: str, values: list[float]) -> list[dict]:
    """Step lines every ten steps and an evaluation at each epoch's end."""
    lines = []
    total = batches * epochs
    for step in range(10, total + 1, 10):
        loss = 2.3 * np.exp(-step / total * 4) + 0.05 + 0.06 * rng.random()
        lr = 0.004 * min(1, step / (0.1 * total)) * 0.5 * (1 + np.cos(np.pi * step / total))
        entry = {"kind": "step", "step": step, "epoch": (step - 1) // batches, "loss": loss, "lr": lr}
        lines.append(
            entry | {"norm": 1.5 * rng.lognormal(0, 0.3) * (1 + loss), "seconds": step * 0.02, "rows": step * 64}
        )
        if step % batches == 0:
            done = step // batches
            metrics = {metric: values[done - 1], "log_loss" if metric == "accuracy" else "loss": 1.9 / done + 0.06}
            evaluated = {"kind": "evaluation", "step": step, "epoch": done - 1, "split": "validation", "seconds": 0.4}
            lines.append(evaluated | {"metrics": metrics})
    return lines


def common(folder: Path, *, model: str, task: str, metric: str, mode: str, test: dict[str, float], best: float) -> None:
    """The files that every run has."""
    result = {
        "status": "finished", "task": task, "model": model, "parameters": 228_010, "epochs": 8, "steps": 3200,
        "objective": {"metric": metric, "mode": mode}, "metrics": {"validation": {metric: best}, "test": test},
        "best": {"epoch": 6, "step": 2800, "metric": metric, "value": best}, "samples_per_s": 4060.2,
        "seconds": {"total": 58.03, "input": 0.41, "step": 50.9, "optimizer": 1.2, "evaluation": 4.0, "checkpoint": 0.1,
                    "other": 1.42},
        "baseline": {metric: 0.1135 if mode == "max" else 11.3, "what": "always predicting the most frequent"},
    }  # fmt: skip
    put(folder / "result.json", result)
    lines = ["2 threads (63 ms a step; 1 thread: 118)", "fp32, resident in memory (47 MB), eager"]
    put(folder / "plan.json", {"threads": 2, "device": "cpu", "steps": 3200, "batches_per_epoch": 400, "lines": lines})
    env = {"sonde": "0.1.0", "torch": "2.13.0", "python": "3.11.9", "platform": "Linux-6.1-x86_64", "processor": "Xeon",
           "cores": 2, "memory_bytes": 8.3e9, "device": "cpu", "git": {"revision": "0123456789abcdef", "dirty": True},
           "started": "2026-01-05T10:20:30+0000", "command": ["sonde", "train", "data", "--batch-size", "64"]}  # fmt: skip
    put(folder / "env.json", env)


def write_lines(path: Path, lines: list[dict]) -> None:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def account_of_data(balance: dict[str, int]) -> dict:
    """A data.json with its facts."""
    facts = [
        {"what": "60,000 train + 10,000 test images, 28x28 grey", "why": "IDX files"},
        {"what": "10 classes", "why": "labels are the integers 0-9"},
        {"what": "6,000 of the training rows kept for validation", "why": "no validation split"},
    ]
    splits = {"train": 54000, "validation": 6000, "test": 10000}
    head = {"source": "/home/ann/data/mnist", "form": "IDX files", "facts": facts, "warnings": ["3 unreadable"]}
    return head | {"splits": splits, "class_counts": {"train": balance}}


def lr_range() -> dict:
    """A range test whose loss falls, then explodes."""
    rates = np.geomspace(1e-5, 1, 60)
    losses = 2.3 - 1.4 / (1 + (0.01 / rates) ** 1.5) + (rates > 0.08) * (rates * 40) ** 2
    return {"lr": rates.tolist(), "loss": losses.tolist(), "chosen": 0.012}


def images(folder: Path, *, names: list[str] | None = None) -> Path:
    """Pictures in classes, with all files an image classification leaves."""
    rng = np.random.default_rng(0)
    names = names or [str(i) for i in range(10)]
    n = len(names)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(config("data/mnist", "compact-cnn", {"lr": "best of 5 rates on digits"}))
    values = [0.93, 0.962, 0.978, 0.984, 0.989, 0.9915, 0.9931, 0.9928]
    write_lines(folder / "metrics.jsonl", journal(rng, batches=400, epochs=8, metric="accuracy", values=values))
    test = {"accuracy": 0.9936, "macro_f1": 0.9935, "log_loss": 0.0213, "ece": 0.0031, "auroc": 0.99991}
    common(folder, model="compact-cnn", task="classification", metric="accuracy", mode="max", test=test, best=0.9931)
    counts = np.diag(rng.integers(900, 1100, n)) + (rng.random((n, n)) < 0.3) * rng.integers(0, 12, (n, n)) * (
        1 - np.eye(n, dtype=int)
    )
    counts = counts.astype(int)
    if n > 9:
        counts[4, 9] = 41
    support, predicted, right = counts.sum(1), counts.sum(0), np.diag(counts)
    precision, recall = right / predicted, right / support
    place = folder / "evaluation" / "test"
    put(place / "metrics.json", test)
    put(place / "confusion.json", {"names": names, "counts": counts.tolist()})
    f1 = (2 * precision * recall / (precision + recall)).tolist()
    columns = {"precision": precision.tolist(), "recall": recall.tolist(), "f1": f1, "support": support.tolist()}
    put(place / "per_class.json", {"names": names} | columns)
    edges = np.linspace(0, 1, 16)
    middle = ((edges[1:] + edges[:-1]) / 2).tolist()
    count = [0, 0, 0, 2, 5, 9, 14, 22, 30, 41, 60, 90, 160, 400, 9167]
    confidence = [m if c else None for m, c in zip(middle, count, strict=True)]
    accuracy = [max(0.0, m - 0.06) if c else None for m, c in zip(middle, count, strict=True)]
    put(
        place / "calibration.json",
        {"edges": edges.tolist(), "confidence": confidence, "accuracy": accuracy, "count": count},
    )
    (place / "worst").mkdir()
    worst = []
    for number in range(14):
        grid = np.hypot(*np.meshgrid(np.arange(28) - 14, np.arange(28) - 10 - number % 5))
        (place / "worst" / f"{number}.png").write_bytes(png((255 * np.exp(-((grid - 7) ** 2) / 6)).astype(np.uint8)))
        worst.append({"index": number, "row": f"test/{names[4]}/{number:05}.png", "target": names[4], "prediction": names[-1],
                      "confidence": 0.99 - number / 100, "loss": 6.1 - number / 5, "picture": f"worst/{number}.png"})  # fmt: skip
    put(place / "worst.json", worst)
    balance = {name: int(c) for name, c in zip(names, rng.integers(4800, 6100, n), strict=True)}
    put(folder / "data.json", account_of_data(balance))
    findings = [
        {"check": "sure and wrong", "severity": "note", "evidence": "41 rows of class 4", "action": "look at them", "step": None},
        {"check": "gradient spikes", "severity": "warning", "evidence": "norm 21 against a median of 2.1",
         "action": "try --clip 1", "step": 310},
        {"check": "gradient spikes", "severity": "warning", "evidence": "norm 33 against a median of 2.0",
         "action": "try --clip 1", "step": 770},
    ]  # fmt: skip
    write_lines(folder / "findings.jsonl", findings)
    put(folder / "lr_range.json", lr_range())
    return folder


def table(folder: Path) -> Path:
    """A binary table with threshold curves and worst rows without pictures."""
    rng = np.random.default_rng(1)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(config("titanic.csv", "tabular", {"optimizer": "won on 3 of 4 tables"}))
    values = [0.71, 0.76, 0.79, 0.81, 0.812, 0.826, 0.83, 0.829]
    write_lines(folder / "metrics.jsonl", journal(rng, batches=400, epochs=8, metric="accuracy", values=values))
    test = {"accuracy": 0.8212, "auroc": 0.8711, "log_loss": 0.431}
    common(folder, model="tabular", task="classification", metric="accuracy", mode="max", test=test, best=0.83)
    place = folder / "evaluation" / "test"
    put(place / "metrics.json", test)
    put(place / "confusion.json", {"names": ["died", "survived"], "counts": [[98, 12], [20, 49]]})
    t = np.linspace(0, 1, 100)
    curve = {"fpr": t.tolist(), "tpr": (t**0.25).tolist(), "recall": t.tolist(), "precision": (1 - 0.6 * t**3).tolist()}
    put(place / "curve.json", curve | {"thresholds": t[::-1].tolist()})
    worst = [{"index": i, "row": f"titanic.csv row {17 + 31 * i}", "target": "survived", "prediction": "died",
              "confidence": 0.97 - i / 50, "loss": 3.5 - i / 10, "picture": None} for i in range(6)]  # fmt: skip
    put(place / "worst.json", worst)
    splits = {"train": 641, "validation": 71, "test": 179}
    put(
        folder / "data.json",
        {"source": "titanic.csv", "form": "CSV table", "facts": [], "warnings": [], "splits": splits},
    )
    return folder


def regression(folder: Path) -> Path:
    """Two real targets."""
    rng = np.random.default_rng(2)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(config("housing.csv", "tabular", {}))
    values = [7.1, 5.2, 4.6, 4.2, 3.9, 3.7, 3.66, 3.7]
    write_lines(folder / "metrics.jsonl", journal(rng, batches=400, epochs=8, metric="rmse", values=values))
    test = {"rmse": 3.71, "mae": 2.44, "r2": 0.871, "rmse/price": 3.1, "rmse/rent": 4.2}
    common(folder, model="tabular", task="regression", metric="rmse", mode="min", test=test, best=3.66)
    target = rng.normal(22, 9, (2, 600))
    prediction = target + rng.normal(0, 3, (2, 600)) * (1 + target / 40)
    place = folder / "evaluation" / "test"
    put(place / "metrics.json", test)
    scatter = {"names": ["price", "rent"], "target": target.tolist(), "prediction": prediction.tolist()}
    put(place / "scatter.json", scatter)
    worst = [{"index": i, "row": f"row {i}", "target": {"price": 50.0, "rent": 31.2}, "prediction": {"price": 31.7, "rent": 22.0},
              "confidence": None, "loss": 9.1, "picture": None} for i in range(5)]  # fmt: skip
    put(place / "worst.json", worst)
    return folder


@pytest.fixture
def image_run(tmp_path: Path) -> Path:
    """A finished image classification."""
    return images(tmp_path / "mnist-compact-cnn-1")


@pytest.fixture
def table_run(tmp_path: Path) -> Path:
    """A finished binary classification of a table."""
    return table(tmp_path / "titanic-tabular-1")


@pytest.fixture
def regression_run(tmp_path: Path) -> Path:
    """A finished regression."""
    return regression(tmp_path / "housing-tabular-1")


@pytest.fixture
def make_images():
    """Build an image run with class names of one's own."""
    return images
