"""For mkdocs: the pages of the command line and of the settings, from what the code itself says; they are kept nowhere else."""

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

from mkdocs.structure.files import File, Files

from sonde.cli.help import placeholder
from sonde.cli.verbs import VERBS, overview
from sonde.core.config import GROUPS
from sonde.core.value_types import annotations
from sonde.modalities.settings import of_data

COMMANDS = """\
# The command line

Written by the commands themselves. In Python the same settings have underscores: `--batch-size 32` is `batch_size=32`.
"""
SETTINGS = """\
# Settings

All are keywords of `sonde.train`, and flags of `sonde train` (`batch_size=32` is `--batch-size 32`). `sonde.fit` and
`sonde.steps` take those that mean something for a network and data of your own, and refuse the others by name. A recipe may
choose other values than these defaults for your data; `config.yaml` in the run folder holds the value of each, where it came
from, and why.

Models and tasks have settings of their own, of the same kind: `sonde train DATA --model NAME --help` lists them.
"""


def on_config(config: Any) -> Any:
    """List all of docs/decisions in the menu."""
    pages = [
        page.relative_to(config.docs_dir).as_posix() for page in sorted(Path(config.docs_dir, "decisions").glob("*.md"))
    ]
    project = next(part["The project"] for part in config.nav if "The project" in part)
    next(part for part in project if isinstance(part, dict) and "Decisions" in part)["Decisions"] = pages
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add both pages."""
    files.append(File.generated(config, "reference/commands.md", content=commands()))
    files.append(File.generated(config, "reference/settings.md", content=settings()))
    return files


def commands() -> str:
    """What each command answers to `--help`."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        said = dict(zip(VERBS, pool.map(_help, VERBS), strict=True))
    parts = [
        f"## sonde {verb}\n\n{VERBS[verb].does.capitalize()}.\n\n```text\n{text}\n```\n" for verb, text in said.items()
    ]
    return "\n".join([COMMANDS, f"```text\n{overview().strip()}\n```\n", *parts])


def _help(verb: str) -> str:
    plain = {**os.environ, "COLUMNS": "92", "NO_COLOR": "1", "TERM": "dumb", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "sonde", verb, "--help"]
    said = subprocess.run(command, env=plain, capture_output=True, text=True, check=True).stdout
    return "\n".join(_without_box(said.splitlines())).strip()


def _without_box(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if match := re.match(r"╭─ (.*?) ─*╮", line):
            yield f"\n{match[1]}:"
        elif not re.match(r"╰|│ ─+ │", line):
            yield "  " + line[2:].rstrip("│ ") if line.startswith("│") else line


def settings() -> str:
    """A table for each group of general settings, and for each kind of data."""
    groups = {**GROUPS, **of_data()}
    return SETTINGS + "\n".join(_table(name, kind) for name, kind in groups.items())


def _table(name: str, kind: type) -> str:
    hints, said = get_type_hints(kind), _docstrings(kind)
    known = {entry.name: entry for entry in fields(kind) if entry.name in annotations(kind)}
    rows = [
        f"| `{each}` | {_takes(hints[each])} | {_default(entry)} | {_cell(said[each])} |"
        for each, entry in known.items()
    ]
    head = f"\n## {name.capitalize()}\n\n{inspect.getdoc(kind)}\n\n| setting | takes | default | |\n|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def _takes(annotation: Any) -> str:
    return "true or false" if annotation is bool else _cell(placeholder(annotation).lower())


def _default(entry: Any) -> str:
    value = entry.default if entry.default is not MISSING else entry.default_factory()
    return "" if value is None or value == () else f"`{value}`"


def _docstrings(kind: type) -> dict[str, str]:
    """Field -> the string that stands below it."""
    body = ast.parse(inspect.getsource(kind)).body[0].body  # type: ignore[attr-defined]
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in zip(body, body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
    }


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
