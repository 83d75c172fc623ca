"""Blood cells within half an hour: `sonde train bccd --time-limit 30m`, as it comes.

python -m benchmarks.detection [--minutes 30]: the data's own 112 images to learn from, 44 that choose the best checkpoint, 44
that judge it in the end. No weights from elsewhere.
"""

import argparse
import json

from benchmarks.timing import data_folder, sonde_train, write

REPORTED = ("map50", "map", "map75", "recall")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    minutes = parser.parse_args().minutes
    seconds, result = sonde_train(data_folder() / "bccd", "--time-limit", f"{round(minutes * 60)}s")
    row = {
        **{name: result["metrics"]["test"][name] for name in REPORTED},
        "validation": {name: result["metrics"]["validation"][name] for name in REPORTED},
        "model": result["model"],
        "epochs": result["epochs"],
        "wall seconds": round(seconds, 1),
        "plan": result["plan"]["lines"],
    }
    print(json.dumps(row, indent=2))
    write("detection", {"minutes": minutes, "table": {"sonde": row}})


if __name__ == "__main__":
    main()
