"""CIFAR-10 in ten minutes: `sonde train cifar10 --time-limit 10m`, and what fastai's default recipe reaches in the same time.

python -m benchmarks.cifar10 [--minutes 10] [--no-peer]
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.environments import python
from benchmarks.timing import data_folder, last_json, run, tools_folder, write

HERE = Path(__file__).parent


def sonde(minutes: float) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        limit = f"{round(minutes * 60)}s"
        command = [
            sys.executable,
            "-m",
            "sonde",
            "train",
            data_folder() / "cifar10",
            "--time-limit",
            limit,
            "--out",
            out,
        ]
        seconds, output = run(command)
        print(output)
        result = json.loads((out / "result.json").read_text())
    return {
        "accuracy": result["metrics"]["test"]["accuracy"],
        "validation": result["metrics"]["validation"]["accuracy"],
        "wall seconds": round(seconds, 1),
        "status": result["status"],
        "epochs": result["epochs"],
        "plan": result["plan"]["lines"],
        "seconds": result["seconds"],
    }


def fastai(minutes: float) -> dict[str, object]:
    env = {"SONDE_PARITY_TOOLS": str(tools_folder())}
    script = HERE / "peers" / "fastai_cifar10.py"
    seconds, output = run([python("fastai"), script, data_folder() / "cifar10", str(minutes * 60)], env=env)
    return {**last_json(output), "wall seconds": round(seconds, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--no-peer", action="store_true")
    chosen = parser.parse_args()
    table = {"sonde": sonde(chosen.minutes)}
    if not chosen.no_peer:
        table["fastai"] = fastai(chosen.minutes)
    print(json.dumps(table, indent=2))
    write("cifar10", {"minutes": chosen.minutes, "table": table})


if __name__ == "__main__":
    main()
