"""The record of task cloning."""

from sonde.tasks.cloning.config import CloningConfig
from sonde.tasks.ppo.spec import FEATURES
from sonde.tasks.spec import TaskSpec

LOGGED = ("logged-action", "logged-actions", "logged-control")
SCALED = {
    "scale_observations": "numbers of observations are scaled by their mean and deviation in the log, without a setting"
}

CLONING = TaskSpec(
    name="cloning",
    summary="what a logged policy did (behaviour cloning)",
    task="sonde.tasks.cloning.task:Cloning",
    config=CloningConfig,
    answers=FEATURES,
    targets=LOGGED,
    suggests=dict.fromkeys(LOGGED, "actions of a log are followed"),
    exclusive="actions of a log",
    inputs={"environment": "logs of environments"},
    takes_input=True,
    by_itself=SCALED,
    parts={"torso.torso": "actor.torso", "torso.norm": "observations", "head": "actor.head", "deviation": "actor"},
    model="sonde.tasks.cloning.recipe:model",
    settings="sonde.tasks.cloning.recipe:settings",
    units={
        "return": "sum of an episode's rewards",
        "length": "steps of an episode",
        "log_likelihood": "nats a step",
        "mse": "of actions from -1 to 1",
        "mae": "of actions from -1 to 1",
    },
    next_commands=(),
)
