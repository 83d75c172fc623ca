from typing import Any

import pytest
import torch
from torch import Tensor

from sonde.core.errors import NonFinite
from sonde.core.seams import Meter
from sonde.metrics.structure import CASES, StructureMeter
from sonde.metrics.traces import local_agreement, superposed_up_to_reflection


def outputs(count: int = 3, *, error: float = 0.0, seed: int = 0, longest: int = 40) -> dict[str, Tensor]:
    """Random coils, of `longest` residues and ever fewer, with distances that are `error` ångström off at random."""
    drawn = torch.Generator().manual_seed(seed)
    steps = 3.8 * torch.nn.functional.normalize(torch.randn(count, longest, 3, generator=drawn), dim=-1)
    places = steps.cumsum(1)
    lengths = torch.arange(longest, longest - count, -1)
    there = torch.arange(longest) < lengths[:, None]
    true = torch.cdist(places, places, compute_mode="donot_use_mm_for_euclid_dist") * there[:, None] * there[:, :, None]
    noise = error * torch.randn(true.shape, generator=drawn)
    return {
        "distances": (true + noise + noise.transpose(1, 2)).clamp(min=0),
        "contacts": (-true).exp(),
        "target": true,
        "coordinates": places,
        "lengths": lengths,
        "loss": torch.linspace(1, 2, count),
        "weight": lengths.float().square(),
    }


def meter(*batches: dict[str, Tensor]) -> StructureMeter:
    made, first = StructureMeter(), 0
    for batch in batches:
        made.update(batch, torch.arange(first, first + len(batch["loss"])))
        first += len(batch["loss"])
    return made


def test_the_truth_is_perfect() -> None:
    made = meter(outputs())
    assert isinstance(made, Meter)
    found = made.compute()
    assert found["lddt"] == 1
    assert found["distance_error"] == 0
    assert found["rmsd"] == pytest.approx(0, abs=1e-4)
    assert found["loss"] == pytest.approx(
        float(torch.tensor([1, 1.5, 2]) @ outputs()["weight"] / outputs()["weight"].sum())
    )


def test_each_protein_counts_alike_and_padding_does_not() -> None:
    batch = outputs(error=1.0)
    found = meter(batch).compute()
    each, errors, offs = [], [], []
    for place, length in enumerate(batch["lengths"].tolist()):
        told, true = (batch[name][place, :length, :length].double() for name in ("distances", "target"))
        each.append(local_agreement(told, true))
        pairs = [(i, j) for i in range(length) for j in range(i + 2, length) if true[i, j] < 20]
        errors.append(sum(float(abs(told[pair] - true[pair])) for pair in pairs) / len(pairs))
        offs.append(superposed_up_to_reflection(told, batch["coordinates"][place, :length])[1])
    assert found["lddt"] == pytest.approx(sum(each) / 3)
    assert found["distance_error"] == pytest.approx(sum(errors) / 3)
    assert found["rmsd"] == pytest.approx(sum(offs) / 3)


def test_long_range_contacts_are_those_nearer_than_asked() -> None:
    batch = outputs(1, longest=60)
    far = batch["target"][0].triu(24)
    share = float((far[far > 0] < 8).double().mean())
    assert StructureMeter(contact=8.0).contact == 8
    assert meter(batch).compute()["contact_precision"] >= share
    few = outputs(1, longest=12)
    assert meter(few).compute()["contact_precision"] != meter(few).compute()["contact_precision"]  # NaN: no long range


def test_parts_merge_to_the_whole() -> None:
    one, other = outputs(5, error=1.0), outputs(7, error=2.0, seed=1)
    whole, part, rest = meter(one, other), meter(one), StructureMeter()
    rest.update(other, torch.arange(5, 12))
    part.merge(rest)
    assert part.compute() == pytest.approx(whole.compute())
    assert part.details() == whole.details()


def test_the_worst_and_the_best_are_kept_with_their_traces() -> None:
    batches = [
        outputs(1, error=error, seed=seed)
        for seed, error in enumerate((3.0, 0.0, 1.0, 0.5, 2.0, 4.0, 5.0, 0.2, 0.1, 6.0))
    ]
    found = meter(*batches).details()
    assert [case["index"] for case in found["best"]] == [1, 8, 7, 3]
    assert sorted(case["index"] for case in found["worst"]) == [0, 5, 6, 9]
    assert len(found["worst"]) == CASES
    best = found["best"][0]
    assert best["target"] == "40 residues"
    assert best["prediction"].startswith("lDDT 1.0, RMSD ")
    torch.testing.assert_close(
        torch.tensor(best["trace"]["found"]), torch.tensor(best["trace"]["true"]), atol=0.11, rtol=0
    )
    alone = meter(outputs(1)).details()
    assert (len(alone["worst"]), len(alone["best"])) == (1, 0)


def test_without_coordinates_there_is_no_trace() -> None:
    batch: dict[str, Any] = outputs()
    del batch["coordinates"]
    made = meter(batch)
    assert "rmsd" not in made.compute()
    assert made.details() == {"worst": [], "best": []}


def test_an_output_that_is_nan_is_named() -> None:
    batch = outputs()
    batch["loss"][1] = torch.nan
    batch["distances"][1] = torch.nan
    with pytest.raises(NonFinite, match="first at row 1 of the split"):
        meter(batch).compute()
