from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sonde.engine.update import load_optimizer
from sonde.optim.muon import Muon, Scaling, orthogonalised, scale

SHAPES = [(8, 16), (16, 8), (8, 16), (5, 5), (1, 7)]


def parameters(shapes: list[Any], seed: int = 0) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


def give_gradients(listed: list[nn.Parameter], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in listed:
        gradient = torch.randn(parameter.shape, generator=generator)
        parameter.grad = torch.empty_like(parameter).copy_(gradient)


@pytest.mark.parametrize(("scaling", "theirs"), [("rms", "match_rms_adamw"), ("spectral", "original")])
def test_matrices_move_as_torchs_muon_moves_them(scaling: Scaling, theirs: str) -> None:
    ours, reference = parameters(SHAPES), parameters(SHAPES)
    settings: dict[str, Any] = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1}
    one = Muon([{"params": ours}], scaling=scaling, **settings)
    other = torch.optim.Muon(reference, adjust_lr_fn=theirs, **settings)
    for step in range(4):
        give_gradients(ours, step)
        give_gradients(reference, step)
        one.step()
        other.step()
    for mine, its in zip(ours, reference, strict=True):
        torch.testing.assert_close(mine, its, rtol=0, atol=1e-3 * 0.02)


def test_convolutions_move_as_their_flattened_matrices() -> None:
    weights = parameters([(8, 3, 3, 3), (16, 8, 1, 1)])
    flat = [nn.Parameter(weight.detach().flatten(1)) for weight in weights]
    one, other = (
        Muon([{"params": weights}], lr=0.1),
        torch.optim.Muon(flat, lr=0.1, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"),
    )
    give_gradients(weights, 1)
    for weight, matrix in zip(weights, flat, strict=True):
        assert weight.grad is not None
        matrix.grad = weight.grad.flatten(1)
    one.step()
    other.step()
    for weight, matrix in zip(weights, flat, strict=True):
        torch.testing.assert_close(weight.flatten(1), matrix, rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(3, 40, 20), (1, 20, 40), (2, 30, 30)])
def test_orthogonalised_keeps_singular_vectors_and_brings_values_near_one(
    shape: tuple[int, int, int], dtype: torch.dtype
) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    found = orthogonalised(matrices, dtype=dtype).double()
    left, values, right = torch.linalg.svd(matrices.double(), full_matrices=False)
    seen = left.mT @ found @ right.mT  # diagonal if the singular vectors are the same
    kept = values > 0.05 * values.amax(1, keepdim=True)  # smaller values need more iterations
    assert ((seen.diagonal(dim1=1, dim2=2) > 0.6) & (seen.diagonal(dim1=1, dim2=2) < 1.3))[kept].all()
    off = seen - torch.diag_embed(seen.diagonal(dim1=1, dim2=2))
    assert off.abs().max() < (1e-4 if dtype == torch.float32 else 0.1)


def test_a_zero_gradient_gives_no_direction() -> None:
    assert torch.equal(orthogonalised(torch.zeros(1, 4, 3)), torch.zeros(1, 4, 3, dtype=torch.bfloat16))


def test_rms_scaling_gives_an_update_the_size_of_adamws() -> None:
    direction = orthogonalised(torch.randn(1, 64, 32, generator=torch.Generator().manual_seed(0)), dtype=torch.float32)
    size = scale(64, 32, "rms") * direction.square().mean().sqrt()
    assert 0.15 < size < 0.25  # AdamW's updates measure 0.2 to 0.4 of the rate: Liu et al. 2025, section 2.2


def test_the_rest_moves_as_adamw_moves_it() -> None:
    ours, reference = parameters([(4,), (3, 4)]), parameters([(4,), (3, 4)])
    settings: dict[str, Any] = {"lr": 0.01, "weight_decay": 0.1, "betas": (0.8, 0.95), "eps": 1e-7}
    one, other = (
        Muon([{"params": ours, "rule": "adamw"}], **settings),
        torch.optim.AdamW(reference, fused=True, **settings),
    )
    for step in range(3):
        give_gradients(ours, step)
        give_gradients(reference, step)
        one.step()
        other.step()
    assert all(torch.equal(mine, its) for mine, its in zip(ours, reference, strict=True))


def test_saved_state_goes_on_exactly_also_in_channels_last() -> None:
    def make() -> tuple[list[nn.Parameter], Muon]:
        listed = parameters([(8, 4, 3, 3), (6, 5), (5,)])
        listed[0].data = listed[0].data.to(memory_format=torch.channels_last)
        return listed, Muon(
            [{"params": listed[:2]}, {"params": listed[2:], "rule": "adamw"}], lr=0.01, weight_decay=0.1
        )

    (whole, one), (half, other) = make(), make()
    for step in range(3):
        give_gradients(whole, step)
        give_gradients(half, step)
        one.step()
        other.step()
    again, third = make()
    with torch.no_grad():
        for fresh, old in zip(again, half, strict=True):
            fresh.copy_(old)
    saved = other.state_dict()
    flat = {
        n: {k: v.clone(memory_format=torch.contiguous_format) for k, v in s.items()} for n, s in saved["state"].items()
    }
    load_optimizer(third, {**saved, "state": flat})
    for step in range(3, 5):
        give_gradients(whole, step)
        give_gradients(again, step)
        one.step()
        third.step()
    assert all(torch.equal(mine, its) for mine, its in zip(whole, again, strict=True))


def test_parameters_without_a_gradient_stay() -> None:
    listed = parameters([(4, 4), (4, 4)])
    optimizer = Muon([{"params": listed}], lr=0.1)
    before = [p.detach().clone() for p in listed]
    listed[0].grad = torch.ones(4, 4)
    optimizer.step()
    assert not torch.equal(before[0], listed[0])
    assert torch.equal(before[1], listed[1])


def test_muon_minimises_faster_than_it_started() -> None:
    torch.manual_seed(0)
    goal: Tensor = torch.randn(8, 8)
    weight = nn.Parameter(torch.zeros(8, 8))
    optimizer = Muon([{"params": [weight]}], lr=0.05, momentum=0.9)
    for _ in range(200):
        optimizer.zero_grad()
        (weight - goal).square().mean().backward()
        optimizer.step()
    assert (weight - goal).square().mean() < 0.01 * goal.square().mean()
