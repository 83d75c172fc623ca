"""CIFAR-10 in ten minutes: `sonde train cifar10 --time-limit 10m`, and what the default recipes of others reach in that time.

python -m benchmarks.cifar10 [--minutes 10] [--peers fastai keras timm]: one process each, one after another. Each peer times
a few whole steps of its own, trains for as many epochs as then fit, and says its test accuracy. Keras and timm are handed the
images as arrays, which is how Keras's own loader and torchvision's hold them; fastai and Sonde decode the files, in their time.
"""

import argparse
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from benchmarks.environments import python
from benchmarks.timing import data_folder, last_json, run, sonde_train, tools_folder, write
from sonde.engine.plan import cores

PEERS = ("fastai", "keras", "timm")
PEER_SCRIPTS = Path(__file__).parent / "peers"


def sonde(cifar10: Path, minutes: float) -> dict[str, object]:
    seconds, result = sonde_train(cifar10, "--time-limit", f"{round(minutes * 60)}s")
    return {
        "accuracy": result["metrics"]["test"]["accuracy"],
        "validation": result["metrics"]["validation"]["accuracy"],
        "wall seconds": round(seconds, 1),
        "status": result["status"],
        "epochs": result["epochs"],
        "plan": result["plan"]["lines"],
        "seconds": result["seconds"],
    }


def peer(name: str, data: Path, minutes: float) -> dict[str, object]:
    env = {"SONDE_PARITY_TOOLS": str(tools_folder()), "KERAS_BACKEND": "torch"}
    seconds, output = run([python(name), PEER_SCRIPTS / f"{name}_cifar10.py", data, str(minutes * 60)], env=env)
    return {**last_json(output), "wall seconds": round(seconds, 1)}


def decoded(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, 32, 32, 3) uint8 and (N,) int64."""
    images, labels = [], []
    for path in sorted((folder / "data").glob(f"{split}-*.parquet")):
        rows = pq.read_table(path).to_pydict()
        images += [np.asarray(Image.open(io.BytesIO(image["bytes"])).convert("RGB")) for image in rows["image"]]
        labels += rows["label"]
    return np.stack(images), np.asarray(labels)


def write_arrays(folder: Path, path: Path) -> None:
    """The file that Keras and timm are handed: x_train, y_train, x_test, y_test."""
    (x, y), (x_test, y_test) = decoded(folder, "train"), decoded(folder, "test")
    np.savez(path, x_train=x, y_train=y, x_test=x_test, y_test=y_test)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--peers", nargs="*", default=PEERS, choices=PEERS)
    chosen = parser.parse_args()
    cifar10 = data_folder() / "cifar10"
    for name in chosen.peers:
        python(name)  # made now, if it must be, and not while anything is timed
    table = {"sonde": sonde(cifar10, chosen.minutes)}
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "cifar10.npz"
        write_arrays(cifar10, arrays)
        for name in chosen.peers:
            table[name] = peer(name, cifar10 if name == "fastai" else arrays, chosen.minutes)
            print(name, table[name], flush=True)
    print(json.dumps(table, indent=2))
    write("cifar10", {"minutes": chosen.minutes, "cores of each": cores(), "table": table})


if __name__ == "__main__":
    main()
