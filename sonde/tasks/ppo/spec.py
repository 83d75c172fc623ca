"""The record of task ppo."""

from sonde.tasks.ppo.config import PPOConfig
from sonde.tasks.spec import Answer, TaskSpec

FEATURES = Answer("features", "features of observations, on which actions and values are heads")

ACTIONS = ("action", "actions", "control")
"""Targets of tasks that learn policies: one of several, of each of several parts one, or numbers."""

PARTS = {"actor": "actor", "critic": "critic", "observations": "observations"}
"""Modules of tasks that learn from what their own policy met."""

PPO = TaskSpec(
    name="ppo",
    summary="actions that earn the most reward, by proximal policy optimisation",
    task="sonde.tasks.ppo.task:PPO",
    config=PPOConfig,
    answers=FEATURES,
    targets=ACTIONS,
    suggests={
        "action": "an environment's actions are one of several",
        "actions": "an environment's actions have parts",
        "control": "an environment's actions are numbers",
    },
    exclusive="actions",
    inputs={"environment": "environments"},
    takes_input=True,
    parts=PARTS,
    remembers="--model policy-gru",
    experience="sonde.acting.experience.on_policy:reused",
    room="sonde.acting.experience.on_policy:room",
    updates="sonde.acting.experience.lengths:of_rollouts",
    model="sonde.tasks.ppo.recipe:model",
    settings="sonde.tasks.ppo.recipe:settings",
    highlights="sonde.tasks.policy_highlights:highlights",
    units={"return": "sum of an episode's rewards", "length": "steps of an episode"},
    next_commands=(),
)
