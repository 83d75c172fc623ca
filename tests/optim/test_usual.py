"""What an optimiser has where only its name is given."""

from typing import get_args

import pytest
import torch
from torch import nn

import sonde
from sonde.core.config import OptimizerName
from sonde.engine.update import search_step
from sonde.models.table import MODELS
from sonde.optim.custom import defaults, torch_classes
from sonde.optim.usual import unsuited, usual_rate
from sonde.run.resolve import kind_of


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_every_optimiser_has_a_rate_for_every_kind(name: str) -> None:
    for kind in ("numbers", "symbols", "unknown"):
        assert usual_rate(name, kind) or defaults(torch_classes()[name])["lr"] > 0


@pytest.mark.parametrize("kind", ["numbers", "symbols", "unknown"])
def test_momentum_has_a_smaller_rate_than_sgd(kind: str) -> None:
    """It adds up 1 / (1 - 0.9) steps."""
    assert usual_rate("momentum", kind) == usual_rate("nesterov", kind) < usual_rate("sgd", kind)  # type: ignore[arg-type,operator]


def test_networks_are_told_apart_by_what_they_read() -> None:
    found = {name: kind_of(MODELS[name]) for name in ("mlp", "compact-cnn", "gpt-small", "lstm", "resnet18")}
    assert found == {
        "mlp": "numbers", "compact-cnn": "numbers", "gpt-small": "symbols", "lstm": "symbols", "resnet18": "numbers",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind", "batch", "said"),
    [
        ("rprop", "numbers", 64, "compares the gradients"),
        ("lbfgs", "symbols", 64, "compares the gradients"),
        ("rprop", "numbers", 100, ""),
        ("sgd", "symbols", 64, "those of rare tokens are small"),
        ("sgd", "numbers", 64, ""),
        ("adamw", "symbols", 64, ""),
    ],
)
def test_what_an_optimiser_is_unsuited_for_is_a_finding(name: str, kind: str, batch: int, said: str) -> None:
    found = unsuited(name, kind=kind, batch=batch, rows=100)  # type: ignore[arg-type]
    assert [finding.check for finding in found] == ["unsuited optimizer"] * bool(said)
    assert all(said in finding.evidence for finding in found)


def test_sparse_gradients_are_asked_for_by_name(tmp_path: object) -> None:
    with pytest.raises(sonde.SondeError, match="sparseadam takes sparse gradients only, .* use adam"):
        sonde.train("digits", model="mlp", optimizer="sparseadam", out=f"{tmp_path}/run", quiet=True, epochs=1)


def test_lbfgs_searches_in_convolutions_laid_out_channels_last() -> None:
    """Whose gradients torch's L-BFGS cannot lay in a row by itself."""
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    image = torch.randn(8, 3, 6, 6).to(memory_format=torch.channels_last)
    target = nn.Conv2d(3, 4, 3)(image).detach()
    optimizer = torch.optim.LBFGS(layer.parameters(), line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        layer.zero_grad()
        found = (layer(image) - target).square().mean()
        found.backward()
        return found.detach()

    first = loss()
    for _ in range(5):
        assert search_step(optimizer, list(layer.parameters()), loss(), loss) == ""
    assert loss() < 0.01 * first  # it is a quadratic problem
