import torch

from sonde.losses.perceptron import one_against_rest, perceptron


def test_value_and_gradient_by_hand() -> None:
    scores = torch.tensor([2.0, -3.0, 0.0, 0.0, 0.5], requires_grad=True)
    signs = torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0])
    each = perceptron(scores, signs)
    assert each.tolist() == [0.0, 3.0, 0.0, 0.0, 0.5]
    each.sum().backward()
    assert scores.grad is not None
    assert scores.grad.tolist() == [0.0, -1.0, -1.0, 1.0, 1.0]  # a score of 0 is a mistake


def test_one_against_rest() -> None:
    assert one_against_rest(torch.tensor([2, 0]), 3).tolist() == [[-1, -1, 1], [1, -1, -1]]
