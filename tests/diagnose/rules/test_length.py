"""A run of a step or two is said to be one."""

from dataclasses import replace

import pytest

from sonde.diagnose.rules.length import few_steps
from sonde.diagnose.seen import Context, Moment, Seen
from sonde.diagnose.signals.sample import Trace


def seen(steps: int, batches: int | None, moment: Moment = "end") -> Seen:
    context = Context(
        own=True, task="ModuleTask", phases=1, optimizer="adam", rate=1e-3, rows=60, batches=batches, total=steps
    )
    return Seen(context=context, trace=Trace(losses=[1.0] * steps), moment=moment)


def test_an_epoch_of_one_batch() -> None:
    found = few_steps(seen(1, 1))
    assert found is not None
    assert (found.certainty, found.finding().severity) == ("certain", "warning")
    assert found.evidence == "the weights were changed once: 1 epoch of 1 batch of 60 rows"


@pytest.mark.parametrize(("steps", "batches"), [(20, 20), (4, 4), (2, 100), (1, None)])
def test_of_others_nothing_is_said(steps: int, batches: int | None) -> None:
    assert few_steps(seen(steps, batches)) is None


def test_only_the_end_tells() -> None:
    assert few_steps(seen(1, 1, "evaluation")) is None


def test_three_steps_of_l_bfgs_are_many() -> None:
    short = seen(3, 1)
    assert few_steps(short) is not None
    short.context = replace(short.context, optimizer="lbfgs")
    assert few_steps(short) is None
