"""Pictures whose bytes are nearly 0, such as a board of 0 and 1: seen as shares of 255, networks hardly tell them apart."""

from collections.abc import Sequence

import numpy as np

from sonde.core.findings import Finding

NAME = "pictures-nearly-black"
DARK = (
    16  # of 255: no pixel of a picture that is meant to be looked at is as dark; kinds of pieces on a board are fewer
)
FEWEST = 20  # pictures: of fewer nothing is said, since an episode may begin in the dark


def dark_pictures(seen: Sequence[np.ndarray], source: str) -> list[Finding]:
    """Of what an environment showed, n of (channels, height, width) bytes as networks see them; nothing of other observations."""
    brightest = _brightest(seen)
    if brightest is None:
        return []
    how = f"{source}: no pixel of {len(seen):,} pictures is above {brightest}, and networks see bytes as shares of 255"
    action = (
        f"give observation_space the bound that they have (Box(0, {brightest}, shape, numpy.uint8)), by which they are scaled, "
        "or show brighter ones"
    )
    return [Finding(check=NAME, severity="warning", evidence=how, action=action, name=NAME)]


def dark_log(observations: np.ndarray) -> list[str]:
    """The same of a log, as a warning."""
    brightest = _brightest(observations)
    if brightest is None:
        return []
    return [
        f"observations: no pixel of {len(observations):,} pictures is above {brightest}, and networks see bytes as shares of "
        f"255; log them times {255 // brightest}, or give --environment one whose observation_space has that bound"
    ]


def _brightest(seen: Sequence[np.ndarray] | np.ndarray) -> int | None:
    """The brightest pixel, where it is dark, and not black: pictures that show nothing are something else."""
    if len(seen) < FEWEST or seen[0].dtype != np.uint8 or seen[0].ndim != 3:
        return None
    found = max(int(each.max()) for each in seen)
    return found if 0 < found <= DARK else None
