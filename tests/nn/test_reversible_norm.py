import torch

from sonde.nn.reversible_norm import ReversibleNorm


def test_each_window_has_mean_zero_and_deviation_one() -> None:
    window = torch.randn(4, 50, 3, dtype=torch.float64) * 7 + 100
    normed, (mean, std) = ReversibleNorm()(window)
    torch.testing.assert_close(normed.mean(1), torch.zeros(4, 3, dtype=torch.float64))
    torch.testing.assert_close(normed.std(1, unbiased=False), torch.ones(4, 3, dtype=torch.float64), atol=1e-4, rtol=0)
    torch.testing.assert_close(mean, window.mean(1, keepdim=True))
    assert std.shape == (4, 1, 3)


def test_restoring_gives_back_what_was_taken_off() -> None:
    window = torch.randn(4, 50, 3, dtype=torch.float64) * 7 + 100
    normed, scale = ReversibleNorm()(window)
    torch.testing.assert_close(ReversibleNorm().restore(normed, scale), window, rtol=1e-12, atol=1e-12)


def test_a_constant_window_stays_finite() -> None:
    window = torch.full((1, 5, 1), 3.0)
    normed, scale = ReversibleNorm()(window)
    assert not normed.any()
    torch.testing.assert_close(ReversibleNorm().restore(normed, scale), window)


def test_each_variable_is_forecast_by_itself_on_its_own_scale() -> None:
    window = torch.randn(4, 50, 3, dtype=torch.float64) * 7 + 100
    norm = ReversibleNorm()
    last = norm.each_variable(window, lambda past: past[:, -6:])
    torch.testing.assert_close(last, window[:, -6:], rtol=1e-12, atol=1e-12)
    assert (
        norm.each_variable(window, lambda past: torch.zeros(len(past), 2).double())[1, 0, 2] == window[1, :, 2].mean()
    )
