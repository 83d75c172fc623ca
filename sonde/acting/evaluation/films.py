"""Films of episodes that were evaluated: the best, the median and the worst, played again from their seeds and actions."""

import os
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import IO, Any

import numpy as np

from sonde.core.catalogue import require
from sonde.core.pace import never

PER_S = 25  # frames a second, at most
LONGEST_S = 20  # of a film: of a longer episode fewer of its steps are shown
WIDEST = 360  # pixels
HELD = 12  # times that the last frame is shown, so that the end is seen
SECONDS = 20.0  # that all of them may take to make


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An episode of which a film is made.

    name: "best";  also: what else it is, of episodes that returned the same;  returned: what it did;  length: its steps
    actions: its first ones
    """

    name: str
    seed: int
    returned: float
    length: int
    actions: np.ndarray
    also: tuple[str, ...] = ()


def chosen(
    returns: Sequence[float],
    lengths: Sequence[float],
    seeds: Sequence[int],
    taken: Mapping[int, np.ndarray],
    index: Sequence[int] | None = None,
) -> list[Wanted]:
    """The best, the median and the worst of the episodes whose actions are known; of those that returned the same only the first.

    returns, lengths: of the episodes that were over;  index: their numbers, by default all from 0 on
    seeds: of all episodes, by number;  taken: number of an episode -> its actions
    """
    numbers = range(len(returns)) if index is None else index
    played = [place for place, number in enumerate(numbers) if number in taken]
    if not played:
        return []
    order = sorted(played, key=lambda place: returns[place])
    roles: dict[float, list[tuple[str, int]]] = {}
    for name, place in (("best", order[-1]), ("median", order[(len(order) - 1) // 2]), ("worst", order[0])):
        roles.setdefault(returns[place], []).append((name, place))
    return [
        Wanted(
            name=same[0][0],
            also=tuple(name for name, _ in same[1:]),
            seed=seeds[numbers[same[0][1]]],
            returned=returned,
            length=int(lengths[same[0][1]]),
            actions=taken[numbers[same[0][1]]],
        )
        for returned, same in roles.items()
    ]


def film(
    make: Callable[[], Any], wanted: Wanted, path: Path, *, seconds: float, leave_off: Callable[[], bool] = never
) -> dict[str, Any]:
    """Play an episode again and write `path`, an MP4. Returns: its entry of films.json

    make: an environment that renders frames ("rgb_array")
    seconds: after which it ends where it is, as it does where `leave_off`, asked at each step, says True
    Raises: MissingDependency, and what an environment or its renderer raises
    """
    program = require("imageio_ffmpeg", extra="acting", purpose="making films").get_ffmpeg_exe()
    with _quiet():
        env = make()
    until, shown, returned = time.perf_counter() + seconds, 0, 0.0
    each, per_s, faster = pace(env, wanted.length)
    try:
        env.reset(seed=wanted.seed)
        frame = _first_frame(env)
        with _encoder(program, frame, per_s, path) as write:
            write(frame)
            for number, action in enumerate(_plain(wanted.actions), start=1):
                if time.perf_counter() > until or leave_off():
                    break
                _, reward, over, cut, _ = env.step(action)
                shown, returned = number, returned + float(reward)
                if number % each == 0 or over or cut:
                    frame = _frame(env)
                    write(frame)
                if over or cut:
                    break
            for _ in range(HELD):
                write(frame)
    finally:
        env.close()
    whole = shown == wanted.length
    told = {"name": wanted.name, "seed": wanted.seed, "return": wanted.returned, "length": wanted.length}
    if wanted.also:
        told["also"] = list(wanted.also)
    again = {"played_again": returned} if whole and not np.isclose(returned, wanted.returned) else {}
    return {**told, "shown": shown, "faster": faster, "file": path.name, **again}


def pace(env: Any, length: int) -> tuple[int, float, int]:
    """(every how many steps a frame is shown, frames a second, how many times as fast as it happened)."""
    own = float((getattr(env, "metadata", None) or {}).get("render_fps") or PER_S)
    real = max(1, ceil(own / PER_S))
    each = max(real, ceil(length / (LONGEST_S * own / real)))
    faster = max(1, round(each / real))
    return each, own / real, faster


def _plain(actions: np.ndarray) -> Sequence[Any]:
    return actions.tolist() if actions.ndim == 1 else list(actions)


def _frame(env: Any) -> np.ndarray:
    """(H, W, 3) uint8. Raises: ValueError for what is none"""
    frame = np.asarray(env.render())
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise ValueError(
            f"render() gives {frame.dtype} of shape {frame.shape}, and a film needs uint8 of (height, width, 3)"
        )
    return np.ascontiguousarray(frame)


def _first_frame(env: Any) -> np.ndarray:
    """As `_frame`, of a renderer that begins there. Raises: whatever it raises

    One that fails to begin may fail again where what was left of it is deleted, as MuJoCo's does: that is done here, unseen.
    """
    told, sys.unraisablehook = sys.unraisablehook, lambda failure: None
    try:
        with _quiet():
            return _frame(env)
    except Exception as trouble:
        traceback.clear_frames(trouble.__traceback__)
        raise
    finally:
        sys.unraisablehook = told


@contextmanager
def _encoder(program: str, first: np.ndarray, per_s: float, path: Path) -> Iterator[Callable[[np.ndarray], None]]:
    """A function that takes the film's frames, of the size of the first. H.264 of even width and height plays everywhere.

    program: ffmpeg. Raises: RuntimeError where it fails, with what it said
    """
    height, width = first.shape[:2]
    across = min(width, WIDEST) // 2 * 2
    up = max(2, round(height * across / width / 2) * 2)
    command = [program, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    command += ["-r", f"{per_s:g}", "-i", "-", "-an", "-vf", f"scale={across}:{up}", "-pix_fmt", "yuv420p"]
    command += ["-c:v", "libx264", "-crf", "28", "-preset", "veryfast", "-threads", "1"]
    command += ["-movflags", "+faststart", str(path)]
    with tempfile.TemporaryFile() as said:
        encoding = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        assert encoding.stdin is not None
        try:
            with suppress(BrokenPipeError), encoding.stdin as pipe:  # of a program that is gone: it said why
                yield lambda frame: _sent(pipe, frame)
        finally:
            failed = encoding.wait()
        if failed:
            said.seek(0)
            raise RuntimeError(f"ffmpeg: {said.read().decode(errors='replace').strip()[:200]}")


def _sent(pipe: IO[bytes], frame: np.ndarray) -> None:
    pipe.write(frame.tobytes())


@contextmanager
def _quiet() -> Iterator[None]:
    """For pygame and MuJoCo, which are loaded and begun where a first frame is drawn: no greeting, and no search for a display.

    Where there is no display MuJoCo draws by EGL, unless MUJOCO_GL says by what else.
    """
    wanted = {"PYGAME_HIDE_SUPPORT_PROMPT": "1", "SDL_VIDEODRIVER": "dummy"}
    if sys.platform == "linux" and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        wanted["MUJOCO_GL"] = "egl"
    added = [name for name in wanted if name not in os.environ]
    os.environ.update({name: wanted[name] for name in added})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what finds no display: why there is no film is told in its place
            yield
    finally:
        for name in added:
            os.environ.pop(name, None)
