"""The live page in a browser: what grows, dies, is zoomed into, hidden and read with the keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Browser, installed
from sample_runs import append, begun, evaluation, failed, finished, killed, served, step, training

for package in ("starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install '.[watch]'")
pytestmark = pytest.mark.skipif(not installed(), reason="there is no Chromium: apt install chromium")

EVIL = '<script>document.title = "evil"</script>"\'><img src=x onerror="document.title=1">'
FIGURE = "#part-learning figure svg"
BARS = f"document.querySelectorAll('{FIGURE} .h').length"
AXIS = f"document.querySelector('{FIGURE}').dataset.across"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that nothing changes; each test that changes one begins its own."""
    root = tmp_path_factory.mktemp("runs")
    done = begun(root / "done")
    append(done, *map(step, range(10, 401, 10)), *(evaluation(n, 0.5 + n / 1000) for n in range(50, 401, 50)))
    finished(done)
    return root


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    process, _, port = served(str(root / "done"), "--port", "0")
    yield f"http://localhost:{port}"
    process.kill()
    process.communicate()


def text(browser: Browser, selector: str) -> str:
    return browser.eval(f"document.querySelector({selector!r}).innerText")


def test_the_curves_of_a_run_grow_and_its_death_is_told(browser: Browser, address: str, root: Path) -> None:
    folder = begun(root / "grows")
    process = training(folder)
    try:
        append(folder, *map(step, range(10, 51, 10)))
        browser.open(f"{address}/run/grows")
        assert text(browser, ".state") == "Running"
        bars = browser.eval(BARS)
        append(folder, *map(step, range(60, 201, 10)), evaluation(200, 0.625))
        browser.wait(f"{BARS} > {bars} && document.querySelector('h1').innerText.startsWith('62.50 %')")
        assert browser.eval("document.title") == "50 % grows"
        assert browser.eval("document.querySelector('progress').value") == 0.5
        append(folder, failed("step 203: the loss is NaN", at=203), log="findings.jsonl")
    finally:
        killed(process)
    browser.wait("document.querySelector('.state').innerText === 'Failed at step 203: not finite'")
    assert "step 203: the loss is NaN" in text(browser, "#findings")
    assert browser.eval("document.title") == "Failed at step 203: not finite: grows"


def test_a_run_finishes_while_one_looks_and_one_that_is_removed_is_said_to_be(
    browser: Browser, address: str, root: Path
) -> None:
    folder = begun(root / "ends")
    append(folder, *map(step, (10, 20, 30)))
    browser.open(f"{address}/run/ends")
    finished(folder, steps=30)
    browser.wait("document.querySelector('.state').innerText === 'Finished'")
    assert text(browser, "h1").startswith("87.50 %")
    (folder / "config.yaml").unlink()
    browser.wait("!document.getElementById('link').hidden")
    assert "This run cannot be read any more" in text(browser, "#link")


def test_hovering_and_the_keyboard_read_values(browser: Browser, address: str) -> None:
    browser.open(f"{address}/run/done")
    x, y = browser.middle(FIGURE)
    browser.mouse("mouseMoved", x, y)
    browser.wait("!document.querySelector('.tip').hidden")
    told = text(browser, ".tip").splitlines()
    assert told[0].startswith("epoch ")
    assert told[1].startswith("train: ")
    browser.mouse("mouseMoved", 5, 5)
    browser.wait("document.querySelector('.tip').hidden")
    browser.eval(f"document.querySelector('{FIGURE}').focus()")
    browser.key("Home")
    assert text(browser, ".tip").startswith("epoch 0.2000\ntrain: 0.2000")  # step 10 of 50, loss 2 / 10
    browser.key("ArrowRight")
    assert text(browser, ".tip").startswith("epoch 0.4000\ntrain: 0.1000")
    browser.key("End")
    assert text(browser, ".tip").startswith("epoch 8.000")


def test_a_name_in_the_legend_hides_its_curve(browser: Browser, address: str) -> None:
    browser.open(f"{address}/run/done")
    shown = f"getComputedStyle(document.querySelector('{FIGURE} path.c1')).display"
    assert browser.eval(shown) != "none"
    browser.click(f"{FIGURE} .key[data-colour='1']")
    assert browser.eval(shown) == "none"
    assert browser.eval(f"document.querySelector('{FIGURE} .key[data-colour=\"1\"]').ariaPressed") == "false"
    browser.eval(f"document.querySelector('{FIGURE} .key[data-colour=\"1\"]').focus()")
    browser.key("Enter")
    assert browser.eval(shown) != "none"


def test_zooming_shows_a_part_of_all_curves_and_stays_so(browser: Browser, address: str) -> None:
    browser.open(f"{address}/run/done")
    whole = browser.eval(AXIS)
    x, y = browser.middle(FIGURE)
    browser.drag(x - 60, y, by=120)
    browser.wait(f"{AXIS} !== '{whole}'")
    low, high = (float(end) for end in browser.eval(AXIS).split()[:2])
    assert 2.0 < low < 4.0 < high < 6.0  # of 8 epochs, about the middle
    axes = browser.eval(
        "new Set([...document.querySelectorAll('#part-learning svg')].map((s) => s.dataset.across)).size"
    )
    assert axes == 1
    assert text(browser, "#window").startswith("Curves of epoch ")
    assert "from=" in browser.eval("location.search")
    browser.open(browser.eval("location.href"))  # as after loading the page again
    browser.wait(f"{AXIS} !== '{whole}'")
    browser.key("Escape")
    browser.wait(f"{AXIS} === '{whole}'")
    assert browser.eval("document.getElementById('window').hidden")
    browser.eval(f"document.querySelector('{FIGURE}').focus()")
    browser.key("+")
    browser.wait(f"{AXIS} !== '{whole}'")
    assert browser.eval("document.activeElement.matches('svg')")  # the keyboard stays where it was
    browser.click("#window button")
    browser.wait(f"{AXIS} === '{whole}'")


def test_what_was_opened_stays_open_where_a_part_is_renewed(browser: Browser, address: str, root: Path) -> None:
    folder = begun(root / "open")
    append(folder, *map(step, (10, 20, 30)))
    append(
        folder,
        *({**failed(f"rows {n}"), "severity": "warning", "where": str(n)} for n in range(5)),
        log="findings.jsonl",
    )
    browser.open(f"{address}/run/open")
    browser.click("#findings summary")
    append(folder, {**failed("rows 6"), "severity": "warning", "where": "6"}, log="findings.jsonl")
    browser.wait("document.querySelector('#findings summary').innerText.startsWith('3 more')")
    assert browser.eval("document.querySelector('#findings details').open")


def test_another_run_is_a_link_away(browser: Browser, address: str, root: Path) -> None:
    begun(root / "other")
    browser.open(f"{address}/run/done")
    browser.wait("document.querySelector('#part-runs summary') !== null", seconds=30)
    browser.click("#part-runs summary")
    # found and clicked at once, by its text even where the list is closed again: the list is drawn anew under the mouse
    link = "[...document.querySelectorAll('#part-runs a')].find((a) => a.textContent === 'other')"
    browser.wait(
        f"(() => {{ const link = {link}; if (link) setTimeout(() => link.click()); return Boolean(link); }})()",
        seconds=30,
    )
    browser.wait("location.pathname === '/run/other' && document.querySelector('.state') !== null")
    assert text(browser, ".state") == "Ended before its first step was logged"


@pytest.mark.parametrize("width", [1200, 420])
def test_nothing_is_wider_than_the_window(browser: Browser, address: str, width: int) -> None:
    browser.open(f"{address}/run/done", width=width)
    assert browser.eval("document.documentElement.scrollWidth") <= width
    columns = browser.eval(
        "getComputedStyle(document.querySelector('#learning .grid')).gridTemplateColumns.split(' ').length"
    )
    assert columns == (2 if width > 720 else 1)


@pytest.mark.parametrize(("dark", "paper"), [(False, "rgb(255, 255, 255)"), (True, "rgb(20, 23, 27)")])
def test_dark_where_the_system_is(browser: Browser, address: str, dark: bool, paper: str) -> None:
    browser.open(f"{address}/run/done", dark=dark)
    assert browser.eval("getComputedStyle(document.body).backgroundColor") == paper


def test_nothing_of_data_becomes_markup(browser: Browser, address: str, root: Path) -> None:
    folder = begun(root / "evil", model=EVIL, data=EVIL)
    append(folder, step(10), step(20, **{EVIL: 1.0}), {**evaluation(20, 0.5), "metrics": {EVIL: 0.5}})
    append(folder, failed(EVIL, at=20), log="findings.jsonl")
    browser.open(f"{address}/run/evil")
    append(folder, step(30, **{EVIL: 2.0}))
    browser.wait("document.querySelector('.keys').innerText.includes('30')")
    assert browser.eval("document.title") == "Failed at step 20: not finite: evil"
    assert browser.eval("document.querySelectorAll('main img, main script').length") == 0
    assert "<script>" in text(browser, "#findings")


def test_the_page_says_that_nothing_comes_any_more(browser: Browser, root: Path) -> None:
    process, _, port = served(str(root / "done"), "--port", "0")
    browser.open(f"http://localhost:{port}/run/done")
    process.kill()
    process.communicate()
    browser.wait("!document.getElementById('link').hidden")
    assert text(browser, "#link").startswith("Connection lost")
