"""What a policy meets."""

import numpy as np
import torch
from torch import Tensor

from sonde.acting.environments.in_process import InProcess
from sonde.acting.experience.collecting import Collected, Collector
from sonde.acting.experience.reward_scale import RewardScale
from sonde.acting.experience.rollouts import RolloutPlan, Rollouts
from sonde.core.acting import Acting
from tests.acting.small_environments import Corridor

DEVICE = torch.device("cpu")


def counting(seen: Tensor, random: torch.Generator, memory: Tensor) -> dict[str, Tensor]:
    """Remembers how many observations it saw, and expects as much."""
    after = memory + 1
    action = torch.zeros(len(seen), dtype=torch.int64)
    return {"action": action, "memory": after, "value": after[:, 0], "seen_before": memory[:, 0]}


def remembering() -> Acting:
    return Acting(
        act=counting,
        sent=lambda chosen: chosen,
        value=lambda seen, memory: memory[:, 0] + 1,
        memory=lambda count: torch.zeros(count, 1),
    )


def collector(cut: bool = False, rewards: RewardScale | None = None) -> Collector:
    environments = InProcess(
        lambda: Corridor(3, cut=cut), 2, encode=lambda seen: np.asarray(seen, np.float32), seed_of=lambda a, b: b
    )
    return Collector(environments, remembering(), device=DEVICE, rewards=rewards)


def collected(one: Collector, steps: int) -> Collected:
    return one.collect(torch.Generator(), lambda taken, _: taken == steps)


def test_nothing_is_remembered_of_an_episode_that_ended() -> None:
    one = collector()
    first, second = collected(one, 4), collected(one, 4)
    assert first.fields["seen_before"][:, 0].tolist() == [0, 1, 2, 0]
    assert first.began[:, 0].tolist() == [True, False, False, True]
    assert second.fields["seen_before"][:, 0].tolist() == [1, 2, 0, 1]
    assert second.began[:, 0].tolist() == [False, False, True, False]
    assert [found.memory.tolist() for found in (first, second) if found.memory is not None] == [[[0], [0]], [[1], [1]]]


def test_what_follows_a_truncation_is_judged_with_what_was_remembered() -> None:
    """The third action of an episode is cut off after three observations, the fourth of which is expected to be worth 4."""
    found = collected(collector(cut=True), 4)
    assert found.following[:, 0].tolist() == [2, 3, 4, 2]


def test_rows_of_a_policy_with_memory_are_environments() -> None:
    one = collector()
    acting = remembering()
    plan = RolloutPlan(length=4, passes=1, batch=4, discount=1.0, gae_lambda=1.0)
    batch = next(iter(Rollouts(one, acting, plan, seed=0, device=DEVICE)))
    assert {name: tuple(value.shape) for name, value in batch.fields.items()} == {
        "observation": (1, 4, 4), "action": (1, 4), "value": (1, 4), "seen_before": (1, 4), "advantage": (1, 4),
        "return": (1, 4), "began": (1, 4), "memory": (1, 1),
    }  # fmt: skip
    assert batch["return"].tolist() == [[3, 2, 1, 1 + 2]]


def test_rewards_are_scaled_and_the_policy_is_told_by_what() -> None:
    told: list[float] = []
    environments = InProcess(
        lambda: Corridor(3), 2, encode=lambda seen: np.asarray(seen, np.float32), seed_of=lambda a, b: b
    )
    acting = Acting(
        act=lambda seen, random: {"action": torch.zeros(len(seen), dtype=torch.int64)},
        sent=lambda chosen: chosen,
        rescaled=told.append,
    )
    one = Collector(environments, acting, device=DEVICE, rewards=RewardScale(2, 1.0))
    found = collected(one, 3)
    std = float(np.std([1, 2, 3]))
    assert told == [std]
    torch.testing.assert_close(found.reward, torch.full((3, 2), 1 / std))
    assert one.figures["train_return"] == 3
