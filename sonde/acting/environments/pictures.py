"""What is done to the pictures of gymnasium's environments before they are seen, by gymnasium's own wrappers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sonde.acting.environments.spaces import space_of
from sonde.core.errors import DataError

CHANNELS = (1, 3, 4)
WHITE = 255


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """How an environment of pixels is made; it pickles where `make` does.

    make: the environment;  name: of it, for errors
    skip: times that an action is repeated, of the last two pictures of which the larger of each pixel is seen
    size: height and width, 0 as they are;  grey: without colours;  stack: of how many an observation is made, the newest last
    """

    make: Callable[[], Any]
    name: str
    skip: int = 1
    size: int = 0
    grey: bool = False
    stack: int = 1

    def __call__(self) -> Any:
        """A new one, which shows (stack * channels, height, width) bytes.

        Raises: DataError for one that shows no pictures, or means of which would say nothing
        """
        import gymnasium
        from gymnasium import wrappers
        from gymnasium.spaces import Box

        env = self.make()
        if not isinstance(env, gymnasium.Env) or not _is_picture(env.observation_space):
            shown = space_of(getattr(env, "observation_space", None)).words
            raise DataError(
                f"{self.name} shows {shown}, and --frame-skip, --frame-size, --frame-colors and --frame-stack "
                "change pictures of (height, width, channels) bytes; leave them out"
            )
        pictures: Any = env.observation_space
        most = int(pictures.high.max())
        if most * 2 <= WHITE and (self.size or self.grey):  # means of such bytes would be rounded to a few of them
            raise DataError(
                f"{self.name} shows pictures from 0 to {most}, and --frame-size and --frame-colors take means of bytes from 0 to "
                f"{WHITE}; show them times {WHITE // max(1, most)}, with {WHITE} as their bound, or leave these settings out"
            )
        if self.skip > 1:
            env = wrappers.MaxAndSkipObservation(env, skip=self.skip)
        height, width, channels = env.observation_space.shape or (0, 0, 0)
        if self.grey and channels > 1:
            env, channels = wrappers.GrayscaleObservation(env, keep_dim=True), 1
        if self.size:
            height = width = self.size
            env = wrappers.TransformObservation(
                env, partial(resized, self.size), Box(0, most, (height, width, channels), np.uint8)
            )
        env = wrappers.TransformObservation(env, planes, Box(0, most, (channels, height, width), np.uint8))
        if self.stack > 1:
            env = wrappers.FrameStackObservation(env, self.stack)
            shown = Box(0, most, (self.stack * channels, height, width), np.uint8)
            env = wrappers.TransformObservation(env, flattened, shown)
        return env


def _is_picture(space: Any) -> bool:
    return getattr(space, "dtype", None) == np.uint8 and len(space.shape) == 3 and space.shape[2] in CHANNELS


def planes(seen: np.ndarray) -> np.ndarray:
    """(H, W, C) -> (C, H, W)."""
    return np.ascontiguousarray(np.moveaxis(seen, -1, 0))


def flattened(seen: np.ndarray) -> np.ndarray:
    """(stack, C, H, W) -> (stack * C, H, W)."""
    return np.reshape(seen, (-1, *np.shape(seen)[2:]))


def resized(size: int, seen: np.ndarray) -> np.ndarray:
    """(H, W, C) -> (size, size, C), each pixel the mean of the area that it covers."""
    from PIL import Image

    found = [
        np.asarray(Image.fromarray(plane).resize((size, size), Image.Resampling.BOX))
        for plane in np.moveaxis(seen, -1, 0)
    ]
    return np.stack(found, -1)
