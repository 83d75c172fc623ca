"""Spoken digits within three minutes: `sonde train fsdd --time-limit 3m`, once as classes and once as speech to be recognised.

python -m benchmarks.speech [--minutes 3]: 486 recordings of six speakers to learn from, 54 that choose the best checkpoint, and
the data's own 120 (takes 0 to 4 of each digit and speaker, of which the subset has 0 and 1) that judge it in the end. A digit
counts as recognised when every letter of its word is right.
"""

import argparse
import json
from typing import Any

from benchmarks.timing import data_folder, sonde_train, write

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DATA = ("--labels", "{label}_{speaker}_{take}", "--held-out", "take=0-4")
SPOKEN = ("--task", "speech-recognition", "--label-names", *(f"{n}={word}" for n, word in enumerate(DIGITS)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3)
    minutes = parser.parse_args().minutes
    table = {
        "classes": measured(minutes, reported=("accuracy", "macro_f1")),
        "speech recognition": measured(minutes, *SPOKEN, reported=("accuracy", "wer", "cer")),
    }
    print(json.dumps(table, indent=2))
    write("speech", {"minutes": minutes, "table": table})


def measured(minutes: float, *flags: str, reported: tuple[str, ...]) -> dict[str, Any]:
    """One run, as a row of the table."""
    seconds, result = sonde_train(data_folder() / "fsdd", *DATA, *flags, "--time-limit", f"{round(minutes * 60)}s")
    return {
        **{name: result["metrics"]["test"][name] for name in reported},
        "validation": {name: result["metrics"]["validation"][name] for name in reported},
        "model": result["model"],
        "epochs": result["epochs"],
        "wall seconds": round(seconds, 1),
        "plan": result["plan"]["lines"],
    }


if __name__ == "__main__":
    main()
