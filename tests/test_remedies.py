"""What messages tell people to type exists: each flag for its command, each command, each keyword of a Python call."""

import ast
import inspect
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import sonde
from sonde.cli import (
    chat,
    check,
    compare,
    doctor,
    evaluate,
    generate,
    inspection,
    models,
    play,
    predict,
    runs,
    sample,
    train_arguments,
    watch,
)
from sonde.cli.begin import CommonOptions, NoOptions
from sonde.cli.main import main
from sonde.cli.parse import convert, flags_of, split_line
from sonde.cli.verbs import VERBS
from sonde.core.errors import SondeError
from sonde.modalities.settings import groups
from sonde.settings import FitKeywords, ResumeKeywords, StepsKeywords, TrainKeywords

PACKAGE = Path(sonde.__file__).parent
FLAG = re.compile(r"(?<![\w\"'`-])--(no-)?(?P<name>[a-z][a-z0-9-]*[a-z0-9])(?: (?P<value>[\w.,-]*\w))?")
COMMAND = re.compile(r"\bsonde (?P<verb>[a-z]+)(?P<words>(?: [^\s;,)`]+)*)")
CALL = re.compile(r"\bsonde\.(?P<name>[a-zA-Z_]+)(?:\((?P<given>[^()]*)\))?")
NOT_OURS = {"class", "ink", "no", "porcelain", "untracked-files", "version", "flags", "help", "flag"}
"""Flags of git, names of CSS, other names of a flag, and of no command in particular."""
PROSE = {"target", "trains", "takes", "reads", "has", "then", "itself", "to", "goes"}
"""Words after the name that say what Sonde does."""
PLACEHOLDER = "{}"


@dataclass(frozen=True)
class Message:
    """A text of the package, {} where a value is put in. module: below `sonde`, such as "run/plan.py"; line: where it begins"""

    text: str
    module: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.text[:120]!r}"


def written(node: ast.AST) -> str | None:
    """The text of a string, with `flag("name")` spelled out; None for other nodes."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    return "".join(_part(value) for value in node.values)


def _part(value: ast.expr) -> str:
    if isinstance(value, ast.Constant):
        return str(value.value)
    inner = value.value if isinstance(value, ast.FormattedValue) else value
    if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "flag":
        named = inner.args[0]
        if isinstance(named, ast.Constant):
            return "--" + str(named.value).replace("_", "-")
    return PLACEHOLDER


@cache
def messages() -> tuple[Message, ...]:
    """Every text of the package but docstrings."""
    return tuple(message for file in sorted(PACKAGE.rglob("*.py")) for message in _of_file(file))


def _of_file(file: Path) -> Iterator[Message]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    statements = [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)
    ]  # docstrings, and of settings too
    parts = [part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values]
    left_out = {id(node) for node in (*statements, *parts)}
    for node in ast.walk(tree):
        text = None if id(node) in left_out else written(node)
        if text:
            yield Message(text, file.relative_to(PACKAGE).as_posix(), getattr(node, "lineno", 0))


@cache
def flags(verb: str) -> dict[str, Any]:
    """Name -> type of a command's flags; of train those of every model and task too."""
    kinds: dict[str, tuple[type, ...]] = {
        "train": (train_arguments.WhatOptions, *groups().values(), *(kind for _, kind in train_arguments._catalogue())),
        "resume": tuple(groups().values()),
        "inspect": (*inspection.of_data().values(), inspection.PreviewOptions),
        "eval": (evaluate.EvalOptions,),
        "predict": (predict.PredictOptions,),
        "generate": (generate.SamplingOptions, generate.PromptOptions),
        "sample": (sample.SampleOptions,),
        "chat": (chat.SamplingOptions,),
        "doctor": (doctor.DoctorOptions,),
        "check": (check.CheckOptions,),
        "runs": (runs.RunsOptions,),
        "models": (models.ModelsOptions,),
        "compare": (compare.CompareOptions,),
        "watch": (watch.WatchOptions,),
        "play": (play.PlayOptions,),
    }
    return {"help": bool} | flags_of(*kinds.get(verb, (NoOptions,)), CommonOptions)


OWN_VERB = {"cli/evaluate.py": "eval", "run/judge.py": "eval", "run/sample_quality.py": "eval",
            "cli/predict.py": "predict", "cli/resume.py": "resume", "cli/generate.py": "generate",
            "cli/chat.py": "chat", "cli/doctor.py": "doctor", "cli/check.py": "check",
            "cli/runs.py": "runs", "cli/models.py": "models", "cli/report.py": "report",
            "cli/compare.py": "compare", "comparison/result.py": "compare", "comparison/words.py": "compare",
            "cli/watch.py": "watch", "watch/server.py": "watch", "run/cure.py": "doctor",
            "tasks/decode/sampling.py": "generate", "cli/sample.py": "sample", "run/sampling.py": "sample",
            "run/weaker.py": "sample", "run/played.py": "eval", "cli/play.py": "play", "run/evaluated_again.py": "eval",
            "tasks/latent_code.py": "sample", "acting/evaluation/episodes.py": "eval"}  # fmt: skip
"""Modules of a command of their own; what others say of flags is said of training, or of what they have in common."""


def commands_in(text: str) -> list[re.Match[str]]:
    return [found for found in COMMAND.finditer(text) if found["verb"] not in PROSE]


def test_there_are_messages_to_look_at() -> None:
    assert sum(bool(FLAG.search(message.text)) for message in messages()) > 200
    assert sum(bool(commands_in(message.text)) for message in messages()) > 25


def test_each_command_exists() -> None:
    wrong = [
        f"sonde {found['verb']}: {message}"
        for message in messages()
        for found in commands_in(message.text)
        if found["verb"] not in VERBS and not found["verb"].startswith("is")
    ]
    assert not wrong, "\n".join(wrong)


def test_each_flag_exists_for_its_command() -> None:
    wrong = []
    for message in messages():
        text = message.text
        for command in commands_in(text):
            wrong += [
                f"{found[0]} is none of sonde {command['verb']}: {message}"
                for found in FLAG.finditer(command[0])
                if found["name"].replace("-", "_") not in flags(command["verb"])
            ]
        rest = COMMAND.sub("", text)
        verbs = [OWN_VERB[message.module]] if message.module in OWN_VERB else ["train", "predict", "inspect"]
        known = {name for verb in (*verbs, "train") for name in flags(verb)}
        wrong += [
            f"{found[0]} is no flag: {message}"
            for found in FLAG.finditer(rest)
            if found["name"] not in NOT_OURS and found["name"].replace("-", "_") not in known
        ]
    assert not wrong, "\n".join(wrong)


CHOSEN = frozenset(
    """
    task schedule optimizer feed precision device tokenizer freeze mode validation test split-at epochs steps clip
    lr label-fraction image-size batch-size
    """.split()  # noqa: SIM905 - a list of words, a line each otherwise
)
"""Flags whose values are checked as they are taken, where a word does not go on with the sentence."""
SENTENCE = frozenset(
    """
    NAME N a above already also and applies are as at below can cannot changes counts do does expects fits for
    gives has holds if in instead is keeps learns leaves lists makes measures must needs not of on only or out
    predicts reads says selects takes tells than the there to too trains treats which with would
    """.split()  # noqa: SIM905 - a list of words, a line each otherwise
)


def test_each_value_is_one_that_the_flag_takes() -> None:
    wrong = []
    for message in messages():
        for found in FLAG.finditer(message.text):
            name, value = found["name"], found["value"]
            if (
                name not in CHOSEN
                or not value
                or value in SENTENCE
                or found.end() == message.text.find("{", found.end())
            ):
                continue
            known = flags("train")
            line = split_line([f"--{name}", value], known)
            try:
                convert(line.given, known)
                if name == "task":
                    from sonde.tasks.table import spec

                    spec(value)
            except SondeError as error:
                wrong.append(f"--{name} {value}: {error}: {message}")
    assert not wrong, "\n".join(wrong)


def test_each_name_of_sonde_exists_and_takes_the_keywords() -> None:
    wrong = []
    for message in messages():
        for found in CALL.finditer(message.text):
            name, given = found["name"], found["given"] or ""
            if f"sonde.{name}" in _modules() or message.text.startswith(("sonde.", "python -m")):
                continue
            if not hasattr(sonde, name):
                wrong.append(f"sonde.{name}: {message}")
            elif given:
                wrong += [
                    f"{keyword}= is none of sonde.{name}: {message}"
                    for keyword in re.findall(r"(?<![\w.{])([a-z_]+)=", given)
                    if keyword not in keywords(name)
                ]
    assert not wrong, "\n".join(wrong)


@cache
def _modules() -> frozenset[str]:
    return frozenset(
        ".".join(("sonde", *file.relative_to(PACKAGE).with_suffix("").parts[:1])) for file in PACKAGE.rglob("*.py")
    )


@cache
def keywords(name: str) -> frozenset[str]:
    settings = {"train": TrainKeywords, "fit": FitKeywords, "steps": StepsKeywords, "resume": ResumeKeywords}.get(name)
    found = inspect.signature(getattr(sonde, name)).parameters if callable(getattr(sonde, name)) else {}
    return frozenset(found) | frozenset({} if settings is None else settings.__annotations__)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run on a table that has changed since."""
    rows = "\n".join(f"{n % 7},{n % 5 / 3},{'ab'[n % 7 > 3]}" for n in range(80))
    (tmp_path / "t.csv").write_text(f"x,y,kind\n{rows}\n")
    sonde.train(str(tmp_path / "t.csv"), target="kind", out=str(tmp_path / "run"), epochs=1, quiet=True, threads=1)
    return tmp_path / "run"


def said_by(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(words) == 2
    return capsys.readouterr().err


def test_what_resume_says_of_starting_over_works(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = said_by(["resume", str(run), "--epochs", "3", "--fresh"], capsys)
    assert f"--fresh starts over, and resume continues; train again: sonde train --config {run}" in said
    said = said_by(["resume", str(run), "--epochs", "3", "--out", str(run.parent / "other")], capsys)
    assert "a run continues in its own folder; leave it out" in said
    with (run.parent / "t.csv").open("a") as file:
        file.write("1,2,a\n")
    said = said_by(["resume", str(run), "--epochs", "3"], capsys)
    command = said.split("train again: sonde train ")[1].split(" (")[0].split()
    assert main(["train", *command, "--quiet"]) == 0
    shutil.rmtree(run)
