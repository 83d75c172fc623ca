"""Rows of docs/results.md on learning to act: environments, Atari, games by self-play, logs."""

import statistics
from collections.abc import Iterator
from typing import Any

Row = tuple[str, str, str, str]  # what, Sonde, beside it, runs


def acting(found: dict[str, Any]) -> Iterator[Row]:
    """Environments of gymnasium, for equal steps."""
    for work, programs in found["table"].items():
        ours = programs["sonde"]
        beside = "; ".join(f"{name}: {_learned(row)}" for name, row in programs.items() if name != "sonde")
        yield f"{work}, for equal steps", _learned(ours), beside or "-", f"{ours['seeds']} seeds"
        whole = ours.get("whole command until 100 episodes return it")
        if whole:
            said = f"{statistics.median(whole):.1f} s ({min(whole):.1f} to {max(whole):.1f})"
            yield (
                "  the whole command until 100 episodes return the mark",
                said,
                "-",
                f"{len(whole)} of {ours['seeds']} seeds",
            )


def _learned(row: dict[str, Any]) -> str:
    reached = f"mark in {row['reached the mark']} of {row['seeds']}"
    if "median seconds to the mark" in row:
        reached += f" after {row['median seconds to the mark']:g} s"
    return f"return {row['return']}, {reached}, {row['steps/s']:,} steps/s"


def atari(found: dict[str, Any]) -> Iterator[Row]:
    """Stepping, learning and returns."""
    name = found["game"]
    if part := found.get("stepping"):
        ours, other = (part["steps/s"][each]["mean"] for each in ("sonde", "ale-py"))
        what = f"{name}, {part['games']} games side by side, stepping alone: steps/s"
        turns = part["steps/s"]["sonde"]["n"]
        yield what, f"{ours:,.0f}", f"ale-py's AtariVectorEnv {other:,.0f}", f"{turns} turns"
    if part := found.get("learning"):
        beside = f"CleanRL {part['cleanrl']['frames/s']:,.0f}" if "cleanrl" in part else "-"
        yield f"{name}, PPO with the published settings: frames/s", f"{part['sonde']['frames/s']:,.0f}", beside, "1"
    if part := found.get("returns"):
        ours, other = part["test"]["return"], part["baseline"]["return"]
        what = f"{part['game']}, PPO for {part['minutes']:g} minutes: mean return of 30 episodes"
        yield what, f"{ours:.1f}", f"a random policy {other:.1f}", "1"


def tic_tac_toe(found: dict[str, Any]) -> Iterator[Row]:
    """Every line from every opening."""
    lines = found["every line"].values()
    lost, positions = (sum(each[name] for each in lines) for name in ("lost", "positions"))
    what = f"tic-tac-toe, {_minutes(found):.1f} minutes: positions of all lines that a move loses"
    yield what, f"{lost:,} of {positions:,}", "perfect play: 0", "1"


def connect_four(found: dict[str, Any]) -> Iterator[Row]:
    """Matches, and the value's sign."""
    for opponent in ("mcts-100", "mcts-1000"):
        known = opponent.replace("mcts-", "MCTS with ")
        what = f"connect four, {_minutes(found):.0f} minutes, against {known} random games a move"
        yield what, _score(found[opponent]), "-", f"{found[opponent]['games']} games"
    signs = found["signs"]
    said = f"{signs['search']['of those not drawn']:.1%}, network alone {signs['network']['of those not drawn']:.1%}"
    yield "  sign of the value on solved positions that are not drawn", said, "-", f"{signs['positions']:,} positions"


def speed(found: dict[str, Any]) -> Iterator[Row]:
    """Games a second."""
    ours = ", ".join(f"{kind} {found[kind]['moves/s']:g}" for kind in ("puct", "gumbel"))
    other = found["OpenSpiel's Python AlphaZero"]["moves/s"]
    yield "connect four, playing alone: moves/s", ours, f"OpenSpiel's Python AlphaZero {other:g}", "1"


def go(found: dict[str, Any]) -> Iterator[Row]:
    """A match."""
    score, size = found["mcts-400"], found.get("size", 5)
    what = f"Go {size}x{size}, {_minutes(found):.0f} minutes, against MCTS with 400"
    yield what, _score(score), "-", f"{score['games']} games"


def chess(found: dict[str, Any]) -> Iterator[Row]:
    """Mates in one."""
    what = f"chess, {_minutes(found):.0f} minutes: mates in one of {found['positions']} positions"
    beside = f"untrained, mean of {len(found['untrained, each'])}: {_by_size(found['untrained'])}"
    yield what, _by_size(found["mates in one"]), beside, "1"


def _by_size(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in shares.items())


def others(found: dict[str, Any]) -> Iterator[Row]:
    """Hex and othello."""
    for name, part in found.items():
        if not isinstance(part, dict) or "training" not in part:
            continue
        for opponent in ("random", "mcts-100"):
            what = f"{name}, {_minutes(part):.0f} minutes, against {opponent}"
            yield what, _score(part[opponent]), "-", f"{part[opponent]['games']} games"


def _minutes(found: dict[str, Any]) -> float:
    return found["training"]["seconds"]["total"] / 60


def _score(row: dict[str, Any]) -> str:
    return f"{row['score']['value']:.1%} ({row['wins']} won, {row['draws']} drawn, {row['losses']} lost)"


def offline(found: dict[str, Any]) -> Iterator[Row]:
    """From a log alone."""
    logged = {name: f"{each['return']:.0f}" for name, each in found["logged"].items()}
    for log in ("expert", "beginner", "mixed"):
        ours = ", ".join(f"{task} {statistics.mean(values):.0f}" for task, values in found[log].items())
        beside = f"logged policy {logged[log]}" if log in logged else f"logged policies {', '.join(logged.values())}"
        yield f"CartPole from a log ({log}): return", ours, beside, f"{found['seeds']} seeds"


def stepping(found: dict[str, Any]) -> Iterator[Row]:
    """In this process, in workers, and gymnasium's vectors."""
    for kind, ways in found["kinds"].items():
        speeds = {way: f"{way} {row['steps_per_s']:,.0f}" for way, row in ways.items()}
        ours, others = (
            "; ".join(said for way, said in speeds.items() if way.startswith("gymnasium") == theirs)
            for theirs in (False, True)
        )
        rounds = len(next(iter(ways.values()))["rounds"])
        yield f"{found['environments']} environments, {kind}: steps/s", ours, others, f"{rounds} rounds"
