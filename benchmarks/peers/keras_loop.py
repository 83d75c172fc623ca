"""Keras 3's fit on its torch backend, resident tensors, no progress bar."""

import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
sys.path.insert(0, str(Path(__file__).parent))
import keras
import numpy as np
import torch
from bare_loop import bare_loop, data


def model():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    net = keras.Sequential(
        [
            layers.Input((784,)),
            layers.Dense(256, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10),
        ]
    )
    net.compile(
        optimizer=keras.optimizers.Adam(1e-3), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    return net


def seconds(x, y, steps):
    net = model()
    net.fit(x[:128], y[:128], batch_size=64, verbose=0)
    begun = time.perf_counter()
    net.fit(x[: steps * 64], y[: steps * 64], batch_size=64, verbose=0)
    return time.perf_counter() - begun


def main(steps, rounds):
    torch.set_num_threads(1)
    x, y = data()
    rows = {"bare": [], "bare that records": [], "keras": []}
    arrays = np.asarray(x), np.asarray(y)
    steps = min(steps, len(x) // 64 - 10)
    for _ in range(rounds):
        rows["bare"].append(bare_loop(x, y, steps, record=False))
        rows["bare that records"].append(bare_loop(x, y, steps, record=True))
        rows["keras"].append(seconds(*arrays, steps) / steps * 1e6)
    print(json.dumps({name: statistics.median(values) for name, values in rows.items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
