"""The record of task cql."""

from sonde.tasks.cloning.spec import SCALED
from sonde.tasks.cql.config import CQLConfig
from sonde.tasks.ppo.spec import FEATURES
from sonde.tasks.spec import TaskSpec

CQL = TaskSpec(
    name="cql",
    summary="the action that will return most, of those a log knows (conservative Q-learning)",
    task="sonde.tasks.cql.either:cql",
    config=CQLConfig,
    answers=FEATURES,
    targets=("logged-action", "logged-control"),
    inputs={"environment": "logs of environments"},
    takes_input=True,
    by_itself={
        **SCALED,
        "scale_rewards": "rewards are divided by their root mean square in the log, without a setting",
    },
    parts={},
    learns_returns=True,
    formerly={"log_steps": 1},
    model="sonde.tasks.cloning.recipe:model",
    settings="sonde.tasks.cql.recipe:settings",
    highlights="sonde.tasks.policy_highlights:highlights",
    units={"return": "sum of an episode's rewards", "length": "steps of an episode", "mae": "of actions from -1 to 1"},
    next_commands=(),
)
