"""Self-play with search: what is learned of games in stated times, and how fast games are played.

python -m benchmarks.self_play PART [--minutes N] [--games N] [--folder F] [--print-only] [FLAGS of sonde train]

tic-tac-toe   5 minutes; then our player against every line that an opponent can play, from every opening of 0, 1 and 2 moves
              from which the game is not lost: how often it loses, and how often it lets a won game go
connect-four  60 minutes; a match against OpenSpiel's MCTS with 100 random games for a move, and the sign of the value on the
              solved positions of SONDE_DATA/games, with 200 simulations
speed         games a second of connect four, beside OpenSpiel's Python AlphaZero (its actors alone, in
              `benchmarks.environments`), with as many simulations for each move and a network of the same size, on all cores
go            Go 5x5, 60 minutes; a match against MCTS with 400
go-7x7        Go 7x7, 30 minutes; the same
chess         60 minutes, by a small network from positions after at most 80 random moves (`CHESS`); mates in one from 200
              positions of random games, beside five untrained networks of the same size with the same search: by the
              network alone, and with searches of 16 and 64 simulations that look at 16 moves in the root
others        hex 5x5 and othello, 10 minutes each: matches against random moves and MCTS with 100

All play the best move that a search finds, colours alternating; the training, its evaluations and report included, takes the
stated time. Run it on a quiet machine.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import sonde
from benchmarks.acting import settings_of
from benchmarks.environments import python
from benchmarks.timing import ROOT, data_folder, last_json, run, write
from sonde.acting.self_play.games.open_spiel import game
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.matches import Matches
from sonde.acting.self_play.opponents import Minimax
from sonde.acting.self_play.player import Player
from sonde.acting.self_play.source import SelfPlay, SelfPlayPlan
from sonde.core.config import DataConfig
from sonde.core.playing import Playing, SearchPlan
from sonde.core.seams import abilities_of
from sonde.metrics.matches import MatchesMeter
from sonde.modalities.open import open_data
from sonde.models.build import build, config_class
from sonde.tasks.table import build as build_task

SEED = 3_000_000  # of matches here, which no training and no test of it uses
# from unbalanced positions games end by mates, of which there is something to be learned, and not as draws
UNTRAINED = 5  # networks, whose moves in the root are others
CHESS = (
    "--opponents random --width 32 --layers 3 --considered 40 --random-moves 80 --environments 32 --max-episode-steps 160 "
    "--episodes 2 --test-episodes 20"
)


def trained(name: str, out: Path, minutes: float, *flags: str) -> dict[str, Any]:
    """result.json of a training in a process of its own; of the one that is there already, where it has ended."""
    if (out / "result.json").exists():
        return json.loads((out / "result.json").read_text())
    limit = f"{max(1, round(60 * minutes))}s"
    length = ["--steps", "1000000", "--time-limit", limit]  # the time ends it
    run([sys.executable, "-m", "sonde", "train", f"game:{name}", *length, "--out", out, *flags])
    return json.loads((out / "result.json").read_text())


def playing_of(out: Path) -> Playing:
    """How a trained run plays."""
    found = abilities_of(sonde.load(out).task).playing
    assert found is not None
    return found


def untrained(name: str, width: int, layers: int, seed: int) -> Playing:
    """The same of a network that has learned nothing."""
    dataset = open_data(f"game:{name}", DataConfig())
    torch.manual_seed(seed)
    schema, config = dataset.schema, config_class("policy-value-resnet")(width=width, layers=layers)
    model = build("policy-value-resnet", schema.input, schema.target.out_dim, config)
    found = abilities_of(build_task("alphazero", model, schema.target, input=schema.input)).playing
    assert found is not None
    return found


def match(name: str, playing: Playing, opponent: str, games: int, simulations: int) -> dict[str, Any]:
    """Against one opponent: wins, draws, losses, Elo with its interval."""
    plan = SearchPlan(kind=playing.plan.kind, simulations=simulations, considered=playing.plan.considered)
    rows = GameRows(name=name, seed=SEED, number=games, longest=512, opponents=(opponent,))
    meter = MatchesMeter()
    judged = Playing(judge=playing.judge, plan=plan, earlier=lambda: None)
    for batch in Matches(rows, judged, torch.device("cpu"), together=games):
        meter.update(batch.fields, batch.index)
    return meter.details()["matches"][opponent]


def every_line(player: Player, ours: int) -> dict[str, int]:
    """Our player as who begins (0) or follows (1) against every line from every opening, of tic-tac-toe.

    lost: positions not lost for us in which our move loses under perfect play;  let_go: won ones in which it no longer wins.
    Where both are none, no line from an opening that is not lost ends in a loss.
    """
    known, perfect = game("tic_tac_toe"), Minimax()
    layer = _distinct(
        [known.new_initial_state()]
        + [state for state in _after([known.new_initial_state()])]
        + [state for state in _after(_after([known.new_initial_state()]))]
    )
    seen: set[str] = set()
    found = {"positions": 0, "lost": 0, "let_go": 0}
    while layer:
        asked = [state for state in layer if state.current_player() == ours and str(state) not in seen]
        seen |= {str(state) for state in asked}
        others = [state for state in layer if state.current_player() == 1 - ours]
        moves = player.think([state.history() for state in asked]).move.tolist() if asked else []
        following = []
        for state, move in zip(asked, moves, strict=True):
            before, side = perfect.value(state), 1 - 2 * ours
            after = side * perfect.worth(state.child(move))
            found["positions"] += 1
            found["lost"] += before >= 0 > after
            found["let_go"] += before > 0 == after
            following.append(state.child(move))
        layer = _distinct([state for state in following + _after(others) if not state.is_terminal()])
    return found


def _after(states: Sequence[Any]) -> list[Any]:
    return [state.child(move) for state in states for move in state.legal_actions()]


def _distinct(states: Sequence[Any]) -> list[Any]:
    return list({(str(state), state.current_player()): state for state in states if not state.is_terminal()}.values())


def signs(player: Player, file: Path) -> dict[str, Any]:
    """How often the value's sign is right on solved positions: by the network alone, and after the search. Draws within 1/3."""
    lines = [line.split() for line in file.read_text().splitlines() if line.strip()]
    moves = [[int(move) - 1 for move in played] for played, _ in lines]
    truth = np.sign([int(value) for _, value in lines])
    by_network, by_search, best = [], [], []
    for first in range(0, len(moves), 250):
        thought = player.think(moves[first : first + 250])
        by_network.append(thought.value)
        by_search.append(thought.found)
    found: dict[str, Any] = {"positions": len(moves)}
    for word, values in (("network", np.concatenate(by_network)), ("search", np.concatenate(by_search))):
        best = np.where(np.abs(values) < 1 / 3, 0, np.sign(values))
        decided = truth != 0
        found[word] = {
            "three ways": round(float((best == truth).mean()), 4),
            "of those not drawn": round(float((np.sign(values) == truth)[decided].mean()), 4),
        }
    return found


def speed(seconds: float, simulations: int, width: int, layers: int) -> dict[str, Any]:
    """Games and moves a second of connect four while only playing, every move searched in full, beside OpenSpiel's."""
    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    dataset = open_data("game:connect_four", DataConfig())
    schema, rows = dataset.schema, dataset.splits["train"]
    config = config_class("policy-value-resnet")(width=width, layers=layers)
    task = build_task(
        "alphazero",
        build("policy-value-resnet", schema.input, schema.target.out_dim, config),
        schema.target,
        input=schema.input,
    )
    playing = abilities_of(task).playing
    assert playing is not None
    assert isinstance(rows, GameRows)
    found: dict[str, Any] = {}
    for kind in ("puct", "gumbel"):
        search = SearchPlan(kind=kind, simulations=simulations, considered=16)
        plan = SelfPlayPlan(
            games=256,
            longest=42,
            quick=simulations,
            full=1.0,
            drawn_moves=10,
            random_moves=0,
            window=1_000_000,
            reuse=1.0,
            batch=1,
            symmetries=False,
        )
        source = SelfPlay(
            rows.rules,
            Playing(judge=playing.judge, plan=search, earlier=lambda: None),
            plan,
            seed=0,
            device=torch.device("cpu"),
        )
        source._move()
        source.seconds["self_play"], moves = 0.0, 0
        while source.seconds["self_play"] < seconds:
            source._move()
            moves += 1
        found[kind] = {"moves/s": round(256 * moves / source.seconds["self_play"], 1)}
    script = ROOT / "benchmarks" / "peers" / "open_spiel_alphazero.py"
    _, output = run(
        [
            python("open-spiel"),
            script,
            "connect_four",
            str(simulations),
            str(width),
            str(layers),
            str(seconds),
            str(cores),
        ]
    )
    other = last_json(output)
    # in so short a time only short games of ours have ended: games of both count as long as the whole ones of OpenSpiel's
    length = other["moves/s"] / other["games/s"]
    for kind in found:
        found[kind]["games/s"] = round(found[kind]["moves/s"] / length, 2)
    return {**found, "OpenSpiel's Python AlphaZero": other}


def mates(count: int) -> tuple[list[list[int]], list[set[int]]]:
    """(moves to positions of random games of chess in which there is a mate in one, the moves that mate)."""
    random, known, games, mating = np.random.default_rng(0), game("chess"), [], []
    while len(games) < count:
        state = known.new_initial_state()
        while not state.is_terminal() and state.move_number() < 200:
            legal = state.legal_actions()
            after = [state.child(move) for move in legal]
            wins = {
                m
                for m, s in zip(legal, after, strict=True)
                if s.is_terminal() and s.returns()[state.current_player()] > 0
            }
            if wins:
                games.append(state.history())
                mating.append(wins)
                break
            state = after[random.integers(len(after))]
    return games, mating


def mated(playing: Playing, games: list[list[int]], mating: list[set[int]]) -> dict[str, float]:
    """Share of positions in which the move mates: the likeliest by the network alone, and after searches."""
    found: dict[str, float] = {}
    for simulations in (16, 64):
        plan = replace(playing.plan, simulations=simulations, considered=16)
        player = Player("chess", replace(playing, plan=plan), torch.device("cpu"))
        thoughts = [player.think(games[first : first + 50]) for first in range(0, len(games), 50)]
        if not found:
            found["network"] = _within(np.concatenate([each.prior.argmax(1) for each in thoughts]), mating)
        found[f"{simulations} simulations"] = _within(np.concatenate([each.move for each in thoughts]), mating)
    return found


def _within(moves: np.ndarray, mating: list[set[int]]) -> float:
    return float(np.mean([move in wins for move, wins in zip(moves.tolist(), mating, strict=True)]))


def tic_tac_toe(folder: Path, asked: argparse.Namespace, flags: list[str]) -> dict[str, Any]:
    """See the module."""
    result = trained("tic_tac_toe", folder / "run", asked.minutes or 5, *flags)
    player = Player("tic_tac_toe", playing_of(folder / "run"), torch.device("cpu"))
    lines = {word: every_line(player, side) for side, word in enumerate(("begins", "follows"))}
    return {"training": _told(result), "every line": lines}


def connect_four(folder: Path, asked: argparse.Namespace, flags: list[str]) -> dict[str, Any]:
    """See the module."""
    result = trained("connect_four", folder / "run", asked.minutes or 60, *flags)
    playing, device = playing_of(folder / "run"), torch.device("cpu")
    found: dict[str, Any] = {"training": _told(result)}
    for opponent, games in (("mcts-100", 400), ("mcts-1000", 100)):
        found[opponent] = match("connect_four", playing, opponent, asked.games or games, 200)
    solved = data_folder() / "games" / "connect_four_L2_R1.txt"
    found["signs"] = signs(Player("connect_four", playing, device, simulations=200), solved)
    return found


def go(folder: Path, asked: argparse.Namespace, flags: list[str]) -> dict[str, Any]:
    """See the module."""
    return _go(5, folder, asked.minutes or 60, asked, flags)


def larger_go(folder: Path, asked: argparse.Namespace, flags: list[str]) -> dict[str, Any]:
    """See the module."""
    return _go(7, folder, asked.minutes or 30, asked, flags)


def _go(size: int, folder: Path, minutes: float, asked: argparse.Namespace, flags: list[str]) -> dict[str, Any]:
    name = f"go(board_size={size})"
    result = trained(name, folder / "run", minutes, *flags)
    return {
        "size": size,
        "training": _told(result),
        "mcts-400": match(name, playing_of(folder / "run"), "mcts-400", asked.games or 100, 200),
    }


def chess(folder: Path, asked: argparse.Namespace, flags: list[str]) -> dict[str, Any]:
    """See the module."""
    result = trained("chess", folder / "run", asked.minutes or 60, *CHESS.split(), *flags)
    games, mating = mates(asked.games or 200)
    settings = settings_of(folder / "run")
    size = settings["width"], settings["layers"]
    others = [mated(untrained("chess", *size, seed), games, mating) for seed in range(UNTRAINED)]
    return {
        "training": _told(result),
        "flags": " ".join([CHESS, *flags]),
        "positions": len(games),
        "mates in one": mated(playing_of(folder / "run"), games, mating),
        "untrained": {name: float(np.mean([each[name] for each in others])) for name in others[0]},
        "untrained, each": others,
    }


def others(folder: Path, asked: argparse.Namespace, flags: list[str]) -> dict[str, Any]:
    """See the module."""
    found: dict[str, Any] = {}
    for name in ("hex(board_size=5)", "othello"):
        out = folder / name.partition("(")[0]
        result = trained(name, out, asked.minutes or 10, *flags)
        found[name] = {"training": _told(result)}
        for opponent in ("random", "mcts-100"):
            found[name][opponent] = match(name, playing_of(out), opponent, asked.games or 100, 64)
    return found


def _told(result: dict[str, Any]) -> dict[str, Any]:
    told = {name: result[name] for name in ("model", "parameters", "steps", "headline")}
    return {**told, "metrics": result["metrics"], "seconds": result["seconds"]}


PARTS = {
    "tic-tac-toe": tic_tac_toe,
    "connect-four": connect_four,
    "go": go,
    "go-7x7": larger_go,
    "chess": chess,
    "others": others,
}


def main() -> None:
    """Measure a part and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=[*PARTS, "speed"])
    parser.add_argument("--minutes", type=float, help="of training, instead of the part's own")
    parser.add_argument("--games", type=int, help="of a match, or positions of chess")
    parser.add_argument("--seconds", type=float, default=60, help="of each side of speed")
    parser.add_argument("--simulations", type=int, default=100, help="for a move, of speed")
    parser.add_argument(
        "--folder", type=Path, help="keeps the run folders; runs that are there are judged, not trained anew"
    )
    parser.add_argument("--print-only", action="store_true")
    asked, flags = parser.parse_known_args()
    if asked.part == "speed":
        found = speed(asked.seconds, asked.simulations, 64, 5)
    else:
        with tempfile.TemporaryDirectory() as folder:
            found = PARTS[asked.part](asked.folder or Path(folder), asked, flags)
    print(json.dumps(found, indent=1))
    if not asked.print_only:
        kept = ["--folder", str(asked.folder)] if asked.folder else []  # says nothing of what was measured
        command = " ".join(["python -m benchmarks.self_play", *(each for each in sys.argv[1:] if each not in kept)])
        write(f"self_play_{asked.part.replace('-', '_')}", {"command": command, **found})


if __name__ == "__main__":
    main()
