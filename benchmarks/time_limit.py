"""Is a time limit kept? Wall seconds of whole `sonde train` processes, from launch to exit, beside what was asked.

python -m benchmarks.time_limit [--runs 3] [--only digits ...]: on an idle machine, about four minutes. Each command runs so many
times, in turn. The promise is an overrun of at most 5 % or 2 seconds, whichever is more; a run that cannot keep it has a finding.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.timing import data_folder, run, write
from sonde.engine.json_lines import read_lines

LIMITS: Mapping[str, float] = {"digits": 5.0, "tinyshakespeare": 10.0, "multi30k": 60.0}
ALLOWED_SHARE, ALLOWED_S = 0.05, 2.0


def limited(name: str, asked_s: float) -> dict[str, Any]:
    """One command in a process of its own: its wall seconds, steps, and what it says of its time."""
    data = name if name == "digits" else data_folder() / name
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        words = ["-m", "sonde", "train", data, "--time-limit", f"{asked_s:g}s", "--quiet", "--out", out]
        wall_s, _ = run([sys.executable, *words])
        result = json.loads((out / "result.json").read_text())
        found = [line for line in read_lines(out / "findings.jsonl") if line["check"] == "time limit"]
    return {
        "wall_s": round(wall_s, 2),
        "steps": result["steps"],
        "evaluated": result["evaluated"],
        "finding": found[-1]["evidence"] if found else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=list(LIMITS), default=list(LIMITS))
    chosen = parser.parse_args()
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in chosen.only}
    for _ in range(chosen.runs):
        for name, runs in found.items():
            runs.append(limited(name, LIMITS[name]))
            print(f"{name}: asked {LIMITS[name]:g} s, took {runs[-1]['wall_s']:g} s", flush=True)
    table = {name: summed_up(LIMITS[name], runs) for name, runs in found.items()}
    print(json.dumps(table, indent=2))
    if set(chosen.only) == set(LIMITS):
        write("time_limit", {"allowed": {"share": ALLOWED_SHARE, "seconds": ALLOWED_S}, "table": table})
    sys.exit(not all(row["kept"] for row in table.values()))


def summed_up(asked_s: float, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Asked and taken seconds, by how much the longest run was late, and whether that is within the promise."""
    wall = [each["wall_s"] for each in runs]
    late_s = max(0.0, max(wall) - asked_s)
    return {
        "asked_s": asked_s,
        "wall_s": wall,
        "median_s": round(statistics.median(wall), 2),
        "overrun_s": round(late_s, 2),
        "kept": late_s <= max(ALLOWED_S, ALLOWED_SHARE * asked_s),
        "runs": runs,
    }


if __name__ == "__main__":
    main()
