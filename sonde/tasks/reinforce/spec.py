"""The record of task reinforce."""

from sonde.tasks.ppo.spec import ACTIONS, FEATURES, PARTS
from sonde.tasks.reinforce.config import REINFORCEConfig
from sonde.tasks.spec import TaskSpec

REINFORCE = TaskSpec(
    name="reinforce",
    summary="actions that earn the most reward, by REINFORCE: whole episodes, with and without a baseline",
    task="sonde.tasks.reinforce.task:REINFORCE",
    config=REINFORCEConfig,
    answers=FEATURES,
    targets=ACTIONS,
    inputs={"environment": "environments"},
    takes_input=True,
    parts=PARTS,
    remembers="--task ppo --model policy-gru",
    experience="sonde.acting.experience.on_policy:episodes",
    room="sonde.acting.experience.on_policy:room",
    whole_batches=True,
    model="sonde.tasks.ppo.recipe:model",
    settings="sonde.tasks.reinforce.recipe:settings",
    highlights="sonde.tasks.policy_highlights:highlights",
    units={"return": "sum of an episode's rewards", "length": "steps of an episode"},
    next_commands=(),
)
