"""ETTh1, 12/4/4 months, all seven variables in deviations of the training part, 96 steps ahead; and two short series.

python -m benchmarks.forecasting [--only patchtst dlinear]: each model with its recipe on the published split (8,640, 2,880 and
2,880 hours, look-back 336), the checkpoint chosen by validation alone, beside repeating the last day and the last value on the
same 2,785 windows. Published test errors: PatchTST/42 0.375 (Nie et al. 2022), DLinear 0.375 (Zeng et al. 2022, table 2).
Airline passengers (29 months of test) and daily minimum temperatures (730 days) are judged beside the same two; with so few
points the differences are an anecdote.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.timing import data_folder, run, write

MODELS = ("patchtst", "dlinear", "nlinear", "nhits", "nbeats", "gru-forecaster")
ETT = ("--split-at", "8640", "11520", "14400", "--horizon", "96", "--look-back", "336")
SHORT = ("airline-passengers", "daily-min-temperatures")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=MODELS, help="some models on ETTh1, printed and not written")
    only = parser.parse_args().only
    folder = data_folder() / "timeseries"
    table = {name: forecast(folder / "ETTh1.csv", "--model", name, *ETT) for name in only or MODELS}
    if only is None:
        short = {name: forecast(folder / f"{name}.csv") for name in SHORT}
        write("forecasting", {"horizon": 96, "look_back": 336, "table": table, "short": short})


def forecast(data: Path, *flags: str) -> dict[str, Any]:
    """Train once; scores of the model and of the baselines on the test windows, and what they took."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        seconds, output = run(
            [
                sys.executable,
                "-m",
                "sonde",
                "train",
                data,
                "--task",
                "forecasting",
                "--threads",
                "1",
                "--out",
                out,
                *flags,
            ]
        )
        print(output)
        result = json.loads((out / "result.json").read_text())
        beside = json.loads((out / "evaluation" / "test" / "horizon.json").read_text())
    test, validation = (result["metrics"][split] for split in ("test", "validation"))
    row = {
        "model": result["model"],
        **{name: test[name] for name in ("mse", "mae", "mase", "smape")},
        "validation mse": validation["mse"],
        "last season": {"steps": beside["season"], **beside["totals"]["last season"]},
        "last value": beside["totals"]["last value"],
        "parameters": result["parameters"],
        "epochs": result["epochs"],
        "wall seconds": round(seconds, 1),
    }
    print(json.dumps(row, indent=2), flush=True)
    return row


if __name__ == "__main__":
    main()
