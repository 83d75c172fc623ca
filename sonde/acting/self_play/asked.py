"""A trained player of a game that is asked from Python: which move, which policy and which value after a search."""

from collections.abc import Sequence
from typing import Any

from sonde.acting.self_play.games.open_spiel import begins, game, library
from sonde.acting.self_play.player import Player, Thought
from sonde.core.errors import DataError, first_line

MOST_NAMED = 8  # legal moves in an error


class GamePlayer:
    """Plays the game that a run was trained on, asked about any of its positions: `run.player(simulations=200)`.

    A position is the list of moves that lead to it from the first one, each by its number or its name as OpenSpiel writes it, or
    a state of OpenSpiel's that came about by its moves.

    name:        of the game, as `game:NAME` has it;  simulations: leaves that are looked at for a move
    observation: shape of what the network is called with;  actions: moves that there are, by number
    """

    def __init__(self, name: str, player: Player) -> None:
        self.name, self._player, self._game = name, player, game(name)
        self.simulations = player.plan.simulations
        self.observation, self.actions = player.rules.shape, player.rules.actions

    def think(self, positions: Sequence[Any]) -> list[dict[str, Any]]:
        """What it makes of each position, all of which are searched side by side; the same each time.

        Returns: for each position a dict; values are from -1 (lost) to 1 (won) for the side to move
            "best", "name": of the moves that the search followed most often the best, by its number and as OpenSpiel writes it;
                of few simulations that need not be the likeliest
            "value", "network_value": after the search, and by the network alone
            "mover": 0 where who began the game is to move, else 1
            "legal": all legal moves, the likeliest after the search first: {"number", "name", "policy", "network_policy"}, the
                shares of each after the search and by the network alone
        Raises: DataError for moves that are not legal, a game that is over, a state of another game
        """
        states = self._states(positions)
        for number, state in enumerate(states):
            if state.is_terminal():
                raise DataError(f"position {number}: the game is over there; ask about one in which it goes on")
        if not states:
            return []
        thought = self._player.think([state.history() for state in states])
        return [self._told(state, thought, row) for row, state in enumerate(states)]

    def observations(self, positions: Sequence[Any]) -> Any:
        """(n, *observation) float32: what the network is called with in each position. Raises: DataError as `think`"""
        from sonde.acting.self_play.games.rules import replayed

        rules = self._player.rules
        histories = [state.history() for state in self._states(positions)]
        return rules.view(replayed(rules, histories)).observation.astype("float32")

    def _states(self, positions: Sequence[Any]) -> list[Any]:
        if isinstance(positions, str) or not isinstance(positions, Sequence):
            raise DataError(
                f"positions are a list, each a list of moves: think([[0, 4], []]); got a {type(positions).__name__}"
            )
        return [self._state(number, position) for number, position in enumerate(positions)]

    def _told(self, state: Any, thought: Thought, row: int) -> dict[str, Any]:
        player = state.current_player()
        legal = [
            {
                "number": move,
                "name": state.action_to_string(player, move),
                "policy": float(thought.policy[row, move]),
                "network_policy": float(thought.prior[row, move]),
            }
            for move in state.legal_actions()
        ]
        best = int(thought.move[row])
        return {
            "best": best,
            "name": state.action_to_string(player, best),
            "value": float(thought.found[row]),
            "network_value": float(thought.value[row]),
            "mover": int(player != begins(self._game)),
            "legal": sorted(legal, key=lambda each: -each["policy"]),
        }

    def _state(self, number: int, position: Any) -> Any:
        """The state of OpenSpiel's that a position is."""
        if isinstance(position, library().State):
            return self._checked(number, position)
        if isinstance(position, str) or not isinstance(position, Sequence):
            raise DataError(
                f"position {number} is a {type(position).__name__}; give the list of moves that lead to it, or a pyspiel.State"
            )
        state = self._game.new_initial_state()
        for place, move in enumerate(position, 1):
            state.apply_action(self._move(f"position {number}, move {place}", state, move))
        return state

    def _move(self, where: str, state: Any, move: Any) -> int:
        """The number of a legal move. Raises: DataError"""
        if state.is_terminal():
            raise DataError(f"{where}: the game is over before it")
        player = state.current_player()
        names = {state.action_to_string(player, each): each for each in state.legal_actions()}
        found = names.get(move) if isinstance(move, str) else move
        if found is None or found not in names.values():
            legal = ", ".join(f"{each} ({name})" for name, each in list(names.items())[:MOST_NAMED])
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            raise DataError(f"{where}: {move!r} is not legal there; legal are {legal}{more}")
        return int(found)

    def _checked(self, number: int, state: Any) -> Any:
        """Raises: DataError for a state of another game, or one that its moves do not lead to, as of a FEN"""
        other = state.get_game()
        if (other.get_type().short_name, other.get_parameters()) != (
            self._game.get_type().short_name,
            self._game.get_parameters(),
        ):
            raise DataError(f"position {number} is of {other}, and this player was trained on {self._game}")
        again = self._game.new_initial_state()
        try:
            for move in state.history():
                again.apply_action(move)
            same = str(again) == str(state)
        except library().SpielError as error:
            raise DataError(f"position {number} does not come about by its moves: {first_line(error)}") from None
        if not same:
            raise DataError(
                f"position {number} does not come about by its moves from the first position, as the network's view of it has to"
            )
        return again
