"""Training gives the same numbers at two revisions: losses, final metrics and weights of 20 configurations, to the last bit.

python -m benchmarks.unchanged [--before HEAD] [--only NAME …] [--jobs 2]. The revision is checked out beside the present tree,
which is taken as it stands, uncommitted changes too; each configuration (benchmarks/unchanged_runs.py) trains once with each of
the two, on the same small pieces of real data, with one thread and one seed. Compared are all numbers but times: every line of
metrics.jsonl, what result.json says of every split, evaluation/*/*.json, and the tensors of the best and the last checkpoint by
their names. The present tree may write more than the old one, never less. It takes about three minutes; the exit code is 1 if
anything differs that `EXPECTED` does not name.
"""

import argparse
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from safetensors import deserialize

from benchmarks.timing import ROOT, data_folder, write
from benchmarks.unchanged_runs import COMMON, CONFIGURATIONS, Configuration, pieces
from sonde.engine.used_memory import KEYS

EXPECTED: Mapping[str, str] = {}
"""Configuration -> why another number is the right one now, where a fault was mended."""

TIMES = frozenset(["seconds", "samples_per_s", "elapsed", *KEYS])
RESULTS = (
    "metrics",
    "objective",
    "best",
    "baseline",
    "parameters",
    "epochs",
    "steps",
    "skipped_updates",
    "folds",
    "spread",
)
Numbers = dict[str, Any]  # where it stands -> a number, or None for one that JSON cannot hold


@dataclass(kw_only=True)
class Comparison:
    """What was compared of one configuration; `difference` is the first, "" where there is none."""

    losses: int = 0
    metrics: int = 0
    account: int = 0  # numbers of evaluation/*/*.json
    tensors: int = 0
    weights_equal: bool = True
    difference: str = ""
    failed: bool = False  # a run broke off, which no mended fault excuses
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether `new` holds all of `old`; the first that is missing or other is remembered."""
        found = next((f"{name}: {value} before, {new.get(name, 'nothing')} now" for name, value in old.items()
                      if repr(value) != repr(new.get(name, "nothing"))), "")  # fmt: skip
        self.difference = self.difference or found
        return not found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default="HEAD", metavar="REV", help="a revision that git knows")
    parser.add_argument("--only", nargs="+", choices=list(CONFIGURATIONS), help="some, printed and not written")
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=2, help="processes at a time")
    chosen = parser.parse_args()
    names = chosen.only or list(CONFIGURATIONS)
    assert EXPECTED.keys() <= CONFIGURATIONS.keys()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        (root / "data").mkdir()
        pieces(data_folder(), root / "data")
        with checked_out(chosen.before, root / "tree") as old:
            for tree in (old, ROOT):
                uses(tree)
            table = compare_all(names, {"before": old, "now": ROOT}, root, jobs=chosen.jobs)
    wrong = [name for name, row in table.items() if row.difference and not excused(name, row)]
    seconds = time.perf_counter() - begun
    print(f"{len(table) - len(wrong)} of {len(table)} as before, in {seconds:.0f} s")
    if chosen.only is None:
        rows = {name: row_of(name, row) for name, row in table.items()}
        revisions = {"before": revision(chosen.before), "now": present()}
        write("unchanged", {**revisions, "different": wrong, "seconds": round(seconds), "table": rows})
    sys.exit(bool(wrong))


@contextmanager
def checked_out(name: str, place: Path) -> Iterator[Path]:
    """The tree of a revision, for as long as it is needed."""
    git("worktree", "add", "--detach", str(place), name)
    try:
        yield place
    finally:
        git("worktree", "remove", "--force", str(place))


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def revision(name: str) -> str:
    return git("rev-parse", "--short=12", f"{name}^{{commit}}")


def present() -> str:
    """HEAD, and whether what was run is more than that."""
    return revision("HEAD") + (" with changes" if git("status", "--porcelain") else "")


def uses(tree: Path) -> None:
    """Raises: SystemExit when a process that starts in `tree` would import another tree's sonde."""
    code, out = started([sys.executable, "-c", "import sonde; print(sonde.__file__)"], tree)
    if code or Path(out.strip()).resolve() != (tree / "sonde" / "__init__.py").resolve():
        raise SystemExit(f"a process in {tree} does not import the sonde that is there: {out.strip()}")


def started(command: Sequence[str], tree: Path) -> tuple[int, str]:
    """(exit code, what was said) of a process in `tree`, with the data that the present process has, and one thread."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "SONDE_DATA": str(data_folder())}
    env.pop("PYTHONPATH", None)  # it would stand before the tree
    done = subprocess.run(
        command, cwd=tree, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return done.returncode, done.stdout


def compare_all(names: Sequence[str], trees: Mapping[str, Path], root: Path, *, jobs: int) -> dict[str, Comparison]:
    """Every configuration with both trees, so many processes at a time; a line is printed as soon as both are done."""
    print(f"{'configuration':<24}{'losses':>8}{'metrics':>9}{'account':>9}{'tensors':>9}  {'weights':<9}verdict")
    table: dict[str, Comparison] = {}
    with ThreadPoolExecutor(jobs) as pool:
        coming = {
            name: {age: pool.submit(train, CONFIGURATIONS[name], tree, root / "data", root / f"{number}-{age}")
                   for age, tree in trees.items()}
            for number, name in enumerate(names)
        }  # fmt: skip
        for name, runs in coming.items():
            table[name] = compared(runs)
            print(line(name, table[name]), flush=True)
    return table


def train(configuration: Configuration, tree: Path, data: Path, out: Path) -> tuple[Path, str, float]:
    """(folder of the configuration's runs, what went wrong, seconds)."""
    begun, first = time.perf_counter(), out / "run-1"
    commands = [[sys.executable, "-c", configuration.program, str(data), str(first)]] if configuration.program else []
    for number, flags in enumerate(configuration.commands, 1):
        words = shlex.split(Template(f"{named(flags, tree)} {COMMON}").substitute(data=data, first=first))
        commands.append([sys.executable, "-m", "sonde", "train", *words, "--out", str(out / f"run-{number}")])
    for command in commands:
        code, said = started(command, tree)
        if code:
            return (
                out,
                f"exit code {code}: {(said.strip().splitlines() or ['silent'])[-1]}",
                time.perf_counter() - begun,
            )
    return out, "", time.perf_counter() - begun


def named(flags: str, tree: Path) -> str:
    """Flags as a tree calls them, of those that were renamed."""
    now = (tree / "sonde" / "models" / "renamed.py").exists()
    return re.sub(r"--([\w-]+)/([\w-]+)", lambda match: f"--{match[2 if now else 1]}", flags)


def compared(runs: Mapping[str, Future[tuple[Path, str, float]]]) -> Comparison:
    """Everything that the two left behind."""
    found = Comparison()
    folders: dict[str, Path] = {}
    for age, run in runs.items():
        folders[age], trouble, seconds = run.result()
        found.seconds[age] = round(seconds, 1)
        if trouble and not found.difference:
            found.difference, found.failed = f"{age}: {trouble}", True
    if found.difference:
        return found
    old, new = folders["before"], folders["now"]
    for config in sorted(old.rglob("config.yaml")):
        run = config.parent.relative_to(old)
        compare_run(found, old / run, new / run)
    if not (found.losses and found.metrics and found.tensors):
        found.difference = found.difference or "nothing to compare: no losses, metrics or weights were written"
    return found


def compare_run(found: Comparison, old: Path, new: Path) -> None:
    """Add one run folder's numbers."""
    steps, judged = logged(old), result(old) if (old / "result.json").exists() else {}
    found.losses += sum(name.endswith(" loss") for name in steps)
    found.metrics += sum(" evaluation " in name for name in steps) + len(judged)
    found.add(steps, logged(new))
    found.add(judged, result(new))
    account = accounts(old)
    found.account += len(account)
    found.add(account, accounts(new))
    held = tensors(old)
    found.tensors += len(held)
    found.weights_equal = found.add(held, tensors(new)) and found.weights_equal


def logged(run: Path) -> Numbers:
    """Of each step and each evaluation of metrics.jsonl, in their order, and how many there are."""
    path = run / "metrics.jsonl"
    if not path.exists():  # of cross-validation as a whole
        return {}
    rows = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["kind"] in ("step", "evaluation")]
    named: Numbers = {f"{run.name}/metrics.jsonl lines": len(rows)}
    for number, row in enumerate(rows, 1):
        named |= numbers(row, f"{run.name}/metrics.jsonl {row['kind']} {number}", " ")
    return named


def result(run: Path) -> Numbers:
    path = run / "result.json"
    held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return numbers({name: held[name] for name in RESULTS if name in held}, f"{run.name}/result.json", " ")


def accounts(run: Path) -> Numbers:
    """Confusions, curves, worst rows: every number below evaluation/."""
    named: Numbers = {}
    for path in sorted((run / "evaluation").rglob("*.json")):
        named |= numbers(json.loads(path.read_text(encoding="utf-8")), f"{run.name}/{path.relative_to(run)}", " ")
    return named


def numbers(value: Any, place: str, joint: str = ".") -> Numbers:
    """Every number in JSON, by its place; times and texts left out."""
    if isinstance(value, dict):
        parts = [(name, part) for name, part in value.items() if name not in TIMES]
    elif isinstance(value, list):
        parts = list(enumerate(value))
    else:
        return {} if isinstance(value, str) else {place: value}
    named: Numbers = {}
    for name, part in parts:
        named |= numbers(part, f"{place}{joint}{name}")
    return named


def tensors(run: Path) -> dict[str, str]:
    """A hash of type, shape and bytes of every tensor, by checkpoint and name."""
    named: dict[str, str] = {}
    for checkpoint in ("last", "best"):
        path = run / "checkpoints" / checkpoint / "weights.safetensors"
        for name, tensor in deserialize(path.read_bytes()) if path.exists() else ():
            content = f"{tensor['dtype']} {tensor['shape']} ".encode() + bytes(tensor["data"])
            named[f"{run.name}/{checkpoint} {name}"] = hashlib.sha256(content).hexdigest()
    return named


def excused(name: str, row: Comparison) -> bool:
    return name in EXPECTED and not row.failed


def verdict(name: str, row: Comparison) -> str:
    if not row.difference:
        return "equal, though EXPECTED names it" if name in EXPECTED else "equal"
    return f"{f'expected ({EXPECTED[name]})' if excused(name, row) else 'DIFFERENT'}: {row.difference}"


def line(name: str, row: Comparison) -> str:
    weights = "equal" if row.weights_equal and row.tensors else "no"
    counts = f"{row.losses:>8}{row.metrics:>9}{row.account:>9}{row.tensors:>9}"
    return f"{name:<24}{counts}  {weights:<9}{verdict(name, row)}"


def row_of(name: str, row: Comparison) -> dict[str, Any]:
    """A row of the table in benchmarks/results."""
    return {
        "losses": row.losses,
        "metrics": row.metrics,
        "numbers of the account": row.account,
        "tensors": row.tensors,
        "equal": not row.difference,
        "first difference": row.difference or None,
        "expected": EXPECTED.get(name),
        "seconds": row.seconds,
    }


if __name__ == "__main__":
    main()
