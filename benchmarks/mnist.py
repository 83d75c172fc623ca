"""The introductory MNIST network and the default recipe, beside the textbook PyTorch script, in one run.

python -m benchmarks.mnist [--rounds 3]: each round runs the textbook script, Sonde's introductory command and Sonde's
default command one after another; whole processes are timed, start to exit.
"""

import argparse
import gzip
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.environments import python
from benchmarks.timing import data_folder, last_json, run, spread, tools_folder, write

HERE = Path(__file__).parent
INTRODUCTORY = [
    "--model",
    "mlp",
    "--hidden",
    "256",
    "128",
    "--dropout",
    "0.2",
    "--optimizer",
    "adam",
    "--lr",
    "1e-3",
    "--batch-size",
    "64",
    "--epochs",
    "5",
    "--validation",
    "0",
]


def textbook(root: Path) -> dict[str, float]:
    env = {"SONDE_PARITY_TOOLS": str(tools_folder())}
    seconds, output = run([python("torchvision"), HERE / "peers" / "textbook_mnist.py", root], env=env)
    return {"seconds": seconds, "accuracy": last_json(output)["accuracy"]}


def sonde(data: Path, out: Path, *flags: str) -> dict[str, float]:
    seconds, _ = run([sys.executable, "-m", "sonde", "train", data, "--out", out, *flags])
    result = json.loads((out / "result.json").read_text())
    return {"seconds": seconds, "accuracy": result["metrics"]["test"]["accuracy"], "inside": result["seconds"]}


def unpack(mnist: Path, root: Path) -> None:
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in mnist.glob("*.gz"):
        with gzip.open(path) as packed, (raw / path.stem).open("wb") as plain:
            shutil.copyfileobj(packed, plain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    mnist = data_folder() / "mnist"
    rows: dict[str, list[dict[str, float]]] = {"textbook": [], "introductory": [], "default": []}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        unpack(mnist, root)
        for number in range(rounds):
            seed = str(number)
            rows["textbook"].append(textbook(root))
            rows["introductory"].append(sonde(mnist, root / f"intro-{number}", "--seed", seed, *INTRODUCTORY))
            rows["default"].append(sonde(mnist, root / f"default-{number}", "--seed", seed))
            print({name: values[-1] for name, values in rows.items()}, flush=True)
    ratios = [t["seconds"] / i["seconds"] for t, i in zip(rows["textbook"], rows["introductory"], strict=True)]
    default = [t["seconds"] / d["seconds"] for t, d in zip(rows["textbook"], rows["default"], strict=True)]
    summary: dict[str, Any] = {
        name: {key: spread([value[key] for value in values]) for key in ("seconds", "accuracy")}
        for name, values in rows.items()
    }
    summary["textbook time / introductory time"] = spread(ratios)
    summary["textbook time / default time"] = spread(default)
    print(json.dumps(summary, indent=2))
    write("mnist", {"summary": summary, "rounds": rows})


if __name__ == "__main__":
    main()
