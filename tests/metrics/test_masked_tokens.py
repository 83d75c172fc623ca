import pytest
import torch

from sonde.core.errors import NonFinite
from sonde.metrics.masked_tokens import MaskedTokensMeter


def test_every_hidden_token_counts_alike_however_rows_are_batched() -> None:
    drawn = torch.Generator().manual_seed(0)
    hidden = torch.tensor([1, 4, 0, 7])
    tokens = [torch.rand(int(count), generator=drawn) for count in hidden]
    right = [(each > 0.5).float() for each in tokens]

    def means(of: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack([each.mean() if len(each) else torch.zeros(()) for each in of])

    outputs = {"nats": means(tokens), "right": means(right), "hidden": hidden}
    whole, one, two = MaskedTokensMeter(), MaskedTokensMeter(), MaskedTokensMeter()
    whole.update(outputs, torch.arange(4))
    one.update({name: value[:1] for name, value in outputs.items()}, torch.arange(1))
    two.update({name: value[1:] for name, value in outputs.items()}, torch.arange(1, 4))
    one.merge(two)
    loss = float(torch.cat(tokens).mean())
    expected = {"loss": loss, "perplexity": torch.tensor(loss).exp().item(), "accuracy": float(torch.cat(right).mean())}
    assert whole.compute() == pytest.approx(expected, rel=1e-5)
    assert one.compute() == pytest.approx(expected, rel=1e-5)


def test_a_loss_that_is_no_number_names_its_row() -> None:
    meter = MaskedTokensMeter()
    nats = torch.tensor([0.5, float("nan")])
    meter.update({"nats": nats, "right": torch.ones(2), "hidden": torch.ones(2)}, torch.tensor([3, 8]))
    with pytest.raises(NonFinite, match="8"):
        meter.compute()
