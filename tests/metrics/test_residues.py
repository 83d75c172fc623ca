import math

import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor

from sonde.core.errors import NonFinite
from sonde.core.seams import Meter
from sonde.metrics.residues import CASES, ResiduesMeter
from sonde.modalities.protein.codes import residues

NAMES = residues().symbols


def outputs(count: int = 6, seed: int = 0) -> dict[str, Tensor]:
    """Chains of twelve places, some at the end unknown."""
    drawn = torch.Generator().manual_seed(seed)
    target = torch.randint(4, 24, (count, 12), generator=drawn)
    prediction = torch.where(
        torch.rand(count, 12, generator=drawn) < 0.4, target, torch.randint(4, 24, (count, 12), generator=drawn)
    )
    for row in range(count):
        target[row, 12 - row % 5 :] = 0
    loss = torch.rand(count, 12, generator=drawn) * (target != 0)
    return {"prediction": prediction, "target": target, "loss": loss, "weight": (target != 0).float()}


def meter(*batches: dict[str, Tensor], first: int = 0) -> ResiduesMeter:
    made = ResiduesMeter(NAMES, first=4)
    for batch in batches:
        made.update(batch, torch.arange(first, first + len(batch["loss"])))
        first += len(batch["loss"])
    return made


def test_recovery_and_scores_of_each_residue_are_scikit_learns() -> None:
    batch = outputs()
    made = meter(batch)
    assert isinstance(made, Meter)
    known = batch["target"] != 0
    told, true = batch["prediction"][known].numpy(), batch["target"][known].numpy()
    found, details = made.compute(), made.details()
    assert found["recovery"] == pytest.approx(accuracy_score(true, told))
    assert found["loss"] == pytest.approx(float(batch["loss"].sum() / known.sum()))
    assert found["perplexity"] == pytest.approx(math.exp(found["loss"]))
    for symbol in set(told) | set(true):
        expected = f1_score(true, told, labels=[symbol], average="macro")
        assert details["per_class"]["f1"][symbol - 4] == pytest.approx(expected)
    assert sum(details["per_class"]["support"]) == int(known.sum())


def test_parts_merge_to_the_whole() -> None:
    one, other = outputs(), outputs(7, seed=1)
    part = meter(one)
    part.merge(meter(other, first=6))
    whole = meter(one, other)
    assert part.compute() == pytest.approx(whole.compute())
    assert part.details() == whole.details()


def test_the_worst_chains_are_kept_as_letters() -> None:
    batch = outputs(12)
    cases = meter(batch).details()["worst"]
    assert len(cases) == CASES
    assert [case["loss"] for case in cases] == sorted((case["loss"] for case in cases), reverse=True)
    row = cases[0]["index"]
    known = batch["target"][row] != 0
    assert cases[0]["target"] == residues().decode(batch["target"][row][known].tolist())
    assert cases[0]["prediction"] == residues().decode(batch["prediction"][row][known].tolist())
    assert cases[0]["loss"] == pytest.approx(
        float((batch["target"] != batch["prediction"])[row][known].double().mean())
    )


def test_an_output_that_is_nan_is_named() -> None:
    batch = outputs()
    batch["loss"][2, 0] = torch.nan
    with pytest.raises(NonFinite, match="first at row 2 of the split"):
        meter(batch).compute()
