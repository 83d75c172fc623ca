"""The blocks of code that a page of documentation holds, and a way to run them as a reader would."""

import linecache
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from sonde.cli.main import main


class Block(NamedTuple):
    """Code between two fences: its language, its text and the line of the page at which it begins."""

    kind: str
    body: str
    line: int


def blocks_of(page: Path) -> list[Block]:
    """All blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.DOTALL | re.MULTILINE)
    return [Block(each[2], each[3], text[: each.start(3)].count("\n")) for each in found]


def run_python(block: Block, page: Path, names: dict[str, Any]) -> None:
    """Execute a block in `names`, with the page's lines in tracebacks and in what reads source code."""
    place = f"<{page.name}>"
    source = "\n" * block.line + block.body
    linecache.cache[place] = (len(source), None, source.splitlines(keepends=True), place)
    exec(compile(source, place, "exec"), names)


def run_shell(block: Block) -> None:
    """The `sonde` commands of a block, each of which must succeed."""
    for words in commands(block.body):
        assert main(words) == 0, words


def commands(body: str) -> list[list[str]]:
    """The `sonde` commands of a shell block, in which a backslash continues a line."""
    lines = body.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("sonde ")]


def run_blocks(page: Path, output: Callable[[], str]) -> tuple[int, int]:
    """Run the python and sh blocks of a page, which share their names; each text block must be what the one before it said.

    output: what was printed since it was last called;  gives how many blocks ran and how many were compared
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    ran, compared, said = 0, 0, ""
    for block in blocks_of(page):
        if block.kind == "text":
            compare(block.body, said)
            compared += 1
        elif block.kind in ("python", "sh"):
            run_python(block, page, names) if block.kind == "python" else run_shell(block)
            ran, said = ran + 1, output()
    return ran, compared


def compare(shown: str, said: str) -> None:
    """What a page shows was said: of a run all lines before it was timed, and which lines there are; else each line."""
    if "\nplan " not in f"\n{shown}":
        missing = [line for line in shown.splitlines() if line.strip() not in ("…", "") and line.strip() not in said]
        assert not missing, said
        return
    assert foretold(said) == foretold(shown)
    heads = [{line.split()[0] for line in text.splitlines() if line[:1] not in " "} for text in (shown, said)]
    # a machine that others use may add a note on its threads in the place of "checks: nothing found"
    assert heads[0] - {"checks"} == heads[1] - {"checks", "note"}


def foretold(text: str) -> list[str]:
    """What a run says before anything is timed: what the data, the task and the model are."""
    return text[: text.index("\nplan ")].splitlines() if not text.startswith("plan ") else []
