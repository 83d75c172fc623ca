"""The nouns of acting: what a policy decides, and what comes of it in environments that stand side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


class Transition(NamedTuple):
    """One action in each of n environments.

    An episode that is terminated is over by the rules: nothing follows, and what follows is worth nothing. One that is truncated
    was cut off, at a limit of steps for example: what would have followed still has a value, that of `following`.

    reward:      (n,) float64
    terminated, truncated: (n,) bool, at most one of them True where an episode ends
    following:   (n, *shape) the observation after the action, also where an episode ended with it
    observation: (n, *shape) what to act on next: `following`, or where an episode ended the first of the next one
    score:       (n,) float64 the reward as a person counts it, where what is learned from is another; None for the same
    finished:    (n,) bool, whether what a person calls an episode ended, where what is learned from ends earlier; None for it
    """

    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    following: np.ndarray
    observation: np.ndarray
    score: np.ndarray | None = None
    finished: np.ndarray | None = None

    @property
    def counted(self) -> tuple[np.ndarray, np.ndarray]:
        """(reward, whether an episode ended), (n,) each, as a person counts returns."""
        return (
            self.reward if self.score is None else self.score,
            self.ended if self.finished is None else self.finished,
        )

    @property
    def ended(self) -> np.ndarray:
        """(n,) bool: whether an episode ended, for whatever reason."""
        return self.terminated | self.truncated


def acted_in(value: Any, called: str = "") -> str:
    """What is to be said of a class or object that steps as environments do where rows are wanted; "" of all else.

    called: what it is given as, where that is a function that made it
    """
    if not all(callable(getattr(value, name, None)) for name in ("reset", "step")):
        return ""
    name = called or (value.__name__ if isinstance(value, type) else "env")
    return f"which is an environment; a policy acts in it by sonde.train({name}, model=net)"


class Experience(NamedTuple):
    """How far a run that acts is.

    steps: of the environments, all together; of games their moves
    returned: mean return of the latest episodes of training, None before one ended, and of games
    seconds: part -> seconds so far: "environment", "policy" (deciding) or "self_play", and "learning"
    games: that ended; None of a run that plays none
    """

    steps: int
    returned: float | None
    seconds: Mapping[str, float]
    games: int | None = None


class Updates(NamedTuple):
    """Updates of a run that acts for so many steps of its environments.

    number: of updates;  steps: that the environments take until the last, all together;  words: how the two go together
    """

    number: int
    steps: int
    words: str


class Environments(Protocol):
    """n environments side by side, each in an episode of its own; one that ends is followed by the next at once.

    The state is all that is needed to stand where they stood, in environments made anew.
    said: what is to be told of where they step, in the plan of a run; "" for nothing
    """

    @property
    def said(self) -> str: ...
    @property
    def count(self) -> int: ...
    def reset(self) -> np.ndarray: ...  # (n, *shape), the first observations of the next episodes, at first the first
    def step(self, actions: np.ndarray) -> Transition: ...
    def rewind(self) -> None: ...  # the first episodes come next, as when they were made
    def state_dict(self) -> "Mapping[str, Tensor]": ...
    def load_state_dict(
        self, state: "Mapping[str, Tensor]"
    ) -> np.ndarray: ...  # the observation to act on; Raises: RunFolderError
    def close(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Acting:
    """How a task acts: its ability `acting`.

    act:      (observations (n, *shape), generator) -> "action" (n, …), and what else is to be remembered of the decision for
              learning, such as "value" (n,); the likeliest action where the generator is None
    sent:     actions as they are remembered -> as environments take them
    value:    observations -> (n,) expected discounted return from there on, of rewards as they are learned from; None of a task
              that does not estimate it
    discount: what a reward a step later is worth in that
    figures:  numbers for the log beside those of its experience, such as how much it explores; None for none
    sampled:  whether it is evaluated with drawn actions;  draws: whether `act` draws any at all
    observed: called with the observations (N, *shape) of a rollout before the next one, or of a replay with those of each step,
              for statistics that scale them
    judged:   "observation" and "action" (N, …) of a whole rollout -> what else is to be remembered of them, such as "log_prob"
              (N,), where that is known without what came before: one call for many decisions
    memory:   of a policy that remembers: (n,) -> what n episodes begin with, (n, …). `act` then takes what is remembered as a
              third argument, and gives what to carry on as "memory"; `value` takes it as a second
    enough:   whether a rollout has been learned from enough, before its passes are over
    rescaled: called with what rewards are divided by before they are learned from, as often as that changes
    unit:     what they are divided by now, None for 1: a value times that is in the environment's rewards
    errors:   (index of transitions, how far off their values were), each (n,), of the update since it was last called, None where
              there was none: for those that are drawn the more often
    """

    act: "Callable[..., Mapping[str, Tensor]]"
    sent: "Callable[[Tensor], Tensor]"
    value: "Callable[..., Tensor] | None" = None
    discount: float = 1.0
    figures: "Callable[[], Mapping[str, float]] | None" = None
    sampled: bool = False
    draws: bool = True
    observed: "Callable[[Tensor], None] | None" = None
    judged: "Callable[[Tensor, Tensor], Mapping[str, Tensor]] | None" = None
    memory: "Callable[[int], Tensor] | None" = None
    enough: "Callable[[], bool] | None" = None
    rescaled: "Callable[[float], None] | None" = None
    unit: "Callable[[], float] | None" = None
    errors: "Callable[[], tuple[Tensor, Tensor] | None] | None" = None
