"""What docs/guide says is so: every block of a page runs, in their order, and what it shows of the screen was said."""

import re
from pathlib import Path

import pytest
from documented import blocks_of, run_blocks

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs" / "guide").glob("*.md"))
WIDEST = 90  # columns of code that a page shows beside its two menus
NAV = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_its_blocks_run_in_their_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(page, lambda: capsys.readouterr().out)


def test_what_one_used_elsewhere_leads_to_a_snippet() -> None:
    """Each row of the table names code of the section that it links to."""
    text = (ROOT / "docs" / "guide" / "migrate.md").read_text(encoding="utf-8")
    sections = {slug(part.splitlines()[0]): part for part in re.split(r"^### ", text, flags=re.MULTILINE)[1:]}
    rows = re.findall(r"^\| .* \| \[(.*)\]\(#(.*)\) \|$", text, re.MULTILINE)
    assert len(rows) >= 25
    for said, place in rows:
        code = "".join(re.findall(r"```python\n(.*?)```", sections[place], re.DOTALL))
        missing = [part for part in re.findall(r"`(.*?)`", said) if not all(each in code for each in part.split(", "))]
        assert not missing, place


def slug(heading: str) -> str:
    """The anchor that the site gives a heading."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_it_is_a_page_of_the_site(page: Path) -> None:
    assert f"guide/{page.name}" in NAV


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_it_needs_no_inner_module(page: Path) -> None:
    """All that a user wants of Sonde is in `sonde` itself, or in a module that is meant for users."""
    code = "\n".join(block.body for block in blocks_of(page) if block.kind == "python")
    imported = set(re.findall(r"^\s*(?:from|import) (sonde\.[\w.]+)", code, re.MULTILINE))
    assert imported <= {"sonde.sklearn"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_its_code_is_no_wider_than_the_page(page: Path) -> None:
    lines = [line for block in blocks_of(page) if block.kind in ("python", "sh") for line in block.body.splitlines()]
    assert [line for line in lines if len(line) > WIDEST] == []
