"""Small environments, each with one fault, and one without: for the tests of what inspection and the doctor say."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Target(gymnasium.Env[Any, Any]):
    """Nothing is wrong with it: a number is to be brought near 0 by steps to the left and right, in 20 of them."""

    limit = 20

    def __init__(self) -> None:
        self.observation_space: spaces.Space[Any] = spaces.Box(-20, 20, (2,), np.float32)
        self.action_space: spaces.Space[Any] = spaces.Discrete(3)
        self.place, self.speed, self.steps = 0.0, 0.0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.begin()
        return self.shown(), {}

    def begin(self) -> None:
        self.place, self.speed, self.steps = float(self.np_random.uniform(-3, 3)), 0.0, 0

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        self.steps += 1
        self.move(action)
        return self.shown(), self.reward(), self.over(), self.steps >= self.limit, {}

    def move(self, action: Any) -> None:
        self.speed = float(np.clip(self.speed + 0.2 * (int(action) - 1), -0.5, 0.5))
        self.place += self.speed

    def shown(self) -> Any:
        return np.array([self.place, self.speed], np.float32)

    def reward(self) -> Any:
        return -abs(self.place)

    def over(self) -> bool:
        return False


class NotFinite(Target):
    """From the 18th step on the second number is NaN."""

    def shown(self) -> Any:
        return np.array([self.place, np.nan if self.steps >= 18 else self.speed], np.float32)


class NotFiniteReward(Target):
    """A reward that is infinite now and then."""

    def reward(self) -> Any:
        return -np.inf if self.steps == 18 else super().reward()


class Beyond(Target):
    """Shows more than its space says."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = spaces.Box(-1, 1, (2,), np.float32)


class OtherType(Target):
    """Shows float64, where its space says float32."""

    def shown(self) -> Any:
        return np.array([self.place, self.speed])


class OtherShape(Target):
    """Shows another shape once an episode has begun."""

    def shown(self) -> Any:
        return np.array([self.place, self.speed] + ([0.0] if self.steps else []), np.float32)


class Unseeded(Target):
    """Draws from NumPy's global stream, whatever its seed."""

    def begin(self) -> None:
        super().begin()
        self.place = float(np.random.uniform(-3, 3))  # noqa: NPY002 - the fault


class LateChance(Target):
    """Begins as its seed says, and then draws from a stream of its own."""

    chance = np.random.default_rng()

    def move(self, action: Any) -> None:
        super().move(action)
        self.place += float(self.chance.normal())


class Blind(Target):
    """Shows the same, whatever happens."""

    def shown(self) -> Any:
        return np.ones(2, np.float32)


class Repeats(Target):
    """Shows its place twice, and a third number that is always 1."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = spaces.Box(-20, 20, (4,), np.float32)

    def shown(self) -> Any:
        return np.array([self.place, self.speed, 1.0, self.place], np.float32)


class Unscaled(Target):
    """Its numbers differ in size by a million."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)

    def shown(self) -> Any:
        return np.array([self.place * 1e6, self.speed], np.float32)


class NoReward(Target):
    """Returns None where there should be a reward."""

    def reward(self) -> Any:
        return None


class Unrewarded(Target):
    """Its reward is 0, unless somebody comes where nobody comes."""

    def reward(self) -> Any:
        return float(self.place > 100)


class LargeRewards(Target):
    """Rewards of tens of thousands."""

    def reward(self) -> Any:
        return -1e4 * abs(self.place)


class Endless(Target):
    """No episode ends."""

    limit = 10**9

    def move(self, action: Any) -> None:
        super().move(action)
        self.place = float(np.clip(self.place, -19, 19))


class OneStep(Target):
    """An episode is over after its first step, and returns nothing."""

    def reward(self) -> Any:
        return 1.0

    def over(self) -> bool:
        return True


class Deaf(Target):
    """Does not listen to actions."""

    def move(self, action: Any) -> None:
        super().move(self.np_random.integers(3))


class Unbounded(Target):
    """Takes numbers without bounds."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = spaces.Box(-30, 30, (2,), np.float32)
        self.action_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)

    def move(self, action: Any) -> None:
        self.place += float(np.clip(np.asarray(action).reshape(-1)[0], -1, 1))


class NoChoice(Target):
    """Takes numbers between 1 and 1."""

    def __init__(self) -> None:
        super().__init__()
        self.action_space = spaces.Box(1, 1, (1,), np.float32)


class Breaks(Target):
    """Raises in its third step."""

    def move(self, action: Any) -> None:
        super().move(action)
        if self.steps == 3:
            raise KeyError("speed")


class FourValues(Target):
    """Returns four values, as gym did before gymnasium."""

    def step(self, action: Any) -> Any:
        shown, reward, over, cut, about = super().step(action)
        return shown, reward, over or cut, about


class Alternate(Target):
    """Pays for another action than the last, which it does not show: what draws its actions earns, what takes the likeliest does
    not."""

    def __init__(self) -> None:
        super().__init__()
        self.action_space = spaces.Discrete(2)
        self.last, self.earned = 0, 0.0

    def begin(self) -> None:
        super().begin()
        self.last, self.earned = 0, 0.0

    def move(self, action: Any) -> None:
        self.earned, self.last = float(int(action) != self.last), int(action)

    def shown(self) -> Any:
        return np.full(2, self.place, np.float32)

    def reward(self) -> Any:
        return self.earned


FAULTY: dict[str, type[Target]] = {
    each.__name__: each
    for each in (
        NotFinite, NotFiniteReward, Beyond, OtherType, OtherShape, Unseeded, LateChance, Blind, Repeats, Unscaled, NoReward,
        Unrewarded, LargeRewards, Endless, OneStep, Deaf, Unbounded, NoChoice, Breaks, FourValues, Alternate,
    )
}  # fmt: skip
