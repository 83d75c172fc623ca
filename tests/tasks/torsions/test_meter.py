import math

import pytest
import torch

from sonde.core.errors import NonFinite
from sonde.tasks.torsions.meter import PLACES, TorsionsMeter

# two chains of three and two residues; of the first place phi is not known
TRUE = torch.tensor([[[0.0, 170], [-60, -45], [-120, 130]], [[10, 20], [30, 40], [0, 0]]])
FOUND = torch.tensor([[[99.0, -170], [-50, -65], [-120, -130]], [[10, 20], [130, 40], [0, 0]]])
KNOWN = torch.tensor([[[0.0, 1], [1, 1], [1, 1]], [[1, 1], [1, 1], [0, 0]]])


def outputs(rows: slice = slice(None)) -> dict[str, torch.Tensor]:
    loss = (1 - ((FOUND - TRUE) * math.pi / 180).cos()) * KNOWN
    return {"found": FOUND[rows], "true": TRUE[rows], "known": KNOWN[rows], "loss": loss[rows]}


def test_angles_are_apart_the_short_way_round_and_unknown_ones_do_not_count() -> None:
    meter = TorsionsMeter(("phi", "psi"))
    meter.update(outputs(), torch.arange(2))
    found = meter.compute()
    assert found["phi_error"] == pytest.approx((10 + 0 + 0 + 100) / 4)
    assert found["psi_error"] == pytest.approx((20 + 20 + 100 + 0 + 0) / 5)
    assert found["near"] == pytest.approx(2 / 4)  # of four places both angles are known
    angles = [10, 0, 0, 100, 20, 20, 100, 0, 0]
    assert found["loss"] == pytest.approx(sum(1 - math.cos(math.radians(off)) for off in angles) / 9)


def test_parts_give_the_whole() -> None:
    whole, one, other = (TorsionsMeter(("phi", "psi")) for _ in range(3))
    whole.update(outputs(), torch.arange(2))
    one.update(outputs(slice(0, 1)), torch.tensor([0]))
    other.update(outputs(slice(1, 2)), torch.tensor([1]))
    other.merge(one)
    assert other.compute() == pytest.approx(whole.compute())
    assert other.details() == whole.details()


def test_details_hold_angles_for_a_picture_and_the_hardest_chains() -> None:
    meter = TorsionsMeter(("phi", "psi"))
    meter.update(outputs(), torch.tensor([7, 3]))
    details = meter.details()
    assert details["torsions"] == {
        "names": ["phi", "psi"],
        "true": [[10, 20], [30, 40], [-60, -45], [-120, 130]],  # row 3 before row 7
        "found": [[10, 20], [130, 40], [-50, -65], [-120, -130]],
    }
    assert [case["index"] for case in details["worst"]] == [7, 3]
    assert details["worst"][1]["prediction"] == "25.0 degrees mean error, 50 % of residues within 60 degrees"


def test_a_picture_does_not_grow_with_the_data() -> None:
    meter = TorsionsMeter(("phi", "psi"))
    angles = torch.zeros(40, 100, 2)
    for start in range(0, 40, 8):
        part = angles[start : start + 8]
        given = {"found": part, "true": part, "known": part + 1, "loss": part}
        meter.update(given, torch.arange(start, start + 8))
    assert len(meter.details()["torsions"]["true"]) == PLACES
    assert len(meter.seen) == 10


def test_an_answer_that_is_no_number_is_named() -> None:
    meter = TorsionsMeter(("phi", "psi"))
    broken = outputs()
    broken["loss"][1, 0, 0] = torch.nan
    meter.update(broken, torch.tensor([4, 9]))
    with pytest.raises(NonFinite, match="9"):
        meter.compute()
