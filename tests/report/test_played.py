"""Games in a report: what the script is told, what stands there without it, and the boards in a browser."""

import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from chromium import Browser, installed

from sonde.report.additions import Additions
from sonde.report.folder import read_folder
from sonde.report.page import render
from sonde.report.played import opening_sections, played_sections

BOARD = {"look": "noughts", "rows": 3, "columns": 3}
EVIL = '<img src=x onerror="document.title=1">'


def move(action: int, name: str, **more: Any) -> dict[str, Any]:
    return {"action": action, "name": name, "to": action, "start": None, **more}


def game(title: str = "from the first position") -> dict[str, Any]:
    plies, fields = [], "." * 9
    for number, (action, name) in enumerate([(4, "x(1,1)"), (0, "o(0,0)"), (2, "x(0,2)")]):
        shares = [move(action, name, prior=0.25, policy=0.75), move(8, "other", prior=0.125, policy=0.0)]
        ply = {
            "fields": fields,
            "mover": number % 2,
            "over": False,
            "result": None,
            "value": [0.5, -0.25 * number],
            "best": action,
        }
        plies.append({**ply, "moves": shares, "played": move(action, name), "by": "network"})
        fields = fields[:action] + "xo"[number % 2] + fields[action + 1 :]
    final = {"fields": fields, "mover": None, "over": True, "result": 1.0}
    return {"title": title, "network": 0, "plies": plies, "final": final, "cut": ""}


def played(**more: Any) -> dict[str, Any]:
    return {"board": BOARD, "simulations": 64, "seed": 2, "against": "itself", "games": [game(), game(EVIL)], **more}


def openings() -> dict[str, Any]:
    first, other = move(4, "x(1,1)"), move(0, "x(0,0)")
    lines = [
        {"first": first, "second": move(0, EVIL), "games": 6, "won": 3, "drawn": 3, "lost": 0},
        {"first": other, "second": None, "games": 2, "won": 0, "drawn": 0, "lost": 2},
        {"first": first, "second": move(8, "o(2,2)"), "games": 2, "won": 0, "drawn": 2, "lost": 0},
    ]
    return {"games": 10, "board": BOARD, "fields": "." * 9, "lines": lines}


def test_the_script_is_told_the_game_and_without_it_the_moves_stand_there() -> None:
    [section] = played_sections(played())
    told = json.loads(unescape(section.html.split('data-games="')[1].split('"')[0]))
    assert told["board"] == {**BOARD, "pieces": None}
    assert [ply["played"]["name"] for ply in told["games"][0]["plies"]] == ["x(1,1)", "o(0,0)", "x(0,2)"]
    assert "1. x(1,1) 2. o(0,0) 3. x(0,2)" in section.html
    assert "<img" not in section.html
    assert "Who began won after 3 moves" in section.html
    assert "against itself, 64 simulations" in section.note


def test_a_board_that_is_text_tells_its_pieces() -> None:
    [section] = played_sections(played(board={**BOARD, "look": "text", "pieces": ["<", "w"]}))
    assert json.loads(unescape(section.html.split('data-games="')[1].split('"')[0]))["board"]["pieces"] == ["<", "w"]


def test_of_many_moves_the_likeliest_are_shown() -> None:
    held = game()
    shares = [move(n, str(n), prior=n / 1000, policy=(99 - n) / 10_000) for n in range(100)]
    held["plies"][0]["moves"] = shares
    [section] = played_sections(played(games=[held]))
    told = json.loads(unescape(section.html.split('data-games="')[1].split('"')[0]))
    assert [one["action"] for one in told["games"][0]["plies"][0]["moves"]] == list(range(99, 87, -1))


def test_openings_have_shares_and_results_and_answers_of_theirs() -> None:
    [section] = opening_sections(openings())
    rows = [row.split("</td>")[:-1] for row in section.html.split("<tr>")[2:]]
    cells = [[cell.rpartition(">")[2] for cell in row] for row in rows]
    assert cells[0] == ["x(1,1)", "", "8", "80 %", "38 %", "62 %", "0 %"]
    assert cells[1][2:] == ["6", "75 %", "50 %", "50 %", "0 %"]
    assert cells[3] == ["x(0,0)", "", "2", "20 %", "0 %", "0 %", "100 %"]
    assert "<img" not in section.html
    assert "latest 10 games" in section.note
    assert "mirror" not in section.note
    assert (
        "turns or mirror images of one another count as one" in opening_sections({**openings(), "alike": True})[0].note
    )


@pytest.mark.parametrize("held", [None, [], "x"])
def test_without_them_there_is_nothing(held: Any) -> None:
    assert played_sections(held) == []
    assert opening_sections(held) == []
    assert opening_sections({**openings(), "lines": []}) == []


@pytest.mark.parametrize(
    "wrong",
    [{"games": [{}]}, {"board": {"look": "<b>", "rows": 1, "columns": 1}}, {"games": [{**game(), "network": "x"}]}],
)
def test_what_no_run_writes_is_left_out_by_the_page_and_named(image_run: Path, wrong: dict[str, Any]) -> None:
    run = read_folder(image_run)
    run.evaluated[run.split]["played"] = played(**wrong)
    page = render(run, lambda details: Additions(sections=played_sections(details.get("played"))))
    assert f"evaluation/{run.split}/played.json does not hold what a run writes there" in page
    assert "data-games" not in page


@pytest.mark.skipif(not installed(), reason="there is no Chromium: apt install chromium")
@pytest.mark.parametrize("width", [1200, 420])
def test_a_game_is_stepped_through(browser: Browser, image_run: Path, tmp_path: Path, width: int) -> None:
    run = read_folder(image_run)
    run.evaluated[run.split] |= {"played": played(), "openings": openings()}

    def added(details: Any) -> Additions:
        return Additions(sections=[*played_sections(details.get("played")), *opening_sections(details.get("openings"))])

    page = tmp_path / "page.html"
    page.write_text(render(run, added), encoding="utf-8")
    browser.open(page.as_uri(), width=width)
    assert browser.eval("document.documentElement.scrollWidth") <= width
    said = "document.querySelector('.played .said').innerText"
    assert browser.eval(said) == "Move 1 of 3: First (the network) plays x(1,1)."
    browser.click(".played button:nth-of-type(3)")
    assert browser.eval(said) == "Move 2 of 3: Second (the network) plays o(0,0)."
    assert browser.eval("document.querySelectorAll('.played .nought').length") == 1
    assert browser.eval("document.querySelector('.played .share').textContent") == "75"
    assert browser.eval("document.querySelectorAll('#played .here').length") == 1
    browser.eval("document.querySelector('.played input').focus()")
    browser.key("End")
    browser.wait(f"{said} === 'First (the network) won.'")
    assert browser.eval("document.querySelectorAll('.opened .share').length") == 2
    assert browser.eval("document.title") != "1"


def test_games_without_a_move_are_left_out_and_where_none_has_one_that_is_said() -> None:
    none = {**game(EVIL), "plies": [], "cut": "after 1 s of play"}
    [section] = played_sections(played(games=[game(), none]))
    assert len(json.loads(unescape(section.html.split('data-games="')[1].split('"')[0]))["games"]) == 1
    [section] = played_sections(played(games=[none, none]))
    assert (section.html, section.note[:16]) == ("", "No move was made")


def test_a_game_that_time_cut_off_says_so_and_is_left_out_where_it_has_a_move_or_two() -> None:
    of = game()["plies"]
    cut = {"final": {"fields": "." * 9, "mover": 0, "over": False, "result": None}, "cut": "after 1.5 s of play"}
    drawn = [{**ply, "by": "drawn"} for ply in of]
    long, short = ({**game(), **cut, "plies": plies} for plies in ([*of, of[0]], [*drawn, of[0]]))
    [section] = played_sections(played(games=[long, short]))
    assert "It was cut off after 4 moves, as time ran out after 1.5 s of play." in section.html
    assert len(json.loads(unescape(section.html.split('data-games="')[1].split('"')[0]))["games"]) == 1
    [section] = played_sections(played(games=[{**short, "plies": of[:1]}, short]))
    assert section.note == "No game is shown: they were cut off as time ran out after 1.5 s of play, after 4 moves."
    assert section.html == ""
    [section] = played_sections(played(games=[{**long, "cut": "after 4 moves"}]))
    assert "It was cut off after 4 moves. Value" in section.html


def test_one_simulation_is_one() -> None:
    assert "1 simulation a move" in played_sections(played(simulations=1))[0].note
