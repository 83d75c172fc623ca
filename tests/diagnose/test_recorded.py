"""A run's lines as rules ask for them: what is written down is taken, what is damaged is passed over."""

import math

import pytest
import torch
import torch.nn.functional as F
from sample_tasks import Supervised, batch, blobs, mlp, stepper

from sonde.diagnose.recorded import looked_at, suspicion_of, trace_of, whole_samples, with_calls
from sonde.diagnose.seen import reference
from sonde.diagnose.signals.sample import Sample, Weights


def sample(step: int, loss: float = 1.0) -> Sample:
    weights = [Weights(name="w", size=1.0, gradient=0.1, update=0.01, entries=4, fan=2)]
    return Sample(step=step, phase="model", loss=loss, norm=0.5, rate=0.1, weights=weights)


def test_damaged_lines_are_passed_over() -> None:
    good = [sample(5).as_line(), sample(1).as_line()]
    bad = [
        {"step": 3, "phase": 7},
        {"step": "x", "weights": [1]},
        {**good[0], "weights": {"w": [1]}},
        {**good[0], "loss": "a"},
    ]
    found, damaged = whole_samples([good[0], *bad, good[1]])
    assert ([each.step for each in found], damaged) == ([1, 5], 4)
    assert found[0].as_line() == sample(1).as_line()


def test_a_line_stands_for_all_the_steps_since_the_one_before() -> None:
    lines = [
        {"kind": "step", "step": 3, "loss": 2.0, "norm": 1.0},
        {"kind": "evaluation", "step": 3, "metrics": {}},
        {"kind": "step", "step": 5, "loss": None, "norm": None},
        {"kind": "step", "step": 6, "loss": 1.0, "norm": 4.0},
    ]
    trace = trace_of(lines, [sample(1, 2.5), sample(6, math.nan), sample(9, 0.0)])
    assert trace.losses[:3] == [2.5, 2.0, 2.0]
    assert all(map(math.isnan, trace.losses[3:5]))
    assert trace.losses[5:] == [1.0]
    assert trace.norms == [1.0, 1.0, 1.0, 4.0]
    assert trace.first == 1


def test_what_no_file_keeps_is_read_from_batches() -> None:
    """The loss of guessing is the entropy of the batches' classes, with Miller and Madow's correction, (K - 1) / 2n."""
    torch.manual_seed(0)
    steps, data = stepper(Supervised(mlp(2, 8, 3))), blobs(320)
    looks = looked_at(steps, [batch(**data).rows(slice(at, at + 32)) for at in range(0, 320, 32)])
    samples = with_calls([sample(number + 1) for number in range(10)], looks)
    assert [each.calls[0].value for each in samples] == [1.0] * 10
    assert looks[0][0] == pytest.approx(looks[0][1][0].value)
    shares = torch.bincount(data["target"]) / 320
    entropy = float(-(shares * shares.log()).sum())
    found = reference(samples)
    assert found is not None
    assert found.value == pytest.approx(min(entropy + 2 / 640, math.log(3)))
    assert samples[0].entry is not None
    assert samples[0].entry.mean == pytest.approx(float(data["input"][:32].mean()), abs=1e-6)


def test_a_loss_that_is_more_than_one_of_torchs_has_no_such_calls() -> None:
    class Penalised(Supervised):
        def loss(self, batch):  # type: ignore[no-untyped-def]
            found = super().loss(batch)
            return found._replace(value=found.value + 1.0)

    looks = looked_at(stepper(Penalised(mlp(2, 8, 3))), [batch(**blobs(32))])
    assert with_calls([sample(1)], looks)[0].calls == ()
    assert with_calls([sample(1)], []) == [sample(1)]


def test_of_a_run_without_samples_the_looks_stand_for_its_first_steps() -> None:
    looks = looked_at(stepper(Supervised(mlp(2, 8, 3))), [batch(**blobs(32))] * 3)
    found = with_calls([], looks)
    assert [(each.step, each.loss, len(each.calls)) for each in found] == [(n, looks[0][0], 1) for n in (1, 2, 3)]
    assert reference(found) is not None


def test_a_loss_with_its_sign_turned_keeps_it() -> None:
    class Turned(Supervised):
        def loss(self, batch):  # type: ignore[no-untyped-def]
            found = F.cross_entropy(self.modules["model"](batch["input"]), batch["target"])
            return -found

    looks = looked_at(stepper(Turned(mlp(2, 8, 3))), [batch(**blobs(32))])
    assert with_calls([sample(1, -0.7)], looks)[0].calls[0].value == 0.7


def test_a_finding_that_was_written_down() -> None:
    line = {
        "check": "dead units",
        "name": "dead-units",
        "severity": "warning",
        "evidence": "e",
        "action": "a",
        "step": 3,
    }
    assert (suspicion_of(line).certainty, suspicion_of(line).place) == ("certain", "model")  # of earlier versions
    likely = suspicion_of({**line, "certainty": "likely"})
    assert (likely.name, likely.certainty, likely.place, likely.step) == ("dead-units", "likely", "outcome", 3)
    assert suspicion_of({**line, "certainty": "likely", "severity": "note"}).certainty == "suspected"
    assert suspicion_of({**line, "certainty": "odd", "step": "x"}).certainty == "suspected"
