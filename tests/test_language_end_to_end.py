"""A text from its file to a report, judged, gone on with, asked and let write: the whole way, on a short one."""

from pathlib import Path
from typing import Any

import pytest
import torch

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError
from sonde.core.files import read_json
from sonde.engine import checkpoint

SMALL: dict[str, Any] = {
    "width": 32,
    "layers": 1,
    "heads": 2,
    "max_tokens": 16,
    "batch_size": 16,
    "precision": "fp32",
    "dropout": 0.0,
    "threads": 1,
    "quiet": True,
}
RECURRENT: dict[str, Any] = {
    "model": "gru-lm",
    "embedding": 8,
    "width": 12,
    "max_tokens": 8,
    "batch_size": 4,
    "precision": "fp32",
    "schedule": "constant",
    "warmup": 0,
    "threads": 1,
    "quiet": True,
}
VERSE = "one for the money\ntwo for the show\nthree to get ready\n"


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "verse.txt"
    path.write_text(VERSE * 40, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(text: Path, tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    return sonde.train(text, epochs=12, lr=1e-2, out=tmp_path_factory.mktemp("run") / "run", **SMALL)


def test_it_is_found_out_learnt_and_judged(run: sonde.Run, text: Path) -> None:
    result = run.result
    assert (result["task"], result["model"], result["headline"]) == ("language-model", "modern-gpt", "loss")
    assert run.metrics["loss"] < 1.0 < result["baseline"]["loss"]
    assert run.metrics["bits_per_character"] == pytest.approx(run.metrics["loss"] / 0.693147, rel=1e-4)
    assert run.evaluate(text)["loss"] < 1.0
    half = run.schema.input.shape
    assert half == (16,)


def test_the_report_shows_what_it_wrote(run: sonde.Run) -> None:
    place = run.folder / "evaluation" / "validation"
    written = read_json(place / "written.json")
    assert [sample["temperature"] for sample in written] == [0.5, 0.8, 1.0]
    assert "for the" in written[0]["text"]
    assert len(read_json(place / "by_place.json")["nats"]) == 16
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "<h2>Samples</h2>" in page
    assert "Loss by context length" in page
    assert "for the" in page


def test_it_goes_on_from_a_prompt(run: sonde.Run, capsys: pytest.CaptureFixture[str]) -> None:
    text = run.generate("two for ", tokens=9, temperature=0)
    assert text == "the show\n"
    assert run.generate("two for ", tokens=9, temperature=0, memory=False) == text
    assert "".join(run.stream("one", tokens=5, seed=3)) == run.generate("one", tokens=5, seed=3)
    words = ["generate", str(run.folder), "--prompt", "two for ", "--tokens", "9", "--temperature", "0"]
    assert main(words) == 0
    assert capsys.readouterr().out == "two for the show\n\n"
    assert main([*words[:2], "--prompt", "no ~"]) == 2
    assert capsys.readouterr() == (
        "",
        "sonde: error: the prompt has '~', not in the vocabulary of the training text; leave it out\n",
    )
    assert main([*words[:2], "--top-p", "0"]) == 2
    assert "--top-p must be above 0 and at most 1, got 0" in capsys.readouterr().err
    assert main([*words[:2], "--tokens", "0"]) == 2
    assert "--tokens must be at least 1, got 0" in capsys.readouterr().err


def test_a_person_and_it_write_in_turns(
    run: sonde.Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = iter(["one for the money\n", "~\n", "\n", ""])
    monkeypatch.setattr("sys.stdin.readline", lambda: next(lines))
    assert main(["chat", str(run.folder), "--tokens", "17", "--temperature", "0"]) == 0
    out, err = capsys.readouterr()
    first, _, second, _ = out.split("> ")[1:]
    assert first == "two for the show\n\n"
    assert second.startswith("three to get read")
    assert err == "sonde: error: the prompt has '~', not in the vocabulary of the training text; leave it out\n"


def test_it_is_asked_what_comes_next(run: sonde.Run, text: Path, tmp_path: Path) -> None:
    found = run.predict(["two for the sho", "one for the mone"])
    assert [row["prediction"] for row in found] == ["w", "y"]
    assert found[0]["input"] == "two for the sho"
    assert found[0]["perplexity"] < 3
    assert run.predict(str(text))[0]["input"] == str(text)
    odd = tmp_path / "odd.txt"
    odd.write_bytes(b"\xff")
    assert main(["predict", str(run.folder), str(odd)]) == 2
    assert main(["predict", str(run.folder), "~"]) == 2


def test_another_kind_of_run_cannot_write(tmp_path: Path) -> None:
    trained = sonde.train("digits", model="perceptron", epochs=1, out=tmp_path / "run", threads=1, quiet=True)
    with pytest.raises(ConfigError, match="cannot generate text: it was trained on task classification; use predict$"):
        trained.generate("a")


@pytest.mark.parametrize("carry", [False, True])
def test_going_on_is_exact(text: Path, tmp_path: Path, carry: bool) -> None:
    straight = sonde.train(text, steps=30, carry=carry, out=tmp_path / "straight", **RECURRENT)
    sonde.train(text, steps=17, carry=carry, out=tmp_path / "halted", **RECURRENT)
    resumed = sonde.resume(tmp_path / "halted", steps=30, quiet=True)
    one, two = (checkpoint.read(run.folder / "checkpoints" / "last")[0] for run in (straight, resumed))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert straight.metrics == resumed.metrics
