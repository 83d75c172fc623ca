"""MuJoCo's environments of gymnasium: what they need besides, and where their warnings go."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

NEEDED = ("mujoco", "imageio")  # which gymnasium imports for them
PLACE = "gymnasium.envs.mujoco"


@contextmanager
def without_warnings() -> Iterator[None]:
    """What MuJoCo warns of while it reads a model that gymnasium wrote is nothing to act on; it would print it each time, and
    write MUJOCO_LOG.TXT into the current folder. What it warns of later, while it simulates, it says as ever."""
    library = importlib.import_module("mujoco")
    before = library.get_mju_user_warning()
    library.set_mju_user_warning(lambda said: None)
    try:
        yield
    finally:
        library.set_mju_user_warning(before)
