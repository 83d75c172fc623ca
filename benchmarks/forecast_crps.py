"""Forecast distributions: diffusion beside quantile regression, of equal training time, by the CRPS on the test windows.

python -m benchmarks.forecast_crps [--minutes 2] [--seeds 3] [--only ETTh1 …] [--print-only]

ETTh1 (seven variables, 24 hours ahead, the published split), daily minimum temperatures (7 days) and airline passengers (12
months). Both train the recipe's network for `--minutes` of one thread, start, validation and report included, and choose their
checkpoint by the CRPS on the validation windows. Then all test windows are scored: of diffusion the fair CRPS of 32 paths, of
quantile regression twice the integral of the pinball losses of 19 quantiles (0.05, 0.1, … 0.95), which of a normal forecast
that is right is 0.4 % less than the CRPS; pinball, MAE of the median and coverage are by the same quantiles in both. Beside
them stand a normal distribution about the last season, one of the training values, and the diffusion's own run with its denoiser
silenced, a normal distribution about its forecast, which tells what diffusion adds. `--minutes 0.9 --seeds 1 --only
min-temperatures` tries it.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

import sonde
from benchmarks.timing import data_folder, run, write

QUANTILES = [f"{5 * place / 100:g}" for place in range(1, 20)]
DATA = {
    "ETTh1": ("ETTh1.csv", "--split-at", "8640", "11520", "14400", "--horizon", "24", "--look-back", "168"),
    "min-temperatures": ("daily-min-temperatures.csv",),
    "airline-passengers": ("airline-passengers.csv",),
}
WAYS = {
    "diffusion": ("--task", "diffusion-forecasting"),
    "quantile regression": ("--task", "forecasting", "--loss", "quantile"),
}
SILENCED = "diffusion, denoiser silenced"
SCORES = ("crps", "mae", "pinball", "coverage_50", "coverage_80", "coverage_90")


def trained(file: Path, flags: tuple[str, ...], out: Path, minutes: float, seed: int) -> float:
    """Wall seconds of `sonde train`, which leaves its run in `out`."""
    common = ("--quantiles", *QUANTILES, "--monitor", "crps", "--threads", "1", "--seed", str(seed), "--out", out)
    limit = ("--time-limit", f"{round(60 * minutes)}s")
    seconds, output = run([sys.executable, "-m", "sonde", "train", file, *flags, *limit, *common])
    print(output, flush=True)
    return seconds


def scored(file: Path, out: Path) -> dict[str, dict[str, float]]:
    """Scores on all test windows, of a run of diffusion also without what its denoiser adds."""
    opened = sonde.load(out)
    found = {"": opened.evaluate(str(file), split="test")}
    if "denoiser" in opened.task.modules:
        with torch.no_grad():
            for parameter in opened.task.modules["denoiser"].get_submodule("head").parameters():
                parameter.zero_()
        found[SILENCED] = opened.evaluate(str(file), split="test")
    return {name: {score: values[score] for score in SCORES} for name, values in found.items()}


def compared(name: str, minutes: float, seeds: int) -> dict[str, Any]:
    """Means over the seeds, their deviations for the CRPS, and the plain distributions on the same windows."""
    file, flags = data_folder() / "timeseries" / DATA[name][0], DATA[name][1:]
    runs: dict[str, list[dict[str, float]]] = {}
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    plain: dict[str, float] = {}
    for seed in range(seeds):
        for way, chosen in WAYS.items():
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "run"
                seconds[way].append(trained(file, (*flags, *chosen), out, minutes, seed))
                for what, scores in scored(file, out).items():
                    runs.setdefault(what or way, []).append(scores)
                totals = json.loads((out / "evaluation" / "test" / "crps.json").read_text())["totals"]
            plain = {what: value for what, value in totals.items() if what != "model"}  # of quantiles, on all windows
    table: dict[str, Any] = {}
    for way, all_of in runs.items():
        means = {score: round(statistics.mean(each[score] for each in all_of), 4) for score in SCORES}
        spread = statistics.stdev(each["crps"] for each in all_of) if seeds > 1 else None
        table[way] = {**means, "crps deviation": None if spread is None else round(spread, 4)}
        table[way] |= {"wall seconds": round(statistics.mean(seconds[way]), 1)} if way in seconds else {}
    table |= {f"normal, {what}": {"crps": round(value, 4)} for what, value in plain.items()}
    print(name, json.dumps(table, indent=2), flush=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--print-only", action="store_true", help="leave benchmarks/results as it is")
    chosen = parser.parse_args()
    found = {name: compared(name, chosen.minutes, chosen.seeds) for name in chosen.only}
    if not chosen.print_only:
        write("forecast_crps", {"minutes": chosen.minutes, "seeds": chosen.seeds, "table": found})


if __name__ == "__main__":
    main()
