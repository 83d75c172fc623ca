"""Curves of a run that plays games: what was logged is drawn, each with what it says."""

from pathlib import Path
from typing import Any

from sonde.report.folder import Reading
from sonde.report.learning import LOSS_TERMS
from sonde.report.playing_curves import playing_figures


def run_of(lines: list[dict[str, Any]], **more: Any) -> Reading:
    found: dict[str, Any] = {"path": Path(), "evaluations": [], "events": [], "findings": [], **more}
    names = ("config", "plan", "data", "env", "result", "lr_range", "evaluated", "features")
    return Reading(**{**dict.fromkeys(names, {}), "steps": lines, **found})


def line(step: int, **more: float) -> dict[str, Any]:
    logged = {"network/policy": 2.0 - step / 100, "network/search_entropy": 1.0, "network/search_kl": 1.0 - step / 100}
    values = {"network/value": 0.9, "network/search_value": 0.2, "network/explained_variance": step / 100}
    played = {"games": 10.0 * step, "positions": 80.0 * step, "game_length": 7.0, "first_wins": 0.5, "draws": 0.2}
    return {"kind": "step", "step": step, "loss": 3.0, "lr": 1e-3, "rows": 8 * step, "seconds": 1.0 * step} | (
        logged | values | played | more
    )


def test_throughput_counts_moves_as_the_key_figures_do() -> None:
    lines = [
        line(step, moves=50.0 * (step // 2 * 2)) for step in range(1, 10)
    ]  # of several updates from the same games
    figure = {each.title: each for each in playing_figures(run_of(lines))}["Throughput"]
    assert "moves per second: 50.00" in str(figure.svg)
    assert figure.caption == "Moves of self-play per second; evaluations are left out."


def test_games_and_what_the_loss_is_made_of_are_drawn_and_explained() -> None:
    figures = {each.title: each for each in playing_figures(run_of([line(step) for step in (10, 20, 30, 40)]))}
    assert LOSS_TERMS not in figures
    assert figures["Results of self-play"].caption.startswith(
        "At the end: who began won 50\u00a0%, drawn 20\u00a0%, who began lost 30\u00a0%."
    )
    assert figures["Games played"].caption.startswith("At the end 400 games and 3,200 positions to learn from")
    assert figures["Length of games"].caption.startswith("It stayed at about 7.00.")
    assert "below which it cannot fall" in figures["Policy"].caption
    assert "Explained variance rose from 0.100 to 0.400." in figures["Explained variance of the values"].caption
    assert "positions per second" in str(figures["Throughput"].svg)  # of an earlier version, whose log knows no moves
    for title in ("Policy", "Value", "Results of self-play"):
        assert "<svg" in str(figures[title].svg)


def test_of_what_was_not_logged_there_is_no_figure() -> None:
    bare = [{"kind": "step", "step": step, "loss": 1.0, "games": 3.0} for step in (1, 2, 3)]
    titles = [each.title for each in playing_figures(run_of(bare))]
    assert "Games played" in titles
    assert not {"Results of self-play", "Length of games", "Policy", "Value"} & set(titles)
