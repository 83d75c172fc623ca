"""What the page of a run shows of its task alone, by the record of the task that config.yaml names."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sonde.run.report import write_report

PASSAGE = {
    "index": 3,
    "question": "<Who>?",
    "context": "It was built by Anna Weber in 1907.",
    "truth": [16, 26],
    "found": [21, 26],
    "prediction": "Weber",
    "target": "Anna Weber",
    "f1": 0.6667,
    "loss": 1.0,
}
SENTENCE = {
    "index": 3,
    "text": "A <dog>.",
    "target": "Ein Hund.",
    "prediction": "Eine Katze.",
    "bleu": 12.3,
    "loss": 2.0,
}
MAP = {"index": 0, "source": ["A"], "said": ["Ein"], "weights": [[1.0]]}
TRACE = [[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [4.0, 4.0, 1.0]]
STRUCTURE = {"index": 1, "row": "1ABC<", "target": "3", "prediction": "lDDT 1", "loss": 1.0}
WINDOW = {
    "index": 0,
    "row": "p.csv",
    "loss": 0.2,
    "variable": "load",
    "past": [1.0],
    "truth": [2.0, 3.0],
    "found": [2.5, 3.5],
}
BY_STEP = {"mse": [0.1, 0.2]}
ANGLES = {"names": ["phi", "psi"], "true": [[-60, -45], [57, 40]], "found": [[-70, -20], [0, 0]]}
CLASSES = {"names": ["cat"], "precision": [0.5], "recall": [0.5], "f1": [0.5], "support": [4]}

FILES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "question-answering": (
        {"worst": [PASSAGE]},
        [
            '<section id="passages">\n<h2>Answers in context</h2>',
            'built by <mark class="truth">Anna </mark><mark class="both">Weber</mark> in',
            "<h3>&lt;Who&gt;?</h3>",
        ],
    ),
    "translation": (
        {"worst": [SENTENCE], "best": [], "attention": [MAP]},
        [
            '<section id="translations">',
            "<td>A &lt;dog&gt;.</td><td>Ein Hund.</td><td>Eine Katze.</td>",
            "<h3>Attention</h3>",
        ],
    ),
    "structure": (
        {"worst": [{**STRUCTURE, "trace": {"true": TRACE, "found": TRACE}}]},
        ['<section id="traces">', "<h3>1ABC&lt;</h3>", '<svg class="turns"'],
    ),
    "language-model": (
        {"written": [{"temperature": 0.5, "text": "to <be>"}], "by_place": {"nats": [3.0, 2.0], "count": [1, 1]}},
        [
            '<section id="written">',
            "<h3>temperature 0.50</h3><pre>to &lt;be&gt;</pre>",
            "<h3>Loss by context length</h3>",
        ],
    ),
    "torsions": ({"torsions": ANGLES}, ["<h3>Measured angles</h3>", "<h3>Predicted angles</h3>"]),
    "forecasting": (
        {
            "horizon": {"season": 1, "steps": {"model": BY_STEP}, "totals": {"model": {"mse": 0.1}}},
            "examples": [WINDOW],
        },
        ["<h3>Error by step</h3>", "<h3>Forecast: load</h3>"],
    ),
    "detection": (
        {"precision_recall": {"names": ["cat"], "recall": [0.0, 1.0], "precision": [[1.0, 0.5]]}, "per_class": CLASSES},
        ["<h3>Precision and recall</h3>"],
    ),
}


def folder(path: Path, task: str, files: dict[str, Any]) -> Path:
    place = path / "evaluation" / "test"
    place.mkdir(parents=True)
    (path / "config.yaml").write_text(json.dumps({"data": "d", "settings": {"task": task}}))
    for stem, content in files.items():
        (place / f"{stem}.json").write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("task", FILES)
def test_a_task_shows_what_it_alone_has(task: str, tmp_path: Path) -> None:
    files, shown = FILES[task]
    page = write_report(folder(tmp_path / "run", task, files)).read_text(encoding="utf-8")
    assert [text for text in shown if text not in page] == []


@pytest.mark.parametrize("task", FILES)
def test_the_page_of_another_task_shows_nothing_of_it(task: str, tmp_path: Path) -> None:
    files, shown = FILES[task]
    for other in ("classification", "PlainTask", "a task that was uninstalled"):
        page = write_report(folder(tmp_path / other, other, files)).read_text(encoding="utf-8")
        assert [text for text in shown if text in page] == []


def test_sentences_stand_in_place_of_the_rows_with_the_highest_loss(tmp_path: Path) -> None:
    files, _ = FILES["translation"]
    assert 'id="worst"' not in write_report(folder(tmp_path / "a", "translation", files)).read_text(encoding="utf-8")
    assert 'id="worst"' in write_report(folder(tmp_path / "b", "classification", files)).read_text(encoding="utf-8")


def test_passages_come_after_the_rows_and_traces_before(tmp_path: Path) -> None:
    page = write_report(folder(tmp_path / "a", "question-answering", FILES["question-answering"][0])).read_text("utf-8")
    assert page.index('id="worst"') < page.index('id="passages"')
    page = write_report(folder(tmp_path / "b", "structure", FILES["structure"][0])).read_text("utf-8")
    assert page.index('id="traces"') < page.index('id="worst"')


def test_a_folder_copied_elsewhere_gives_the_same_page_and_none_needs_torch(tmp_path: Path) -> None:
    for task, (files, _) in FILES.items():
        run = folder(tmp_path / "one" / task, task, files)
        page = write_report(run).read_bytes()
        shutil.copytree(run, tmp_path / "two" / task)
        code = (
            "import sys\nfrom pathlib import Path\nfrom sonde.run.report import write_report\n"
            f"write_report(Path({str(tmp_path / 'two' / task)!r}))\n"
            "print([n for n in ('torch', 'scipy', 'rich', 'PIL', 'pyarrow') if n in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"
        copied = (tmp_path / "two" / task / "report.html").read_bytes()  # with commands that name where it is
        assert copied.replace(bytes(tmp_path / "two"), bytes(tmp_path / "one")) == page


def test_a_report_has_the_spelling_of_who_began_the_run(tmp_path: Path) -> None:
    import numpy as np

    import sonde
    from sonde.core.files import read_json
    from sonde.core.run_folder import RunFolder

    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    for name in ("a", "b"):
        sonde.train((x, (x[:, 0] > 0).astype(int)), model="mlp", epochs=1, threads=1, quiet=True, out=tmp_path / name)
        folder = RunFolder(tmp_path / name)
        assert read_json(folder.env)["in_program"] is True
        if name == "b":  # as the command line begins it
            folder.env.write_text(json.dumps({**read_json(folder.env), "in_program": False}))
        finding = {"kind": "finding", "check": "plateau", "name": "plateau", "severity": "warning"}
        text = json.dumps({**finding, "evidence": "flat", "action": "--lr 0.5 may do"})
        folder.findings.write_text(text + "\n")
    assert "lr=0.5 may do" in write_report(tmp_path / "a").read_text()
    assert "--lr 0.5 may do" in write_report(tmp_path / "b").read_text()
