"""The page as text, and in a browser where there is one."""

import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sonde.comparison.result import compare_runs, written

HOSTILE = "<script>alert(1)</script>\"'&\u202e\u2067" + "x" * 10_000


class Tags(HTMLParser):
    """Counts elements and keeps what is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page_of(folder: Path, out: Path) -> str:
    found = written(compare_runs([folder]), out)
    assert found.page is not None
    return found.page.read_text(encoding="utf-8")


def test_the_page_shows_scores_curves_settings_costs_and_findings(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    spiky = {"check": "spikes", "severity": "warning", "evidence": "norm 21", "action": "try --clip 1", "step": 3}
    make_classifier(tmp_path / "runs" / "a", 10, findings=[spiky, {**spiky, "severity": "note", "check": "hushed"}])
    make_classifier(tmp_path / "runs" / "b", 40, settings={"lr": 0.25})
    page = page_of(tmp_path / "runs", tmp_path / "compare.html")
    assert re.findall("<h2>(.*?)</h2>", page) == [
        "Scores",
        "Training curves",
        "Settings that differ",
        "Costs",
        "Findings",
    ]
    assert "<bdi>a is best</bdi>" in page
    assert "<button>--lr</button>" in page
    assert "<bdi>0.25</bdi>" in page
    assert 'href="runs/a/report.html"' in page
    assert "try --clip 1" in page
    assert "hushed" not in page
    assert "Nothing was found in b." in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")  # offline


def test_nothing_from_a_folder_becomes_markup(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    finding = {"check": HOSTILE, "severity": "warning", "evidence": HOSTILE, "action": HOSTILE, "step": 3}
    name = "<script>alert(1)<" + "\u202e" + "'\""
    for place, wrong in ((name, 10), ("b", 40)):
        more = {"model": f"{place}{HOSTILE}", "source": HOSTILE, "data": place, "findings": [finding]}
        make_classifier(tmp_path / "runs" / place, wrong, settings={"lr": HOSTILE + place}, **more)
    page = page_of(tmp_path / "runs", tmp_path / "compare.html")
    seen = Tags()
    seen.feed(page)
    assert seen.names.count("script") == 1
    assert "alert(1)" in "".join(seen.text)
    assert len(page) < 200_000
    assert not re.search("x{1000}", page)


def test_forty_runs_stay_below_two_megabytes(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    for number in range(40):
        make_classifier(tmp_path / "runs" / f"r{number}", number, model=f"m{number}")
    page = page_of(tmp_path / "runs", tmp_path / "compare.html")
    assert len(page) < 2_000_000
    assert "32 more, in grey" in page


SCRIPT = """<script>
addEventListener("load", () => {
  const plot = document.querySelector("svg.plot"), figure = plot.ownerSVGElement;
  const drawn = () => plot.querySelector("path").getAttribute("d"), before = drawn(), said = [];
  const box = plot.getBoundingClientRect();
  plot.setPointerCapture = () => {};
  const point = (type, part) => plot.dispatchEvent(new PointerEvent(type,
    { clientX: box.left + part * box.width, clientY: box.top + 9, bubbles: true, button: 0, pointerId: 1 }));
  point("pointerdown", 0.5); point("pointermove", 0.6); point("pointerup", 0.75);
  said.push(drawn() !== before, [...figure.querySelectorAll("[data-renewed]")].map((e) => e.textContent).join(" "));
  figure.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
  said.push(drawn() === before);
  figure.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
  said.push(drawn() !== before);
  const key = document.querySelector(".legend button");
  key.click();
  said.push(getComputedStyle(plot.querySelector('[data-key="0"]')).display, key.getAttribute("aria-pressed"));
  figure.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
  figure.focus();
  figure.dispatchEvent(new KeyboardEvent("keydown", { key: "Home", bubbles: true }));
  said.push(document.querySelector(".tip").textContent.split("\\n")[0]);
  document.documentElement.setAttribute("said", JSON.stringify(said));
});
</script></body>"""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium here")
@pytest.mark.timeout(60)
def test_in_a_browser_figures_zoom_are_read_and_the_legend_hides(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    make_classifier(tmp_path / "runs" / "a", 10)
    make_classifier(tmp_path / "runs" / "b", 40, model="b")
    place = tmp_path / "tried.html"
    place.write_text(page_of(tmp_path / "runs", tmp_path / "compare.html").replace("</body>", SCRIPT), encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", place.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=50).stdout
    said = re.findall(r' said="(.*?)"', shown)[0].replace("&quot;", '"')
    assert said.startswith('[true,"')
    assert said.endswith(',true,true,"none","false","step 10.00"]')
    assert " 28  26 " in said  # steps
    assert " 1.76  1.74  1.72 " in said  # the loss at them
