"""What README.md and the lists of docs say is so: snippets run, outputs begin as shown, lists are whole, links lead somewhere."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from documented import run_blocks

from sonde.augment.policy import READERS
from sonde.cli.main import main
from sonde.cli.verbs import VERBS
from sonde.core.bounds import flag
from sonde.core.config import OptimizerName, ScheduleName
from sonde.modalities.named import NAMED
from sonde.modalities.settings import leaves
from sonde.models.table import MODELS
from sonde.settings import TrainKeywords
from sonde.tasks.table import TASKS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LISTS = (ROOT / "docs" / "guide" / "what-there-is.md").read_text(encoding="utf-8")
REFERENCE = ROOT / "docs" / "reference"
GENERATED = [REFERENCE / "settings.md", REFERENCE / "commands.md"]  # by docs/tools/generated.py


def test_the_snippets_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ran, compared = run_blocks(ROOT / "README.md", lambda: capsys.readouterr().out)
    assert ran >= 3
    assert compared == 1


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 120


def row(name: str) -> str:
    """The row of the table of what there is that begins with `name`."""
    return next(line for line in LISTS.splitlines() if line.startswith(f"| {name} |"))


def named(what: str) -> list[str]:
    """The models that a row names, one of each family at least."""
    return [name for name in re.findall(r"`([^`]+)`", row(what)) if name in MODELS]


def test_what_there_is_is_all_listed() -> None:
    missing = {
        "commands": [verb for verb in VERBS if not re.search(rf"`(sonde )?{verb}`", row("commands"))],
        "data by name": [name for name in ("digits", *NAMED) if f"`{name}`" not in row("data by name")],
        "models": sorted(
            {entry.family for entry in MODELS.values()} - {MODELS[name].family for name in named("models")}
        ),
        "tasks": [name for name in TASKS if f"`{name}`" not in row("tasks")],
        "optimisers": [name for name in get_args(OptimizerName) if f"`{name}`" not in row("optimisers")],
        "schedules": [name for name in get_args(ScheduleName) if f"`{name}`" not in row("schedules")],
        "augmentations": [name for name in {*READERS} - {"color"} if f"`{name}`" not in row("augmentations")],
    }
    assert {name: left for name, left in missing.items() if left} == {}


def test_every_flag_it_names_exists() -> None:
    named = set(re.findall(r"(?<!-)--[a-z][a-z-]+", README + LISTS)) - {"--help", "--out"}
    assert named - {flag(name) for name in ("task", "model", *leaves(), *TrainKeywords.__annotations__)} == set()
    assert len(named) > 8


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda path: path.stem)
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)  # code may index what it calls
    links = re.findall(r"\]\(([^)#]+)\)", prose) + re.findall(r'src="([^"]+)"', text)
    places = [page.parent / link for link in links if "://" not in link]
    assert [place for place in places if not place.exists() and place.resolve() not in GENERATED] == []
    named = re.findall(r"`((?:sonde|tests|docs|benchmarks|examples)/[\w./]+)", text)
    assert [path for path in named if not stands(ROOT / path)] == []


def test_the_architecture_names_what_there_is() -> None:
    """Each `engine/loop.fit` and `planning.make_plan` in it is a file or folder of the package, and what a file defines."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+(?:/\w+)*)(?:\.(\w+))?`", text)
    files = [(path, name) for path, name in named if "/" in path or (ROOT / "sonde" / f"{path}.py").exists()]
    assert len(files) > 15
    broken = []
    for path, name in files:
        place = ROOT / "sonde" / path.removeprefix("sonde/")
        module = place.with_suffix(".py")
        defined = (
            (place.is_dir() and not name)
            or module.exists()
            and (name in ("", "py") or re.search(rf"^(def|class) {name}\b", module.read_text(), re.M))
        )
        if not defined:
            broken.append(f"{path}.{name}")
    assert broken == []
    top = {path.name for path in (ROOT / "sonde").glob("*.py")} - {"__init__.py", "__main__.py"}
    assert {name for name in top if f"`{name}`" not in text} == set()


def test_the_run_folder_is_as_described(tmp_path: Path) -> None:
    """Every file of a run has a row in docs/run-folder.md, and every key of it stands in that row."""
    rows = [line.split("|") for line in (ROOT / "docs" / "run-folder.md").read_text(encoding="utf-8").splitlines()]
    said = {cells[1].split("`")[1]: "|".join(cells[2:]) for cells in rows if len(cells) > 3 and "`" in cells[1]}
    out = tmp_path / "run"
    assert (
        main(["train", "digits", "--model", "mlp", "--epochs", "1", "--quiet", "--lr", "auto", "--out", str(out)]) == 0
    )
    keys: dict[str, set[str]] = {}
    for path in out.rglob("*.json*"):
        name = re.sub(r"evaluation/\w+/", "evaluation/<split>/", path.relative_to(out).as_posix())
        if name.startswith("checkpoints/") or name.endswith(
            "/metrics.json"
        ):  # their keys are the state's and the metrics'
            continue
        text = path.read_text(encoding="utf-8")
        read = [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else [json.loads(text)]
        entries = [entry for found in read for entry in (found if isinstance(found, list) else [found])]
        keys.setdefault(name, set()).update(key for entry in entries for key in entry)
    del keys["findings.jsonl"], keys["schema.json"]  # described by the classes that their rows name
    missing = {name: {key for key in found if f'"{key}"' not in said[name]} for name, found in keys.items()}
    assert {name: left for name, left in missing.items() if left} == {}
    assert len(keys) >= 9
    assert {entry.name for entry in out.iterdir()} <= {name.split("/")[0].split("`")[0] for name in said}


def stands(path: Path) -> bool:
    """A file or folder, or a module named without its ending."""
    return path.exists() or path.with_suffix(".py").exists()


def test_the_architecture_lists_every_package() -> None:
    table = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = {path.parent.name for path in (ROOT / "sonde").glob("*/__init__.py")}
    assert {name for name in packages if f"| `{name}` |" not in table} == set()


def test_the_table_of_measurements_is_that_of_the_results() -> None:
    command = [sys.executable, "-m", "benchmarks.summary", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_result_has_its_rows() -> None:
    results = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    names = {path.stem for path in (ROOT / "benchmarks" / "results").glob("*.json")}
    assert {name for name in names if f"`benchmarks.{name}`" not in results} == set()


def test_pictures_are_small() -> None:
    sizes = {path.name: os.path.getsize(path) for path in (ROOT / "docs").rglob("*.png")}
    assert sizes
    assert max(sizes.values()) < 200_000
