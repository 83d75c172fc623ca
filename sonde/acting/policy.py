"""A trained policy that acts one observation at a time, where episodes are somebody else's: a loop, a robot, a simulator."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sonde.core.acting import Acting
from sonde.core.data_warning import warn
from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError, DataError
from sonde.core.seeds import generator
from sonde.core.spaces import Space, beyond, encoder, from_text, shown_shape


class Policy:
    """Call it with an observation, as the environment shows it; it returns an action, as the environment takes it.

    An observation is an array, a number, a dict or a tuple, as `observation_space` says; pixels may have their channels first or
    last. Of a run that does not hold the space (of a log without an environment, of Atari's games, of earlier versions) it is
    an array as the network sees it. An action is an int of Discrete, else an array of the shape and type of `action_space`,
    within its bounds. A policy with memory carries it on from call to call: `reset` where an episode begins.

    sampled: whether actions are drawn, as in training, and not the likeliest
    """

    def __init__(
        self, acting: Acting, parts: nn.Module, input: InputSpec, *, sampled: bool, seed: int, device: torch.device
    ) -> None:
        """parts: the task's networks, on `device`;  seed: of what is drawn, one stream for all calls"""
        self._parts, self._input = parts, input
        self._acting, self._shape, self.sampled, self._device = acting, input.shape, sampled, device
        shown, taken = from_text(input.space)
        pixels = bool(input.std)
        self._encode = encoder(shown, input.shape, pixels=pixels, times=input.scale)
        self._bounds = None if shown is None or pixels else shown.bounds
        self._space, self._taken = shown, taken
        self._formed = _former(taken)
        self._random = generator(seed, "sample", "policy", device=device) if sampled else None
        self._nothing = None if acting.memory is None else acting.memory(1).to(device)
        self._memory = self._nothing

    def reset(self) -> None:
        """Forget what was observed, since an episode begins; a policy without memory forgets nothing."""
        self._memory = self._nothing

    def __call__(self, observation: Any) -> Any:
        """The action for one observation.

        Raises: DataError for what is not finite, or not as the space says; DataWarning, once, for numbers outside its bounds
        """
        seen = self.encoded(observation)
        if seen.dtype != np.uint8:
            self._check(seen)
        with torch.inference_mode():
            batch = torch.from_numpy(seen)[None].to(self._device)
            if self._memory is None:
                decided = self._acting.act(batch, self._random)
            else:
                decided = self._acting.act(batch, self._random, self._memory)
                self._memory = decided["memory"]
            return self._formed(self._acting.sent(decided["action"])[0].numpy(force=True))

    def encoded(self, observation: Any) -> np.ndarray:
        """The row, or the planes, that the network sees of an observation as the environment shows it: an input of `module`.

        Raises: DataError for what is not as the space says
        """
        try:
            seen = self._encode(observation)
        except ValueError as error:
            raise DataError(f"the observation is {error}; give one as the environment shows it") from None
        if seen.shape != self._shape:
            raise DataError(
                f"the observation is of shape {self._told(seen, observation)}, and the policy takes one of shape "
                f"{shown_shape(self._space, self._shape)}; several at once: run.predict"
            )
        return seen

    def _told(self, seen: np.ndarray, observation: Any) -> tuple[int, ...]:
        return np.shape(observation) if len(self._shape) == 3 else seen.shape

    def __repr__(self) -> str:
        """What it takes and gives, and whether its actions are drawn."""
        sizes = "x".join(map(str, self._shape))
        shown = f"{sizes} {'pixels' if self._input.std else 'numbers'}" if self._space is None else self._space.words
        taken = "" if self._taken is None else f" -> {self._taken.words}"
        memory = "" if self._memory is None else ", with a memory: reset() where an episode begins"
        return f"Policy({shown}{taken}, {'sampled' if self.sampled else 'the likeliest'} actions{memory})"

    def module(self) -> "PolicyModule":
        """The policy as a module of PyTorch, to export: observations as the network sees them to actions for the environment.

        Raises: ConfigError for a policy that draws actions, or has a memory
        """
        if self.sampled or self._memory is not None:
            what = "has a memory, which goes from call to call" if self._memory is not None else "draws its actions"
            more = "" if self._memory is not None else "; take the likeliest ones: run.policy(sampled=False).module()"
            raise ConfigError(f"this policy {what}, and a module gives the same for the same observation{more}")
        return PolicyModule(self._acting, self._parts, self._input)

    def _check(self, seen: np.ndarray) -> None:
        finite = np.isfinite(seen)
        if not finite.all():
            at = int(np.flatnonzero(~finite.ravel())[0])
            raise DataError(
                f"the observation holds {seen.ravel()[at]} at entry {at}; mend the environment, or what reads it"
            )
        if self._bounds is None:
            return
        row = seen.ravel()
        outside = beyond(row, self._bounds)
        if outside.any():
            at, (low, high) = int(outside.argmax()), self._bounds
            warn(
                [
                    f"an observation holds {row[at]:g} at entry {at}, and its space goes from {low[at]:g} to {high[at]:g}: what "
                    "the policy does there was not learned (said once)"
                ]
            )
            self._bounds = None


class PolicyModule(nn.Module):
    """Observations (n, *shape) -> the likeliest actions: (n,) int64 of Discrete, numbered as it numbers them, else (n, k) numbers
    within their bounds, or choices. Observations are scaled, and actions stretched to the bounds, inside.

    An observation is the row or the planes that the network sees, as `Policy.encoded` makes them: numbers of a Dict or a Tuple
    one after the other as the space has them, one of several as 0 and 1 for each that there is, pixels with their channels first
    (bytes). `print(module)` says which.
    """

    def __init__(self, acting: Acting, parts: nn.Module, input: InputSpec) -> None:
        super().__init__()
        self.parts, self._acting = parts, acting  # the parts are named so that weights move, and are exported, with it
        self._shape, self._takes, self._pixels = input.shape, _rows_of(input), bool(input.std)

    def forward(self, seen: Tensor) -> Tensor:
        """See the class. Raises: DataError for observations of another shape, and for pixels that are no bytes"""
        if not torch.jit.is_tracing() and tuple(seen.shape[1:]) != self._shape:
            raise DataError(
                f"the module takes {self._takes}, and these are {tuple(seen.shape)}; policy.encoded(observation)[None] is "
                "one of them"
            )
        if self._pixels and seen.dtype != torch.uint8:
            raise DataError(
                f"the module takes {self._takes}, and these are {seen.dtype}; pixels are bytes, from 0 to 255"
            )
        if not self._pixels:
            seen = seen.to(next(self.parts.parameters()).dtype)
        return self._acting.sent(self._acting.act(seen, None)["action"])

    def extra_repr(self) -> str:
        """What it takes."""
        return f"takes {self._takes}"


def _rows_of(input: InputSpec) -> str:
    """What a module takes, for a person."""
    sizes = ", ".join(map(str, input.shape))
    space = None if input.std else from_text(input.space)[0]
    each = "" if space is None or space.kind in ("box", "other") else f", each {space.words} in a row"
    times = f", times {input.scale:g}" if input.scale else ""
    what = f"pixels as uint8{times}" if input.std else "observations"
    return f"{what} ({sizes}) behind one another: (n, {sizes})" + each


def _former(space: Space | None) -> Callable[[Any], Any]:
    """An action as tasks send it -> in the form of the space."""
    if space is None:
        return lambda action: int(action) if np.ndim(action) == 0 else action
    if space.kind == "choice":
        return int
    dtype, shape = np.dtype(space.dtype), space.shape
    return lambda action: np.asarray(action).astype(dtype).reshape(shape)
