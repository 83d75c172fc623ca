"""What docs/adding.md says is so: the package that it describes joins and trains, and every place that it names is there."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import sonde
from sonde.cli.main import main
from sonde.core.catalogue import _entry_points
from sonde.core.errors import SondeError
from sonde.models.table import MODELS
from sonde.tasks.table import names

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
FILES = {body.split("\n")[0].removeprefix("# "): body for _, body in BLOCKS if body.startswith("# ")}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which the guide's package is installed as pip would do it."""
    for name, body in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(body, encoding="utf-8")
    parts = [tomllib.loads(body)["project"] for kind, body in BLOCKS if kind == "toml"]
    project, points_of = parts[0], {group: points for part in parts for group, points in part["entry-points"].items()}
    about = tmp_path / "sonde_counts-1.0.dist-info"
    about.mkdir()
    about.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in points_of.items()
    ]
    about.joinpath("entry_points.txt").write_text("\n".join(groups))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    _entry_points.cache_clear()
    yield tmp_path
    _entry_points.cache_clear()


def test_the_package_of_the_guide_joins_and_trains(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "counts" in names()
    assert "log-linear" in MODELS
    for kind, body in BLOCKS:
        if kind == "python" and not body.startswith("# "):
            exec(compile(body, "adding.md", "exec"), {})
        for line in body.splitlines() if kind == "sh" else []:
            assert main(shlex.split(line)[1:]) == 0, line
    said = capsys.readouterr().out
    assert "visits" in said
    assert "quartz" in said
    result = sonde.load(installed / "minerals-run").result
    assert result["metrics"]["test"]["accuracy"] > 0.9
    for run in (
        sonde.load(installed / "minerals-run"),
        sonde.resume(installed / "minerals-run", epochs=11, quiet=True),
    ):
        assert run.evaluate(installed / "minerals.spc")["accuracy"] > 0.9
    with pytest.raises(SondeError, match=r"gone.spc is no .spc file"):
        run.predict(installed / "gone.spc")
    with pytest.raises(SondeError, match="digits holds no spectra; leave --unit-area out"):
        sonde.train("digits", unit_area=True, quiet=True)  # pyright: ignore[reportCallIssue]
    result = sonde.load(installed / "visits-run").result
    assert result["metrics"]["test"]["deviance"] < 1.5  # of the true rates it is about 1 a row
    assert result["baseline"]["deviance"] > 2
    assert main(["train", "visits.csv", "--target", "visits", "--model", "resnet18", "--task", "counts"]) != 0
    assert "take" in capsys.readouterr().err


def test_every_place_that_it_names_is_there() -> None:
    named = set(
        re.findall(r"`((?:tasks|modalities|models|nn|losses|metrics|optim|core|data|diagnose|cli)/[\w/]*[\w.]*)", GUIDE)
    )
    assert len(named) > 25
    gone = [name for name in named if not _is_there(name)]
    assert not gone


def _is_there(name: str) -> bool:
    """A file or folder of the package, or a name in one of its modules ("tasks/regression/task._metrics")."""
    if any(word in name for word in ("NAME", "KIND", "FAMILY")):
        return True
    path = ROOT / "sonde" / name
    if path.exists() or path.with_suffix(".py").exists():
        return True
    module, _, attribute = name.rpartition(".")
    file = ROOT / "sonde" / f"{module}.py"
    return (
        file.exists()
        and re.search(rf"^(?:class|def) {attribute}\b", file.read_text(encoding="utf-8"), re.MULTILINE) is not None
    )
