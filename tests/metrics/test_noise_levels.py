import torch

from sonde.metrics.noise_levels import NoiseLevelMeter


def test_the_loss_is_told_by_level_of_those_that_were_met() -> None:
    meter, other = NoiseLevelMeter((0.1, 0.5, 0.9)), NoiseLevelMeter((0.1, 0.5, 0.9))
    meter.update({"loss": torch.tensor([1.0, 3.0]), "level": torch.tensor([0, 0])}, torch.arange(2))
    other.update({"loss": torch.tensor([8.0]), "level": torch.tensor([2])}, torch.arange(1))
    meter.merge(other)
    assert meter.compute() == {"loss": 4.0}
    assert meter.details() == {"noise_levels": [{"level": 0.1, "loss": 2.0}, {"level": 0.9, "loss": 8.0}]}
