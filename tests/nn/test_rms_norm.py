import torch

from sonde.nn.rms_norm import RMSNorm


def test_what_comes_out_has_mean_square_one() -> None:
    norm, input = RMSNorm(64), 5 * torch.randn(10, 64)
    torch.testing.assert_close(norm(input).square().mean(-1), torch.ones(10))
    torch.testing.assert_close(norm(input), torch.nn.RMSNorm(64, eps=1e-6)(input))


def test_bfloat16_stays_so_and_comes_near_float32() -> None:
    """Warnings are errors here, so this also says that torch does not complain."""
    norm, input = RMSNorm(64), torch.randn(10, 64)
    norm.weight.data.uniform_(0.5, 2)
    with torch.autocast("cpu", torch.bfloat16):
        found = norm(input.bfloat16())
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), norm(input), atol=0.05, rtol=0.02)
