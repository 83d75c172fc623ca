"""Does the doctor cry wolf? Every task's default recipe on real data, and all that each run says.

python -m benchmarks.doctor_recipes [--only NAME] [--seconds 40] [--processes 1]: `sonde.train(data, time_limit=…)` on one
thread, for each task and kind of data, with no settings but those that say what is to be learned (a target, a task). Small
data with three seeds, and once without a limit, for as long as the recipe lasts; large networks for half as long again.
About 50 minutes. `--only NAME` runs those whose name holds a word, printed and not written.

Whatever a run says is one of these:

length  true since the time limit cut the run, or drew it out (LENGTH, TOO_SOON, LONGER)
true    true of the data, for the reason that stands in TRUE
reader  how the data were read, said before any training (READING): no verdict on the run
note    only suspected, or explained by something else: kept in the report, and not shown as a warning
alarm   a warning that is none of these: a false alarm
"""

import argparse
import contextlib
import csv
import gzip
import io
import json
import shutil
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from benchmarks.timing import data_folder, write

Made = Callable[[Path], Any]
"""Data of a case. Its argument is an empty folder to write into where the files are not read as they are."""


@dataclass(frozen=True)
class Case:
    """data: what is trained on;  learned: settings that say what is to be learned;  seeds: of each a run
    whole: whether it also runs without a time limit;  large: whether it gets half as much time again"""

    name: str
    data: Made
    learned: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)
    whole: bool = False
    large: bool = False

    def limits(self, seconds: float) -> list[tuple[int, float | None]]:
        """(seed, seconds) of its runs; None for no limit."""
        runs: list[tuple[int, float | None]] = [(seed, seconds * (1.5 if self.large else 1)) for seed in self.seeds]
        return [*runs, (0, None)] if self.whole else runs


def _here(*parts: str) -> Made:
    return lambda _: str(data_folder().joinpath(*parts))


def _promoters(folder: Path) -> str:
    return _genes(folder, "promoters")


def _splice(folder: Path) -> str:
    return _genes(folder, "splice")


def _genes(folder: Path, name: str) -> str:
    """`class, name, sequence` without a header, as a table of class and sequence."""
    lines = (data_folder() / "genomics" / f"{name}.data").read_text(encoding="utf-8").splitlines()
    rows = [[part.strip() for part in line.split(",")] for line in lines if line.strip()]
    return _table(folder / f"{name}.csv", ["class", "sequence"], [[row[0], row[2].upper()] for row in rows])


def _table(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


def _pairs(folder: Path) -> str:
    """Questions beside a paragraph: their own, or the next article's."""
    articles = json.loads((data_folder() / "xquad_en" / "xquad.en.json").read_text(encoding="utf-8"))["data"]
    rows = []
    for place, article in enumerate(articles):
        other = articles[(place + 1) % len(articles)]["paragraphs"]
        for number, paragraph in enumerate(article["paragraphs"]):
            for turn, asked in enumerate(paragraph["qas"]):
                own = turn % 2 == 0
                text = paragraph["context"] if own else other[number % len(other)]["context"]
                rows.append([asked["question"], text, "answers" if own else "does not"])
    return _table(folder / "pairs.csv", ["question", "paragraph", "label"], rows)


def _connect_four(folder: Path) -> str:
    """How often each column was played, and the score of the position: little to learn from, on purpose."""
    lines = next((data_folder() / "games").glob("*.txt")).read_text().splitlines()
    rows = [line.split() for line in lines if line.strip()]
    positions = [[moves.count(column) for column in "1234567"] + [len(moves), int(score)] for moves, score in rows]
    return _table(folder / "games.csv", [*(f"column {n}" for n in range(1, 8)), "moves", "score"], positions)


def _characters(folder: Path) -> str:
    """Omniglot: twenty drawings of each of 136 characters, a folder each."""
    with zipfile.ZipFile(data_folder() / "omniglot" / "images_background_small1.zip") as packed:
        packed.extractall(folder / "packed")
    out = folder / "characters"
    for character in sorted(each for each in (folder / "packed").rglob("character*") if each.is_dir()):
        shutil.copytree(character, out / f"{character.parent.name}-{character.name}")
    return str(out)


def _tox21(folder: Path) -> str:
    path = folder / "tox21.csv"
    path.write_bytes(gzip.decompress((data_folder() / "molecules" / "tox21.csv.gz").read_bytes()))
    return str(path)


def _speeches(folder: Path) -> str:
    """Addresses of presidents, a file each, some in Latin-1."""
    with zipfile.ZipFile(data_folder() / "corpora" / "inaugural.zip") as packed:
        for name in packed.namelist():
            if name.endswith(".txt"):
                (folder / Path(name).name).write_text(packed.read(name).decode("latin-1"), encoding="utf-8")
    return str(folder)


DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPOKEN = {"labels": "{label}_{speaker}_{take}", "held_out": "take=0-4"}
WORDS = {"task": "speech-recognition", "label_names": tuple(f"{n}={word}" for n, word in enumerate(DIGITS))}
SOLUBILITY = "measured log solubility in mols per litre"
HOUSING, TITANIC, PENGUINS = (_here("tabular", f"{name}.csv") for name in ("housing", "titanic", "penguins"))
SIZES = {"target": ("body_mass_g", "flipper_length_mm"), "skip_unreadable": True}
SHAKESPEARE, SERIES = _here("tinyshakespeare", "input.txt"), {"task": "forecasting"}
THREE = (0, 1, 2)
CASES = (
    Case("digits", lambda _: "digits", seeds=THREE, whole=True),
    Case("mnist", _here("mnist")),
    Case("cifar10", _here("cifar10"), large=True),
    Case("omniglot, 136 classes", _characters, large=True),
    Case("detection, cells", _here("bccd"), large=True),
    Case("detection, four photographs", _here("faces_dlib"), seeds=THREE),
    Case("segmentation, nuclei", _here("dsb2018"), large=True),
    Case("simclr, cifar10", _here("cifar10"), {"task": "simclr"}, large=True),
    Case("simclr, digits", lambda _: "digits", {"task": "simclr"}),
    Case("masked autoencoder, cifar10", _here("cifar10"), {"task": "masked-autoencoder"}, large=True),
    Case("masked autoencoder, digits", lambda _: "digits", {"task": "masked-autoencoder"}),
    Case("housing", HOUSING, {"target": "median_house_value"}, THREE),
    Case("titanic", TITANIC, {"target": "Survived"}, THREE, whole=True),
    Case("penguins", PENGUINS, {"target": "species"}, THREE, whole=True),
    Case("penguins, two values", PENGUINS, SIZES, THREE, whole=True),
    Case("connect four", _connect_four, {"target": "score", "task": "regression"}, THREE, whole=True),
    Case("sentences", _here("sst2"), seeds=THREE),
    Case("text pairs", _pairs, {"target": "label"}, large=True),
    Case("language model, shakespeare", SHAKESPEARE, large=True),
    Case("language model, speeches", _speeches, {"task": "language-model"}, large=True),
    Case("masked language model", SHAKESPEARE, {"task": "masked-language-model"}, large=True),
    Case("translation", _here("multi30k"), large=True),
    Case("questions", _here("xquad_en"), large=True),
    Case("sounds", _here("fsdd"), SPOKEN, THREE),
    Case("speech", _here("fsdd"), {**SPOKEN, **WORDS}, large=True),
    Case("series, hourly", _here("timeseries", "ETTh1.csv"), SERIES),
    Case("series, monthly", _here("timeseries", "airline-passengers.csv"), SERIES, THREE, whole=True),
    Case("series, daily", _here("timeseries", "daily-min-temperatures.csv"), SERIES, THREE, whole=True),
    Case("solubility", _here("molecules", "delaney-processed.csv"), {"target": SOLUBILITY}, THREE),
    Case("toxicity", _tox21, {"skip_unreadable": True}, large=True),
    Case("splice junctions", _splice, {"target": "class"}, THREE),
    Case("promoters", _promoters, {"target": "class"}, THREE, whole=True),
    Case("protein structure", _here("protein"), {"task": "structure"}, large=True),
    Case("protein torsions", _here("protein"), {"task": "torsions"}, THREE, whole=True),
    Case("protein inverse folding", _here("protein"), {"task": "inverse-folding"}, THREE),
)

LENGTH = frozenset({"few-steps", "still-improving", "time-limit", "partial-evaluation"})
"""Findings that follow from a time limit that cut the run."""

TOO_SOON, SOON = frozenset({"worse-than-baseline"}), 100
"""Those that follow from one that cut it before so many steps, or before all rows were seen."""

READING = frozenset({"data"})
"""What readers of data say: rows that were dropped, copies across splits, what was guessed of a column."""

LONGER = frozenset({"overfitting"})
"""Those that follow from one that lets a run train for more epochs than its recipe does without."""

TRUE: Mapping[tuple[str, str], str] = {
    ("connect four", "worse-than-baseline"): "moves by column tell so little of the score that its mean does as well",
}
"""(case, finding) -> why it is so."""


def said(case: Case, seed: int, seconds: float | None) -> dict[str, Any]:
    """Train one, and read what it says. seconds: its time limit, None for none"""
    import sonde

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stderr(io.StringIO()):
        out, refused = Path(place) / "run", ""
        (Path(place) / "data").mkdir()
        try:
            limit = {} if seconds is None else {"time_limit": f"{seconds:g}s"}
            data = case.data(Path(place) / "data")
            sonde.train(data, out=out, quiet=True, threads=1, seed=seed, **limit, **case.learned)
        except Exception as error:  # a run that ends with an error is the worst alarm of all
            refused = f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-3)}"
        findings = list(_lines(out / "findings.jsonl"))
        result = json.loads((out / "result.json").read_text()) if (out / "result.json").exists() else {}
    metrics = result.get("metrics", {})
    headline = result.get("headline", "")
    return {
        "run": case.name,
        "seed": seed,
        "limit_s": seconds,
        "task": result.get("task", ""),
        "model": result.get("model", ""),
        "steps": result.get("steps"),
        "epochs": result.get("epochs"),
        "ended_by": result.get("ended_by", ""),
        "score": {headline: {split: values[headline] for split, values in metrics.items() if headline in values}},
        "baseline": (result.get("baseline") or {}).get(headline),
        "findings": [_read(each) for each in findings],
        "refused": refused,
        "seconds": round(time.perf_counter() - begun, 1),
    }


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        yield from (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def _read(finding: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": finding.get("name") or finding["check"].replace(" ", "-"),
        **{each: finding.get(each) for each in ("severity", "certainty", "step", "evidence")},
    }


def judge(runs: Sequence[dict[str, Any]]) -> None:
    """Put into each finding what it is (see the top of this file), as "kind"."""
    own = {run["run"]: run["epochs"] for run in runs if run["limit_s"] is None}
    for run in runs:
        for finding in run["findings"]:
            finding["kind"] = _kind(finding, run, own.get(run["run"]))
            if finding["kind"] == "true":
                finding["why"] = TRUE[run["run"], finding["name"]]


def _kind(finding: Mapping[str, Any], run: Mapping[str, Any], own: float | None) -> str:
    """own: epochs of the recipe itself, where they are known"""
    name, epochs, limited = finding["name"], run["epochs"] or 0.0, run["ended_by"] == "time_limit"
    soon = run["steps"] is None or run["steps"] < SOON or epochs < 1
    long = own is not None and epochs > own
    if (run["run"], name) in TRUE:
        return "true"
    if finding["severity"] == "note":
        return "note"
    if limited and (name in LENGTH or (name in TOO_SOON and soon) or (name in LONGER and long)):
        return "length"
    return "reader" if name in READING else "alarm"


def _told(run: Mapping[str, Any]) -> str:
    words = ", ".join(f"{each['name']} ({each['severity']})" for each in run["findings"]) or "–"
    epochs = f"{run['epochs']:.3g} epochs" if run["epochs"] is not None else "no result"
    whole = ", no limit" if run["limit_s"] is None else ""
    return (
        f"{run['run']}, seed {run['seed']}{whole}: {epochs}, {run['seconds']} s: {words}{run['refused'] and ' REFUSED'}"
    )


def runs_of(cases: Sequence[Case], seconds: float, processes: int) -> Iterator[dict[str, Any]]:
    """Every case with each of its seeds, in their order."""
    each = [(case.name, seed, limit) for case in cases for seed, limit in case.limits(seconds)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for run in pool.map(_by_name, *zip(*each, strict=True)):
            print(_told(run), flush=True)
            yield run


def _by_name(name: str, seed: int, seconds: float | None) -> dict[str, Any]:
    return said(next(case for case in CASES if case.name == name), seed, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="runs whose name holds this, printed and not written")
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--processes", type=int, default=1, help="runs at the same time")
    asked = parser.parse_args()
    chosen = [case for case in CASES if asked.only in case.name]
    if not chosen:
        parser.error(f"no run's name holds {asked.only!r}; there are {', '.join(case.name for case in CASES)}")
    runs = list(runs_of(chosen, asked.seconds, asked.processes))
    judge(runs)
    for run in runs:
        for finding in run["findings"]:
            if asked.only or finding["kind"] == "alarm":
                print(f"{finding['kind']}: {run['run']}: {finding['name']}: {finding['evidence']}")
        if run["refused"]:
            print(f"{run['run']}: {run['refused']}")
    wolf = sum(any(each["kind"] == "alarm" for each in run["findings"]) or bool(run["refused"]) for run in runs)
    print(f"{wolf} of {len(runs)} runs with a false alarm")
    if not asked.only:
        write("doctor_recipes", {"seconds": asked.seconds, "runs": runs})


if __name__ == "__main__":
    main()
