"""Hostile and damaged files, from `attack/`: each is refused in one line, or read, and nothing is lost."""

import csv
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from tests.cases.case import Case, Program, Refused, Work, command, finished, refusal, require
from tests.cases.damaged import base_run, damaged_run, snapshot

PATIENCE_S = 30.0  # of the processor, for a file that once hung
DATA: dict[str, tuple[str, tuple[str, ...]]] = {
    "bmp": (".", ("0.bmp", "--skip-unreadable")),
    "csvgz": ("t.csv.gz", ("t.csv.gz cannot be unpacked",)),
    "gif": (".", ("5.gif", "--skip-unreadable")),
    "imglab": (".", ("training.xml is not valid XML",)),
    "mmcif": (".", ("0aki.cif cannot be read as a structure",)),
    "npy": ("x.npy", ("x.npy holds a single number",)),
    "npz": ("d.npz", ("d.npz 'x_train' holds a single number",)),
    "parallelgz": (".", ("train.de.gz cannot be unpacked",)),
    "parquet": ("t.parquet", ("t.parquet has two columns called 'age'",)),
    "ppm": (".", ("5.ppm", "--skip-unreadable")),
    "pqimg": ("train.parquet", ("train.parquet row 12", "--skip-unreadable")),
    "series": ("s.csv", ("s.csv is not UTF-8 at byte 631",)),
    "tiff": (".", ("3.tif", "--skip-unreadable")),
    "wav-memory": (".", ("8.wav", "--skip-unreadable")),
}
"""First words of a folder's name -> what of it is DATA, and what the one line says."""


@dataclass(frozen=True, kw_only=True)
class Deed:
    """A case that is a function of its own."""

    name: str
    right: str
    do: Callable[[Work], str]
    slow: bool = False

    def act(self, work: Work) -> str:
        return self.do(work)


def refused_file(folder: Path) -> Case | None:
    """The case of a folder of data, one file of which is damaged."""
    start = next((start for start in DATA if folder.name.startswith(start)), None)
    if start is None or folder.name == "tiff-error-ee9d01a2":  # floats, which are read today
        return None
    entry, says = DATA[start]
    remedy = ("--skip-unreadable",) if "--skip-unreadable" in says and start != "pqimg" else None
    words = ("train", str(folder if entry == "." else folder / entry))
    return Refused(name=folder.name, right="one line that names the file", words=words, says=says, remedy=remedy)


def ends_in_time(folder: str) -> Callable[[Work], str]:
    """A file that once hung, or took memory: trained on, or refused, within `PATIENCE_S`."""

    def do(work: Work) -> str:
        began = time.process_time()
        words = ["train", str(work.cases / folder), "--steps", "2", "--threads", "1", "--quiet", "--out", str(work.run)]
        done = command(words, work.run)
        require(done.code in (0, 2), f"ended with {done.code}: {done.err[:300]}")
        require(time.process_time() - began < PATIENCE_S, f"took {time.process_time() - began:.0f} s")
        return "refused" if done.code else "right"

    return do


def predicts(folder: Path, entry: str, target: str) -> Deed:
    """Predicting on a table in which some bytes are damaged, with a run of its sound lines."""

    def do(work: Work) -> str:
        lines = (folder / entry).read_bytes().split(b"\n")
        wide = [len(next(csv.reader([line.decode("latin-1").strip().replace("\r", "")]), [])) for line in lines]
        sound = [line for line, cells in zip(lines, wide, strict=True) if cells == wide[0] and line.isascii()]
        (work.place / entry).write_bytes(b"\n".join(sound) + b"\n")
        given = ["--target", target] if target else []
        words = ["train", str(work.place / entry), "--steps", "2", "--threads", "1", "--quiet", "--out", str(work.run)]
        finished([*words, *given], work.run)
        return named(refusal(["predict", str(work.run), str(folder / entry)], work.run), entry)

    return Deed(name=folder.name, right="one line that names the file", do=do)


def named(line: str, file: str) -> str:
    require(file in line, f"does not name {file}: {line}")
    return "refused"


def long_word(work: Work) -> str:
    """A text that is longer than a file name may be is a text."""
    _, run = base_run("texts", work.base)
    finished(["predict", str(run), "\N{COLLISION SYMBOL}" * 500], run)
    return "right"


def class_number(work: Work) -> str:
    for number in range(6):
        file = work.place / "data" / "images" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (number * 20, 3, 4)).save(file)
        (work.place / "data" / "labels").mkdir(exist_ok=True)
        shutil.copy(work.cases / "attack" / "yolo-class-1e8.txt", work.place / "data" / "labels" / f"{number}.txt")
    line = refusal(["train", str(work.place / "data"), "--steps", "2", "--out", str(work.run)], work.run)
    require("begins with 100000000" in line and "data.yaml" in line, line)
    (work.place / "data" / "data.yaml").write_text("names: [thing]\n")
    return named(
        refusal(["train", str(work.place / "data"), "--steps", "2", "--out", str(work.run)], work.run), "100000000"
    )


def damaged_line(work: Work) -> str:
    """A line of zeros in metrics.jsonl is passed over, and said."""
    _, whole = base_run("png", work.base)
    shutil.copytree(whole, work.run)
    shutil.copy(work.cases / "attack" / "metrics-nul-line.jsonl", work.run / "metrics.jsonl")
    finished(["resume", str(work.run), "--steps", "4", "--quiet"], work.run)
    require("metrics.jsonl line 2 is damaged" in (work.run / "report.html").read_text(encoding="utf-8"), "not said")
    return "right"


def killed_at_start(work: Work) -> str:
    """Killed between config.yaml and data.json: both ways on work, and a run that is begun anew is as any other."""
    data, whole = base_run("png", work.base)
    words = ["train", str(data), "--steps", "2", "--threads", "1", "--quiet", "--out", str(work.run)]
    for more in (["resume", str(work.run), "--quiet"], words, [*words, "--fresh"]):
        shutil.rmtree(work.run, ignore_errors=True)
        _killed_in_a_child(words)
        require((work.run / "config.yaml").exists() and not (work.run / "data.json").exists(), "was not killed in time")
        finished(more, work.run)
        weights = [folder / "checkpoints" / "last" / "weights.safetensors" for folder in (work.run, whole)]
        require(weights[0].read_bytes() == weights[1].read_bytes(), f"{more[0]} trained another network")
    return "right"


def _killed_in_a_child(words: list[str]) -> None:
    import sonde.run.start as start
    from sonde.cli.main import main

    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        require(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, f"the child ended with {status}")
        return
    real = start.write_json

    def write(path: Path, content: Any) -> None:
        if path.name == "data.json":
            os.kill(os.getpid(), signal.SIGKILL)
        real(path, content)

    start.write_json = write
    try:
        main(words)
    finally:
        os._exit(1)


LINKED = ("config.yaml", "schema.json", "data.json", "env.json", "plan.json", "metrics.jsonl", "findings.jsonl", "result.json",
          "report.html", "events", "evaluation", "checkpoints", "checkpoints/last", ".lock")  # fmt: skip


def links(entry: str) -> Callable[[Work], str]:
    """A file or folder of a run that is a link out of it: no command writes through it."""

    def do(work: Work) -> str:
        data, whole = base_run("csv", work.base)
        words: set[str] = set()
        for verb in ("resume", "report", "eval", "predict"):
            shutil.rmtree(work.place / "outside", ignore_errors=True)
            shutil.rmtree(work.run, ignore_errors=True)
            shutil.copytree(whole, work.run)
            outside = work.place / "outside" / Path(entry).name
            outside.parent.mkdir()
            if (work.run / entry).exists():
                (work.run / entry).rename(outside)
            else:
                outside.write_text("kept")
            (work.run / entry).symlink_to(outside)
            before = snapshot(outside.parent) | {outside: outside.read_bytes() if outside.is_file() else b""}
            more = {"resume": ["--steps", "4"], "report": [], "eval": [str(data)], "predict": [str(data)]}[verb]
            done = command([verb, str(work.run), *more, *(["--quiet"] if verb == "resume" else [])], work.run)
            require(done.code in (0, 2), f"{verb} ended with {done.code}: {done.err[:300]}")
            now = snapshot(outside.parent) | {outside: outside.read_bytes() if outside.is_file() else b""}
            require(now == before, f"{verb} wrote through {entry}")
            require(done.code == 0 or done.err.count("\n") == 1, f"{verb}: not one line: {done.err[:300]}")
            require(
                done.code == 0 or Path(entry).name in done.err or verb != "resume",
                f"does not name it: {done.err[:300]}",
            )
            words.add("refused" if done.code else "right")
        return "refused" if "refused" in words else "right"

    return do


OWN: list[Case] = [
    Refused(
        name="npz-344-bytes-claims-18TiB.npz", right="refused from the header",
        words=("train", "{cases}/attack/npz-344-bytes-claims-18TiB.npz"), says=("promises 20,000,000,000,000 bytes",),
    ),
    Deed(name="yolo-class-1e8.txt", right="one line that names the file", do=class_number),
    Deed(name="wav-hang-bc7bf16c", right="trained or refused in time", do=ends_in_time("attack/wav-hang-bc7bf16c")),
    Deed(name="tiff-error-ee9d01a2", right="floats are read", do=ends_in_time("attack/tiff-error-ee9d01a2")),
    Deed(name="predict-texttable-predict-4c121bae", right="a long word is a text", do=long_word),
    Deed(name="metrics-nul-line.jsonl", right="the line is passed over, and said", do=damaged_line),
    Deed(name="killstart.py", right="resume and train go on", do=killed_at_start),
    Program(
        name="nanval.py", right="NaN of evaluation is an error, uncaught by the program", file="attack/nanval.py",
        prints=(r"NonFinite: step 26, evaluation on validation: the model's output is NaN",), never=(),
        before=lambda place: (place / "shm" / "attack").mkdir(parents=True),
    ),
    *(Deed(name=f"link: {entry}", right="no command writes through a link", do=links(entry)) for entry in LINKED),
]  # fmt: skip
PREDICTED = {"predict-csv": ("t.csv", "answer"), "predict-series": ("s.csv", "")}


def predicts_molecules(folder: Path) -> Deed:
    def do(work: Work) -> str:
        _, run = base_run("molecules", work.base)
        return named(refusal(["predict", str(run), str(folder / "m.csv")], run), "m.csv")

    return Deed(name=folder.name, right="one line that names the file", do=do)


def cases(folder: Path) -> list[Case]:
    """Those of `attack/`, and some without a file of theirs."""
    found: list[Case] = []
    for each in sorted((folder / "attack").iterdir()) if (folder / "attack").is_dir() else ():
        start = next((start for start in PREDICTED if each.name.startswith(start)), None)
        if each.name.startswith("run-"):
            found.append(damaged_run(each))
        elif each.name.startswith("predict-smiles"):
            found.append(predicts_molecules(each))
        elif start:
            found.append(predicts(each, *PREDICTED[start]))
        elif (case := refused_file(each)) is not None:
            found.append(case)
    return [*found, *OWN]
