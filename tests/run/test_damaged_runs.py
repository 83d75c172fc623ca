"""Run folders of which something is missing, torn or wrong: one line that names the file and the way on, and nothing lost."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sonde
from sonde.cli.main import main

SETTINGS: dict[str, Any] = {"threads": 1, "quiet": True}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two epochs on a small table, trained in two sittings so that there are two checkpoints."""
    place = tmp_path_factory.mktemp("whole")
    rows = "\n".join(f"{n % 7},{n % 5 / 3},{'ab'[n % 7 > 3]}" for n in range(120))
    (place / "t.csv").write_text(f"x,y,kind\n{rows}\n")
    sonde.train(str(place / "t.csv"), target="kind", out=str(place / "run"), epochs=1, **SETTINGS)
    sonde.resume(place / "run", epochs=2, quiet=True)
    return place


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole / "run", tmp_path / "run")
    return tmp_path / "run"


def change(file: Path, how: Callable[[Any], Any]) -> None:
    """Replace the JSON in a file by what `how` makes of it."""
    file.write_text(json.dumps(how(json.loads(file.read_text()))))


def put(*path: Any, value: Any) -> Callable[[Any], Any]:
    def changed(content: Any) -> Any:
        place = content
        for name in path[:-1]:
            place = place[name]
        if value is ...:
            del place[path[-1]]
        else:
            place[path[-1]] = value
        return content

    return changed


def said_by(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of a command that is refused."""
    capsys.readouterr()
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    return said


DEEP: Any = None
for _ in range(200):
    DEEP = [DEEP]
SCHEMA = [
    put("input", value=...),
    put("input", value="x"),
    put("input", "mean", value=[None]),
    put("input", "std", value=[1, 1, 1, 1]),
    put("input", "shape", value="inf"),
    put("input", "shape", value=[10**12]),
    put("input", "columns", value={"a": DEEP}),
    put("input", "columns", 0, "mean", value=DEEP),
    put("input", "kind", value="smell"),
    put("target", "std", value=0),
    put("target", "names", value=None),
    put("target", "symbols", value="\0"),
    lambda content: [content],
]


@pytest.mark.parametrize("how", SCHEMA)
@pytest.mark.parametrize("command", ["predict", "eval"])
def test_a_damaged_schema(run: Path, whole: Path, how: Any, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    change(run / "schema.json", how)
    said = said_by([command, str(run), str(whole / "t.csv")], capsys)
    assert "schema.json" in said or "smell" in said


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 99_999])
@pytest.mark.parametrize("name", ["data.json", "plan.json", "result.json", "config.yaml"])
def test_a_torn_file_is_named_and_nothing_is_lost(
    run: Path, name: str, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / name).write_bytes(content)
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file() and file.name != ".lock"}
    said = said_by(["resume", str(run), "--epochs", "3"], capsys)
    assert name in said
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file() and file.name != ".lock"} == before


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", None])
def test_a_schema_is_written_again_from_the_data(run: Path, whole: Path, content: bytes | None) -> None:
    before = json.loads((run / "schema.json").read_text())
    (run / "schema.json").unlink()
    if content is not None:
        (run / "schema.json").write_bytes(content)
    assert main(["resume", str(run), "--epochs", "3", "--quiet"]) == 0
    assert json.loads((run / "schema.json").read_text()) == before
    assert main(["eval", str(run), str(whole / "t.csv"), "--quiet"]) == 0


def test_what_the_message_says_of_a_lost_plan_works(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "plan.json").write_text("x")
    said = said_by(["resume", str(run), "--epochs", "3"], capsys)
    command = said.split("sonde train ")[1].split(" (")[0].split()
    assert main(["train", *command, "--quiet"]) == 0
    assert json.loads((run / "result.json").read_text())["status"] == "finished"


def test_what_the_message_says_of_a_damaged_result_works(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "result.json").write_text("[]")
    said = said_by(["resume", str(run), "--epochs", "3"], capsys)
    assert "remove it" in said
    (run / "result.json").unlink()
    assert main(["resume", str(run), "--quiet"]) == 0
    assert json.loads((run / "result.json").read_text())["epochs"] == 2


@pytest.mark.parametrize(
    "line", [b"\0" * 400, b'{"kind": "step", "step": [1]}', b'{"kind": "evaluation"} {"a": 1}', b"[" * 99_999]
)
def test_a_damaged_line_of_metrics_is_passed_over(run: Path, line: bytes) -> None:
    metrics = run / "metrics.jsonl"
    first, rest = metrics.read_bytes().split(b"\n", 1)
    metrics.write_bytes(line + b"\n" + rest)
    assert main(["resume", str(run), "--epochs", "3", "--quiet"]) == 0
    assert json.loads((run / "result.json").read_text())["epochs"] == 3
    assert "metrics.jsonl line 1 is damaged" in (run / "report.html").read_text()


REPORTS = [
    ("result.json", put("metrics", "validation", value=1e308)),
    ("result.json", put("steps", value=[1])),
    ("result.json", put("best", value={"value": [], "epoch": {}, "step": "x"})),
    ("data.json", put("facts", value=[{}, 1, {"what": "10 classes"}])),
    ("data.json", put("splits", value=[1])),
    ("env.json", put("packages", value=3)),
    ("plan.json", put("threads_timed", value="x")),
    ("evaluation/validation/calibration.json", lambda content: {"bins": DEEP, "confidence": ["x"]}),
    ("evaluation/validation/per_class.json", lambda content: {"names": 3}),
]


@pytest.mark.parametrize(("name", "how"), REPORTS)
def test_a_report_is_drawn_without_what_is_damaged(
    run: Path, name: str, how: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (run / name).exists()
    change(run / name, how)
    assert main(["report", str(run)]) == 0
    assert "<h1" in (run / "report.html").read_text()
    assert main(["runs", str(run.parent)]) == 0


@pytest.mark.parametrize(
    "content",
    ["a: " + "[" * 9_999, "settings: &a {b: *a}", "settings: {model: [1]}", "settings: {task: {}}", "a: 2021-99-99"],
)
@pytest.mark.parametrize("command", ["predict", "eval", "resume"])
def test_a_config_of_odd_yaml(run: Path, content: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "config.yaml").write_text(content)
    words = [command, str(run), *([] if command == "resume" else [str(run)])]
    assert "config.yaml" in said_by(words, capsys)
    assert main(["report", str(run)]) == 0


def test_a_kill_between_the_first_files_is_made_up_for(run: Path) -> None:
    for entry in [*run.iterdir()]:
        if entry.name not in ("config.yaml", "schema.json"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    assert main(["resume", str(run), "--quiet"]) == 0
    assert json.loads((run / "result.json").read_text())["epochs"] == 2


def test_a_state_whose_numbers_are_none_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import hashlib

    file = run / "checkpoints" / "last" / "state.json"
    body = json.loads(file.read_bytes().split(b"\n", 1)[1])
    body["state"]["threads"] = "x"
    text = json.dumps(body).encode()
    file.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text + b"\n")
    said = said_by(["resume", str(run), "--epochs", "3"], capsys)
    assert "last/state.json is damaged" in said
    shutil.rmtree(said.split("resume from the previous one: ")[1].strip())
    assert main(["resume", str(run), "--epochs", "3", "--quiet"]) == 0


def test_a_state_that_does_not_fit_changes_nothing(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import hashlib

    for file in run.glob("checkpoints/*/state.json"):
        body = json.loads(file.read_bytes().split(b"\n", 1)[1])
        body["state"]["random"] = {"torch": "x"}
        text = json.dumps(body).encode()
        file.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text + b"\n")
    with (run / "findings.jsonl").open("a") as log:  # as one that comes after the last checkpoint
        log.write("{}\n")
    before = {
        name: (run / name).read_bytes() for name in ("config.yaml", "result.json", "metrics.jsonl", "findings.jsonl")
    }
    assert "does not fit this run" in said_by(["resume", str(run), "--epochs", "3"], capsys)
    findings = before.pop("findings.jsonl")
    assert {name: (run / name).read_bytes() for name in before} == before
    assert (run / "findings.jsonl").read_bytes().startswith(findings)  # and then why it failed


@pytest.mark.parametrize("command", ["predict", "eval"])
def test_weights_that_were_modified_come_with_a_way_on(
    run: Path, whole: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "checkpoints" / "best" / "weights.safetensors").write_bytes(b"x")
    said = said_by([command, str(run), str(whole / "t.csv")], capsys)
    assert "best/weights.safetensors is truncated or was modified" in said
    assert main(["train", *said.split("sonde train ")[1].split(" (")[0].split(), "--quiet"]) == 0


def test_a_damaged_vocabulary_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{('a fine film', 'a dull film')[n % 2]} number {n}\t{('good', 'bad')[n % 2]}" for n in range(60)]
    (tmp_path / "t.tsv").write_text("text\tkind\n" + "\n".join(lines) + "\n")
    run = tmp_path / "run"
    sonde.train(str(tmp_path / "t.tsv"), tokenizer="bpe", out=str(run), steps=1, **SETTINGS)
    change(run / "tokenizer.json", put("model", "vocab", value={"a": []}))
    said = said_by(["predict", str(run), "a film"], capsys)
    assert "tokenizer.json is damaged (the vocabulary cannot be read" in said
    assert "restore it from a copy" in said


def test_images_of_a_run_without_a_schema_are_read_again(tmp_path: Path) -> None:
    from PIL import Image

    for kind in ("cat", "dog"):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for n in range(12):
            Image.new("RGB", (12, 12), (n * 9, 40 * (kind == "cat"), 7)).save(tmp_path / "data" / kind / f"{n}.png")
    run = tmp_path / "run"
    sonde.train(str(tmp_path / "data"), out=str(run), epochs=1, **SETTINGS)
    before = json.loads((run / "schema.json").read_text())
    (run / "schema.json").write_text("{} {}")
    assert main(["resume", str(run), "--epochs", "2", "--quiet"]) == 0
    assert json.loads((run / "schema.json").read_text()) == before


def test_a_state_that_was_sealed_again_is_refused(run: Path, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import hashlib

    for name in ("best", "last"):
        file = run / "checkpoints" / name / "state.json"
        body = json.loads(file.read_bytes().split(b"\n", 1)[1])
        body["state"]["task"] = 10**30
        body["state"]["progress"] = {"step": "x"}
        text = json.dumps(body).encode()
        file.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text + b"\n")
    assert "state.json" in said_by(["eval", str(run), str(whole / "t.csv")], capsys)
    said = said_by(["resume", str(run), "--epochs", "3"], capsys)
    assert f"move it away to resume from the previous one: {run / 'checkpoints' / 'last'}" in said
    shutil.rmtree(run / "checkpoints" / "last")
    assert main(["resume", str(run), "--epochs", "3", "--quiet"]) == 0
