"""Features of what was seen so far."""

import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.policy_gru import PolicyGRU, PolicyGRUConfig

SEEN = InputSpec(kind="environment", shape=(3,))
ROWS, STEPS = 4, 7


def made() -> PolicyGRU:
    torch.manual_seed(0)
    return PolicyGRU(SEEN, 2, PolicyGRUConfig(hidden=(5,), width=6)).double()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_sequence_at_once_is_its_steps_one_by_one(share: float) -> None:
    """Where an episode begins nothing is remembered, at the first step too."""
    model, random = made(), torch.Generator().manual_seed(1)
    seen = torch.randn(ROWS, STEPS, 3, generator=random).double()
    began = torch.rand(ROWS, STEPS, generator=random) < share
    memory = torch.randn(ROWS, 6, generator=random).double()
    carried, expected = memory, []
    for step in range(STEPS):
        carried = torch.where(began[:, step, None], 0.0, carried)
        features, carried = model.step(seen[:, step], carried)
        expected.append(features)
    torch.testing.assert_close(model.through(seen, memory, began), torch.stack(expected, 1))
    torch.testing.assert_close(model(seen[:, 0]), model.step(seen[:, 0], 0 * memory)[0])


def test_its_step_is_that_of_the_paper_s_cell() -> None:
    model = made()
    cell = torch.nn.GRUCell(5, 6).double()
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in model.gru.state_dict().items()})
    seen, memory = torch.randn(ROWS, 3).double(), torch.randn(ROWS, 6).double()
    torch.testing.assert_close(model.step(seen, memory)[0], cell(model.layers[0](seen).tanh(), memory))


def test_what_has_no_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="--width must be at least 1"):
        PolicyGRUConfig(width=0)
    with pytest.raises(ConfigError, match="--hidden takes at least one layer"):
        PolicyGRUConfig(hidden=())
