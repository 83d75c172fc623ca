"""What a run shows of its answers while it trains, and that training does not notice."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import sonde
from sonde.core.errors import Interrupted
from sonde.core.files import read_json
from sonde.core.findings import Finding
from sonde.core.records import EvaluationRecord
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines
from sonde.engine.tree import same
from sonde.engine.used_memory import KEYS
from sonde.run import finish, samples
from sonde.run.samples import SHARE, Samples

EVALUATED = EvaluationRecord(step=1, epoch=0, split="validation", metrics={}, seconds=0.1)
NO_DROPOUT: dict[str, Any] = {"dropout": 0.0}
TEXT = "to be or not to be, that is the question\n" * 60
USUAL: dict[str, Any] = {"threads": 1, "quiet": True, "precision": "fp32", "seed": 3, "batch_size": 8, "dropout": 0.1}


@pytest.fixture(autouse=True)
def nothing_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of a run, which takes seconds."""
    monkeypatch.setattr(finish, "look", lambda *given: [])


def text(out: Path, **more: Any) -> None:
    (file := out.parent / "text.txt").write_text(TEXT)
    small: dict[str, Any] = {"model": "modern-gpt", "width": 16, "layers": 1, "heads": 2, "steps": 20}
    sonde.train(str(file), out=str(out), evaluate_every="5 steps", **{**USUAL, **small, **more})


def carried(out: Path, **more: Any) -> None:
    (file := out.parent / "text.txt").write_text(TEXT)
    small: dict[str, Any] = {"model": "lstm-lm", "embedding": 8, "width": 8, "layers": 2, "carry": True, "steps": 20}
    sonde.train(str(file), out=str(out), evaluate_every="5 steps", **{**USUAL, **small, **more})


def images(out: Path, **more: Any) -> None:
    small: dict[str, Any] = {
        "task": "masked-autoencoder",
        "model": "vit-tiny-16",
        "patch": 2,
        "steps": 8,
        "decoder_depth": 1,
    }
    drawn = np.random.default_rng(0)
    rows = drawn.integers(0, 255, (60, 8, 8), dtype=np.uint8), drawn.integers(0, 3, 60)
    sonde.train(rows, out=str(out), evaluate_every="4 steps", **{**USUAL, **small, **NO_DROPOUT, **more})


def windows(out: Path, **more: Any) -> None:
    days = np.datetime64("2020-01-01") + np.arange(300)
    rows = "".join(f"{day},{value:.4f}\n" for day, value in zip(days, np.sin(np.arange(300) / 5), strict=True))
    (file := out.parent / "waves.csv").write_text(f"day,wave\n{rows}")
    settings: dict[str, Any] = {"task": "forecasting", "steps": 20, "horizon": 4}
    given = {name: value for name, value in USUAL.items() if name != "dropout"}
    sonde.train(str(file), out=str(out), evaluate_every="5 steps", **{**given, **settings, **more})


def made(out: Path, task: str = "flow-matching", **more: Any) -> None:
    drawn = np.random.default_rng(0)
    rows = drawn.integers(0, 255, (60, 8, 8), dtype=np.uint8), drawn.integers(0, 3, 60)
    small: dict[str, Any] = {"task": task, "widths": (8,), "steps": 8, "ema": 0.9, "model": "denoiser-unet"}
    small |= {"model": "dcgan"} if task == "gan" else {"layers": 1}
    given = {name: value for name, value in USUAL.items() if name != "dropout"}
    sonde.train(rows, out=str(out), evaluate_every="4 steps", **{**given, **small, **more})


def of_a_gan(out: Path) -> None:
    made(out, task="gan")


def left(out: Path) -> Any:
    weights, state = checkpoint.read(out / "checkpoints" / "last")
    lines = [line for line in read_lines(out / "metrics.jsonl") if line["kind"] != "event"]
    parts = ("stepper", "source", "task", "random", "buffers")
    logged = [
        {name: value for name, value in line.items() if name not in ("seconds", "elapsed", *KEYS)} for line in lines
    ]
    return {"weights": weights, "logged": logged, **{name: state[name] for name in parts}}


@pytest.mark.parametrize("train", [text, carried, images, windows, made, of_a_gan])
def test_what_is_learned_is_the_same_to_the_last_bit(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    write = Samples._write

    def counted(self: Samples, record: EvaluationRecord, room: float) -> None:
        made.append(record.step)
        write(self, record, room)
        assert not self._broken

    monkeypatch.setattr(Samples, "_write", counted)
    for name, share in (("with", 1e6), ("without", 0.0)):
        monkeypatch.setattr(samples, "SHARE", share)
        train(tmp_path / name)
    assert len(made) >= 2
    assert same(left(tmp_path / "with"), left(tmp_path / "without"))
    assert not (tmp_path / "with" / "samples").exists()  # evaluation/ holds those of the best
    assert not any("samples while" in line["check"] for line in read_lines(tmp_path / "with" / "findings.jsonl"))


def stopped(train: Any, out: Path) -> None:
    def end(record: Any) -> None:
        if isinstance(record, sonde.StepRecord) and record.step == 6:
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, Interrupted)):
        train(out, observers=[end])


def test_a_text_is_on_the_page_of_a_run_that_has_not_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SHARE", 1e6)
    stopped(text, tmp_path / "run")
    about = read_json(tmp_path / "run" / "samples" / "about.json")
    assert about == {"step": 5, "epoch": 1, "split": "validation", "files": ["written"]}
    [written] = read_json(tmp_path / "run" / "samples" / "validation" / "written.json")
    assert written["text"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Samples so far" in page
    assert "Made after step 5" in page


def test_restored_images_are_on_the_page_and_at_the_end_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SHARE", 1e6)
    stopped(images, tmp_path / "run")
    rows = read_json(tmp_path / "run" / "samples" / "validation" / "reconstructed.json")
    assert len(rows) == 4
    assert (tmp_path / "run" / "samples" / "validation" / rows[0]["pictures"]["found"]).exists()
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count("what it made of it</figcaption>") == 4
    images(tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Samples so far" not in page
    assert "Restored images" in page


def test_how_samples_became_is_shown_while_it_trains_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SHARE", 1e6)
    stopped(made, tmp_path / "run")
    assert "Samples so far" in (tmp_path / "run" / "report.html").read_text()
    assert (tmp_path / "run" / "samples" / "validation" / "became" / "4.png").is_file()
    made(tmp_path / "run")  # goes on
    found = read_json(tmp_path / "run" / "evaluation" / "became.json")
    assert (found["number"], found["steps"], found["classes"][:4]) == (10, 8, ["0", "1", "2", "0"])
    assert found["pictures"] == [
        {"step": step, "epoch": epoch, "picture": f"became/{step}.png"} for step, epoch in ((4, 0), (8, 1))
    ]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "How samples became" in page
    assert page.count('alt="samples after step') == 2


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_they_take_a_hundredth_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, made = Clock(), []

    def write(self: Samples, record: EvaluationRecord, room: float) -> None:
        made.append((clock.now, room))
        clock.now += 0.5

    monkeypatch.setattr(Samples, "_write", write)
    observer = Samples(tmp_path, SimpleNamespace(), tell=lambda found: None, clock=clock)  # type: ignore[arg-type]
    for _ in range(1000):
        clock.now += 1.0
        observer(EVALUATED)
    assert made[0][0] == pytest.approx(samples.FIRST_S / SHARE, abs=1.0)
    assert SHARE * 1000 * 0.8 <= 0.5 * len(made) <= SHARE * clock.now + 0.5


def test_what_fails_is_noted_once_and_training_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, told = Clock(), list[Finding]()

    def write(self: Samples, record: EvaluationRecord, room: float) -> None:
        raise RuntimeError("no such layer")

    monkeypatch.setattr(Samples, "_write", write)
    observer = Samples(tmp_path, SimpleNamespace(), tell=told.append, clock=clock)  # type: ignore[arg-type]
    for _ in range(100):
        clock.now += 100.0
        observer(EVALUATED)
    assert [(each.severity, each.evidence) for each in told] == [("note", "they could not be made (no such layer)")]
