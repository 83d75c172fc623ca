import pytest
import torch
from torch import nn

from sonde.core.errors import ConfigError
from sonde.tasks.gan.networks import Judge, ToldGenerator, adversaries, noise_of_rows


def test_the_noise_of_a_row_depends_on_its_number_alone() -> None:
    before = torch.get_rng_state()
    one = noise_of_rows(torch.tensor([7, 3, 900]), 5)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one[[1, 0]], noise_of_rows(torch.tensor([3, 7]), 5))
    assert len({tuple(row.tolist()) for row in noise_of_rows(torch.arange(500), 5)}) == 500
    assert float(noise_of_rows(torch.arange(2_000), 5).std()) == pytest.approx(1.0, abs=0.03)


def test_the_projection_is_the_product_with_the_classs_vector() -> None:
    torch.manual_seed(0)
    judge = Judge(nn.Linear(3, 4), 4, classes=2)
    rows, label = torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1])
    assert judge.of_class is not None
    seen = judge.net(rows)
    expected = [
        float((row @ judge.head.weight[0] + judge.head.bias[0] + row @ judge.of_class.weight[place]).detach())
        for row, place in zip(seen, label.tolist(), strict=True)
    ]
    assert judge(rows, label).tolist() == pytest.approx(expected)
    assert judge(rows).tolist() != pytest.approx(expected)


class Net(nn.Module):
    def forward(self, noise: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return condition


def test_without_classes_the_condition_is_made_of_the_noise() -> None:
    told = ToldGenerator(Net(), 4, classes=0)
    noise = torch.randn(3, 4)
    torch.testing.assert_close(told(noise), told.of_noise(noise))
    classes = ToldGenerator(Net(), 4, classes=3)
    assert not torch.equal(classes(noise, torch.tensor([0, 0, 0])), classes(noise, torch.tensor([1, 1, 1])))


def test_a_network_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="Linear has not; take --model dcgan"):
        adversaries(nn.Linear(3, 2))
