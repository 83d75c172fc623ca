"""All cases in one table: `python -m tests.cases.run [--only NAME] [--cases FOLDER]`.

Case, what is right, what Sonde did (right, warned, refused or WRONG) and the seconds it took. Exits with 1 where any is wrong.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tests.cases import attack, python, sequences, vision
from tests.cases.case import Case, Program, Work, Wrong, cases_folder


def all_cases(folder: Path) -> dict[str, Case]:
    """Name -> case; those of `attack` are listed from the folder, which may hold more."""
    kinds = {
        "vision": vision.CASES,
        "sequences": sequences.CASES,
        "python": python.CASES,
        "attack": attack.cases(folder),
    }
    return {f"{kind}/{case.name}": case for kind, cases in kinds.items() for case in cases}


def tried(case: Case, cases: Path, base: Path, place: Path) -> tuple[str, str]:
    """What came of a case, in a word, and where it is wrong why. Folders: of all cases, of what they share, of this one."""
    if isinstance(case, Program) and any(find_spec(name) is None for name in case.needs):
        return "skipped", f"needs {', '.join(case.needs)}"
    place.mkdir(parents=True)
    try:
        return case.act(Work(cases=cases, place=place, base=base)), ""
    except Wrong as wrong:
        return "WRONG", str(wrong)


def table(cases: Path, only: str) -> Iterator[bool]:
    """Print a line a case; yields whether it is as it should be."""
    import torch

    torch.set_num_threads(1)
    print(f"{'case':<44} {'what is right':<62} {'Sonde':<8} {'s':>5}")
    with tempfile.TemporaryDirectory() as base:
        os.environ["XDG_STATE_HOME"] = str(
            Path(base) / "state"
        )  # which code was named by hand is noted for these alone
        for number, (name, case) in enumerate(all_cases(cases).items()):
            if only not in name:
                continue
            began = time.perf_counter()
            word, why = tried(case, cases, Path(base), Path(base) / f"case{number}")
            print(f"{name:<44} {case.right:<62} {word:<8} {time.perf_counter() - began:5.1f}", flush=True)
            if why:
                print(f"    {why}", flush=True)
            yield word != "WRONG"


def run() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cases.run", description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME", help="cases whose name holds this")
    parser.add_argument("--cases", type=Path, default=cases_folder(), help="the folder of cases")
    asked = parser.parse_args()
    if asked.cases is None:
        parser.error("no folder of cases; name it with --cases, or set SONDE_CASES")
    found = list(table(asked.cases.resolve(), asked.only))
    print(f"{found.count(True)} of {len(found)} as they should be")
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(run())
