import numpy as np
import torch

from sonde.core.dataset import InputSpec
from sonde.models.perceptron import Perceptron, PerceptronConfig


def published_rule(input: np.ndarray, target: np.ndarray, passes: int) -> tuple[np.ndarray, float]:
    """w <- w + t x, b <- b + t for each row in turn with t (w.x + b) <= 0, from zero (float32)."""
    weight, bias = np.zeros(input.shape[1], np.float32), np.float32(0)
    for _ in range(passes):
        for x, t in zip(input, target, strict=True):
            if t * (np.dot(weight, x) + bias) <= 0:
                weight, bias = weight + t * x, bias + t
    return weight, float(bias)


def trained(input: np.ndarray, target: np.ndarray, passes: int) -> torch.nn.Module:
    """The module after plain gradient descent at rate 1, row by row, on -t y where t y <= 0."""
    model = Perceptron(InputSpec(kind="table", shape=input.shape[1:]), 1, PerceptronConfig())
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(passes):
        for x, t in zip(torch.from_numpy(input), target.tolist(), strict=True):
            score = model(x[None]).squeeze()
            optimizer.zero_grad()
            if t * score.item() <= 0:
                (-t * score).backward()
                optimizer.step()
    return model


def test_gradient_descent_on_the_module_is_the_published_rule_bit_for_bit():
    rng = np.random.default_rng(0)
    input = rng.integers(-8, 9, size=(200, 5)).astype(np.float32) / 4  # quarters: sums are exact in any order
    target = np.where(input @ np.array([1, -2, 0.5, 0, 3], np.float32) + rng.normal(0, 2, 200) > 0.5, 1, -1)
    target = target.astype(np.float32)
    weight, bias = published_rule(input, target, passes=3)
    state = trained(input, target, passes=3).state_dict()
    assert np.array_equal(state["linear.weight"].numpy()[0], weight)
    assert state["linear.bias"].item() == bias
    assert weight.any()


def test_separates_and_but_not_xor():
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    for target, mistakes in ((np.array([-1, -1, -1, 1], np.float32), 0), (np.array([-1, 1, 1, -1], np.float32), None)):
        scores = trained(corners, target, passes=50)(torch.from_numpy(corners))
        answer = scores.detach().sign().numpy()[:, 0]
        wrong = int((answer != target).sum())
        assert wrong == mistakes if mistakes is not None else wrong > 0


def test_flattens_images_and_starts_from_zero():
    model = Perceptron(InputSpec(kind="image", shape=(3, 4, 5)), 6, PerceptronConfig())
    assert not any(p.any() for p in model.parameters())
    assert model(torch.randn(2, 3, 4, 5)).shape == (2, 6)
