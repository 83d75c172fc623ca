"""Judges that are certain of everything, and samples that are better than real rows."""

from typing import Any

import pytest
import torch

from sonde.run.judge import Seen
from sonde.run.judge_caution import better_than_real, no_better_than_guessing, saturated, share_within


def seen(within: float, certain: float) -> Seen:
    """Two classes at a distance of 2, with so much spread within them."""
    classes = torch.arange(400) % 2
    features = torch.randn(400, 3, generator=torch.Generator().manual_seed(0)) * within
    features[:, 0] += 2 * classes
    return Seen(features=features, classes=classes, certain=torch.full((400,), certain), layer="head")


def test_a_judge_that_sees_nothing_but_classes_is_named() -> None:
    (said,) = saturated(seen(0.05, 0.9999))
    assert said.startswith(
        "the judge is certain (probability above 0.999) of 100.0 % of the real rows, and 0.8 % of the variance"
    )
    assert "fewer epochs" in said
    assert saturated(seen(1.0, 0.9999)) == []  # it is certain, and still sees what rows of a class differ in
    assert saturated(seen(0.05, 0.9)) == []
    nothing = Seen(features=torch.ones(5, 2), classes=torch.zeros(0), certain=torch.zeros(0), layer="head")
    assert saturated(nothing) == []  # of a regressor


def test_the_share_within_classes_is_that_of_the_variance() -> None:
    features = torch.tensor([[0.0], [2.0], [10.0], [12.0]])
    assert share_within(features, torch.tensor([0, 0, 1, 1])) == pytest.approx(
        4 / 104
    )  # 1 + 1 + 1 + 1 of 36 + 16 + 16 + 36
    assert share_within(torch.ones(4, 1), torch.tensor([0, 0, 1, 1])) == 1.0


def entry(name: str, better: str, value: float, real: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "better": better, "value": value, "real": real, **more}


def test_what_is_better_than_real_rows_beyond_chance_is_named() -> None:
    measures = [
        entry("kernel_distance", "lower", 0.01, 0.5, error=0.1, real_error=0.1),
        entry("kernel_distance", "lower", 0.3, 0.5, error=0.1, real_error=0.1),  # within chance
        entry("detection_auroc", "lower", 0.3, 0.5, interval=[0.2, 0.4]),
        entry("detection_auroc", "lower", 0.45, 0.5, interval=[0.38, 0.52]),
        entry("class_agreement", "higher", 0.99, 0.9, interval=[0.98, 1.0], real_interval=[0.85, 0.95]),
        entry("class_agreement", "higher", 0.96, 0.9, interval=[0.94, 0.97], real_interval=[0.85, 0.95]),
        entry("recall", "higher", 0.99, 0.9),  # of which no error is known
        entry("told_from_shuffled", "as real", 0.9, 0.8),
        {"name": "frechet_distance", "better": "lower", "value": None, "real": None, "reason": "few rows"},
    ]
    said = better_than_real(measures)
    assert [line.split(" is ")[0] for line in said] == ["kernel distance", "detection AUROC", "class agreement"]
    assert "better than the 0.500 of real rows by more than chance" in said[0]


def test_a_judge_that_guesses_is_named() -> None:
    truth = torch.arange(90) % 3
    (said,) = no_better_than_guessing(30, truth)
    assert "right about 33.3 % of the real rows, and always naming their most frequent class about 33.3 %" in said
    assert no_better_than_guessing(34, truth)  # not beyond chance
    assert no_better_than_guessing(80, truth) == []
