"""A researcher's own code with Sonde and with Lightning: lines that she writes, and what the trainer costs over a bare loop.

python -m benchmarks.own_code: a plain module, a GAN, a physics-informed network and distillation (`peers/own_code.py` holds the
twelve programs), each trainer in its own process and environment, taking turns with the same bare loop. One thread.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.environments import python
from benchmarks.timing import last_json, run, write

SCRIPT = Path(__file__).parent / "peers" / "own_code.py"
JOBS = ("plain", "gan", "physics", "distillation")


def measured(trainer: str, jobs: str, steps: int) -> dict[str, Any]:
    interpreter = sys.executable if trainer == "sonde" else python(trainer)
    root = SCRIPT.parents[2]
    _, output = run(
        [interpreter, SCRIPT, trainer, jobs, str(steps)],
        env={"OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)},
        cwd=root,
    )
    return last_json(output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3, help="in each of which the trainers follow one another")
    parser.add_argument("--jobs", default=",".join(JOBS))
    chosen = parser.parse_args()
    begun = time.perf_counter()
    rounds: list[dict[str, dict[str, Any]]] = []
    for number in range(chosen.rounds):
        rounds.append({name: measured(name, chosen.jobs, chosen.steps) for name in ("sonde", "lightning")})
        print(number + 1, json.dumps(rounds[-1]), flush=True)
    table = {job: row(job, rounds) for job in chosen.jobs.split(",")}
    print(json.dumps(table, indent=2))
    write("own_code", {"unit": "microseconds a step", "table": table, "seconds": round(time.perf_counter() - begun)})


def row(job: str, rounds: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Medians over the rounds: lines, microseconds over bare (and all of those), and of the bare loop itself."""
    found: dict[str, Any] = {}
    for name in ("sonde", "lightning"):
        of_rounds = [each[name][job] for each in rounds]
        found[name] = {
            "lines": of_rounds[0]["lines"],
            "over bare": round(statistics.median(each["over bare"] for each in of_rounds), 1),
            "over bare, each round": [round(each["over bare"], 1) for each in of_rounds],
            "bare": round(statistics.median(each["bare"] for each in of_rounds), 1),
        }
    return found


if __name__ == "__main__":
    main()
