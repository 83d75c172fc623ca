"""A rule that fails ends no run, and numbers that are none break no rule."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sample_nets
import sample_tasks

import sonde
from sonde.core.findings import Finding
from sonde.diagnose.doctor import Doctor, rule_name
from sonde.diagnose.rules.table import ACTING, OF_ACTING, RULES, rules_for
from sonde.diagnose.seen import Context, Evaluated, Moment, Seen
from sonde.diagnose.signals import calls
from sonde.diagnose.signals.answers import Answers, EvaluationWatch
from sonde.diagnose.signals.sample import FIRST, LATEST, MOST, Entry, LossCall, Outputs, Sample, Trace, Weights
from sonde.diagnose.suspicion import Suspicion
from sonde.engine.json_lines import read_lines

ODD = (math.nan, math.inf, -math.inf, 0.0, 1e300, -1.0)
MOMENTS: tuple[Moment, ...] = ("training", "evaluation", "end", "failure")


@pytest.mark.parametrize("kind", [ZeroDivisionError, ValueError, KeyError, AssertionError])
def test_a_rule_that_raises_is_left_out_and_named_once(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def broken(seen: Seen) -> Suspicion | None:
        asked.append(seen.step)
        raise kind("within a rule")

    monkeypatch.setattr("sonde.diagnose.doctor.rules_for", lambda context: (broken, *RULES))
    net, rows, loss = sample_nets.mlp()
    run = sonde.fit(net, rows, loss=loss, out=tmp_path / "run", **sample_nets.USUAL)
    assert run.result["status"] == "finished"
    (said,) = [line for line in read_lines(run.folder / "findings.jsonl") if line["check"] == "doctor"]
    assert (said["severity"], len(asked)) == ("note", 1)
    assert said["evidence"].startswith(f"the rule test_doctor_rules.broken failed ({kind.__name__}: ")
    assert said["evidence"].endswith(" and is left out; training is not affected")


def test_of_a_policy_only_what_holds_where_targets_move_is_asked() -> None:
    context = Context(own=False, task="ppo", phases=1, optimizer="adamw", rate=1e-3, rows=8, batches=None, total=9)
    assert rules_for(context) == RULES
    asked = set(rules_for(dataclasses.replace(context, acts=True)))
    assert asked == set(OF_ACTING)
    assert asked - set(ACTING) < set(RULES)
    assert not set(ACTING) & set(RULES)


def test_rules_have_names() -> None:
    assert [rule_name(rule) for rule in RULES[:2]] == ["beginning.inputs_constant", "beginning.inputs_not_scaled"]


def sample(step: int, value: float) -> Sample:
    of_classes = LossCall(
        kind=calls.CLASSES, name="cross_entropy", value=value, shape=(16, 3), target=(16,), lowest=value, highest=value,
        off=value, spread=value, counts={0: 8, 2: 8},
    )  # fmt: skip
    of_values = LossCall(
        kind=calls.VALUES, name="mse_loss", value=value, shape=(16, 1), target=(16, 1), lowest=value, highest=value,
        off=None, spread=value, sums=[16.0, value, value],
    )  # fmt: skip
    return Sample(
        step=step,
        phase="model",
        loss=value,
        norm=value,
        rate=value,
        weights=[
            Weights(name=f"{place}.weight", size=value, gradient=value, update=value, entries=12, fan=4)
            for place in range(5)
        ],
        outputs=[
            Outputs(name=f"{place} → {kind}", kind=kind, mean=value, spread=value, silent=value, stuck=value, error=value)
            for place, kind in enumerate((calls.ZEROED, calls.BOUNDED, calls.SMOOTH, "layer", "norm"))
        ],
        calls=[of_classes if step % 2 else of_values] if value != 1e300 else [of_values],
        entry=Entry(
            mean=value, spread=value, lowest=value, highest=value, constant=value, widest=value, narrowest=value
        ),
    )  # fmt: skip


def context(**more: Any) -> Context:
    usual: dict[str, Any] = {
        "own": True, "task": "custom", "phases": 1, "optimizer": "sgd", "rate": 0.1, "rows": 16, "batches": 4, "total": 400
    }  # fmt: skip
    return Context(**{**usual, **more})


@pytest.mark.parametrize("rule", RULES, ids=rule_name)
@pytest.mark.parametrize("value", ODD)
def test_numbers_that_are_none_break_no_rule(rule: Callable[[Seen], Suspicion | None], value: float) -> None:
    answers = (Answers(confusion=[[0, 0], [0, 0]], rows=0), Answers(spread=value, wanted=value, rows=5), None)
    for length in (0, 1, 3, 60, 400):
        for moment in MOMENTS:
            for answered in answers:
                seen = Seen(
                    context=context(clip=1.0, weight_decay=0.1, dropout=(0.9, "drop"), norms=1),
                    trace=Trace(
                        losses=[value] * length,
                        norms=[value] * length,
                        samples=[sample(step, value) for step in range(1, min(length, 12) + 1)],
                    ),
                    evaluations=[
                        Evaluated(step=step, epoch=step, metrics={"loss": value}, answers=answered)
                        for step in range(min(length, 5))
                    ],
                    moment=moment,
                    spent={"step": value, "input": value, "evaluation": value},
                )
                found = rule(seen)
                assert found is None or isinstance(found.finding(), Finding)


def test_a_long_run_keeps_its_first_and_latest_samples() -> None:
    trace = Trace()
    for step in range(1, 2001):
        trace.add(sample(step, 1.0))
    steps = [each.step for each in trace.samples]
    assert len(steps) <= MOST
    assert steps == sorted(steps)
    assert steps[:FIRST] == list(range(1, FIRST + 1))
    assert steps[-LATEST:] == list(range(2001 - LATEST, 2001))


def test_evaluations_that_cost_little_are_looked_on_when_the_allowance_is_spent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first one always; after it, while a look takes 1 s, one in 333 s, and any where the allowance has room."""
    task = sample_tasks.Supervised(sample_tasks.mlp(2, 4, 3))
    doctor = Doctor(task, sample_tasks.stepper(task), context(), report=list.clear, sampled=lambda _: None)
    allowance, looked = doctor.sampler.allowance, []
    monkeypatch.setattr(EvaluationWatch, "seconds", 1.0)
    allowance.spent = 1e6
    for now in (5.0, 100.0, 338.0, 339.0, 350.0):
        monkeypatch.setattr(allowance, "elapsed", lambda now=now: now)
        with doctor.evaluating():
            pass
        looked.append(doctor._answers is not None)
        doctor._answers = None
    assert looked == [True, False, False, True, False]
    allowance.spent = 0.0
    with doctor.evaluating():
        pass
    assert doctor._answers is not None


def test_the_doctor_is_an_observer_without_a_state() -> None:
    """So that checkpoints of runs with and without one resume each other."""
    assert not hasattr(Doctor, "state_dict")
