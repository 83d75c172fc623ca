"""Keras's own introduction to CIFAR-10, `cifar10_cnn`: four convolutions with dropout and two dense layers, batches of 32,
images shifted by up to a tenth and mirrored. The optimiser is Adam as it comes: the example's, RMSprop at 1e-4, is for 100
epochs.

Usage: python keras_cifar10.py ARRAYS.npz SECONDS; the number of epochs is what fits, from timed steps. One JSON line.
"""

import json
import os
import sys
import time

begun = time.perf_counter()
os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np

BATCH = 32
TIMED = 30  # steps


def network():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    net = keras.Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(0.1, 0.1),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    net.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return net


def seconds_a_step(act, x, y):
    """Of `act`, a network's fit or evaluate, on the first rows."""
    rows = TIMED * BATCH
    act(x[:BATCH], y[:BATCH], batch_size=BATCH, verbose=0)
    started = time.perf_counter()
    act(x[:rows], y[:rows], batch_size=BATCH, verbose=0)
    return (time.perf_counter() - started) / TIMED


def main(path, limit):
    with np.load(path) as held:
        x, y, x_test, y_test = (held[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    trial = network()
    epoch_s = seconds_a_step(trial.fit, x, y) * len(x) / BATCH
    test_s = seconds_a_step(trial.evaluate, x_test, y_test) * len(x_test) / BATCH
    net = network()
    epochs = max(1, int((limit - (time.perf_counter() - begun) - test_s) / epoch_s))
    net.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0)
    _, score = net.evaluate(x_test, y_test, verbose=0)
    print(json.dumps({"accuracy": float(score), "epochs": epochs, "seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
