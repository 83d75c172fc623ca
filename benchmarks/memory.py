"""Peak memory of training on CIFAR-10, beside what cannot be less: torch imported, and the packed pixels.

python -m benchmarks.memory
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.timing import data_folder, write

TRAIN = """
import resource, sys
from sonde.cli.main import main
code = main(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(code)
"""


def peak_mib(code: str, *arguments: str) -> float:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    line = next(line for line in reversed(done.stdout.splitlines()) if line.startswith("peak"))
    return int(line.split()[1]) / 1024


def main() -> None:
    imported = peak_mib("import torch, resource; print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)")
    rows = {"cifar10": 60_000 * 3 * 32 * 32, "mnist": 70_000 * 28 * 28}
    table = {}
    for name, packed in rows.items():
        with tempfile.TemporaryDirectory() as folder:
            out = str(Path(folder) / "run")
            flags = ["--steps", "60", "--threads", "2", "--out", out]
            peak = peak_mib(TRAIN, "train", str(data_folder() / name), *flags)
        floor = imported + packed / 2**20
        table[name] = {
            "torch imported, MiB": round(imported, 1),
            "packed, MiB": round(packed / 2**20, 1),
            "peak, MiB": round(peak, 1),
            "ratio": round(peak / floor, 3),
        }
        print(name, table[name], flush=True)
    print(json.dumps(table, indent=2))
    write("memory", {"table": table})


if __name__ == "__main__":
    main()
