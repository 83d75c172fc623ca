"""Numeric embeddings against the papers' formulas and scikit-learn's encoders."""

import math

import numpy as np
import pytest
import torch
from sklearn.preprocessing import OneHotEncoder

from sonde.core.dataset import Column, InputSpec
from sonde.nn.numeric import (
    CategoryInput,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    TableInput,
    embedding_width,
)


def number(name: str, quantiles: tuple[float, ...] = ()) -> Column:
    return Column(name=name, kind="number", source=name, quantiles=quantiles)


def category(name: str, count: int) -> Column:
    names = tuple(f"c{i}" for i in range(count))
    return Column(name=name, kind="category", source=name, categories=names)


def table(*columns: Column) -> InputSpec:
    return InputSpec(kind="table", shape=(len(columns),), columns=columns)


def test_piecewise_encoding_is_the_papers_formula():
    edges = (-1.0, 0.0, 0.5, 2.0)
    layer = PiecewiseLinearEmbedding([edges, (0.0, 1.0)], dim=4)
    x = np.array([-3.0, -1.0, -0.25, 0.0, 0.4, 1.0, 2.0, 5.0])
    # arXiv:2203.05556, equation 1: e_t = 0 below b_{t-1} for t > 1, 1 above b_t for t < T, (x - b_{t-1}) / width between
    expected = np.zeros((len(x), 3))
    for row, value in enumerate(x):
        for t in range(3):
            low, high = edges[t], edges[t + 1]
            if value < low and t > 0:
                expected[row, t] = 0
            elif value >= high and t < 2:
                expected[row, t] = 1
            else:
                expected[row, t] = (value - low) / (high - low)
    both = torch.tensor(np.stack([x, x], axis=1), dtype=torch.float32)
    encoded = layer.encode(both)
    np.testing.assert_allclose(encoded[:, 0].numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(encoded[:, 1, 0].numpy(), x, atol=1e-6)  # one bin is the identity of its span
    assert (encoded[:, 1, 1:] == 0).all()


def test_piecewise_embedding_starts_linear_and_mixes_columns_apart():
    torch.manual_seed(0)
    layer = PiecewiseLinearEmbedding([(-1.0, 0.0, 1.0), (-1.0, 1.0)], dim=3)
    x = torch.randn(5, 2)
    start = (x[:, :, None] * layer.linear + layer.bias).flatten(1)
    torch.testing.assert_close(layer(x), start)
    torch.nn.init.normal_(layer.weight)
    changed = x.clone()
    changed[:, 1] += 1
    difference = (layer(changed) - layer(x)).view(5, 2, 3)
    assert (difference[:, 0] == 0).all()
    assert (difference[:, 1] != 0).all()
    by_hand = torch.einsum("bft,ftd->bfd", layer.encode(x), layer.weight).flatten(1) + start
    torch.testing.assert_close(layer(x), by_hand)


def test_piecewise_takes_columns_without_bins():
    layer = PiecewiseLinearEmbedding([(), (0.5,)], dim=2)
    assert torch.isfinite(layer(torch.randn(3, 2))).all()
    assert layer.out_dim == 4


def test_periodic_embedding_is_the_papers_formula():
    torch.manual_seed(0)
    layer = PeriodicEmbedding(2, 3, num_frequencies=4, sigma=0.5)
    x = torch.randn(6, 2)
    for f in range(2):
        angle = 2 * math.pi * x[:, f, None] * layer.frequencies[f]
        waves = torch.cat([angle.cos(), angle.sin()], dim=1)
        expected = (waves @ layer.weight[f] + layer.bias[f]).clamp(min=0)
        torch.testing.assert_close(layer(x)[:, 3 * f : 3 * f + 3], expected)


def test_few_categories_are_one_hot_like_scikit_learn():
    codes = np.array([[1.0, 2.0], [3.0, 1.0], [2.0, 2.0]])
    expected = OneHotEncoder(sparse_output=False).fit_transform(codes)
    layer = CategoryInput([category("a", 3), category("b", 2)])
    np.testing.assert_array_equal(layer(torch.tensor(codes, dtype=torch.float32)).numpy(), expected)


def test_unknown_category_is_zero_in_both_forms():
    layer = CategoryInput([category("few", 3), category("many", 100)])
    out = layer(torch.zeros(2, 2))
    assert out.shape == (2, 3 + embedding_width(100))
    assert (out == 0).all()
    assert layer(torch.tensor([[0.0, 7.0]]))[0, 3:].norm() > 0.1


def test_embedding_rows_learn_apart():
    layer = CategoryInput([category("many", 100)])
    layer(torch.tensor([[7.0]])).sum().backward()
    gradient = next(layer.parameters()).grad
    assert gradient is not None
    assert gradient[7].abs().min() == 1
    assert gradient.count_nonzero() == embedding_width(100)


def test_table_input_puts_numbers_before_categories():
    spec = table(category("c", 2), number("x"), number("y"))
    layer = TableInput(spec)
    out = layer(torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.5, 2.0]]))
    assert layer.out_dim == 4
    assert out.tolist() == [[0.5, -1.0, 0.0, 1.0], [1.5, 2.0, 0.0, 0.0]]


@pytest.mark.parametrize("spec", [InputSpec(kind="array", shape=(3,)), table(number("a"), number("b"), number("c"))])
def test_table_input_of_numbers_alone_is_the_input_itself(spec: InputSpec):
    layer = TableInput(spec)
    x = torch.randn(2, 3)
    assert layer(x) is x
    assert layer.out_dim == 3


def test_buffers_stay_out_of_checkpoints():
    layer = TableInput(table(number("x"), category("c", 20), category("d", 3)))
    assert list(layer.state_dict()) == ["categories.embeddings.0.weight"]
