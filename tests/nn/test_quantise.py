import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor

from sonde.nn.quantise import Codebook, FiniteScalars


def vectors(rows: int = 300, width: int = 4) -> Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(0)).requires_grad_()


def codebook(codes: int = 8, *, decay: float = 0.0, restart: float = 0.0) -> Codebook:
    torch.manual_seed(1)
    return Codebook(codes, 4, decay=decay, restart=restart)


def test_the_nearest_code_is_chosen() -> None:
    made, given = codebook(), vectors()
    found, chosen = made(given)
    assert torch.equal(chosen, torch.cdist(given, made.codes).argmin(1))
    assert torch.equal(found, made.codes[chosen])


def test_without_decay_an_update_is_a_step_of_k_means() -> None:
    made, given = codebook(), vectors()
    before = made.codes.double().numpy()
    made(given)
    made.update()
    expected, _ = kmeans2(given.detach().double().numpy(), before, iter=1, minit="matrix", missing="raise")
    np.testing.assert_allclose(made.codes.numpy(), expected, atol=1e-5)


def test_averages_are_those_of_the_paper() -> None:
    made, given = codebook(decay=0.9), vectors()
    codes, count, total = made.codes.clone(), made.count.clone(), made.total.clone()
    for _ in range(3):
        chosen = torch.cdist(given.detach(), codes).argmin(1)
        for code in range(8):
            mine = given.detach()[chosen == code]
            count[code] = 0.9 * count[code] + 0.1 * len(mine)
            total[code] = 0.9 * total[code] + 0.1 * mine.sum(0)
        codes = total / count[:, None]
        made(given)
        made.update()
        torch.testing.assert_close(made.codes, codes, atol=1e-5, rtol=1e-5)


def test_pieces_of_a_batch_move_codes_as_the_whole() -> None:
    one, other, given = codebook(decay=0.5), codebook(decay=0.5), vectors()
    one(given)
    one.update()
    for piece in given.split(70):
        other(piece)
    other.update()
    torch.testing.assert_close(one.codes, other.codes)


def test_codes_that_nobody_chooses_start_anew_from_vectors() -> None:
    made, given = codebook(decay=0.99, restart=0.03), vectors()
    with torch.no_grad():
        made.codes[3] = 100.0
    for _ in range(2):
        made(given)
        made.update()
    assert made(given)[1].unique().numel() == 8
    left_alone = codebook(decay=0.99)
    with torch.no_grad():
        left_alone.codes[3] = 100.0
    left_alone(given)
    left_alone.update()
    assert left_alone.codes[3].tolist() == [100.0] * 4


def test_nothing_is_counted_in_evaluations() -> None:
    made, given = codebook(), vectors()
    before = made.codes.clone()
    made.eval()
    made(given)
    made.train()
    with torch.no_grad():
        made(given.detach())
    made.update()
    assert torch.equal(made.codes, before)
    made(given)
    made.forget()
    made.update()
    assert torch.equal(made.codes, before)


def test_a_grid_of_levels_has_all_its_points_and_no_others() -> None:
    made = FiniteScalars((3, 2, 4))
    given = 4 * torch.randn(5000, 3, generator=torch.Generator().manual_seed(0))
    found, number = made(given)
    assert sorted(number.unique().tolist()) == list(range(24)) == list(range(made.size))
    assert [len(found[:, place].unique()) for place in range(3)] == [3, 2, 4]
    assert found.abs().max() <= 1
    same = number == number[0]
    torch.testing.assert_close(found[same], found[:1].expand(int(same.sum()), -1))


def test_rounding_lets_the_gradient_of_the_bounded_numbers_through() -> None:
    made, given = FiniteScalars((5,)), torch.linspace(-2, 2, 9)[:, None].requires_grad_()
    made(given)[0].sum().backward()
    half = 2 * 1.001
    torch.testing.assert_close(given.grad, half / 2 * (1 - given.detach().tanh().square()))


def test_what_is_near_a_code_becomes_it() -> None:
    grid, given = FiniteScalars((3, 2, 4)), torch.randn(5000, 3, generator=torch.Generator().manual_seed(0))
    points = grid(4 * given)[0]
    torch.testing.assert_close(grid.nearest_codes(points), points)
    near = grid.nearest_codes(points + 0.1 * given.clamp(-1, 1))
    torch.testing.assert_close(near, points)
    assert {tuple(row) for row in grid.nearest_codes(9 * given).tolist()} <= {tuple(row) for row in points.tolist()}
    made = codebook()
    made.eval()
    torch.testing.assert_close(made.nearest_codes(made.codes + 1e-4), made.codes)
