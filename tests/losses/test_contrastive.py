import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.losses.contrastive import nt_xent


def drawn(rows: int, width: int = 6) -> tuple[Tensor, Tensor]:
    first, second = torch.randn(2, rows, width, dtype=torch.float64, generator=torch.Generator().manual_seed(rows))
    return first, second


def slowly(first: Tensor, second: Tensor, temperature: float) -> list[float]:
    """Equation 1 of the paper, written out pair by pair."""
    views = [*first, *second]
    rows = len(first)

    def similar(i: int, k: int) -> float:
        return math.exp(float(F.cosine_similarity(views[i], views[k], dim=0)) / temperature)

    def one(i: int, j: int) -> float:
        return -math.log(similar(i, j) / sum(similar(i, k) for k in range(2 * rows) if k != i))

    return [(one(n, n + rows) + one(n + rows, n)) / 2 for n in range(rows)]


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_it_is_the_papers_equation(rows: int, temperature: float) -> None:
    first, second = drawn(rows)
    found = nt_xent(first, second, temperature=temperature)
    assert found.tolist() == pytest.approx(slowly(first, second, temperature), abs=1e-12)


def test_views_that_are_all_alike_cannot_be_told_apart() -> None:
    same = torch.ones(5, 3)
    torch.testing.assert_close(nt_xent(same, same, temperature=0.5), torch.full((5,), math.log(9)))


def test_orthogonal_rows_have_a_closed_form() -> None:
    rows, temperature = 4, 0.25
    views = torch.eye(rows)
    expected = math.log(1 + (2 * rows - 2) * math.exp(-1 / temperature))
    torch.testing.assert_close(nt_xent(views, 3 * views, temperature=temperature), torch.full((rows,), expected))


def test_gradients_are_those_of_differences() -> None:
    first, second = (part.requires_grad_() for part in drawn(3, 2))
    assert torch.autograd.gradcheck(lambda a, b: nt_xent(a, b, temperature=0.5), (first, second))


def test_similarities_keep_their_digits_under_autocast() -> None:
    first, second = (part.float() for part in drawn(16, 32))
    expected = nt_xent(first, second, temperature=0.1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(nt_xent(first, second, temperature=0.1), expected)
