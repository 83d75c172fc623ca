"""Atari: how fast games are stepped and learned from, beside ale-py's own vector environment and CleanRL's PPO; returns.

python -m benchmarks.atari [PART …] [--game Pong] [--games 8] [--rollouts 25] [--minutes 20] [--cleanrl FOLDER] [--print-only]

stepping  steps/s of games side by side with random actions: ale-py's `AtariVectorEnv` called with nothing around it, and Sonde's
          environments (episodes, lives, the score, seeds and what resuming needs), in turns of 2,000 steps; must be 0.8 of it
learning  frames/s of PPO with the published settings, of --rollouts, on all cores: `sonde train` and CleanRL's
          ppo_atari.py (in `benchmarks.environments`, from a checkout at FOLDER); must be 2 times as many
returns   PPO for so many minutes with the rate falling to the end of these: the curve of training's last 100 episodes, and 30
          episodes at the end, beside a random policy
By default stepping and learning; parts that are not named are kept from an earlier result of the same game, returns of any.
On two quiet cores stepping takes half a minute, learning 5 minutes.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.environments import python
from benchmarks.timing import RESULTS, ROOT, last_json, run, spread, write
from sonde.acting.environments.atari import AtariGame, rom
from sonde.engine.json_lines import read_lines

UPDATES = 16  # of a rollout, in both
TURNS, STEPS = 8, 250  # of each: 2,000 steps of all games, in turns, since the machine's speed changes


def stepping(game: str, count: int) -> dict[str, Any]:
    """steps/s of all games together, of both, turn by turn."""
    plan = AtariGame(rom=rom(game))
    plain, ours = plan.engine(count), plan.side_by_side(count, lambda number, stretch: 1000 * number + stretch)
    plain.reset(seed=np.arange(count))
    ours.reset()
    random = np.random.default_rng(0)
    speeds: dict[str, list[float]] = {"ale-py": [], "sonde": []}
    for turn in range(TURNS + 1):
        actions = random.integers(0, plain.single_action_space.n, (STEPS, count))
        for name, step in (("ale-py", plain.step), ("sonde", ours.step)):
            begun = time.perf_counter()
            for chosen in actions:
                step(chosen)
            if turn:  # the first warms up
                speeds[name].append(count * STEPS / (time.perf_counter() - begun))
    shares = [b / a for a, b in zip(speeds["ale-py"], speeds["sonde"], strict=True)]
    return {
        "games": count,
        "steps/s": {name: spread(values) for name, values in speeds.items()},
        "share of ale-py's": spread(shares),
    }


def trained(game: str, out: Path, *flags: str) -> dict[str, Any]:
    """result.json of a training in a process of its own."""
    _, output = run([sys.executable, "-m", "sonde", "train", f"atari:{game}", "--out", out, *flags])
    print(output)
    return json.loads((out / "result.json").read_text())


def curve(folder: Path) -> list[list[float]]:
    """[steps of the environments, mean return of training's latest episodes] by rollout."""
    lines = [line for line in read_lines(folder / "metrics.jsonl") if "train_return" in line]
    return [[line["environment_steps"], line["train_return"]] for line in lines]


def learning(game: str, rollouts: int, cleanrl: Path | None) -> dict[str, Any]:
    """frames/s of PPO with the published settings: of Sonde while it collects and learns, of CleanRL from what it prints."""
    with tempfile.TemporaryDirectory() as folder:
        few = ("--episodes", "1", "--test-episodes", "1", "--max-episode-steps", "3000", "--no-films")
        steps = str(UPDATES * rollouts)
        result = trained(game, Path(folder) / "run", "--steps", steps, "--evaluate-every", f"{steps} steps", *few)
    taken = result["experience"]
    found: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "sonde": {"frames/s": 4 * taken["per_s"], "steps": taken["environment_steps"], "seconds": taken["seconds"]},
    }
    if cleanrl is not None:
        script = ROOT / "benchmarks" / "peers" / "cleanrl_atari.py"
        given = [str(each) for each in (cleanrl, game, rollouts, 1, torch.get_num_threads())]
        other = last_json(run([python("cleanrl-atari"), script, *given])[1])
        found["cleanrl"] = {name: other[name] for name in ("frames/s", "steps")}
        found["times CleanRL's"] = round(found["sonde"]["frames/s"] / other["frames/s"], 2)
    return found


def returns(game: str, minutes: float) -> dict[str, Any]:
    """What is learned in so many minutes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        limit = f"{round(60 * minutes)}s"
        result = trained(game, out, "--time-limit", limit, "--episodes", "5", "--test-episodes", "30", "--no-films")
        return {
            "game": game,
            "minutes": minutes,
            "test": result["metrics"].get("test"),
            "baseline": result.get("baseline"),
            "steps": result["experience"]["environment_steps"],
            "curve": curve(out)[:: max(1, len(curve(out)) // 40)],
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["stepping", "learning"], metavar="PART")
    parser.add_argument("--game", default="Pong")
    parser.add_argument("--games", type=int, default=8)
    parser.add_argument("--rollouts", type=int, default=25)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--cleanrl", type=Path, help="a checkout of github.com/vwxyzjn/cleanrl")
    parser.add_argument("--print-only", action="store_true", help="leave benchmarks/results as it is")
    chosen = parser.parse_args()
    parts = {
        "stepping": lambda: stepping(chosen.game, chosen.games),
        "learning": lambda: learning(chosen.game, chosen.rollouts, chosen.cleanrl),
        "returns": lambda: returns(chosen.game, chosen.minutes),
    }
    if unknown := set(chosen.parts) - set(parts):
        raise SystemExit(f"no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    earlier = RESULTS / "atari.json"
    found: dict[str, Any] = json.loads(earlier.read_text()) if earlier.exists() else {}
    if found.get("game") != chosen.game and set(chosen.parts) != {"returns"}:  # which names its own
        found = {"game": chosen.game} | {name: found[name] for name in ("returns",) if name in found}
    for part in chosen.parts:
        found[part] = parts[part]()
        print(part, json.dumps(found[part], indent=1))
    if not chosen.print_only:
        write("atari", found)


if __name__ == "__main__":
    main()
