"""Autoencoders: a bound on the likelihood of MNIST, codebooks on CIFAR-10, anomalies, and codes beside principal components.

python -m benchmarks.autoencoders [--parts vae vq-vae digits series codes] [--minutes 20] [--digit-minutes 1] [--rows 0]

vae     the importance-weighted bound (500 samples) of dynamically binarised MNIST's test set after --minutes of training
vq-vae  CIFAR-10 after --minutes: SSIM, PSNR, which share of 512 codes the test images use, and the same of finite scalars; beside
        them vector-quantize-pytorch in a network of the same layers, for the same time
digits  AUROC of MNIST's test digits where one digit is an anomaly and nine are normal, for each digit in turn, and where one is
        normal and nine are anomalies: Sonde's for --digit-minutes each, beside the error of 32 principal components, an isolation
        forest and a one-class SVM of scikit-learn on the same normal rows
series  windows of an ECG-like series, of the minimum temperatures of Melbourne and of ETTh1, half of the held-out ones with an
        anomaly that was planted (a spike, a shift, a dead sensor, noise), beside the same three
        (both parts: about 40 minutes of one core by --digit-minutes 1). What images are described by, how the two distances are
        joined and the stretch were chosen while looking at 2,000 of these test digits and at these windows, so Sonde's figures
        are a little too good; the peers stand as scikit-learn has them, or by usual settings
codes   MNIST in 2 and in 8 numbers: accuracy of 10 nearest neighbours in the map and the error of what is given back, beside PCA

Parts that are not named are kept from an earlier result. --rows reads that many training rows only, to try the script.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import OneClassSVM

import sonde
from benchmarks.planted import SERIES, windows
from benchmarks.timing import RESULTS, data_folder, run, spread, write
from sonde.core.batch import Batch
from sonde.core.config import DataConfig
from sonde.modalities.open import open_data

PARTS = ("vae", "vq-vae", "digits", "series", "codes")
SAMPLES = 500  # of the importance-weighted bound
VAE = "--likelihood bernoulli --latent 50 --model autoencoder-mlp --hidden 500 500 --lr 1e-3 --batch-size 128"
VQ_VAE = "--widths 64 --layers 2 --codes 512 --code-width 32"
FSQ = "--widths 64 --layers 2 --quantiser fsq --fsq-levels 8 8 8"
DIGITS = "--latent 16"
CODES = "--model autoencoder-mlp --hidden 512 256 64"
WINDOWS = "--latent 6 --hidden 128 64 --stretch 8"
MEANS = {"mean of ecg-like and ETTh1": ("ecg-like", "ETTh1"), "mean of all": SERIES}
MOST_SVM = 5_000  # rows that a one-class SVM is fitted on, whose time grows with their square
COMPONENTS = 32
NEIGHBOURS = 10

Split = dict[str, np.ndarray]


def train(data: Path, out: Path, minutes: float, *flags: str) -> dict[str, Any]:
    """result.json of `sonde train` with a time limit."""
    limit = ["--time-limit", f"{max(5, round(minutes * 60))}s", "--out", out, "--quiet"]
    seconds, _ = run([sys.executable, "-m", "sonde", "train", data, *limit, *flags])
    result = json.loads((out / "result.json").read_text())
    print(f"{out.name}: {seconds:.0f} s, {result['epochs']} epochs, test {result['metrics']['test']}", flush=True)
    return result


def images(name: str) -> tuple[Split, Split]:
    """Images (N, values) in 0..1 and classes of the training and of the test rows."""
    splits = open_data(data_folder() / name, DataConfig(validation=0)).splits
    found = []
    for split in ("train", "test"):
        fields = splits[split].read(np.arange(len(splits[split])))
        found.append({"input": fields["input"], "target": fields["target"]})
    return found[0], found[1]


def stored(folder: Path, name: str, rows: int) -> Path:
    """The data set, or an NPZ file of its first training and test rows."""
    if not rows:
        return data_folder() / name
    path = folder / f"{name}.npz"
    if not path.exists():
        train_, test = images(name)
        arrays: dict[str, Any] = {}
        for split, found in (("train", train_), ("test", test)):
            arrays |= {f"x_{split}": found["input"][:rows].transpose(0, 2, 3, 1), f"y_{split}": found["target"][:rows]}
        np.savez(path, **arrays)
    return path


def bound(folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """The VAE of the table, with the bound of all test rows."""
    out = folder / "vae"
    result = train(stored(folder, "mnist", chosen.rows), out, chosen.minutes, "--task", "vae", *VAE.split())
    trained = sonde.load(out)
    task: Any = trained.task
    _, test = images("mnist")
    pixels = test["input"][: chosen.rows or None]
    parts = []
    with torch.inference_mode():
        for start in range(0, len(pixels), 100):
            input = trained.preprocess(pixels[start : start + 100, 0])
            assert isinstance(input, torch.Tensor)
            parts.append(task.bound(Batch({"input": input}, torch.arange(start, start + len(input))), SAMPLES))
    found = torch.cat(parts)
    return {
        "bound": round(-float(found.mean()), 3),
        "standard_error": round(float(found.std() / len(found) ** 0.5), 3),
        "samples": SAMPLES,
        "rows": len(found),
        "elbo": round(-result["metrics"]["test"]["elbo"], 3),
        "epochs": result["epochs"],
        "minutes": chosen.minutes,
        "settings": VAE,
    }


def codebooks(folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """Both quantisers on CIFAR-10, and the peer for the same time."""
    found: dict[str, Any] = {"minutes": chosen.minutes}
    for name, flags in (("ema", VQ_VAE), ("fsq", FSQ)):
        data = stored(folder, "cifar10", chosen.rows)
        result = train(data, folder / name, chosen.minutes, "--task", "vq-vae", *flags.split())
        found[name] = {
            **{key: round(value, 4) for key, value in result["metrics"]["test"].items()},
            "epochs": result["epochs"],
        }
    if not chosen.no_peers:
        from benchmarks.environments import python

        script = Path(__file__).with_name("peers") / "vector_quantize_cifar10.py"
        arguments = [str(data_folder() / "cifar10"), str(round(chosen.minutes * 60)), str(chosen.rows)]
        _, output = run([python("vector-quantize-pytorch"), script, *arguments])
        found["vector-quantize-pytorch"] = json.loads(output.splitlines()[-1])
    return found


def detectors(normal: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of scikit-learn's detectors, higher for anomalies: (N, values) rows of both."""
    drawn = np.random.default_rng(0)
    components = PCA(min(COMPONENTS, normal.shape[1] // 2), random_state=0).fit(normal)
    back = components.inverse_transform(components.transform(test))
    few = normal[drawn.permutation(len(normal))[:MOST_SVM]]
    return {
        "PCA": ((test - back) ** 2).mean(1),
        "isolation forest": -IsolationForest(random_state=0).fit(normal).score_samples(test),
        "one-class SVM": -OneClassSVM(gamma="scale", nu=0.1).fit(few).score_samples(test),
    }


def digits(folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """AUROC of each digit as the anomaly, and as what is normal."""
    first, last = images("mnist")
    rows = chosen.rows or None
    x, y = first["input"][:rows].reshape(-1, 784) / 255.0, first["target"][:rows]
    tx, ty = last["input"][:rows].reshape(-1, 784) / 255.0, last["target"][:rows]
    data = stored(folder, "mnist", chosen.rows)
    found: dict[str, Any] = {}
    for what, flag in (("one digit is the anomaly", "--anomalous"), ("one digit is normal", "--normal")):
        scores: dict[str, list[float]] = {}
        for digit in range(10):
            normal = (y != digit) if flag == "--anomalous" else (y == digit)
            truth = (ty == digit) if flag == "--anomalous" else (ty != digit)
            out = folder / f"{flag[2:]}-{digit}"
            flags = ["--task", "anomaly", flag, str(digit), *DIGITS.split()]
            result = train(data, out, chosen.digit_minutes, *flags)
            scores.setdefault("sonde", []).append(result["metrics"]["test"]["auroc"])
            for name, score in detectors(x[normal], tx).items():
                scores.setdefault(name, []).append(float(roc_auc_score(truth, score)))
        found[what] = {
            name: {**spread(each), "by_digit": [round(one, 4) for one in each]} for name, each in scores.items()
        }
        print(json.dumps({name: each["mean"] for name, each in found[what].items()}), flush=True)
    return {**found, "minutes": chosen.digit_minutes, "settings": DIGITS}


def series(folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """AUROC of windows with planted anomalies."""
    found: dict[str, Any] = {}
    for name in SERIES:
        arrays: dict[str, Any] = windows(name, data_folder() / "timeseries")
        path = folder / f"{name}.npz"
        arrays |= {
            part: arrays[part][:, :, None] for part in ("x_train", "x_test")
        }  # steps of one variable, not columns
        np.savez(path, **arrays)
        flags = ["--task", "anomaly", "--normal", "0", *WINDOWS.split()]
        result = train(path, folder / name, chosen.digit_minutes, *flags)
        normal = arrays["x_train"][arrays["y_train"] == 0]
        others = detectors(normal.reshape(len(normal), -1), arrays["x_test"].reshape(len(arrays["x_test"]), -1))
        metrics = result["metrics"]["test"]
        found[name] = {
            "sonde": round(metrics["auroc"], 4),
            **{each: round(float(roc_auc_score(arrays["y_test"], score)), 4) for each, score in others.items()},
            "false_alarm_rate": round(metrics["false_alarm_rate"], 4),
            "windows": len(arrays["x_test"]),
        }
        print(name, found[name], flush=True)
    scores = [name for name in found[SERIES[0]] if name not in ("false_alarm_rate", "windows")]
    for what, names in MEANS.items():
        found[what] = {each: round(float(np.mean([found[name][each] for name in names])), 4) for each in scores}
        print(what, found[what], flush=True)
    return {**found, "anomalies": "planted", "minutes": chosen.digit_minutes, "settings": WINDOWS}


def codes(folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """The map of MNIST in two numbers, and what eight numbers give back, beside PCA on the same rows."""
    first, last = images("mnist")
    rows = chosen.rows or None
    x, y = first["input"][:rows], first["target"][:rows]
    tx, ty = last["input"][:rows], last["target"][:rows]
    found: dict[str, Any] = {"minutes": chosen.minutes, "settings": CODES}
    for latent in (2, 8):
        out = folder / f"codes-{latent}"
        flags = ["--task", "autoencoder", "--latent", str(latent), *CODES.split()]
        result = train(stored(folder, "mnist", chosen.rows), out, chosen.minutes, *flags)
        trained = sonde.load(out)
        known, new = (coded(trained, part) for part in (x, tx))
        spec = trained.schema.input
        wide, test = ((part.reshape(len(part), -1) / 255.0 - spec.mean[0]) / spec.std[0] for part in (x, tx))
        components = PCA(latent, random_state=0).fit(wide)
        back = components.inverse_transform(components.transform(test))
        error, best = result["metrics"]["test"]["mse"], float(((test - back) ** 2).mean())
        found[f"{latent} numbers"] = {
            "mse": round(error, 4),
            "mse_of_pca": round(best, 4),
            "ratio": round(error / best, 4),
            "knn": round(neighbours(known, y, new, ty), 4),
            "knn_of_pca": round(neighbours(components.transform(wide), y, components.transform(test), ty), 4),
        }
        print(latent, found[f"{latent} numbers"], flush=True)
    return found


def coded(trained: sonde.Run, pixels: np.ndarray) -> np.ndarray:
    """(N, L) codes of images (N, 1, H, W)."""
    task: Any = trained.task
    parts = []
    with torch.inference_mode():
        for start in range(0, len(pixels), 1000):
            parts.append(task.net.encode(trained.preprocess(pixels[start : start + 1000, 0])).numpy())
    return np.concatenate(parts)


def neighbours(known: np.ndarray, classes: np.ndarray, new: np.ndarray, truth: np.ndarray) -> float:
    """Accuracy of a vote among the nearest training rows."""
    return float(KNeighborsClassifier(NEIGHBOURS).fit(known, classes).score(new, truth))


RUN: dict[str, Callable[[Path, argparse.Namespace], dict[str, Any]]] = {
    "vae": bound,
    "vq-vae": codebooks,
    "digits": digits,
    "series": series,
    "codes": codes,
}


def before() -> dict[str, Any]:
    """The parts of an earlier result."""
    path = RESULTS / "autoencoders.json"
    return {name: part for name, part in json.loads(path.read_text()).items() if name in RUN} if path.exists() else {}


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--digit-minutes", type=float, default=1)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--no-peers", action="store_true", help="leave vector-quantize-pytorch out")
    parser.add_argument("--print-only", action="store_true", help="leave benchmarks/results as it is")
    chosen = parser.parse_args(words)
    found = before()
    with tempfile.TemporaryDirectory() as temporary:
        for part in chosen.parts:
            found[part] = RUN[part](Path(temporary), chosen)
            print(json.dumps({part: found[part]}, indent=2), flush=True)
            if not chosen.print_only:
                write("autoencoders", found)


if __name__ == "__main__":
    main()
