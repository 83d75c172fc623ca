"""The record of task sac."""

from sonde.tasks.ppo.spec import FEATURES
from sonde.tasks.sac.config import SACConfig
from sonde.tasks.spec import TaskSpec

SAC = TaskSpec(
    name="sac",
    summary="actions that are numbers, for return and entropy, by soft actor-critic",
    task="sonde.tasks.sac.task:SAC",
    config=SACConfig,
    answers=FEATURES,
    targets=("control",),
    inputs={"environment": "environments"},
    takes_input=True,
    parts={},
    remembers="--task ppo --model policy-gru",
    experience="sonde.acting.experience.off_policy:source",
    room="sonde.acting.experience.off_policy:room",
    updates="sonde.acting.experience.lengths:of_replay",
    model="sonde.tasks.sac.recipe:model",
    settings="sonde.tasks.sac.recipe:settings",
    highlights="sonde.tasks.policy_highlights:highlights",
    units={"return": "sum of an episode's rewards", "length": "steps of an episode"},
    values="its values count the entropy to come beside rewards, so that they lie above returns of the likeliest actions",
    next_commands=(),
)
