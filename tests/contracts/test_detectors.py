"""One battery over every model of the catalogue that answers with boxes."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec, TargetSpec
from sonde.models.build import build
from sonde.models.table import MODELS
from sonde.nn.points import point_grid
from sonde.optim.ema import EMA
from sonde.tasks.table import build as build_task

CLASSES = 3
DETECTORS = [name for name, entry in MODELS.items() if entry.answers == "boxes"]
# of each family its smallest network; the others are the same code in other sizes, seconds each
RUN = list({MODELS[name].family: name for name in reversed(DETECTORS)}.values())
SPEC = InputSpec(kind="image", shape=(3, 64, 64), mean=(0.5,) * 3, std=(0.25,) * 3)


def built(name: str, *, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(name, SPEC, CLASSES)


def rows(count: int = 3) -> Tensor:
    return torch.randn(count, *SPEC.shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", RUN)
def test_answers_finite_boxes_and_logits_for_every_row_alone(name: str):
    model, input = built(name).eval(), rows()
    with torch.no_grad():
        together = model(input)
        alone = torch.cat([model(row[None]) for row in input])
    assert together.shape == (len(input), len(point_grid(64, 64, model.strides)), 4 + CLASSES)  # type: ignore[arg-type]
    assert together.isfinite().all()
    assert torch.allclose(together, alone, atol=1e-3)
    assert together.std(0).max() > 1e-4  # it looks at its input


@pytest.mark.parametrize("name", RUN)
def test_every_parameter_gets_a_gradient(name: str):
    model = built(name).train()
    model(rows()).square().mean().backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert silent == []
    assert [n for n, p in model.named_parameters() if p.grad is not None and not p.grad.any()] == []


@pytest.mark.parametrize("name", RUN)
def test_the_seed_alone_decides_the_weights_which_carry_over(name: str):
    first, again, other = built(name), built(name), built(name, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    first.train()(rows())  # moves running statistics too
    other.load_state_dict(first.state_dict())
    with torch.no_grad():
        assert torch.equal(first.eval()(rows()), other.eval()(rows()))


@pytest.mark.parametrize("name", RUN)
def test_averages_of_weights_at_rest_give_the_same_answer(name: str):
    model = built(name).eval()
    average = EMA(model, 0.9)
    for _ in range(3):
        average.update()
    with torch.no_grad():
        plain = model(rows())
        with average.applied():
            torch.testing.assert_close(model(rows()), plain, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", RUN)
def test_survives_pickling_and_another_memory_format(name: str):
    model, input = built(name).eval(), rows()
    with torch.no_grad():
        expected = model(input)
        for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
            assert torch.equal(twin(input), expected)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        found = model(input.contiguous(memory_format=torch.channels_last))
    assert torch.allclose(found, expected, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_exported_program_gives_the_same_answer(name: str):
    model, input = built(name).eval(), rows()
    program = torch.export.export(model, (input,), strict=False).module()
    assert torch.allclose(program(input), model(input), atol=1e-4)


@pytest.mark.parametrize("name", DETECTORS)
def test_is_what_the_task_takes(name: str):
    with torch.device("meta"):
        task = build_task("detection", build(name, SPEC, CLASSES), TargetSpec(kind="boxes", names=("a", "b", "c")))
    assert task.objective is not None
    assert task.objective.metric == "map"
