"""A line of signals.jsonl and back."""

import json
from dataclasses import replace

import pytest
from examined import seen

from sonde.diagnose.signals.sample import Weights, of_line


def test_a_sample_comes_back_from_its_line() -> None:
    sample = seen().samples[0]
    again = of_line(json.loads(json.dumps(sample.as_line())))
    assert (again.step, again.phase, again.rate) == (sample.step, sample.phase, sample.rate)
    assert again.loss == pytest.approx(sample.loss, rel=1e-3)
    for one, two in zip(again.weights, sample.weights, strict=True):
        assert (one.name, one.entries, one.fan, one.inputs) == (two.name, two.entries, two.fan, two.inputs)
        assert one.update == pytest.approx(two.update, rel=1e-3)
        assert one.summed
    apart = [replace(each, summed=False) for each in sample.weights]
    assert not any(
        each.summed for each in of_line(json.loads(json.dumps(replace(sample, weights=apart).as_line()))).weights
    )


def test_a_weights_ratio_scale_and_units() -> None:
    weight = Weights(name="w", size=0.1, gradient=0.0, update=0.02, entries=1200, fan=400, inputs=400)
    assert (weight.ratio, weight.scale, weight.units) == (pytest.approx(0.2), pytest.approx(2.0), 3)
    assert Weights(name="w", size=0.0, gradient=0.0, update=1.0, entries=4).ratio == 0.0
