"""Questions from a SQuAD file to their report, learnt, resumed, asked; and text learnt without labels before."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from sample_questions import content, write

import sonde
from sonde.cli.main import main
from sonde.core.files import read_json
from sonde.engine.json_lines import read_lines

SMALL: dict[str, Any] = {"threads": 1, "quiet": True, "batch_size": 16, "width": 32, "embedding": 32, "dropout": 0.1}
BERT: dict[str, Any] = {
    "model": "bert-tiny",
    "threads": 1,
    "quiet": True,
    "batch_size": 16,
    "lr": 1e-3,
    "precision": "fp32",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("questions") / "facts.json", content(14))


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    out = tmp_path_factory.mktemp("run") / "run"
    return sonde.train(data, epochs=12, lr=5e-3, out=out, **SMALL)


def test_it_is_found_out_learnt_and_judged(run: sonde.Run, data: Path) -> None:
    result = run.result
    assert (result["task"], result["model"], result["headline"]) == ("question-answering", "qa-reader", "f1")
    assert result["metrics"]["test"]["f1"] > 0.7
    assert result["baseline"]["what"] == "word overlap with the question, without training"
    assert 0 < result["baseline"]["f1"] < result["metrics"]["test"]["f1"]
    assert run.evaluate(data)["f1"] > 0.7


def test_the_report_marks_answers_in_their_texts(run: sonde.Run) -> None:
    worst = read_json(run.folder / "evaluation" / "test" / "worst.json")
    assert worst[0]["row"].startswith("facts.json: Article_")
    assert worst[0]["context"][slice(*worst[0]["found"])] == worst[0]["prediction"]
    page = run.report().read_text()
    assert page.count('<figure class="passage">') > 8
    assert '<mark class="both">' in page


def test_it_answers_a_file_and_a_pair(run: sonde.Run, data: Path, tmp_path: Path) -> None:
    context = "The bridge of Riga was built by Eva Lind in 1871."
    told = run.predict(("When was the bridge of Riga built?", context))[0]
    assert told["prediction"] == context[told["begin"] : told["end"]] != ""
    assert told["input"] == "When was the bridge of Riga built?"
    out = tmp_path / "answers.json"
    assert main(["predict", str(run.folder), str(data), "--out", str(out)]) == 0
    answers = json.loads(out.read_text())
    assert len(answers) == 126
    assert answers[0].keys() == {"input", "prediction", "probability", "begin", "end"}


def films() -> list[str]:
    return [f"it was a {('good', 'bad')[n % 2]} film number {n}\t{('yes', 'no')[n % 2]}\n" for n in range(40)]


def weights(run: sonde.Run) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in run.task.modules.state_dict().items()}


@pytest.mark.parametrize("task", ["question-answering", "masked-language-model"])
def test_resumed_is_straight(task: str, data: Path, tmp_path: Path) -> None:
    settings = {
        **(SMALL if task == "question-answering" else BERT),
        "task": task,
        "log_every": 1,
        "schedule": "constant",
    }
    straight = sonde.train(data, steps=8, out=tmp_path / "straight", **settings)
    sonde.train(data, steps=5, out=tmp_path / "resumed", **settings)
    resumed = sonde.resume(tmp_path / "resumed", steps=8, quiet=True)
    lines = [
        [line["loss"] for line in read_lines(run.folder / "metrics.jsonl") if line["kind"] == "step"]
        for run in (straight, resumed)
    ]
    assert len(lines[0]) == 8
    assert lines[0] == lines[1]


@pytest.mark.slow
def test_learning_without_labels_serves_questions_and_classes(data: Path, tmp_path: Path) -> None:
    before = sonde.train(data, task="masked-language-model", epochs=2, out=tmp_path / "before", **BERT)
    result = before.result
    assert (result["task"], result["headline"]) == ("masked-language-model", "loss")
    assert result["metrics"]["validation"]["loss"] < 6
    more = {name: value for name, value in BERT.items() if name != "model"}
    after = sonde.train(data, pretrained=str(before.folder), steps=2, freeze="backbone", out=tmp_path / "after", **more)
    assert after.result["model"] == "bert-tiny"
    assert after.result["task"] == "question-answering"
    assert after.schema.input.tokenizer == before.schema.input.tokenizer
    held = weights(before)
    kept = weights(after)
    assert all(torch.equal(kept[name], held[name]) for name in held if name.startswith("model."))
    rows = tmp_path / "films.tsv"
    rows.write_text("text\tlabel\n" + "".join(films()))
    classes = sonde.train(
        rows, target="label", pretrained=str(before.folder), steps=2, out=tmp_path / "classes", **more
    )
    assert classes.result["task"] == "classification"
    assert classes.schema.input.tokenizer == before.schema.input.tokenizer
