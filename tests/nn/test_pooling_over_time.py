import torch

from sonde.nn.pooling_over_time import max_over_time, mean_over_time


def test_each_row_counts_its_own_places_alone() -> None:
    drawn = torch.Generator().manual_seed(0)
    values = torch.randn(4, 6, 3, generator=drawn, dtype=torch.float64)
    inside = torch.rand(4, 6, generator=drawn) < 0.5
    inside[:, 0] = True
    for pooled, slow in ((mean_over_time, torch.mean), (max_over_time, torch.amax)):
        found = pooled(values, inside)
        for row in range(4):
            torch.testing.assert_close(found[row], slow(values[row][inside[row]], 0), rtol=0, atol=1e-15)


def test_what_is_outside_gets_no_gradient() -> None:
    values = torch.randn(2, 5, 3, requires_grad=True)
    inside = torch.tensor([[True, True, False, False, False], [True, False, True, True, False]])
    for pooled in (mean_over_time, max_over_time):
        (gradient,) = torch.autograd.grad(pooled(values, inside).sum(), values)
        assert not gradient[~inside].any()
        torch.testing.assert_close(gradient.sum(1), torch.ones(2, 3))
