import torch

from sonde.nn.time_condition import TimeCondition


def condition(classes: int = 3) -> TimeCondition:
    torch.manual_seed(0)
    return TimeCondition(8, classes)


def test_times_are_told_apart_and_rows_do_not_mix() -> None:
    made, times = condition(0), torch.tensor([0.0, 0.001, 0.5, 1.0])
    found = made(times)
    assert found.shape == (4, 8)
    torch.testing.assert_close(found[2:3], made(times[2:3]))
    assert len({tuple(row) for row in found.round(decimals=4).tolist()}) == 4


def test_no_class_is_a_class_of_its_own() -> None:
    made, times = condition(), torch.full((4,), 0.3)
    found = made(times, torch.tensor([0, 1, 2, 3]))
    torch.testing.assert_close(found[3:], made(times[:1]))
    assert not torch.allclose(found[0], found[1])


def test_what_is_saved_holds_no_fixed_numbers() -> None:
    assert "frequencies" not in condition().state_dict()
