"""The record of task dqn."""

from sonde.tasks.dqn.config import DQNConfig
from sonde.tasks.ppo.spec import FEATURES
from sonde.tasks.spec import TaskSpec

DQN = TaskSpec(
    name="dqn",
    summary="the action that will return most, by deep Q-learning (double, dueling, n-step, prioritised, distributional)",
    task="sonde.tasks.dqn.task:DQN",
    config=DQNConfig,
    answers=FEATURES,
    targets=("action",),
    inputs={"environment": "environments"},
    takes_input=True,
    parts={},
    remembers="--task ppo --model policy-gru",
    experience="sonde.acting.experience.off_policy:source",
    room="sonde.acting.experience.off_policy:room",
    updates="sonde.acting.experience.lengths:of_replay",
    model="sonde.tasks.dqn.recipe:model",
    settings="sonde.tasks.dqn.recipe:settings",
    highlights="sonde.tasks.policy_highlights:highlights",
    units={"return": "sum of an episode's rewards", "length": "steps of an episode"},
    next_commands=(),
)
