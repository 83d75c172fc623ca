"""Films of episodes."""

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sonde.acting.evaluation import films
from sonde.acting.evaluation.films import HELD, chosen, film, pace
from tests.acting.small_environments import Corridor, Walk

ffmpeg = pytest.importorskip("imageio_ffmpeg")


class Shown(Walk):
    """A walk that draws a grey as light as it has steps."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 5}  # noqa: RUF012 (as gymnasium has it)

    def render(self) -> Any:
        return np.full((31, 40, 3), 20 * self._steps, np.uint8)


def played(seed: int, actions: list[int]) -> tuple[float, int]:
    env = Walk()
    env.reset(seed=seed)
    returned, length = 0.0, 0
    for action in actions:
        _, reward, over, cut, _ = env.step(action)
        returned, length = returned + reward, length + 1
        if over or cut:
            break
    return returned, length


def wanted(seed: int = 4, **others: Any):
    actions = np.array([1, 0] * 5)
    returned, length = played(seed, actions.tolist())
    found = chosen([returned], [length], [seed], {0: actions[:length]})[0]
    return found if not others else found.__class__(**{**vars(found), **others})


def test_the_best_the_median_and_the_worst_each_return_once() -> None:
    taken = {place: np.array([place]) for place in range(5)}
    found = chosen([3.0, 1.0, 5.0, 2.0, 4.0], [1] * 5, range(10, 15), taken)
    assert [(each.name, each.seed, each.returned) for each in found] == [
        ("best", 12, 5.0),
        ("median", 10, 3.0),
        ("worst", 11, 1.0),
    ]
    assert found[0].actions.tolist() == [2]
    (only,) = chosen([7.0] * 5, [1] * 5, range(5), taken)
    assert (only.name, only.also) == ("best", ("median", "worst"))


def test_they_are_found_by_their_numbers_where_the_first_episodes_were_cut_by_time() -> None:
    taken = {number: np.array([number]) for number in range(6)}  # also of those that were not over
    found = chosen([3.0, 1.0, 5.0], [7, 8, 9], range(10, 16), taken, [1, 3, 4])
    assert [(each.name, each.seed, each.length, each.actions.tolist()) for each in found] == [
        ("best", 14, 9, [4]),
        ("median", 11, 7, [1]),
        ("worst", 13, 8, [3]),
    ]
    del taken[4]  # not played here: the best of those that were
    assert [each.seed for each in chosen([3.0, 1.0, 5.0], [7, 8, 9], range(10, 16), taken, [1, 3, 4])] == [11, 13]
    assert chosen([3.0], [7], range(10, 16), {}, [1]) == []


def test_a_film_shows_every_step_and_holds_the_end(tmp_path: Path) -> None:
    one = wanted()
    told = film(Shown, one, tmp_path / "best.mp4", seconds=60)
    assert told == {
        "name": "best", "seed": 4, "return": one.returned, "length": one.length, "shown": one.length, "faster": 1,
        "file": "best.mp4", "also": ["median", "worst"],
    }  # fmt: skip
    told = subprocess.run([ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / "best.mp4"], capture_output=True, text=True).stderr
    assert "40x32" in told
    assert " 5 fps" in told
    command = [
        ffmpeg.get_ffmpeg_exe(),
        "-loglevel",
        "error",
        "-i",
        tmp_path / "best.mp4",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-",
    ]
    frames = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8)
    means = frames.reshape(-1, 40 * 32).mean(1).tolist()
    assert len(means) == 1 + one.length + HELD
    assert means[0] == pytest.approx(0, abs=3)
    assert means[2] == pytest.approx(40, abs=3)
    assert means[-1] == pytest.approx(20 * one.length, abs=3)


def test_an_episode_that_is_not_told_by_its_seed_is_told_apart(tmp_path: Path) -> None:
    assert film(Shown, wanted(returned=99.0), tmp_path / "a.mp4", seconds=60)["played_again"] != 99.0


def test_without_time_it_ends_where_it_is(tmp_path: Path) -> None:
    assert film(Shown, wanted(), tmp_path / "a.mp4", seconds=0)["shown"] == 0


def test_long_episodes_are_shown_faster() -> None:
    env = Corridor()
    env.metadata = {"render_fps": 50}
    assert pace(env, 500) == (2, 25.0, 1, 2)
    assert pace(env, 4000) == (8, 25.0, 4, 2)


def test_of_few_frames_there_are_fewer_a_second_and_the_speed_is_told() -> None:
    env = Corridor()
    env.metadata = {"render_fps": 50}
    assert pace(env, 600, most=100) == (6, pytest.approx(50 / 6), 1, 2)
    assert pace(env, 600, most=20) == (30, 5, 3, 2)
    assert pace(env, 600, most=0.1) == (600, 5, 60, 2)


class Slow(Shown):
    """Of episodes of 60 steps, each of which takes a second to draw, by a clock of its own; from a step on it takes longer."""

    now, later_s = 0.0, 1.0
    drawn: list[int]

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        type(self).drawn = []
        return super().reset(seed=seed)

    def step(self, action: Any) -> Any:
        seen, reward, *_, about = super().step(action)
        Slow.now += 0.01
        return seen, reward, self._steps == 60, False, about

    def render(self) -> Any:
        self.drawn.append(self._steps)
        Slow.now += 1.0 if self._steps < 20 else self.later_s
        return np.full((31, 40, 3), self._steps, np.uint8)


class Slower(Slow):
    later_s = 4.0


@pytest.mark.parametrize(("make", "each"), [(Slow, {"each": 5}), (Slower, {"each": 5, "later": 20})])
def test_what_is_drawn_slowly_is_shown_to_its_end_by_fewer_frames(
    make: type[Slow], each: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(films, "time", SimpleNamespace(perf_counter=lambda: Slow.now))
    told = film(make, wanted(length=60, actions=np.zeros(60, int)), tmp_path / "a.mp4", seconds=34)
    assert (told["shown"], told["faster"], {name: told[name] for name in each}) == (60, 5, each)
    assert ("later" in told) == ("later" in each)
    assert make.drawn[-1] == 60


def test_what_draws_no_pictures_is_an_error(tmp_path: Path) -> None:
    class Dark(Shown):
        def render(self) -> Any:
            return None

    with pytest.raises(ValueError, match="a film needs uint8"):
        film(Dark, wanted(), tmp_path / "a.mp4", seconds=60)


def test_what_the_encoder_says_is_the_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ffmpeg: .*No such file or directory"):
        film(Shown, wanted(), tmp_path / "nowhere" / "a.mp4", seconds=60)
