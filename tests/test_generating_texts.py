"""Masked diffusion of text, the whole way: from a .txt file to texts, as a user goes it."""

from pathlib import Path

import numpy as np
import pytest
import torch

import sonde
from sonde.cli.main import main
from sonde.core.files import read_json
from sonde.engine import checkpoint
from sonde.engine.tree import same

TEXT = "the cat sat on the mat. the dog sat on the cat.\n" * 60
SMALL = {
    "task": "masked-diffusion",
    "threads": 1,
    "quiet": True,
    "width": 32,
    "layers": 2,
    "heads": 2,
    "max_tokens": 16,
    "batch_size": 32,
    "precision": "fp32",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "cats.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def run(data: Path) -> sonde.Run:
    return sonde.train(data, out=data.parent / "run", steps=60, **SMALL)


def test_texts_are_like_those_of_the_data_and_by_their_seed_alone(run: sonde.Run) -> None:
    before, state = {k: v.clone() for k, v in run.task.modules.state_dict().items()}, torch.get_rng_state()
    texts, more, other = run.sample(8, seed=1), run.sample(10, seed=1), run.sample(8, seed=2)
    assert texts == more[:8]
    assert texts != other
    assert [len(text) for text in texts] == [16] * 8
    assert set("".join(texts)) <= set(TEXT)
    letters = [text.count(" ") + text.count("t") for text in texts]  # 42 % of the text
    assert sum(letters) == pytest.approx(0.42 * 8 * 16, abs=20)
    assert torch.equal(state, torch.get_rng_state())
    assert same(before, run.task.modules.state_dict())
    assert sonde.load(run.folder).sample(8, seed=1) == texts


def test_evaluating_more_often_changes_nothing_that_is_learned(data: Path, tmp_path: Path) -> None:
    for name, often in (("rarely", 2.0), ("often", 0.25)):
        sonde.train(data, out=tmp_path / name, epochs=2, ema=0.9, evaluate_every=often, **SMALL)
    one, two = (checkpoint.read(tmp_path / name / "checkpoints" / "last")[0] for name in ("rarely", "often"))
    assert same(one, two)


def test_the_report_shows_texts_first_and_the_loss_by_share(run: sonde.Run) -> None:
    folder = run.folder / "evaluation" / run.evaluated_on
    told = read_json(folder / "samples.json")
    assert len(told["texts"]) == told["number"] == 8
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert page.index("New inputs that the best checkpoint made") < page.index("Training curves")
    assert "Loss by share of masked tokens" in page
    assert "--judge" not in page
    assert len(read_json(folder / "by_masked.json")) > 3


def test_the_command_prints_texts_or_writes_them(
    run: sonde.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sample", str(run.folder), "-n", "3", "--seed", "4"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert main([*words, "--out", str(tmp_path / "texts.txt")]) == 0
    assert (tmp_path / "texts.txt").read_text() == printed
    assert printed.count("--------\n") == 2
    assert main([*words, "--out", f"{tmp_path}/each/"]) == 0
    assert len(list((tmp_path / "each").glob("*.txt"))) == 3


def test_gaps_are_filled_in(run: sonde.Run, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sample", str(run.folder), "-n", "2", "--sampler", "confidence", "--temperature", "0"]
    assert main([*words, "--known", "the ___ sat"]) == 0
    first, second = capsys.readouterr().out.split("--------\n")
    assert first == second  # nothing is drawn
    assert first.startswith("the ")
    assert first.endswith(" sat\n")
    assert len(first) == len("the ___ sat\n")


def test_texts_are_judged_and_other_data_evaluated(
    run: sonde.Run, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    like, unlike = run.predict(["the cat sat on", "tac eht no tas"])
    assert like["loss"] < unlike["loss"]
    assert like["perplexity"] == pytest.approx(np.exp(like["loss"]))
    scores = run.evaluate(str(data))
    assert scores["loss"] == pytest.approx(run.metrics["loss"], rel=1e-4)
    assert main(["eval", str(run.folder), str(data)]) == 0
    said = capsys.readouterr().out
    assert "loss is an upper bound" in said
    assert "--judge" not in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-n", "0"], "--number must be at least 1, got 0"),
        (["--guidance", "2"], "--guidance steers toward a class, and this run was trained without classes"),
        (["--classes", "cat"], "--classes: this run was trained without classes; leave it out"),
        (["--known", "the ß__"], "'the ß__' has 'ß', which does not occur in the training text"),
        (["--known", "the cat"], "--known 'the cat' has no gap; write _ for each token"),
        (["--known", "_", "--mask", "a.png"], "--mask is for images"),
        (["--sampler", "ddim"], "ddim"),
        (["--out", "texts.png"], "text are written to names ending in .txt or .jsonl or /"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_line(
    run: sonde.Run, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", str(run.folder), *words]) == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert len(said.splitlines()) == 1


def test_other_commands_say_what_to_use(run: sonde.Run, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", str(run.folder)]) == 2
    assert "use sample" in capsys.readouterr().err
    assert main(["eval", str(run.folder), str(data), "--judge", str(run.folder)]) == 2
    assert "samples of text cannot be judged yet" in capsys.readouterr().err
    assert main(["train", "digits", "--task", "masked-diffusion"]) == 2
    assert "learns from text without labels, and these data are others" in capsys.readouterr().err
