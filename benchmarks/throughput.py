"""Images per second of a residual network and a vision transformer, training and inference, beside timm's in a bare loop.

python -m benchmarks.throughput [--rounds 9] [--seconds 1] [--threads N]: one process, in timm's environment, holds Sonde's
step and evaluation and timm's loop, in both memory layouts; they take turns, so that a machine that gets slower or faster
does so for all. The same weights on all sides; resident images, so that no input is measured.
"""

import argparse
import os
import time

from benchmarks.environments import python
from benchmarks.timing import ROOT, last_json, run, tools_folder, write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each turn; one step where that takes longer")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    chosen = parser.parse_args()
    begun = time.perf_counter()
    script = ROOT / "benchmarks" / "peers" / "timm_throughput.py"
    arguments = map(str, (chosen.rounds, chosen.seconds, chosen.threads))
    env = {"SONDE_PARITY_TOOLS": str(tools_folder()), "PYTHONPATH": str(ROOT)}
    _, output = run([python("timm"), script, *arguments], env=env)
    found = last_json(output)
    for row in found["rows"]:
        print(row)
    settings = {"rounds": chosen.rounds, "threads": chosen.threads, "seconds": round(time.perf_counter() - begun)}
    write("throughput", {**settings, **found})


if __name__ == "__main__":
    main()
