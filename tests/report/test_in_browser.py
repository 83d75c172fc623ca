"""The report in a browser: no script fails, nothing is wider than the window, pictures are enlarged, values are read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from chromium import Browser, installed

from sonde.run.report import write_report

pytestmark = pytest.mark.skipif(not installed(), reason="there is no Chromium: apt install chromium")

EVIL = '<script>document.title = "evil"</script>"\'><img src=x onerror="document.title=1">\u202e'
CURVE = "#learning svg[tabindex]"


def test_the_verdict_is_seen_first(browser: Browser, image_run: Path) -> None:
    browser.open(write_report(image_run).as_uri())
    top = browser.eval("document.querySelector('.verdict').getBoundingClientRect().bottom")
    assert 0 < top < 900  # of the window's height


@pytest.mark.parametrize("width", [1200, 420])
@pytest.mark.parametrize("kind", ["image_run", "table_run", "regression_run"])
def test_nothing_is_wider_than_the_window(
    browser: Browser, kind: str, width: int, request: pytest.FixtureRequest
) -> None:
    browser.open(write_report(request.getfixturevalue(kind)).as_uri(), width=width)
    assert browser.eval("document.documentElement.scrollWidth") <= width


def test_values_are_read_off_a_curve_by_the_mouse_and_the_keyboard(browser: Browser, image_run: Path) -> None:
    browser.open(write_report(image_run).as_uri())
    x, y = browser.middle(CURVE)
    browser.mouse("mouseMoved", x, y)
    browser.wait("!document.querySelector('.tip').hidden")
    told = browser.eval("document.querySelector('.tip').innerText").splitlines()
    assert told[0].startswith("epoch ")
    browser.mouse("mouseMoved", 5, 5)
    browser.eval(f"document.querySelector({CURVE!r}).focus()")
    browser.key("End")
    assert browser.eval("document.querySelector('.tip').innerText").startswith("epoch ")


def test_a_picture_is_enlarged_by_a_click_and_closed_by_escape(browser: Browser, image_run: Path) -> None:
    browser.open(write_report(image_run).as_uri())
    browser.click("button.enlarge")
    assert browser.eval("document.querySelector('dialog.large-view').open")
    large = browser.eval("document.querySelector('dialog.large-view div').getBoundingClientRect().width")
    assert large >= 300
    browser.key("Escape")
    browser.wait("!document.querySelector('dialog.large-view').open")


@pytest.mark.parametrize(("dark", "paper"), [(False, "rgb(255, 255, 255)"), (True, "rgb(20, 23, 27)")])
def test_dark_where_the_system_is(browser: Browser, image_run: Path, dark: bool, paper: str) -> None:
    browser.open(write_report(image_run).as_uri(), dark=dark)
    assert browser.eval("getComputedStyle(document.body).backgroundColor") == paper


def test_names_become_neither_markup_nor_turn_the_text(
    browser: Browser, tmp_path: Path, make_images: Callable[..., Path]
) -> None:
    run = make_images(tmp_path / "run", names=[EVIL, *"123456789"])
    browser.open(write_report(run).as_uri())
    assert "run" in browser.eval("document.title")
    assert browser.eval("document.querySelectorAll('img[src=\"x\"]').length") == 0
    assert "\u202e" not in browser.eval("document.body.innerText")
