import pytest
import torch

from sonde.tasks.masked_diffusion.schedules import FIRST, SCHEDULES, drawn, steps

ALL = pytest.mark.parametrize("schedule", SCHEDULES)


@ALL
def test_the_weight_is_the_slope_of_the_share_over_the_share(schedule: str) -> None:
    time, small = torch.linspace(0.01, 0.99, 50, dtype=torch.float64), 1e-6
    share, weight = SCHEDULES[schedule](time)
    slope = (SCHEDULES[schedule](time + small)[0] - SCHEDULES[schedule](time - small)[0]) / (2 * small)
    torch.testing.assert_close(weight, slope / share, rtol=1e-7, atol=1e-7)


@ALL
def test_nothing_is_masked_at_the_beginning_and_all_at_the_end(schedule: str) -> None:
    share = SCHEDULES[schedule](torch.tensor([0.0, 1.0], dtype=torch.float64))[0]
    torch.testing.assert_close(share, torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert steps(schedule, 1) == [1.0, 0.0]
    found = steps(schedule, 8)
    assert len(found) == 9
    assert found == sorted(found, reverse=True)


def test_by_cosine_sampling_begins_with_fewer_tokens_a_step() -> None:
    assert steps("linear", 4)[1] == 0.75
    assert steps("cosine", 4)[1] == pytest.approx(0.9239, abs=1e-4)


def test_times_lie_evenly_over_the_batch_and_all_move_with_one_number() -> None:
    torch.manual_seed(0)
    first, second = (drawn("linear", 8, torch.device("cpu"))[0].sort().values for _ in range(2))
    torch.testing.assert_close(first.diff(), torch.full((7,), (1 - FIRST) / 8))
    assert float((first - second).abs().max()) > 0.01
    assert float(first.min()) >= FIRST
