"""Likelihood of held-out rows: a normalizing flow beside a Gaussian mixture chosen by BIC, on the numbers of four tables.

Usage: python -m benchmarks.flows [--seeds 3] [--seconds 120] [--only housing]    about an hour of one core

Each seed draws its own 20 % of test rows, and 10 % of the rest as validation rows. The flow trains on the rest, for at most
--seconds a table, and chooses its checkpoint by the validation rows; scikit-learn's GaussianMixture gets
training and validation rows together, with full or diagonal covariances and the number of components of the lowest BIC.

Columns are rounded numbers, of which a density can be made as high as one likes: so uniform noise within the usual step of each
column (the median between distinct values) is added beforehand, and both get the same numbers, standardised by the training and
validation rows. Nats a row are in these units; lower is better. Beside both stand a single Gaussian, and the flow's own
beginning: columns that know nothing of each other.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from sklearn.mixture import GaussianMixture

import sonde
from benchmarks.timing import data_folder, machine, spread, write
from sonde.data.splits import split_rows

COMPONENTS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 50, 64, 96, 128)
COVARIANCES = ("full", "diag")


@dataclass(frozen=True)
class Table:
    """name: of a file in the data folder;  leave: columns that are no measurements."""

    name: str
    place: str
    leave: tuple[str, ...] = ()


TABLES = (
    Table("housing", "tabular/housing.csv"),
    Table("electricity", "timeseries/ETTh1.csv"),
    Table("molecules", "molecules/delaney-processed.csv", ("ESOL predicted log solubility in mols per litre",)),
    Table("penguins", "tabular/penguins.csv", ("year",)),
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=120, help="of training, for each table and seed")
    parser.add_argument("--only", choices=[table.name for table in TABLES], help="one table, printed and not written")
    asked = parser.parse_args()
    about = machine()
    results: dict[str, Any] = {}
    for table in TABLES:
        if asked.only not in (None, table.name):
            continue
        runs = [compare(table, seed, asked.seconds) for seed in range(asked.seeds)]
        methods = [name for name in runs[0] if isinstance(runs[0][name], float)]
        results[table.name] = {
            "rows": runs[0]["rows"],
            "columns": runs[0]["columns"],
            "nats a row": {name: spread([run[name] for run in runs]) for name in methods},
            "seconds": {name: spread([run["seconds"][name] for run in runs]) for name in runs[0]["seconds"]},
            "components": [run["components"] for run in runs],
        }
        print(table.name, results[table.name])
    if asked.only is None:
        write(
            "flows",
            {"machine": about, "seeds": asked.seeds, "scikit-learn": sklearn.__version__, "tables": results},
        )


def compare(table: Table, seed: int, seconds: int) -> dict[str, Any]:
    """Nats a held-out row of each method, for one split."""
    found = numbers(table, seed)
    parts = {
        split: found.iloc[index] for split, index in split_rows(len(found), test=0.2, validation=0.1, seed=seed).items()
    }
    known = pd.concat([parts["train"], parts["validation"]])
    parts = {split: (part - known.mean()) / known.std(ddof=0) for split, part in parts.items()}
    started = time.perf_counter()
    flow, plain = with_sonde(parts, seed, seconds)
    between = time.perf_counter()
    mixture, single, components = with_mixture(parts, seed)
    return {
        "rows": len(known),
        "columns": found.shape[1],
        "flow": flow,
        "mixture": mixture,
        "one Gaussian": single,
        "independent columns": plain,
        "components": components,
        "seconds": {"flow": between - started, "mixture": time.perf_counter() - between},
    }


def numbers(table: Table, seed: int) -> pd.DataFrame:
    """The complete rows of the columns that hold numbers, with noise below their steps."""
    frame = pd.read_csv(data_folder() / table.place).select_dtypes("number").drop(columns=list(table.leave))
    frame = frame.dropna().astype(float)
    generator = np.random.default_rng(seed)
    for name in frame:
        step = np.median(np.diff(np.unique(frame[name])))
        frame[name] += step * generator.random(len(frame))
    return frame


def with_sonde(parts: dict[str, pd.DataFrame], seed: int, seconds: int) -> tuple[float, float]:
    """(nats of the flow, nats of independent columns)."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "data"
        folder.mkdir()
        for split, part in parts.items():
            part.to_csv(folder / f"{split}.csv", index=False)
        run = sonde.train(
            folder, task="normalizing-flow", seed=seed, out=Path(place) / "run", time_limit=f"{seconds}s", quiet=True
        )
        columns = run.schema.input.columns
        assert len(columns) == parts["train"].shape[1]
        units = sum(np.log(column.std) for column in columns)  # from the run's standard deviations to those given
        found = run.predict(folder / "test.csv")
        flow = -float(np.mean([row["log_likelihood"] for row in found])) + units
        return flow, float(run.result["baseline"]["loss"]) + units


def with_mixture(parts: dict[str, pd.DataFrame], seed: int) -> tuple[float, float, int]:
    """(nats of the mixture with the lowest BIC, nats of one Gaussian, components)."""
    known = pd.concat([parts["train"], parts["validation"]]).to_numpy()
    test = parts["test"].to_numpy()
    fitted = [
        GaussianMixture(number, covariance_type=kind, random_state=seed, max_iter=500).fit(known)
        for kind in COVARIANCES
        for number in COMPONENTS
        if number * known.shape[1] < len(known) / 2
    ]
    best = min(fitted, key=lambda model: model.bic(known))
    return -float(best.score(test)), -float(fitted[0].score(test)), int(best.n_components)


if __name__ == "__main__":
    main()
