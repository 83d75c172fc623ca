from typing import Any

import pytest
import torch

from sonde.metrics.made_rows import MOST, MadeRowsMeter, histograms


def outputs(rows: int = 40, seed: int = 0) -> dict[str, torch.Tensor]:
    drawn = torch.Generator().manual_seed(seed)
    return {
        "real": torch.randn(rows, 3, generator=drawn),
        "made": torch.randn(rows, 3, generator=drawn),
        "real_logit": torch.linspace(-1, 3, rows),
        "made_logit": torch.linspace(-3, 1, rows),
        "label": torch.arange(rows) % 2,
    }


def filled(*parts: dict[str, torch.Tensor], **more: Any) -> MadeRowsMeter:
    made = MadeRowsMeter(**more)
    for part in parts:
        made.update(part, torch.arange(len(part["real"])))
    return made


def test_batches_and_merging_change_nothing() -> None:
    whole = outputs()
    halves = [{name: value[:20] for name, value in whole.items()}, {name: value[20:] for name, value in whole.items()}]
    once = filled(whole).compute()
    assert filled(*halves).compute() == once
    first, second = filled(halves[0]), filled(halves[1])
    first.merge(second)
    assert first.compute() == once


def test_accuracies_count_what_is_taken_for_what_it_is() -> None:
    found = filled(outputs(), trained=lambda: torch.tensor([1.0, 1.0, -1.0, 2.0]), gradient=0.25)
    scores = found.compute()
    assert scores["accuracy_real"] == pytest.approx(0.75)
    assert scores["accuracy_made"] == pytest.approx(0.75)
    assert scores["accuracy_train"] == pytest.approx(0.75)
    assert scores["generator_gradient"] == 0.25
    between = filled(outputs(), threshold=None)  # of a critic whose zero means nothing
    assert between.details()["gan"]["threshold"] == pytest.approx(0.0, abs=1e-6)
    shares = found.details()["gan"]["logits"]["shares"]
    assert {name: pytest.approx(sum(each)) for name, each in shares.items()} == {
        "made": 1,
        "held out": 1,
        "training": 1,
    }


def test_only_so_many_rows_are_compared() -> None:
    part = outputs(700)
    made = filled(part, part, part)
    assert made.rows == 2_100
    assert made.details()["gan"]["rows"] == MOST


def test_rows_that_are_not_finite_have_no_distance() -> None:
    broken = outputs()
    broken["made"][3, 1] = torch.nan
    found = filled(broken).compute()
    assert found["kernel_distance"] != found["kernel_distance"]
    assert found["accuracy_real"] == pytest.approx(0.75)


def test_histograms_of_nothing() -> None:
    assert histograms({"made": torch.tensor([1.0, 1.0]), "held out": torch.tensor([torch.nan])}) == {}
