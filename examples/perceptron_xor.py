"""A perceptron has a linear decision boundary, so it cannot learn XOR; one hidden layer can."""

import numpy as np

import sonde

rng = np.random.default_rng(0)
corners = rng.integers(0, 2, size=(400, 2)) * 2.0 - 1  # points at (±1, ±1) …
x = corners + rng.normal(scale=0.2, size=corners.shape)  # … each with a cloud around it
rules = {
    "and": (corners > 0).all(1),  # linearly separable
    "xor": corners[:, 0] != corners[:, 1],  # not linearly separable
}

accuracy = {}
for rule, y in rules.items():
    for model in ("perceptron", "mlp"):
        hidden = {"hidden": (16,), "dropout": 0, "lr": 0.01, "epochs": 40} if model == "mlp" else {}
        run = sonde.train((x, y.astype(int)), model=model, out=f"runs/{rule}-{model}", threads=1, quiet=True, **hidden)
        accuracy[rule, model] = run.metrics["accuracy"]
        print(f"{rule:<4}{model:<11}{accuracy[rule, model]:.1%}")

assert accuracy["and", "perceptron"] > 0.97
assert accuracy["xor", "perceptron"] <= 0.80  # three corners of four at best
assert accuracy["and", "mlp"] > 0.97
assert accuracy["xor", "mlp"] > 0.97
