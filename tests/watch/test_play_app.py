"""The page of a game, asked as a browser asks it and used in one: clicks, moves taken back, hints, promotions, faults."""

import http.client
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from chromium import Browser, installed

from sonde.acting.self_play.games.open_spiel import game
from sonde.acting.self_play.player import Player
from sonde.acting.self_play.shown import played_to
from sonde.cli.play_page import Seat
from sonde.core.playing import Playing, SearchPlan
from sonde.watch.play_app import MOST_BYTES, Table, build
from sonde.watch.server import listen

for package in ("starlette", "uvicorn", "pyspiel"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install '.[watch,games]'")

in_browser = pytest.mark.skipif(not installed(), reason="there is no Chromium: apt install chromium")


def seat(name: str, *, simulations: int) -> Seat:
    """A player that searches with a network that knows nothing."""
    actions = game(name).num_distinct_actions()

    def evenly(seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(len(seen), actions), torch.zeros(len(seen))

    plan = SearchPlan(kind="puct", simulations=simulations, considered=9)
    playing = Playing(judge=evenly, plan=plan, earlier=lambda: None)
    return Seat(name, Player(name, playing, torch.device("cpu")))


@contextmanager
def served(table: Table) -> Iterator[int]:
    """Its port."""
    import uvicorn

    with listen(0) as at:
        settings = uvicorn.Config(build(table), log_level="error", lifespan="off", ws="none")
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [at]}, daemon=True)
        thread.start()
        yield at.getsockname()[1]
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    player = seat("tic_tac_toe", simulations=200)
    with served(Table(position=player.position, thought=player.thought, title="<b>noughts</b>", second=False)) as port:
        yield port


def asked(
    port: int, path: str, body: Any = None, *, kind: str = "application/json", host: str = "localhost"
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    held = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Host": f"{host}:{port}", "Content-Type": kind}
    connection.request("GET" if body is None else "POST", path, None if body is None else held, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, json.loads(text) if text.startswith("{") else text


def test_a_position_and_what_is_thought_of_it(port: int) -> None:
    status, found = asked(port, "/position", {"moves": [4, 0]})
    assert status == 200
    assert (found["fields"], found["mover"], found["last"]["to"]) == ("o...x....", 0, 0)
    assert [move["to"] for move in found["legal"]] == [1, 2, 3, 5, 6, 7, 8]
    status, thought = asked(port, "/thought", {"moves": [0, 3, 1, 4]})
    assert (status, thought["best"]) == (200, 2)  # it wins
    assert sum(move["policy"] for move in thought["moves"]) == pytest.approx(1, abs=0.001)
    assert thought["value"][1] > 0.5


@pytest.mark.parametrize(
    "body",
    [{"moves": [0, 0]}, {"moves": [99]}, {"moves": ["0"]}, {"moves": [True]}, {"moves": 3}, [], b"{", b"[" * 9000],
)
def test_what_is_no_game_is_refused(port: int, body: Any) -> None:
    for path in ("/position", "/thought"):
        status, found = asked(port, path, body)
        assert status == 400
        assert found["error"]


def test_a_finished_game_is_not_thought_about_and_a_question_has_an_end(port: int) -> None:
    assert asked(port, "/thought", {"moves": [0, 3, 1, 4, 2]})[0] == 400
    assert asked(port, "/position", {"moves": [0] * MOST_BYTES})[0] == 400


def test_pages_of_others_are_not_answered(port: int) -> None:
    """Neither a form of theirs, nor one whose name was made to lead here (DNS rebinding)."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert asked(port, "/thought", {"moves": []}, kind=kind)[0] == 400
    assert asked(port, "/thought", {"moves": []}, host="evil.example")[0] == 400
    assert asked(port, "/", host="evil.example")[0] == 400


def test_nothing_comes_from_elsewhere_and_the_title_is_escaped(port: int) -> None:
    texts = [asked(port, path)[1] for path in ("/", "/style.css", "/script.js")]
    assert "<title>&lt;b&gt;noughts&lt;/b&gt;</title>" in texts[0]
    assert all("http://www.w3.org/2000/svg" in text or "http" not in text for text in texts)


def waits(browser: Browser, made: Sequence[str]) -> None:
    """Until these moves are made and it is the person's turn, or the game is over."""
    listed = "[...document.querySelectorAll('#made li')].map((one) => one.lastChild.textContent).join()"
    browser.wait(f"{listed} === {','.join(made)!r} && (now.over || (mine() && thought))")


@in_browser
def test_a_game_is_played_by_clicks(browser: Browser, port: int) -> None:
    browser.open(f"http://localhost:{port}/#new")
    waits(browser, [])
    assert browser.eval("document.querySelectorAll('#board .share').length") == 9
    browser.click('[data-field="0"]')
    browser.wait("moves.length === 2 && mine() && thought")
    reply = browser.eval("moves[1]")
    assert "It played o(" in browser.eval("document.querySelector('#played').innerText")
    browser.click("#hint")
    assert "it would play x(" in browser.eval("document.querySelector('#status').innerText")
    browser.click("#back")
    waits(browser, [])
    assert browser.eval("document.querySelector('#back').disabled")
    browser.click('[data-field="0"]')
    browser.wait("moves.length === 2 && mine() && thought")
    assert browser.eval("moves[1]") == reply  # it plays the best that it finds


@in_browser
def test_a_game_that_is_over_says_who_won_and_a_new_one_is_begun_from_the_other_side(
    browser: Browser, port: int
) -> None:
    browser.open(f"http://localhost:{port}/?over#side=1&moves=0,3,1,4,8")
    waits(browser, ["x(0,0)", "o(1,0)", "x(0,1)", "o(1,1)", "x(2,2)"])
    browser.click('[data-field="5"]')
    browser.wait("document.querySelector('#status').innerText === 'You won'")
    assert browser.eval("document.querySelectorAll('#board .choice').length") == 0
    browser.eval("document.querySelector('#side').value = '0'")
    browser.eval("document.querySelector('#side').dispatchEvent(new Event('change'))")
    waits(browser, [])
    browser.open(f"http://localhost:{port}/?wrong#side=0&moves=0,0")
    browser.wait("!document.querySelector('#trouble').hidden")
    assert "move 2, 0, is not legal there" in browser.eval("document.querySelector('#trouble').innerText")
    waits(browser, [])


@in_browser
def test_an_address_that_is_changed_is_followed(browser: Browser, port: int) -> None:
    browser.open(f"http://localhost:{port}/?changed#side=0&moves=4,0")
    waits(browser, ["x(1,1)", "o(0,0)"])
    assert browser.eval("document.querySelector('#side').selectedOptions[0].textContent") == "first (X)"
    browser.eval("location.hash = '#side=1&moves=4,0,8'")
    waits(browser, ["x(1,1)", "o(0,0)", "x(2,2)"])
    assert browser.eval("document.querySelector('#side').selectedOptions[0].textContent") == "second (O)"


@in_browser
def test_a_game_drawn_as_text_says_which_pieces_are_whose(browser: Browser) -> None:
    player = seat("breakthrough(rows=4,columns=3)", simulations=4)
    with served(Table(position=player.position, thought=player.thought, title="text", second=False)) as port:
        browser.open(f"http://localhost:{port}/")
        waits(browser, [])
        assert browser.eval("[...document.querySelectorAll('#side option')].map((one) => one.textContent).join()") == (
            "first (b),second (w)"
        )
        assert browser.eval("document.querySelector('.which').innerText").startswith("Below")
        assert browser.eval("document.querySelectorAll('#others button').length") > 0


@in_browser
@pytest.mark.parametrize("width", [1200, 420])
def test_a_pawn_is_promoted_to_what_is_chosen(browser: Browser, width: int) -> None:
    known, moves = game("chess"), []
    for san in ("a4", "b5", "axb5", "a6", "bxa6", "Bb7", "axb7", "Nc6"):
        moves.append(played_to(known, moves)[0].string_to_action(san))
    player = seat("chess", simulations=2)
    with served(Table(position=player.position, thought=player.thought, title="chess", second=False)) as port:
        browser.open(f"http://localhost:{port}/#side=0&moves={','.join(map(str, moves))}", width=width, dark=True)
        browser.wait("now && mine() && thought")
        browser.click('[data-field="9"]')  # b7
        reached = browser.eval("[...document.querySelectorAll('#board .choice')].map((one) => one.dataset.field)")
        assert {"0", "1"} <= set(reached)
        browser.click('[data-field="0"]')  # a8
        names = browser.eval("[...document.querySelectorAll('#others button')].map((one) => one.innerText)")
        assert sorted(names) == ["bxa8=B", "bxa8=N", "bxa8=Q", "bxa8=R"]
        browser.eval(
            "[...document.querySelectorAll('#others button')].find((one) => one.innerText === 'bxa8=N').click()"
        )
        browser.wait("now.fields[0] === 'N'")
        assert browser.eval("document.documentElement.scrollWidth") <= width
