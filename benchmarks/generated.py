"""How good the samples of several runs are, in one table: by one judge, beside the same real rows, at the same number of samples.

python -m benchmarks.generated RUN … --data mnist --judge RUN [--number 5000] [--guidance 1 2] [--write]

Each run is measured as `sonde eval RUN DATA --judge JUDGE` does it, once for each guidance that is named (of runs that know none:
once), and its samplers' speed by the best of three times 64 samples, with the threads that torch takes. Two halves of the real
rows stand in the last line: no model can be told to be better than these. With --write the table goes to benchmarks/results.

Does it help a classifier? python -m benchmarks.generated --help-with mnist cifar10 [--minutes 20] [--seeds 3]: a tenth of the
labels; a flow-matching run trained on these rows alone makes samples of each class, with --guidance where it is named; the
default classifier is trained with its recipe's augmentation, and with `auto,generated=RUN` besides, for as many steps, at each
seed. It takes minutes + 6 trainings a set.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sonde
from benchmarks.timing import RESULTS, data_folder, run, spread, write
from sonde.core.files import read_json
from sonde.core.seams import abilities_of
from sonde.run.run import Run
from sonde.run.sample_quality import Asked, sample_quality

AT_A_TIME = 64  # samples that speed is measured on
COLUMNS = ("class_agreement", "frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage")
FRACTION, SHARE = 0.1, 0.3


def per_second(made: Run) -> float:
    """Samples a second, the best of three."""
    spent = []
    for _ in range(3):
        begun = time.perf_counter()
        made.sample(AT_A_TIME)
        spent.append(time.perf_counter() - begun)
    return AT_A_TIME / min(spent)


def measured(folder: Path, data: Path, judge: Run, chosen: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Run and guidance -> a row of the table."""
    made = sonde.load(folder)
    able = abilities_of(made.task).generation
    assert able is not None, folder
    speed = round(per_second(made), 1)
    rows: dict[str, dict[str, Any]] = {}
    for guidance in chosen.guidance if able.guided else [1.0]:
        found = sample_quality(made, data, judge, Asked(number=chosen.number, guidance=guidance, seed=chosen.seed))
        row = {each["name"]: each["value"] for each in found["measures"]}
        row |= {f"{each['name']} of real rows": each["real"] for each in found["measures"]}
        copies = found["memorisation"] or {}
        row |= {name: copies.get(name) for name in ("p_distance", "p_ratio", "copied", "copied_held_out")}
        row |= {"task": made.spec.name, "samples/s": speed, "steps": found["samples"]["steps"], "n": found["n"]}
        row |= {"weights": found["weights"], "judge": found["judge"], "caution": found["caution"]}
        rows[f"{folder.name}, guidance {guidance:g}"] = row
        print(f"{folder.name}, guidance {guidance:g}: {json.dumps(row)}", flush=True)
    return rows


def show(table: Mapping[str, Mapping[str, Any]]) -> None:
    """The table for a terminal; real rows last."""
    last = {name: next(iter(table.values())).get(f"{name} of real rows") for name in COLUMNS}
    width = max(map(len, (*table, "real rows")))
    print(" " * width, *(f"{name.replace('_distance', ''):>16}" for name in (*COLUMNS, "samples/s")))
    for name, row in {**table, "real rows": last}.items():
        cells = ["-" if row.get(column) is None else f"{row[column]:.4g}" for column in (*COLUMNS, "samples/s")]
        print(f"{name:<{width}}", *(f"{cell:>16}" for cell in cells))


def accuracy(data: Path, out: Path, *flags: str | Path) -> float:
    """Test accuracy of a classifier after `sonde train`."""
    run(
        [
            sys.executable,
            "-m",
            "sonde",
            "train",
            data,
            "--label-fraction",
            str(FRACTION),
            "--out",
            out,
            "--quiet",
            *flags,
        ]
    )
    return float(read_json(out / "result.json")["metrics"]["test"]["accuracy"])


def helped(name: str, place: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """Test accuracies with samples and without, of each seed."""
    data, made = data_folder() / name, place / f"{name}-flow"
    data = data if data.exists() else Path(name)
    limit = ["--time-limit", f"{round(60 * chosen.minutes)}s", "--label-fraction", str(FRACTION)]
    run([sys.executable, "-m", "sonde", "train", data, "--task", "flow-matching", "--out", made, "--quiet", *limit])
    guidance, ways = chosen.guidance[0], {"without": list[float](), "with": list[float]()}
    for seed in range(chosen.seeds):
        for way, text in (
            ("without", "auto"),
            ("with", f"auto,generated={made},share={SHARE:g},guidance={guidance:g}"),
        ):
            found = accuracy(data, place / f"{name}-{way}-{seed}", "--seed", str(seed), "--augment", text)
            ways[way].append(found)
            print(f"{name}, {way}, seed {seed}: {found:.4f}", flush=True)
    gains = [more - less for more, less in zip(ways["with"], ways["without"], strict=True)]
    return {way: spread(values) for way, values in ways.items()} | {"gain": spread(gains), "guidance": guidance}


def earlier(chosen: argparse.Namespace) -> dict[str, Any]:
    """What was found of other sets in as many minutes: one set takes half an hour, so they may be measured one by one."""
    path = RESULTS / "generated.json"
    kept = read_json(path) if path.exists() else {}
    return kept.get("helped", {}) if kept.get("minutes") == chosen.minutes else {}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("runs", nargs="*", type=Path)
    flags.add_argument("--data", type=Path, default=Path("mnist"))
    flags.add_argument("--judge", type=Path)
    flags.add_argument("--number", type=int, default=5000)
    flags.add_argument("--guidance", type=float, nargs="+", default=[1.0])
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--help-with", nargs="+", default=[])
    flags.add_argument("--minutes", type=float, default=20)
    flags.add_argument("--seeds", type=int, default=3)
    flags.add_argument("--write", action="store_true")
    chosen = flags.parse_args(argv)
    content: dict[str, Any] = {}
    if chosen.runs:
        if chosen.judge is None:
            flags.error("runs are measured by a judge: --judge RUN")
        judge, table = sonde.load(chosen.judge), {}
        for folder in chosen.runs:
            table |= measured(folder, chosen.data, judge, chosen)
        show(table)
        content |= {"number": chosen.number, "data": str(chosen.data), "table": table}
    if chosen.help_with:
        with tempfile.TemporaryDirectory() as place:
            found = {name: helped(name, Path(place), chosen) for name in chosen.help_with}
        print(json.dumps(found, indent=2))
        content |= {
            "label fraction": FRACTION,
            "share": SHARE,
            "minutes": chosen.minutes,
            "helped": earlier(chosen) | found,
        }
    if chosen.write:
        write("generated", content)


if __name__ == "__main__":
    main()
