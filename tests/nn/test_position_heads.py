"""Somebody's own network for positions: heads on its features, its own answers, and what is refused."""

import pytest
import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build
from sonde.nn.position_heads import answering, answers_itself

BOARD = InputSpec(kind="environment", shape=(2, 3, 3))


class Two(nn.Module):
    """Answers of two layers."""

    def __init__(self, moves: int, ends: int) -> None:
        super().__init__()
        self.moves, self.ends = nn.Linear(18, moves), nn.Linear(18, ends)

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        return self.moves(seen.flatten(1)), self.ends(seen.flatten(1))


def test_heads_read_the_features_of_a_body() -> None:
    body = nn.Sequential(nn.Flatten(), nn.Linear(18, 12), nn.Tanh())  # as many features as answers: still features
    network, seen = answering(body, BOARD, 9), torch.randn(4, 2, 3, 3)
    found = network(seen)
    assert found.shape == (4, 12)
    assert not torch.equal(found, body(seen))
    found[:, 9:].sum().backward()
    assert body[1].weight.grad is not None


def test_a_tuple_of_both_answers_is_taken_as_it_is() -> None:
    own, seen = Two(9, 3), torch.randn(4, 2, 3, 3)
    assert answers_itself(own, BOARD, 9)
    assert torch.equal(answering(own, BOARD, 9)(seen), torch.cat(own(seen), 1))


def test_ours_stays_as_it_is() -> None:
    ours = build("policy-value-mlp", BOARD, 9)
    assert answering(ours, BOARD, 9) is ours


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            Two(9, 1),
            r"Two gave a tuple of tensors \(2, 9\), \(2, 1\) for positions of shape .* a loss \(n, 3\): the value is",
        ),
        (Two(8, 3), r"\(2, 8\), \(2, 3\) .* logits of moves \(n, 9\)"),
        (nn.Linear(3, 4), r"Linear gave a tensor \(2, 2, 3, 4\) for observations .* one tensor \(n, features\)"),
        (nn.Conv2d(3, 4, 3), r"Conv2d failed on observations of shape \(2, 2, 3, 3\): RuntimeError: [^\n]*$"),
    ],
)
def test_what_gives_neither_is_refused_in_a_line(body: nn.Module, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        answering(body, BOARD, 9)
