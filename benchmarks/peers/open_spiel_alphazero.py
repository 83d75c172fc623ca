"""Games a second of OpenSpiel's Python AlphaZero: its own actors' loop, network (JAX) and search, nothing of it changed.

python open_spiel_alphazero.py GAME SIMULATIONS WIDTH DEPTH SECONDS PROCESSES

No learner runs beside them, which in its training takes time from the actors; the first game of each process, in which its
network is compiled, is not counted.
"""

import json
import multiprocessing
import sys
import tempfile
import time
from typing import Any


class Silent:
    """A log of nothing."""

    def print(self, *_: Any) -> None:
        """Nothing."""

    opt_print = print


def played(game_name: str, simulations: int, width: int, depth: int, seconds: float) -> tuple[int, int, float]:
    """(games, moves, seconds) of one actor."""
    import pyspiel
    from open_spiel.python.algorithms.alpha_zero import alpha_zero, evaluator, utils

    game = pyspiel.load_game(game_name)
    with tempfile.TemporaryDirectory() as folder:
        model = utils.api_selector("nnx").Model.build_model(
            "resnet", game.observation_tensor_shape(), game.num_distinct_actions(), width, depth, 1e-4, 1e-3, folder,
            decouple_weight_decay=True,
        )  # fmt: skip
        config = type("Config", (), {})()
        config.uct_c, config.max_simulations, config.verbose = 1.4, simulations, False
        config.policy_alpha, config.policy_epsilon = 1.0, 0.25
        bots = [alpha_zero._init_bot(config, game, evaluator.AlphaZeroEvaluator(game, model), False)] * 2
        alpha_zero._play_game(Silent(), 0, game, bots, 1.0, 10)
        begun, games, moves = time.perf_counter(), 0, 0
        while time.perf_counter() - begun < seconds:
            moves += len(alpha_zero._play_game(Silent(), games, game, bots, 1.0, 10).states)
            games += 1
        return games, moves, time.perf_counter() - begun


def main() -> None:
    """Print one line of JSON."""
    name, simulations, width, depth, seconds, processes = sys.argv[1:]
    asked = (name, int(simulations), int(width), int(depth), float(seconds))
    with multiprocessing.get_context("spawn").Pool(int(processes)) as pool:
        found = pool.starmap(played, [asked] * int(processes))
    games = sum(games / spent for games, _, spent in found)
    moves = sum(moves / spent for _, moves, spent in found)
    print(json.dumps({"games/s": round(games, 3), "moves/s": round(moves, 2), "games": sum(each[0] for each in found)}))


if __name__ == "__main__":
    main()
