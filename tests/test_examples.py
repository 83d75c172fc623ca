"""Every program in examples/ runs as it stands, in a folder of its own, and keeps what it asserts."""

import ast
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
MOST_LINES = 40


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_shows_one_idea(path: Path) -> None:
    """A docstring that names it, a result that is asserted, and no more lines of code than fit on a page."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    said = ast.get_docstring(tree)
    assert said
    assert "\n" not in said
    assert any(isinstance(node, ast.Assert) for node in ast.walk(tree))
    blank = {number for number, line in enumerate(text.splitlines(), 1) if not line.strip()}
    code = {line for node in tree.body[1:] for line in range(node.lineno, (node.end_lineno or 0) + 1)} - blank
    assert len(code) <= MOST_LINES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_needs_no_inner_module(path: Path) -> None:
    """All that a user's program wants of Sonde is in `sonde` itself."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
        elif isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
    assert [name for name in imported if name.startswith("sonde.")] == []
