"""What is to be done with a case, and what must come of it.

A case is one of four records: data that are trained on (`Data`), a command that is refused (`Refused`), a program that prints
(`Program`), a run folder that is damaged (`attack.Damaged`). Each has a name, a few words that say what is right, and a method
`act` that does it in process and returns "right", "warned" or "refused"; it raises `Wrong` for anything else. In words of a
command, {cases} stands for the folder of the cases, {work} for a folder of the case's own and {run} for its run.
"""

import contextlib
import html
import io
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sonde.cli.main import main

SHORT = ("--steps", "2", "--threads", "1")
OF_DATA = (
    "data-read-otherwise",
    "class-without-test-rows",
    "class-without-validation-rows",
    "test-rows-in-training",
    "validation-rows-in-training",
)


class Wrong(AssertionError):
    """What Sonde did is not what is right."""


def require(holds: bool, says: str) -> None:
    if not holds:
        raise Wrong(says)


@dataclass(frozen=True, kw_only=True)
class Work:
    """Where a case is tried. cases: the folder of cases; place: an empty folder of its own; base: one that all share"""

    cases: Path
    place: Path
    base: Path

    @property
    def run(self) -> Path:
        return self.place / "run"

    def fill(self, words: Sequence[str]) -> list[str]:
        return [word.format(cases=self.cases, work=self.place, run=self.run) for word in words]


class Case(Protocol):
    """What the records have in common."""

    @property
    def name(self) -> str: ...
    @property
    def right(self) -> str: ...
    @property
    def slow(self) -> bool: ...
    def act(self, work: Work) -> str: ...


@dataclass(frozen=True)
class Done:
    """How a command ended. out, err: what it printed; run: the folder it may have written"""

    code: int
    out: str
    err: str
    run: Path

    def json(self, name: str) -> Any:
        return json.loads((self.run / name).read_text(encoding="utf-8"))

    @property
    def findings(self) -> list[dict[str, Any]]:
        path = self.run / "findings.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    @property
    def data_warnings(self) -> list[str]:
        warnings = [each for each in self.findings if each["severity"] == "warning" and each["step"] is None]
        return [each["evidence"] for each in warnings if each.get("name") in OF_DATA]


def command(words: Sequence[str], run: Path) -> Done:
    """Run a command in process. Nothing but an exit code may leave it."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            code = main(list(words))
        except Exception as error:
            raise Wrong(f"{words[0]}: a traceback: {type(error).__name__}: {str(error)[:200]}") from error
    return Done(code, out.getvalue(), err.getvalue(), run)


def finished(words: Sequence[str], run: Path) -> Done:
    done = command(words, run)
    require(done.code == 0, f"{words[0]} ended with {done.code}: {done.err.strip()[:300]}")
    return done


def refusal(words: Sequence[str], run: Path) -> str:
    """The one line of a command that is refused."""
    done = command(words, run)
    require(done.code == 2, f"{words[0]} ended with {done.code}, not refused: {done.out.strip()[:200]}")
    lines = [line for line in done.err.splitlines() if not line.startswith("sonde: warning")]
    require(len(lines) == 1 and "Traceback" not in done.err, f"not one line: {done.err[:300]}")
    return lines[0]


def contains(text: str, parts: Sequence[str], where: str) -> None:
    for part in parts:
        require(part in text, f"{where} does not say {part!r}: {text.strip()[-400:]}")


def shown(page: str) -> str:
    """The words of a page. A long path stands in a span, so that it may break anywhere: its reader sees no seam."""
    return html.unescape(re.sub(r"</?span\b[^>]*>", "", page))


@dataclass(frozen=True, kw_only=True)
class Data:
    """Data that are read: what the run folder must say of them.

    data: below the folder of cases; copy: whether it is copied to {work} first and trained on from inside, as `.`
    flags: besides those that make it short; then: commands after training, `check` gets how each ended
    task, target, names, input, shape, splits, columns: as schema.json, config.yaml and data.json say; None is not looked at
    rows: of all splits together; facts: parts of what is said of the data; warns: parts of warnings, each of which
    stands on the screen, in findings.jsonl and in the report
    """

    name: str
    right: str
    data: str
    flags: tuple[str, ...] = ()
    copy: bool = False
    then: tuple[tuple[str, ...], ...] = ()
    task: str | None = None
    target: str | None = None
    names: tuple[str, ...] | None = None
    input: str | None = None
    shape: tuple[int, ...] | None = None
    rows: int | None = None
    splits: Mapping[str, int] | None = None
    columns: tuple[str, ...] | None = None
    facts: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    check: Callable[[list[Done]], None] | None = None
    slow: bool = False

    def act(self, work: Work) -> str:
        source, inside = str(work.cases / self.data), Path.cwd()
        if self.copy:
            inside = work.place / "data"
            shutil.copytree(source, inside)
            source = "."
        length = () if {"--epochs", "--steps"} & set(self.flags) else SHORT[:2]
        words = ["train", source, *length, *SHORT[2:], "--out", str(work.run), *work.fill(self.flags)]
        with contextlib.chdir(inside):
            done = [finished(words, work.run), *(finished(work.fill(each), work.run) for each in self.then)]
        self._schema(done[0])
        self._said(done[0])
        if self.check:
            self.check(done)
        return "warned" if done[0].data_warnings else "right"

    def _schema(self, done: Done) -> None:
        schema, data = done.json("schema.json"), done.json("data.json")
        found = {
            "task": done.json("result.json")["task"],
            "target": schema["target"]["kind"],
            "names": tuple(schema["target"]["names"]),
            "input": schema["input"]["kind"],
            "shape": tuple(schema["input"]["shape"]),
            "rows": sum(data["splits"].values()),
            "splits": data["splits"],
            "columns": tuple(column["name"] for column in schema["input"]["columns"]),
        }
        for what, value in found.items():
            wanted = getattr(self, what)
            require(wanted is None or wanted == value, f"{what} is {value}, not {wanted}")

    def _said(self, done: Done) -> None:
        facts = "\n".join(f"{each['what']} ({each['why']})" for each in done.json("data.json")["facts"])
        contains(facts, self.facts, "the data")
        contains("\n".join(done.data_warnings), self.warns, "findings.jsonl")
        report = shown((done.run / "report.html").read_text(encoding="utf-8"))
        for warning in done.data_warnings:
            contains(done.out, [warning], "the screen")
            contains(report, [warning], "the report")


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A command that is refused in one line.

    says: parts of the line; remedy: what the line says to do, as words to add (a flag) or a whole command; it must work
    """

    name: str
    right: str
    words: tuple[str, ...]
    says: tuple[str, ...]
    remedy: tuple[str, ...] | None = None
    slow: bool = False

    def act(self, work: Work) -> str:
        words = work.fill(self.words)
        short = [*SHORT, "--out", str(work.run)] if words[0] == "train" else []
        line = refusal([*words, *short], work.run)
        contains(line, work.fill(self.says), "the line")
        require(not work.run.exists(), "a run folder is left")
        for more in followed(words, line):
            again = command(["inspect", *more[1:]], work.run)
            require(again.code == 0 or again.err.strip() != line, f"{' '.join(more)} fails as before: {line}")
        if self.remedy:
            more = work.fill(self.remedy)
            finished([*words, *more, *short] if more[0].startswith("-") else [*more, *short], work.run)
        return "refused"


def followed(words: Sequence[str], line: str) -> Iterator[list[str]]:
    """The words of a command as each flag that its refusal names has them: left out, or added with the value that is named."""
    advice = line.partition("; ")[2]
    for flag, value in re.findall(r"leave (--[a-z-]+)(?: (\S+))? out", advice):
        yield [word for word in words if word not in (flag, value)]
    advice = re.sub(r"leave --\S+(?: \S+)? out", "", advice)
    for flag in re.findall(r"(?<!\S)(--skip-unreadable)\b", advice):
        yield [*words, flag]
    for flag, value in re.findall(r"(?<!\S)(--(?:task|test|validation|target)) ([\w.-]*\w)", advice):
        yield [*words, flag, value]


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program against `sonde.fit`, `steps` and `load`: patterns that lines of its output match, and ones that none does.

    files: made in its folder first, name -> text; needs: modules without which it is not run; argv: its arguments
    renamed: names that have changed since it was written -> those of today
    apart: whether it is run in a process of its own, as one whose threads have no end must be
    """

    name: str
    right: str
    file: str
    prints: tuple[str, ...]
    never: tuple[str, ...] = ("Traceback",)
    files: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    before: Callable[[Path], None] | None = None
    slow: bool = False
    apart: bool = False

    def act(self, work: Work) -> str:
        for name, text in self.files.items():
            (work.place / name).write_text(text)
        if self.before:
            self.before(work.place)
        program = work.place / Path(self.file).name
        text = (work.cases / self.file).read_text(encoding="utf-8")
        for former, name in self.renamed.items():
            text = text.replace(former, name)
        program.write_text(text, encoding="utf-8")
        said = (printed_apart if self.apart else printed_by)(program, work.place, self.argv)
        for pattern in self.prints:
            require(re.search(pattern, said, re.MULTILINE) is not None, f"no line matches {pattern!r}:\n{said[-1500:]}")
        for pattern in self.never:
            found = re.search(f".*{pattern}.*", said)
            require(found is None, f"prints {found and found[0]}")
        return "right"


def printed_by(file: Path, place: Path, argv: Sequence[str] = ()) -> str:
    """What a program prints on both streams, run in a folder of its own."""
    out, path, words, modules = io.StringIO(), list(sys.path), list(sys.argv), set(sys.modules)
    with (
        contextlib.chdir(place),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        sys.path.insert(0, str(place))
        sys.argv = [str(file), *argv]
        try:
            runpy.run_path(str(file), run_name="__main__")
        except Exception as error:
            out.write(f"Traceback: {type(error).__name__}: {error}\n")
        finally:
            sys.path[:], sys.argv[:] = path, words
            for name in set(sys.modules) - modules:
                if getattr(sys.modules[name], "__file__", None) and str(place) in str(sys.modules[name].__file__):
                    del sys.modules[name]
    return out.getvalue()


def printed_apart(file: Path, place: Path, argv: Sequence[str] = ()) -> str:
    """The same, in a process of its own."""
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, str(file), *argv],
        cwd=place,
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def cases_folder() -> Path | None:
    """SONDE_CASES, else the folder `cases` beside the one of real data; None where there is none."""
    beside = (
        Path(os.environ.get("SONDE_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data").parent / "cases"
    )
    folder = Path(os.environ.get("SONDE_CASES") or beside)
    return folder if folder.is_dir() else None
