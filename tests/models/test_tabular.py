"""The shared-weight ensemble against separate networks, and what it must learn."""

import pytest
import torch
from torch import nn

from sonde.core.dataset import Column, InputSpec
from sonde.core.errors import ConfigError
from sonde.models.tabular import MemberHead, MemberLinear, Tabular, TabularConfig

QUANTILES = tuple(float(q) for q in torch.linspace(-2, 2, 17))


def spec(numbers: int = 3, categories: int = 1) -> InputSpec:
    columns = [Column(name=f"x{i}", kind="number", source=f"x{i}", quantiles=QUANTILES) for i in range(numbers)]
    columns += [
        Column(name=f"c{i}", kind="category", source=f"c{i}", categories=("a", "b", "c")) for i in range(categories)
    ]
    return InputSpec(kind="table", shape=(len(columns),), columns=tuple(columns))


def rows(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn(count, 3, generator=generator)
    codes = torch.randint(0, 4, (count, 1), generator=generator).float()
    return torch.cat([numbers, codes], dim=1)


def test_a_member_layer_equals_separate_linear_layers():
    torch.manual_seed(0)
    layer = MemberLinear(4, 5, 3, spread=1.0)
    nn.init.normal_(layer.output_scale)
    x = torch.randn(7, 3, 4)
    for k in range(3):
        # BatchEnsemble (arXiv:2002.06715): member k's own matrix is W scaled by the outer product of its two vectors
        weight = layer.weight * torch.outer(layer.output_scale[k], layer.input_scale[k])
        torch.testing.assert_close(layer(x)[:, k], nn.functional.linear(x[:, k], weight, layer.bias[k]))


def test_the_head_shares_nothing():
    torch.manual_seed(0)
    head = MemberHead(4, 2, 3)
    x = torch.randn(5, 3, 4)
    for k in range(3):
        torch.testing.assert_close(head(x)[:, k], x[:, k] @ head.weight[k] + head.bias[k])


def test_parts_of_one_column_start_with_one_scale():
    layer = MemberLinear(5, 2, 4, spread=1.0, chunks=[3, 1, 1])
    scale = layer.input_scale
    assert (scale[:, :3] == scale[:, :1]).all()
    assert (scale[:, 0] != scale[:, 3]).all()


@pytest.mark.parametrize("embedding", ["piecewise", "periodic", "none"])
def test_shape_and_a_gradient_in_every_parameter(embedding):
    torch.manual_seed(0)
    model = Tabular(spec(), 3, TabularConfig(members=4, width=16, layers=2, number_embedding=embedding))
    out = model(rows(200))
    assert out.shape == (200, 4, 3)
    out.square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_members_differ_from_the_start_and_rows_do_not_mix():
    torch.manual_seed(0)
    model = Tabular(spec(), 1, TabularConfig(members=4, width=16)).eval()
    x = rows(6)
    out = model(x)
    assert out.std(dim=1).min() > 1e-3
    first, second = (model.get_parameter(f"layers.{i}.input_scale") for i in (0, 1))
    assert first.std(dim=0).min() > 0.1  # each member scrambles the columns in its own way ...
    assert (second == 1).all()  # ... and nothing after that
    torch.testing.assert_close(model(x[2:3]), out[2:3])


def test_gradient_of_one_members_loss_leaves_the_other_heads_alone():
    model = Tabular(spec(), 2, TabularConfig(members=3, width=8))
    model(rows(10))[:, 1].sum().backward()
    gradient = model.get_parameter("head.weight").grad
    assert gradient is not None
    assert gradient[1].abs().sum() > 0
    assert gradient[0].abs().sum() == gradient[2].abs().sum() == 0


@pytest.mark.parametrize(("numbers", "categories"), [(3, 0), (0, 2)])
def test_tables_of_one_kind_of_column(numbers, categories):
    model = Tabular(spec(numbers, categories), 1, TabularConfig(members=2, width=8))
    assert model(torch.ones(4, numbers + categories)).shape == (4, 2, 1)


def test_flat_arrays_without_column_descriptions():
    model = Tabular(InputSpec(kind="array", shape=(5,)), 1, TabularConfig(members=2, width=8))
    assert model(torch.randn(4, 5)).shape == (4, 2, 1)


def test_learns_a_step_that_a_linear_model_cannot():
    torch.manual_seed(0)
    x = rows(512)
    y = (x[:, 0].abs() > 0.7).float() + (x[:, 3] == 2).float()  # a band of a number, and one category
    model = Tabular(spec(), 1, TabularConfig(members=4, width=32, layers=2, dropout=0.0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(150):
        loss = (model(x).squeeze(-1) - y[:, None]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    test = rows(512, seed=1)
    truth = (test[:, 0].abs() > 0.7).float() + (test[:, 3] == 2).float()
    error = (model(test).mean(dim=1).squeeze(-1) - truth).square().mean() / truth.var()
    design = torch.cat([test, torch.ones(512, 1)], dim=1)
    linear = torch.linalg.lstsq(design, truth[:, None]).solution
    linear_error = (design @ linear - truth[:, None]).square().mean() / truth.var()
    assert error < 0.1 < 0.8 < linear_error


def test_refuses_images_and_bad_settings():
    with pytest.raises(ConfigError, match="--embedding must be at least 1, got 0"):
        TabularConfig(embedding=0)
    with pytest.raises(ConfigError, match="--dropout must be at least 0 and below 1, got 1"):
        TabularConfig(dropout=1.0)
