"""One Atari game as gymnasium would have it: evaluated in, and filmed."""

from typing import TYPE_CHECKING, Any

import numpy as np

from sonde.acting.environments.gym import library
from sonde.core.errors import DataError

if TYPE_CHECKING:
    from sonde.acting.environments.atari import AtariGame

FRAMES_PER_S = 60
SCREEN = 210, 160  # height and width of what an Atari shows


class OneGame:
    """A game whose rewards are the real score, and whose episodes end when the game is over.

    render_mode: "rgb_array" for what a person would see, after the last frame of each action: a second emulator is given the
                 same seed and the same actions, since the first keeps only what a network sees
    """

    spec: Any = None  # it is not in gymnasium's register

    def __init__(self, game: "AtariGame", *, render_mode: str | None = None) -> None:
        self._game, self.render_mode = game, render_mode
        self._max_episode_steps = game.longest  # as gymnasium's TimeLimit has it
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": FRAMES_PER_S / game.skip}
        self._engine = game.engine(1, num_threads=1)
        self._camera = None
        if render_mode == "rgb_array":
            height, width = SCREEN
            self._camera = game.engine(
                1, num_threads=1, img_height=height, img_width=width, grayscale=False, stack_num=1
            )
        self._picture: np.ndarray = np.zeros((*SCREEN, 3), np.uint8)
        self.action_space = self._engine.single_action_space
        self.observation_space = library().spaces.Box(0, 255, game.shape, np.uint8)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode. Returns what it shows, of the game's `shape`."""
        assert seed is not None, "an episode begins from a stated seed"
        seeds = np.array([seed])
        seen, _ = self._engine.reset(seed=seeds)
        if self._camera is not None:
            self._picture = self._camera.reset(seed=seeds)[0][0, 0]
        return self._game.planes(seen)[0], {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """(what it shows, score, over, cut off, nothing). Raises: DataError for an action that the game has not"""
        if not 0 <= action < self.action_space.n:
            raise DataError(f"action {action}: {self._game.rom} has actions 0 to {self.action_space.n - 1}")
        seen, reward, over, cut, more = self._engine.step(np.array([action]))
        if over[0] or cut[0]:
            seen = more["final_obs"]
        if self._camera is not None:
            shown, *_, beside = self._camera.step(np.array([action]))
            self._picture = beside.get("final_obs", shown)[0, 0]
        return self._game.planes(seen)[0], float(reward[0]), bool(over[0]), bool(cut[0]), {}

    def render(self) -> np.ndarray:
        """(210, 160, 3) uint8. Raises: DataError where it was not made with render_mode="rgb_array\""""
        if self._camera is None:
            raise DataError('a game is filmed that was made with render_mode="rgb_array"')
        return self._picture

    def close(self) -> None:
        """End its threads."""
        del self._engine, self._camera
