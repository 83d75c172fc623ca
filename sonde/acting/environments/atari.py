"""Atari games as ale-py's own vector environment plays them: C++ threads, preprocessing inside.

What is decided here and why, after reading ale-py 0.12:

- Episodes that end are followed in the same step (`SameStep`): `final_obs` is what followed the action, the observation is the
  first of the next episode.
- Putting a seed into the emulator loads the game anew, which takes as long as 200 steps of one environment. So an environment is
  given a seed for a stretch of episodes, and not for each; within a stretch all that is random goes on from that seed.
- ale-py's own `episodic_life` restarts the whole game whenever a life is lost, so that nothing after the first life is ever seen.
  Here the game goes on, as in Mnih et al. 2015, and only what is learned from says that an episode ended.
- ale-py's own `reward_clipping` hides the score, so rewards are clipped outside (`sonde.acting.environments.clipped`).
- An action that a game does not have would stop ale-py's threads for good, so it is refused before.
"""

import atexit
import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.acting.environments.arguments import as_written
from sonde.core.acting import Transition
from sonde.core.catalogue import require
from sonde.core.errors import DataError, RunFolderError, nearest

STRETCH = (
    4_000  # steps of an environment after which the next episode begins from a new seed: 5 % of the time of stepping
)


def library() -> Any:
    """ale-py. Raises: MissingDependency"""
    require("gymnasium", extra="atari", purpose="playing Atari")
    atexit.unregister(gc.unfreeze)
    atexit.register(gc.unfreeze)  # or ale-py lists, at the end of a command, all games that a cycle holds as leaked
    return require("ale_py", extra="atari", purpose="playing Atari")


def rom(game: str) -> str:
    """Its name in ale-py, of "Pong", "MsPacman", "ms_pacman" or "ALE/Pong-v5". Raises: DataError, MissingDependency"""
    library()
    from ale_py import roms

    short, arguments = as_written(game)
    if arguments:
        raise DataError(
            f"atari:{game}: how a game of Atari is played is said by settings, such as --frame-skip and --sticky-actions; "
            f"write atari:{short}"
        )
    known = {_plain(each): each for each in roms.get_all_rom_ids()}
    asked = _plain(game.rpartition("/")[2].partition("-")[0])
    if asked in known:
        return known[asked]
    near = nearest(asked, known)
    instead = (
        f"did you mean {' or '.join(f'atari:{titled(known[one])}' for one in near)}?" if near else "try atari:Pong"
    )
    raise DataError(f"atari:{game}: no such game; {instead}")


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def titled(name: str) -> str:
    """A game's name as people write it.

    >>> titled("ms_pacman")
    'MsPacman'
    """
    return "".join(part.capitalize() for part in name.split("_"))


@dataclass(frozen=True, kw_only=True)
class AtariGame:
    """How a game is played, again and again; it pickles.

    rom:    as ale-py calls it
    skip:   frames that an action lasts, of the last two of which the larger of each pixel is seen
    stack:  of how many such pictures an observation is made, the newest last
    size:   height and width of a picture;  grey: without colours
    noops:  up to so many frames, fewer than that, pass before the first action
    sticky: probability that a frame repeats the action before it
    every:  all 18 actions, and not only those that do something in this game
    longest: actions after which an episode is truncated
    lives:  while training, a lost life ends what is learned from
    filmed: whether one that is made draws what a person would see
    """

    rom: str
    skip: int = 4
    stack: int = 4
    size: int = 84
    grey: bool = True
    noops: int = 30
    sticky: float = 0.0
    every: bool = False
    longest: int = 27_000
    lives: bool = True
    filmed: bool = False

    @property
    def channels(self) -> int:
        """Of one picture."""
        return 1 if self.grey else 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of an observation: pictures along the first axis."""
        return self.stack * self.channels, self.size, self.size

    def __call__(self) -> Any:
        """One, as gymnasium would have it, to evaluate in. Raises: MissingDependency"""
        from sonde.acting.environments.one_game import OneGame

        return OneGame(self, render_mode="rgb_array" if self.filmed else None)

    def side_by_side(self, count: int, seed_of: Callable[[int, int], int]) -> "Games":
        """So many to train in. seed_of: (number of the game, of its stretch), both from 0 -> a seed"""
        return Games(self, count, seed_of=seed_of)

    def engine(self, count: int, **instead: Any) -> Any:
        """ale-py's vector environment. Raises: MissingDependency"""
        library()
        from ale_py.vector_env import AtariVectorEnv

        given = {
            "img_height": self.size,
            "img_width": self.size,
            "grayscale": self.grey,
            "stack_num": self.stack,
            "frameskip": self.skip,
            "noop_max": self.noops,
            "repeat_action_probability": self.sticky,
            "full_action_space": self.every,
            "max_num_frames_per_episode": self.longest * self.skip,
        }
        return AtariVectorEnv(
            self.rom,
            count,
            autoreset_mode="SameStep",
            reward_clipping=False,
            episodic_life=False,
            **{**given, **instead},
        )

    def planes(self, seen: np.ndarray) -> np.ndarray:
        """(n, stack, H, W) or (n, stack, H, W, 3) -> (n, *shape)."""
        if self.grey:
            return seen
        return np.ascontiguousarray(np.moveaxis(seen, -1, 2)).reshape(len(seen), *self.shape)


class Games:
    """n games of one kind.

    Where they stand is told by the seeds of the stretches and the actions since: they are played again to resume, all ending
    together, so that a game with fewer actions waits for the others before it begins.
    """

    def __init__(self, game: AtariGame, count: int, *, seed_of: Callable[[int, int], int]) -> None:
        self._game, self._seed_of = game, seed_of
        self._engine = game.engine(count)
        self._actions = int(self._engine.single_action_space.n)
        self._stretch = [0] * count
        self._taken: list[np.ndarray] = []  # (n,) actions, as far back as a stretch began
        self._length = np.zeros(count, np.int64)  # of these, how many belong to each game's stretch
        self._seen, self._lives = np.empty(0, np.uint8), np.empty(0, np.int32)
        self.said = f"{count} games in threads of ale-py's"

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._stretch)

    def reset(self) -> np.ndarray:
        """The first observations of the first episodes; of episodes from new seeds, when it is called again."""
        if self._seen.size:
            self._stretch = [stretch + 1 for stretch in self._stretch]
        self._taken = []
        self._length[:] = 0
        return self._shown(self._engine.reset(seed=self._seeds(np.ones(self.count, bool))))

    def rewind(self) -> None:
        """The first episodes come next, as when they were made."""
        self._stretch, self._taken = [0] * self.count, []
        self._seen = np.empty(0, np.uint8)

    def _seeds(self, which: np.ndarray) -> np.ndarray:
        return np.array([self._seed_of(number, self._stretch[number]) for number in np.flatnonzero(which).tolist()])

    def _shown(self, answer: tuple[Any, ...]) -> np.ndarray:
        self._seen, self._lives = self._game.planes(answer[0]), answer[-1]["lives"]
        return self._seen

    def _begin(self, which: np.ndarray) -> None:
        """Start a stretch from its seed in some of them."""
        self._shown(self._engine.reset(seed=self._seeds(which), options={"reset_mask": which}))

    def _act(self, actions: np.ndarray) -> tuple[Any, ...]:
        if actions.min() < 0 or actions.max() >= self._actions:
            raise DataError(f"action {actions.tolist()}: {self._game.rom} has actions 0 to {self._actions - 1}")
        return self._engine.step(actions)

    def step(self, actions: np.ndarray) -> Transition:
        """Take one action in each; an episode that ends is followed by the next. Raises: DataError for an action it has not"""
        before = self._lives
        answer = self._act(actions)
        _, reward, over, cut, more = answer
        self._taken.append(actions.copy())
        self._length += 1
        observation = following = self._shown(answer)
        ended = over | cut
        if ended.any():
            following = np.where(ended[:, None, None, None], self._game.planes(more["final_obs"]), observation)
            self._renew(ended & (self._length >= STRETCH))
            observation = self._seen
        lost = (self._lives < before) & ~ended if self._game.lives else np.zeros(self.count, bool)
        return Transition(
            reward.astype(np.float64),
            over | lost,
            cut,
            following,
            observation,
            score=reward.astype(np.float64),
            finished=ended,
        )

    def _renew(self, which: np.ndarray) -> None:
        """Begin the next stretch, and forget actions that no stretch holds any more."""
        if not which.any():
            return
        for number in np.flatnonzero(which).tolist():
            self._stretch[number] += 1
        self._length[which] = 0
        self._begin(which)
        self._taken = self._taken[len(self._taken) - int(self._length.max()) :]

    def state_dict(self) -> dict[str, Tensor]:
        """The stretch of each, the actions since the oldest began, how many are each game's own, and what they show."""
        taken = np.stack(self._taken) if self._taken else np.empty((0, self.count), np.int64)
        return {
            "stretch": torch.tensor(self._stretch),
            "length": torch.from_numpy(self._length.copy()),
            "actions": torch.from_numpy(taken.astype(np.uint8)),
            "seen": torch.from_numpy(self._seen.copy()),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> np.ndarray:
        """Play them again up to where they were. Raises: RunFolderError where a game then shows something else"""
        self._stretch = state["stretch"].tolist()
        self._length = state["length"].numpy().copy()
        self._taken = list(state["actions"].numpy().astype(np.int64))
        number = len(self._taken)
        self._shown(self._engine.reset(seed=self._seeds(np.ones(self.count, bool))))
        for step, actions in enumerate(self._taken):
            begins = (self._length == number - step) & (step > 0)
            if begins.any():
                self._begin(begins)
            self._shown(self._act(actions))
        if number and (begins := self._length == 0).any():
            self._begin(begins)
        if not np.array_equal(self._seen, state["seen"].numpy()):
            raise RunFolderError(
                f"{self._game.rom} shows something else when the same actions are played again, so this run cannot be resumed "
                "exactly: is it the version of ale-py that it was begun with? Start over with --fresh"
            )
        return self._seen

    def close(self) -> None:
        """End its threads."""
        del self._engine
