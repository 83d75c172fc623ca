"""One battery over every model that says the steps of a series that follow."""

import copy
import pickle

import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.models.build import build
from sonde.models.sample import sample
from sonde.models.table import MODELS

NAMES = [name for name, entry in MODELS.items() if entry.answers == "horizon"]
LOOK_BACK, HORIZON, VARIABLES = 48, 6, 3
SPEC = InputSpec(kind="series", shape=(LOOK_BACK, VARIABLES))


def built(name: str, *, seed: int = 0, spec: InputSpec = SPEC) -> nn.Module:
    torch.manual_seed(seed)
    model = build(name, spec, HORIZON)
    for module in model.modules():  # statistics of one batch, so that evaluation is not of untouched ones
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = None
    with torch.no_grad():
        model.train()(*sample(name, spec, rows=32))
    return model.eval()


@pytest.mark.parametrize("name", NAMES)
def test_answers_the_horizon_of_every_window_alone(name: str) -> None:
    model, (input, lengths) = built(name), sample(name, SPEC, rows=5)
    with torch.no_grad():
        together = model(input, lengths)
        alone = torch.cat([model(row[None], length[None]) for row, length in zip(input, lengths, strict=True)])
    assert together.shape == (5, HORIZON, VARIABLES)
    assert together.isfinite().all()
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)
    assert together.std(0).min() > 1e-3, "answers depend on the window"


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    model = built(name).train()
    model(*sample(name, SPEC, rows=8)).square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("name", NAMES)
def test_answers_only_what_is_forecast(name: str) -> None:
    spec = InputSpec(kind="series", shape=(LOOK_BACK, VARIABLES), forecast=2)
    assert built(name, spec=spec)(*sample(name, spec, rows=4)).shape == (4, HORIZON, 2)


@pytest.mark.parametrize("name", NAMES)
def test_learns_a_sine(name: str) -> None:
    model = built(name).train()
    phase = torch.rand(64, 1, VARIABLES, generator=torch.Generator().manual_seed(0)) * 6.28
    series = torch.sin(phase + 0.4 * torch.arange(LOOK_BACK + HORIZON).view(1, -1, 1))
    past, future = series[:, :LOOK_BACK], series[:, LOOK_BACK:]
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loss = torch.tensor(torch.inf)
    for _ in range(80):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(past, None), future)
        if loss.item() < 0.1:  # repeating the last value leaves 0.9 or more
            return
        loss.backward()
        optimizer.step()
    pytest.fail(f"a squared error of {loss.item():.2f} after 80 steps")


@pytest.mark.parametrize("name", NAMES)
def test_weights_carry_over_and_copies_agree(name: str) -> None:
    model, other, given = built(name), built(name, seed=1), sample(name, SPEC, rows=3)
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        for twin in (other, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
            assert torch.equal(twin(*given), model(*given))


# torch's own recurrent layers keep their weights in a list too, which export notices
@pytest.mark.filterwarnings("ignore:The tensor attributes self.recurrent")
@pytest.mark.parametrize("name", NAMES)
def test_exported_program_gives_the_same_answer(name: str) -> None:
    model, given = built(name), sample(name, SPEC, rows=3)
    program = torch.export.export(model, given, strict=False).module()
    torch.testing.assert_close(program(*given), model(*given), atol=1e-5, rtol=1e-5)
