"""Keras 3's fit on two LSTM layers of 256, beside the bare torch loop in the same process, taking turns.

Usage: KERAS_BACKEND=torch python keras_lstm.py STEPS ROUNDS THREADS. One JSON line: tokens a second, medians.
"""

import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import keras
import torch
from bare_lstm import BATCH, CLIP, LAYERS, SYMBOLS, WIDTH, WINDOW, steps, text, tokens_per_s


def model():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    net = keras.Sequential(
        [
            layers.Input((WINDOW,), dtype="int32"),
            layers.Embedding(SYMBOLS, WIDTH),
            *(layers.LSTM(WIDTH, return_sequences=True) for _ in range(LAYERS)),
            layers.Dense(SYMBOLS),
        ]
    )
    net.compile(
        optimizer=keras.optimizers.Adam(1e-3, global_clipnorm=CLIP),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return net


def main(count, rounds, threads):
    torch.set_num_threads(threads)
    tokens = text()
    starts = torch.randint(len(tokens) - WINDOW, (count * BATCH, 1), generator=torch.Generator().manual_seed(1))
    windows = tokens[starts + torch.arange(WINDOW + 1)].numpy().astype("int32")
    x, y = windows[:, :-1], windows[:, 1:]
    net, bare = model(), steps(tokens)
    net.fit(x[: 2 * BATCH], y[: 2 * BATCH], batch_size=BATCH, verbose=0)  # builds and compiles
    next(bare)
    rates = {"bare": [], "keras": []}
    for _ in range(rounds):
        rates["bare"].append(tokens_per_s(bare, count))
        begun = time.perf_counter()
        net.fit(x, y, batch_size=BATCH, verbose=0)
        rates["keras"].append(count * BATCH * WINDOW / (time.perf_counter() - begun))
    print(json.dumps({name: round(statistics.median(values)) for name, values in rates.items()}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
