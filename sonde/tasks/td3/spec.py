"""The record of task td3."""

from sonde.tasks.ppo.spec import FEATURES
from sonde.tasks.spec import TaskSpec
from sonde.tasks.td3.config import TD3Config

TD3 = TaskSpec(
    name="td3",
    summary="actions that are numbers, for return, by a policy without chance (TD3)",
    task="sonde.tasks.td3.task:TD3",
    config=TD3Config,
    answers=FEATURES,
    targets=("control",),
    inputs={"environment": "environments"},
    takes_input=True,
    parts={},
    remembers="--task ppo --model policy-gru",
    experience="sonde.acting.experience.off_policy:source",
    room="sonde.acting.experience.off_policy:room",
    updates="sonde.acting.experience.lengths:of_replay",
    model="sonde.tasks.td3.recipe:model",
    settings="sonde.tasks.td3.recipe:settings",
    highlights="sonde.tasks.policy_highlights:highlights",
    units={"return": "sum of an episode's rewards", "length": "steps of an episode"},
    next_commands=(),
)
