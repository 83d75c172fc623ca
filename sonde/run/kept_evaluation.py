"""The evaluation that the best weights were chosen by, kept with them: of episodes and games, so that a resumed run need not play
them again at its end, or under a time limit a part of them."""

from typing import Any

import torch

from sonde.core.config import flat
from sonde.core.config_file import read_config
from sonde.core.damaged import DAMAGE
from sonde.core.errors import RunFolderError
from sonde.core.kept_meter import KeptMeter
from sonde.core.seams import abilities_of
from sonde.engine import checkpoint
from sonde.engine.training import Training
from sonde.run.job import Attempt
from sonde.run.resume import JUDGED_BY


def kept_evaluation(attempt: Attempt, training: Training) -> dict[str, Any]:
    """For the best checkpoint's state; nothing where rows were read, or the time limit left some out."""
    best, budget = training.progress.best, attempt.best_budget
    whole = budget is None or (budget.whole and not budget.nothing)
    if best is None or best["step"] != attempt.best_step or not whole or not isinstance(attempt.best_meter, KeptMeter):
        return {}
    taken = {number: torch.from_numpy(actions) for number, actions in attempt.best_taken.items()}
    return {"evaluation": {"found": attempt.best_meter.kept(), "taken": taken}}


def take_up(attempt: Attempt) -> bool:
    """Let a resumed attempt know the evaluation of the weights that its checkpoint calls the best; whether that is kept, and of
    what would be played now: not where episodes are cut off otherwise, or the caller's code has changed."""
    saved, task = attempt.saved, attempt.assembly.task
    if saved is None or attempt.changed or abilities_of(task).quick_evaluate is not None:
        return False
    before, now = read_config(attempt.folder.config).settings, flat(attempt.config)
    meter, best = task.meter(), saved.state["progress"].get("best")
    if not isinstance(meter, KeptMeter) or not best or any(before.get(name) != now.get(name) for name in JUDGED_BY):
        return False
    try:
        state = checkpoint.read_state(checkpoint.best_folder(attempt.folder.checkpoints))
        if state["best"] != best or not state["evaluation"]["found"]:
            return False
        meter.take_up(state["evaluation"]["found"])
        attempt.best_taken = {number: each.numpy() for number, each in state["evaluation"]["taken"].items()}
    except (RunFolderError, *DAMAGE):  # of an earlier version, or damaged, which is said where the weights are read
        return False
    attempt.best_meter, attempt.best_step = meter, int(best["step"])
    return True
