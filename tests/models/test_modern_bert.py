import pytest
import torch
import torch.nn.functional as F

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.core.vocabulary import BEGIN
from sonde.models.modern_bert import ModernBert, ModernBertConfig
from sonde.nn.masked_tokens import TokenEncoder


def small() -> ModernBert:
    torch.manual_seed(0)
    spec = InputSpec(kind="tokens", shape=(12,), symbols=50)
    return ModernBert(spec, 3, ModernBertConfig(width=16, layers=2, heads=2)).eval()


def test_a_row_is_answered_by_the_output_at_the_class_token() -> None:
    model = small()
    assert isinstance(model, TokenEncoder)
    tokens = torch.randint(4, 50, (3, 12))
    first = model.hidden(F.pad(tokens, (1, 0), value=BEGIN))[:, 0]
    torch.testing.assert_close(model(tokens), model.head(first))


def test_every_token_sees_all_others_but_padding() -> None:
    model = small()
    tokens = F.pad(torch.randint(4, 50, (1, 8)), (1, 0), value=BEGIN)
    found = model.hidden(tokens)
    for changed in (1, 8):
        other = tokens.clone()
        other[0, changed] = 4 + (tokens[0, changed] + 1) % 46
        assert ((model.hidden(other) - found).abs().amax(2) > 1e-6).all()
    torch.testing.assert_close(model.hidden(F.pad(tokens, (0, 3)))[:, :9], found)


def test_a_place_is_told_by_its_distance_to_others() -> None:
    model = small()
    tokens = torch.tensor([[BEGIN, 5, 6, 7]])
    turned = torch.tensor([[BEGIN, 7, 6, 5]])
    assert not torch.allclose(model.hidden(tokens)[:, 2], model.hidden(turned)[:, 2], atol=1e-5)


def test_heads_whose_channels_cannot_be_paired_are_refused() -> None:
    with pytest.raises(ConfigError, match="--width 20 must be an even number of channels for each of --heads 4"):
        ModernBertConfig(width=20, heads=4)
