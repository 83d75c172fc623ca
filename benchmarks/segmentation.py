"""Nuclei under the microscope within ten minutes: `sonde train dsb2018 --time-limit 10m`, as it comes.

python -m benchmarks.segmentation [--minutes 10]: 45 images to learn from, 16 that choose the best checkpoint, 11 that judge it
in the end. An object counts as found from an IoU of 0.5 on.
"""

import argparse
import json

from benchmarks.timing import data_folder, sonde_train, write

REPORTED = ("dice", "object_f1", "boundary_f1", "count_error")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    minutes = parser.parse_args().minutes
    seconds, result = sonde_train(data_folder() / "dsb2018", "--time-limit", f"{round(minutes * 60)}s")
    row = {
        **{name: result["metrics"]["test"][name] for name in REPORTED},
        "validation": {name: result["metrics"]["validation"][name] for name in REPORTED},
        "model": result["model"],
        "epochs": result["epochs"],
        "wall seconds": round(seconds, 1),
        "plan": result["plan"]["lines"],
    }
    print(json.dumps(row, indent=2))
    write("segmentation", {"minutes": minutes, "table": {"sonde": row}})


if __name__ == "__main__":
    main()
