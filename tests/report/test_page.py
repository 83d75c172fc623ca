import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sonde.core.errors import RunFolderError
from sonde.report.folder import read_folder
from sonde.report.page import unbroken_flags, write_page

REPORT = Path(__file__).parents[2] / "sonde" / "report"

VOID = {"meta", "img", "br", "hr", "link", "input"}
NASTY = '<script>alert("x")</script>'


class Page(HTMLParser):
    """Checks that tags are balanced, and collects texts, scripts and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.scripts = 0
        self.urls: list[str] = []
        self.headings: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.urls += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]
        self.scripts += tag == "script"
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)
        if self.open and self.open[-1] in ("h2", "h3"):
            self.headings.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def page(folder) -> Page:
    path = write_page(read_folder(folder))
    assert path == folder / "report.html"
    return Page(path.read_text(encoding="utf-8"))


def test_a_finished_image_run(image_run):
    shown = page(image_run)
    assert "99.36 % accuracy on the test data" in shown.text
    assert [h for h in shown.headings if h in ("Findings", "Scores", "Training curves", "Most wrong", "Data", "Execution",
                                               "Settings", "Machine")] == [
        "Findings", "Scores", "Training curves", "Most wrong", "Data", "Execution", "Settings", "Machine",
    ]  # fmt: skip
    assert {"Confusion matrix", "Calibration", "Most confused", "Per class", "Learning-rate range test"} <= set(
        shown.headings
    )
    assert "warning gradient spikes 2 times, last at step 770" in shown.text


def test_a_table_and_a_regression(table_run, regression_run):
    assert {"ROC curve", "Precision and recall"} <= set(page(table_run).headings)
    assert {"price: residuals", "rent: predicted and true"} <= set(page(regression_run).headings)


@pytest.mark.parametrize("kind", ["image_run", "table_run", "regression_run"])
def test_the_page_is_one_offline_file(kind, request):
    folder = request.getfixturevalue(kind)
    shown = page(folder)
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert all(url.startswith(("data:image/png;base64,", "#")) for url in shown.urls)
    places = {url.removeprefix("#") for url in shown.urls if url.startswith("#")}
    assert {"metrics", "learning", "time"} <= places <= set(re.findall(r'id="([^"]+)"', html))
    assert not re.search(r"(https?:)?//[a-z]+\.[a-z]", html, re.IGNORECASE)
    assert "@import" not in html
    assert "url(" not in html
    assert "default-src 'none'" in html
    assert len(html.encode()) < 2_000_000


def test_texts_from_outside_are_harmless(make_images, tmp_path):
    names = [NASTY, '"><img src=x onerror=alert(1)>', *(f"class {i}" for i in range(8))]
    folder = make_images(tmp_path / "a<b>", names=names)
    data = json.loads((folder / "data.json").read_text())
    data |= {
        "source": NASTY,
        "form": NASTY,
        "facts": [{"what": NASTY, "why": NASTY}],
        "warnings": [NASTY],
        "splits": {NASTY: 3},
    }
    (folder / "data.json").write_text(json.dumps(data))
    env = json.loads((folder / "env.json").read_text()) | {"command": [NASTY], "processor": NASTY}
    (folder / "env.json").write_text(json.dumps(env))
    config = {"data": NASTY, "settings": {NASTY: NASTY}, "origin": {NASTY: "typed"}, "reasons": {NASTY: NASTY}}
    (folder / "config.yaml").write_text(json.dumps(config))
    finding = {"check": NASTY, "severity": NASTY, "evidence": NASTY, "action": NASTY, "step": 1}
    (folder / "findings.jsonl").write_text(json.dumps(finding) + "\n")
    worst = folder / "evaluation" / "test" / "worst.json"
    worst.write_text(json.dumps([e | {"row": NASTY, "target": NASTY} for e in json.loads(worst.read_text())]))
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"kind": "event", "step": 5, "event": NASTY, "details": {NASTY: NASTY}}) + "\n")
        file.write(json.dumps({"kind": "step", "step": 3201, NASTY: 0.5}) + "\n")
    shown = page(folder)
    assert shown.scripts == 1  # our own
    assert sum(not url.startswith("#") for url in shown.urls) == 14  # our own pictures
    assert shown.text.count(NASTY) > 10


def test_an_unfinished_run_is_drawn_as_far_as_it_came(image_run):
    (image_run / "result.json").unlink()
    shutil.rmtree(image_run / "evaluation")
    lines = (image_run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (image_run / "metrics.jsonl").write_bytes(b"".join(lines[:100]) + lines[100][:20])
    shown = page(image_run)
    assert "Its process is gone after step 980 of 3,200" in shown.text
    assert "Loss" in shown.headings
    assert "Confusion matrix" not in shown.headings


def test_each_file_may_be_missing(image_run):
    every = [p for p in image_run.rglob("*") if p.is_file() and p.name not in ("config.yaml", "report.html")]
    for path in sorted(every, key=str):
        hidden = path.with_name(path.name + ".away")
        path.rename(hidden)
        page(image_run)
        hidden.rename(path)
    for path in every:
        path.unlink()
    assert "Died at step 0" in page(image_run).text


def test_a_broken_file_is_named_on_the_page(image_run):
    (image_run / "plan.json").write_text("{")
    assert "unreadable plan.json is not JSON" in page(image_run).text


def test_very_many_long_class_names_stay_within_two_megabytes(make_images, tmp_path):
    folder = make_images(tmp_path / "run", names=[f"{'long name ' * 40}{i}" for i in range(600)])
    shown = page(folder)
    assert (folder / "report.html").stat().st_size < 2_000_000
    assert "600 classes are too many to draw as a matrix." in shown.text
    assert "The 200 of 600 classes with the lowest F1." in shown.text


def test_a_copied_folder_gives_the_same_page(image_run, tmp_path):
    first = write_page(read_folder(image_run)).read_bytes()
    copy = tmp_path / "elsewhere" / image_run.name
    shutil.copytree(image_run, copy)
    assert write_page(read_folder(copy)).read_bytes() == first


def test_a_folder_that_cannot_be_written(image_run, monkeypatch):
    def full(path, text):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("sonde.report.page.write_text", full)
    with pytest.raises(RunFolderError, match=r"cannot write .*report.html: No space left on device; free disk space"):
        write_page(read_folder(image_run))


def test_it_is_quick_and_needs_no_torch(image_run):
    code = (
        "import sys, time\nbegun = time.process_time()\nfrom pathlib import Path\nfrom sonde.run.report import write_report\n"
        f"write_report(Path({str(image_run)!r}))\nprint(time.process_time() - begun)\n"
        "print([n for n in ('torch', 'scipy', 'rich', 'PIL', 'pyarrow') if n in sys.modules])"
    )
    best = float("inf")
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds, loaded = done.stdout.splitlines()
        assert loaded == "[]"
        best = min(best, float(seconds))
    assert best < 1.0  # of the processor; measured 0.13 s


def test_the_page_checker_sees_faults():
    with pytest.raises(AssertionError):
        Page("<div><p></div>")
    with pytest.raises(AssertionError):
        Page('<p onclick="x">a</p>')


def test_findings_have_their_place_and_certainty_the_cause_first(image_run):
    head = {"severity": "warning", "evidence": "e", "action": "do", "step": 5, "where": "fc1", "certainty": "likely"}
    names = ["plateau", "dead-units", "overfitting", "learning-rate-too-high"]
    lines = [{**head, "check": name.replace("-", " "), "name": name} for name in names]
    (image_run / "findings.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    result = json.loads((image_run / "result.json").read_text())
    (image_run / "result.json").write_text(json.dumps({**result, "diagnosis": ["learning-rate-too-high"]}))
    text = page(image_run).text
    shown = text[text.rindex("Findings ") : text.rindex("Scores")]
    assert shown.startswith(
        "Findings warning learning rate too high step 5, fc1, likely e → do intended? --silence learning-"
    )
    assert shown.index("dead units") < shown.index("1 more, which may go away with these") < shown.index("overfitting")


def test_the_error_that_ended_a_run_stands_once(image_run):
    (image_run / "result.json").unlink()
    told = {
        "check": "failed",
        "severity": "error",
        "evidence": "ValueError: no room",
        "action": "fix it, then resume the run",
    }
    (image_run / "findings.jsonl").write_text(json.dumps(told) + "\n")
    line = {"kind": "event", "step": 9, "event": "failed", "details": {"why": "ValueError: no room"}}
    with (image_run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    shown = page(image_run)
    assert "An error ended it after step 3,200 of 3,200: ValueError: no room" in shown.text
    assert "Findings" not in shown.headings


def test_colours_of_the_verdict_are_its_own():
    """A rule for right and wrong answers once coloured the whole box."""
    styles = "".join((REPORT / name).read_text(encoding="utf-8") for name in ("page.css", "cases.css"))
    alone = re.findall(r"(?:^|[\s,}])\.(yes|no|partly|open)\s*\{", styles)
    assert alone == []


def test_flags_are_not_broken():
    assert str(unbroken_flags("sonde resume a-b --epochs 3")) == (
        'sonde resume a-b <span class="flag">--epochs</span> 3'
    )
