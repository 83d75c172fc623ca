"""What a run resumes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sonde.engine.plan import ExecutionPlan


@dataclass(kw_only=True)
class Saved:
    """What a run resumes from.

    finished: it had come to its end;  new_limit: another length is given beside a time limit, or another limit, than its steps
    were chosen for;  same_limit: the time limit is the one that it had
    judged: the evaluation of its best weights is kept, of all rows
    """

    weights: Mapping[str, Any]
    state: Mapping[str, Any]
    plan: ExecutionPlan
    finished: bool = False
    new_limit: bool = False
    same_limit: bool = False
    judged: bool = False

    @property
    def step(self) -> int:
        """Updates done."""
        return int(self.state["progress"]["step"])

    @property
    def elapsed(self) -> float:
        """Seconds taken."""
        return float(self.state["clock"]["elapsed"])
