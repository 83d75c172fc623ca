import pytest
import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build
from sonde.models.table import MODELS
from sonde.nn.auxiliary import WithAuxiliary
from sonde.nn.features import features, remove_head

ROWS = [n for n, entry in MODELS.items() if entry.answers == "row" and entry.reads[0] == "image"]
SMALLEST = list({MODELS[name].family: name for name in reversed(ROWS)}.values())


@pytest.mark.parametrize("name", [name for name in SMALLEST if name not in ("perceptron", "mlp")])
def test_the_features_of_every_family_reach_its_head(name: str) -> None:
    with torch.device("meta"):
        model = build(name, InputSpec(kind="image", shape=MODELS[name].input), 7)
        whole = set(model.state_dict())
        width = remove_head(model)
        found = features(model, torch.empty(2, *MODELS[name].input))
    assert found.shape == (2, width)
    lost = whole - set(model.state_dict())
    assert {entry.rpartition(".")[2] for entry in lost} <= {"weight", "bias"}
    assert 1 <= len(lost) <= 2
    assert set(model.state_dict()) == whole - lost  # every other name stays


def test_the_head_answers_from_the_features() -> None:
    torch.manual_seed(0)
    head = nn.Linear(6, 3)
    model, input = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Sequential(head)), torch.randn(5, 4)
    answer = model(input)
    assert remove_head(model) == 6
    torch.testing.assert_close(head(features(model, input)), answer)


def test_auxiliary_heads_are_left_out() -> None:
    class Deep(nn.Module):
        def forward(self, input: Tensor) -> WithAuxiliary:
            return WithAuxiliary(input, (input + 1,), 0.3)

    input = torch.randn(2, 3)
    assert torch.equal(features(Deep(), input), input)


@pytest.mark.parametrize("model", [nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), nn.Linear(2, 2), nn.ReLU()])
def test_networks_without_a_linear_head_are_refused(model: nn.Module) -> None:
    with pytest.raises(ConfigError, match="remove a network's last linear layer, and .*; choose another --model"):
        remove_head(model)
