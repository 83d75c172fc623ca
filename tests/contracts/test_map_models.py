"""One battery over every model that answers for each pixel; tables and listings are in test_models.py."""

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.build import build
from sonde.models.table import MODELS
from sonde.optim.ema import EMA

OUT_DIM, SIDE = 3, 48
# of each family its smallest network, as in test_models.py
RUN = list({entry.family: name for name, entry in reversed(MODELS.own.items()) if entry.answers == "map"}.values())


def built(name: str, *, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(name, InputSpec(kind="image", shape=(3, SIDE, SIDE)), OUT_DIM)


def rows(count: int = 2) -> Tensor:
    return torch.randn(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", RUN)
def test_answers_finite_logits_for_every_pixel_of_every_row_alone(name: str) -> None:
    model, input = built(name).eval(), rows()
    with torch.no_grad():
        together = model(input)
        alone = torch.cat([model(row[None]) for row in input])
        odd = model(input[:, :, : SIDE - 5, : SIDE - 11])
    assert together.shape == (len(input), OUT_DIM, SIDE, SIDE)
    assert odd.shape == (len(input), OUT_DIM, SIDE - 5, SIDE - 11)
    assert together.isfinite().all()
    assert torch.allclose(together, alone, atol=1e-4)
    assert together.flatten(2).std(2).min() > 1e-5  # the answer depends on the place


@pytest.mark.parametrize("name", RUN)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    model = built(name).train()
    target = torch.randint(OUT_DIM, (2, SIDE, SIDE), generator=torch.Generator().manual_seed(0))
    F.cross_entropy(model(rows()), target).backward()
    silent = [
        n for n, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all() or not p.grad.any()
    ]
    assert silent == []


@pytest.mark.parametrize("name", RUN)
def test_the_seed_alone_decides_the_weights_and_they_carry_over(name: str) -> None:
    model, again, other = built(name), built(name), built(name, seed=1)
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in model.state_dict().items())
    model.train()(rows())  # moves running statistics too
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        assert torch.equal(model.eval()(rows()), other.eval()(rows()))


@pytest.mark.parametrize("name", RUN)
def test_averages_of_weights_at_rest_give_the_same_answer(name: str) -> None:
    model = built(name).eval()
    average = EMA(model, 0.9)
    for _ in range(3):
        average.update()
    with torch.no_grad():
        plain = model(rows())
        with average.applied():
            torch.testing.assert_close(model(rows()), plain, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", RUN)
def test_copies_memory_format_and_export_give_the_same_answer(name: str) -> None:
    model, input = built(name).eval(), rows()
    with torch.no_grad():
        plain = model(input)
        for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
            assert torch.equal(twin(input), plain)
        program = torch.export.export(model, (input,), strict=False).module()
        assert torch.allclose(program(input), plain, atol=1e-4)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        assert torch.allclose(model(input.contiguous(memory_format=torch.channels_last)), plain, atol=1e-3)
