"""Your own table: write a CSV, name the target column, predict a new row."""

import csv
from pathlib import Path
from typing import Any

from sklearn.datasets import load_iris

import sonde

iris: Any = load_iris()
columns = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
with Path("iris.csv").open("w", newline="") as file:
    table = csv.writer(file)
    table.writerow([*columns, "species"])
    for flower, kind in zip(iris.data, iris.target, strict=True):
        table.writerow([*flower, iris.target_names[kind]])

run = sonde.train("iris.csv", target="species", epochs=30)
new = {"sepal_length": [5.0], "sepal_width": [3.4], "petal_length": [1.5], "petal_width": [0.2]}
answer = run.predict(new)[0]
print(answer)

assert run.metrics["accuracy"] > 0.85
assert answer["prediction"] == "setosa"
