import math

import torch

from sonde.metrics.reconstruction import ReconstructionMeter


def test_means_are_over_rows_however_they_are_batched() -> None:
    one, other = ReconstructionMeter(), ReconstructionMeter()
    one.update({"loss": torch.tensor([1.0, 2.0]), "kl": torch.tensor([0.0, 1.0])}, torch.arange(2))
    other.update({"loss": torch.tensor([6.0]), "kl": torch.tensor([2.0])}, torch.arange(2, 3))
    one.merge(other)
    assert one.compute() == {"loss": 3.0, "kl": 1.0}


def test_numbers_that_do_not_vary_are_not_active() -> None:
    meter = ReconstructionMeter()
    latent = torch.tensor([[1.0, 5.0, 0.1], [-1.0, 5.0, 0.2], [0.0, 5.0, 0.3]])
    meter.update({"latent": latent[:2]}, torch.arange(2))
    meter.update({"latent": latent[2:]}, torch.arange(2, 3))
    assert meter.compute() == {"active_units": 1.0}
    torch.testing.assert_close(
        torch.tensor(meter.details()["latent"]["variance"]), latent.var(0, correction=0).sort(descending=True).values
    )


def test_use_of_a_codebook_is_that_of_all_rows() -> None:
    meter = ReconstructionMeter(codes=4)
    meter.update({"code": torch.tensor([[0, 0], [1, 1]])}, torch.arange(2))
    meter.update({"code": torch.tensor([[1, 0], [0, 1]])}, torch.arange(2, 4))
    found = meter.compute()
    assert found["codebook_use"] == 0.5
    assert math.isclose(found["perplexity"], 2.0)
    assert meter.details() == {"codebook": {"counts": [4, 4, 0, 0]}}
