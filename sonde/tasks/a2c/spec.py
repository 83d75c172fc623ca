"""The record of task a2c."""

from sonde.tasks.a2c.config import A2CConfig
from sonde.tasks.ppo.spec import ACTIONS, FEATURES, PARTS
from sonde.tasks.spec import TaskSpec

A2C = TaskSpec(
    name="a2c",
    summary="actions that earn the most reward, by advantage actor-critic",
    task="sonde.tasks.a2c.task:A2C",
    config=A2CConfig,
    answers=FEATURES,
    targets=ACTIONS,
    inputs={"environment": "environments"},
    takes_input=True,
    parts=PARTS,
    remembers="--model policy-gru",
    experience="sonde.acting.experience.on_policy:once",
    room="sonde.acting.experience.on_policy:room",
    updates="sonde.acting.experience.lengths:of_rollouts_once",
    whole_batches=True,
    model="sonde.tasks.ppo.recipe:model",
    settings="sonde.tasks.a2c.recipe:settings",
    highlights="sonde.tasks.policy_highlights:highlights",
    units={"return": "sum of an episode's rewards", "length": "steps of an episode"},
    next_commands=(),
)
