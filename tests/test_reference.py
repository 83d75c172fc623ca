"""The reference of docs/reference, as far as it is ours: every public name has its place, and docstrings become markdown."""

import doctest
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import sonde

ROOT = Path(__file__).resolve().parents[1]


def docstrings() -> ModuleType:
    """docs/tools/docstrings.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("docstrings", ROOT / "docs" / "tools" / "docstrings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_is_in_the_reference() -> None:
    pages = [page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "reference").glob("*.md")]
    shown = set(re.findall(r"^::: [\w.]*?(\w+)$", "\n".join(pages), re.MULTILINE))
    assert {name for name in sonde.__all__ if name not in shown} == {"SondeError"}
    assert "errors" in shown  # where SondeError stands with what inherits from it


def test_docstrings_become_lists() -> None:
    module = docstrings()
    assert doctest.testmod(module).failed == 0
    said = module.as_markdown("Mean.\n\nrate: of a step;  seed: any\n      number\nRaises: ConfigError")
    assert said == "Mean.\n\n- **`rate`**: of a step\n- **`seed`**: any\n  number\n- **Raises**: ConfigError"
    assert module.as_markdown(">>> f(1)\n2") == "```pycon\n>>> f(1)\n2\n```"
    assert module.as_markdown("Of `<x>` <y>.") == "Of `<x>` &lt;y>."
