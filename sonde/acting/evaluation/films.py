"""Films of episodes that were evaluated: the best, the median and the worst, played again from their seeds and actions."""

import math
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
from typing import IO, Any, NamedTuple

import numpy as np

from sonde.core.catalogue import require
from sonde.core.pace import never

PER_S = 25  # frames a second, at most
LONGEST_S = 20  # of a film: of a longer episode fewer of its steps are shown
WIDEST = 360  # pixels
SLOWEST = 5  # frames a second, at least, where there is no time to draw more of them
PLANNED, LATER = (
    0.4,
    0.6,
)  # shares of the time for drawing: as it is planned first, and where that turns out to be too long
LATEST = 1.5  # times of it, after which a film ends where it is: steps that are not drawn may take what is left
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
    seconds: in which it shows the whole episode, by fewer of its frames where there is no time for all
    leave_off: asked at each step, ends it where it is, as LATEST times these seconds do
    Raises: MissingDependency, and what an environment or its renderer raises
    """
    program = require("imageio_ffmpeg", extra="acting", purpose="making films").get_ffmpeg_exe()
    with _quiet():
        env = make()
    begun, shown, returned = time.perf_counter(), 0, 0.0
    try:
        env.reset(seed=wanted.seed)
        frame = _first_frame(env)
        seconds = max(seconds / 4, seconds - (time.perf_counter() - begun))  # a renderer takes its time to begin
        drawing = _Drawing(env, wanted.length, seconds)
        with _encoder(program, frame, drawing.pace.per_s, path) as write:
            write(frame)
            for number, action in enumerate(_plain(wanted.actions), start=1):
                if time.perf_counter() > drawing.until or leave_off():
                    break
                _, reward, over, cut, _ = env.step(action)
                shown, returned = number, returned + float(reward)
                over = over or cut or number == wanted.length
                if drawing.due(number) or over:
                    frame = _frame(env)
                    write(frame)
                    drawing.drawn(number)
                if over:
                    break
            for _ in range(HELD):
                write(frame)
    finally:
        env.close()
    told = {"name": wanted.name, "seed": wanted.seed, "return": wanted.returned, "length": wanted.length}
    if wanted.also:
        told["also"] = list(wanted.also)
    whole = shown == wanted.length
    again = {"played_again": returned} if whole and not np.isclose(returned, wanted.returned) else {}
    return {**told, "shown": shown, "faster": drawing.pace.faster, "file": path.name, **drawing.told(), **again}


class Pace(NamedTuple):
    """each: every how many steps a frame is shown;  per_s: frames a second;  faster: how many times as fast as it happened

    all: every how many steps one is shown where nothing is left out, since more than so many a second are not seen
    """

    each: int
    per_s: float
    faster: int
    all: int


def pace(env: Any, length: int, most: float = math.inf) -> Pace:
    """Of an episode of so many steps, of which there is time for so many frames: it is shown to its end by fewer of them."""
    own = float((getattr(env, "metadata", None) or {}).get("render_fps") or PER_S)
    real = max(1, ceil(own / PER_S))
    each = max(real, ceil(length / (LONGEST_S * own / real)))
    wide = max(each, ceil(length / max(1.0, most)))
    per_s = min(own / real, max(SLOWEST, own / real * each / wide))
    return Pace(wide, per_s, max(1, round(wide * per_s / own)), real)


class _Drawing:
    """Which steps of an episode are drawn, so that its end is reached in the time there is.

    env: one that has drawn its first frame;  length: of the episode;  seconds: for it
    """

    def __init__(self, env: Any, length: int, seconds: float) -> None:
        self._begun, self._length, self._seconds = time.perf_counter(), length, seconds
        self.until = self._begun + LATEST * seconds
        if seconds > 0:
            _frame(env)  # which the first does not tell: it took what only happens once
        self._spent = time.perf_counter() - self._begun
        self.pace = pace(env, length, PLANNED * seconds / max(self._spent, 1e-6))
        self._each = self._next = self.pace.each
        self._last: float | None = None  # when the last step was taken, and drawn where it was
        self._frames, self._steps, self._stepping = 1, 0, 0.0

    def due(self, number: int) -> bool:
        """Whether this step is drawn. To be asked after it was taken."""
        now = time.perf_counter()
        if self._last is not None:
            self._steps, self._stepping = self._steps + 1, self._stepping + now - self._last
        self._last = now
        return number >= self._next

    def drawn(self, number: int) -> None:
        """A step was drawn: plan the next, further on where there is no time for all of them."""
        now, before = time.perf_counter(), self._last or 0.0
        self._last = now
        self._frames, self._spent = self._frames + 1, self._spent + now - before
        left = self._length - number
        room = self._begun + LATER * self._seconds - now - left * self._stepping / max(1, self._steps)
        while self._each < left and left / self._each * self._spent / self._frames > room:
            self._each *= 2
        self._next = number + self._each

    def told(self) -> dict[str, int]:
        """What films.json says of it, of an episode of which not every step is shown that could be seen."""
        if self._each == self.pace.all:
            return {}
        later = {"later": self._each} if self._each != self.pace.each else {}
        return {"each": self.pace.each, **later}


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
