"""MuJoCo's environments of gymnasium: what they need besides, and where their warnings go."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sonde.core.catalogue import require

NEEDED = ("mujoco", "imageio")  # which gymnasium imports for them
PLACE = "gymnasium.envs.mujoco"


def is_mujoco(name: str, registry: Any) -> bool:
    """Whether gymnasium makes an environment of that name with MuJoCo. registry: its own, name -> spec"""
    return str(getattr(registry.get(name), "entry_point", "")).startswith(PLACE)


def require_mujoco(name: str) -> None:
    """Raises: MissingDependency, with what to install"""
    for package in NEEDED:
        require(package, extra="mujoco", purpose=f"gym:{name}")


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
