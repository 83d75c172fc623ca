"""Text from a table to an answer: what is trained on is told apart, shown and predicted, and padding changes nothing."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sonde
from sonde.cli.main import main
from sonde.core.config import DataConfig, FeedConfig
from sonde.core.errors import ConfigError
from sonde.data.feed.build import build_source
from sonde.engine.evaluate import evaluate
from sonde.engine.execution.settings import StepSettings
from sonde.modalities.open import open_data
from sonde.run.run import Run

PLAIN = ["a", "film", "of", "the", "and", "with", "no", "cast", "story", "for", "all"]
TELLING = ("dull", "charm")
QUICK: dict[str, Any] = {
    "threads": 1,
    "quiet": True,
    "epochs": 8,
    "batch_size": 16,
    "lr": 5e-3,
    "width": 16,
    "embedding": 16,
    "dropout": 0.1,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences in which one word tells the class, without a header."""
    place, draw = tmp_path_factory.mktemp("films"), random.Random(0)
    for split, rows in (("train", 160), ("dev", 40), ("test", 60)):
        lines = []
        for n in range(rows):
            words = [*draw.choices(PLAIN, k=draw.randint(5, 15)), TELLING[n % 2]]
            draw.shuffle(words)
            lines.append(f"{' '.join(words)}\t{n % 2}\n")
        (place / f"{split}.tsv").write_text("".join(lines))
    return place


@pytest.fixture(scope="module")
def trained(folder: Path) -> Run:
    return sonde.train(folder, out=folder / "run", **QUICK)


def test_what_one_word_tells_is_learnt(trained: Run) -> None:
    assert trained.metrics["accuracy"] > 0.95
    said = trained.predict(["a film of charm", "no charm but a dull dull cast", "dull"])
    assert [row["prediction"] for row in said][::2] == ["1", "0"]
    assert said[0]["input"] == "a film of charm"


def test_predictions_do_not_depend_on_the_company(trained: Run) -> None:
    texts = ["dull", "a film of charm", "the cast and the story of all the film with no charm for all"]
    together = [row["probabilities"]["1"] for row in trained.predict(texts)]
    alone = [trained.predict(text)[0]["probabilities"]["1"] for text in texts]
    assert np.allclose(together, alone, atol=1e-6)


def test_the_order_of_batches_and_their_padding_change_no_judgement(folder: Path, trained: Run) -> None:
    rows = open_data(folder, DataConfig()).splits["test"]

    def judged(bucket: bool, batch_size: int) -> dict[str, float]:
        source = build_source(
            rows,
            trained.schema,
            FeedConfig(batch_size=batch_size, bucket=bucket),
            training=False,
            seed=0,
            device=torch.device("cpu"),
            kind="resident",
        )
        return evaluate(trained.task, source, StepSettings(device=torch.device("cpu"))).compute()

    straight = judged(bucket=False, batch_size=1)  # no padding at all
    for bucket, size in ((True, 16), (False, 16), (True, 60)):
        assert judged(bucket, size) == pytest.approx(straight, abs=1e-6)
    assert trained.evaluate(folder) == pytest.approx(straight, abs=1e-6)


def test_cases_are_shown_with_their_text(folder: Path, trained: Run) -> None:
    lines = [line.split("\t")[0] for line in (folder / "test.tsv").read_text().splitlines()]
    for stem in ("worst", "best"):
        cases = json.loads((trained.folder / "evaluation" / "test" / f"{stem}.json").read_text())
        assert cases
        assert all(case["text"] == lines[case["index"]] for case in cases)
        assert all(case["row"] == f"test.tsv row {case['index'] + 1}" for case in cases)
        assert f"<q>{cases[0]['text']}</q>" in (trained.folder / "report.html").read_text()
    page = (trained.folder / "report.html").read_text()
    assert "Lowest loss" in page


def test_the_vocabulary_stands_in_the_run_folder(trained: Run) -> None:
    saved = json.loads((trained.folder / "tokenizer.json").read_text())
    assert saved["kind"] == "words"
    assert {"dull", "charm"} <= set(saved["symbols"])
    assert sonde.load(trained.folder).predict("dull")[0]["prediction"] == "0"


def test_the_command_line_takes_a_sentence(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(trained.folder), "a film of charm"]) == 0
    said = capsys.readouterr().out
    assert "a film of charm" in said


def test_a_network_for_numbers_is_refused_with_those_that_fit(folder: Path) -> None:
    with pytest.raises(
        ConfigError, match='model="resnet18" takes inputs of kind image, and this data is of kind tokens; take '
    ):
        sonde.train(folder, model="resnet18", out=folder / "refused", quiet=True)


def test_a_run_of_text_goes_on_exactly(folder: Path, trained: Run) -> None:
    place = folder / "short"
    sonde.train(folder, out=place, **dict(QUICK, epochs=4))
    resumed = sonde.resume(place, epochs=8, quiet=True)
    straight = sonde.load(trained.folder)
    for (name, one), two in zip(
        resumed.task.modules.state_dict().items(), straight.task.modules.state_dict().values(), strict=True
    ):
        assert torch.equal(one, two), name
