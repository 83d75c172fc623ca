from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sample_tasks import stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.modalities.molecule.codes import BONDS, FEATURES, STEREO, SYMBOLS
from sonde.modalities.molecule.graphs import graph_of, rows_of
from sonde.models.graph_network import GraphNetwork, GraphNetworkConfig, MessagePassing
from sonde.tasks.classification.config import ClassificationConfig
from sonde.tasks.classification.task import Classification
from sonde.tasks.regression.config import RegressionConfig
from sonde.tasks.regression.task import Regression

SMILES = ("CCO", "c1ccccc1O", "CC(=O)[O-].[Na+]", "C#N", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C")
SPEC = InputSpec(kind="molecule", shape=(20, len(FEATURES)), symbols=SYMBOLS)


def fed(smiles: tuple[str, ...] = SMILES) -> tuple[Tensor, Tensor]:
    """(input, bonds) as a batch has them."""
    graphs = [graph for text in smiles if (graph := graph_of(text)) is not None]
    found = rows_of(graphs, smiles, smiles).read(np.arange(len(graphs)))
    return torch.from_numpy(found["input"]), torch.from_numpy(found["bonds"])


def network(out_dim: int = 3, **settings: Any) -> GraphNetwork:
    torch.manual_seed(0)
    return GraphNetwork(SPEC, out_dim, GraphNetworkConfig(**{"width": 32, "layers": 3, **settings})).eval()


def test_the_order_of_atoms_changes_nothing() -> None:
    model, (input, bonds) = network(), fed(SMILES[-1:])
    order = torch.randperm(input.shape[1], generator=torch.Generator().manual_seed(1))
    assert not torch.equal(input, input[:, order])
    with torch.no_grad():
        torch.testing.assert_close(model(input, bonds), model(input[:, order], bonds[:, order][:, :, order]))


def test_padding_and_the_other_rows_of_a_batch_change_nothing() -> None:
    model, (input, bonds) = network(), fed()
    with torch.no_grad():
        together = model(input, bonds)
        for place, text in enumerate(SMILES):
            torch.testing.assert_close(model(*fed((text,)))[0], together[place])
        wider = model(F.pad(input, (0, 0, 0, 7)), F.pad(bonds, (0, 7, 0, 7)))
    torch.testing.assert_close(wider, together)


def test_what_binds_atoms_matters_and_how_far_it_is_heard() -> None:
    input, bonds = fed(("CCCCCCCC",))
    changed = bonds.clone()
    changed[0, 0, 1] = changed[0, 1, 0] = BONDS.index("double") + 1

    def last_atom(rounds: int, bonds: Tensor) -> Tensor:
        model = network(layers=rounds)
        heard: list[Tensor] = []
        model.norm.register_forward_hook(lambda _, given, __: heard.append(given[0][0, -1]))
        for one in model.rounds:  # without the molecule's own state, through which all atoms hear of all
            assert isinstance(one, MessagePassing)
            nn.init.zeros_(one.whole_mlp[2].weight)  # type: ignore[arg-type]
            nn.init.zeros_(one.whole_mlp[2].bias)  # type: ignore[arg-type]
        with torch.no_grad():
            model(input, bonds)
        return heard[0]

    assert torch.equal(last_atom(6, bonds), last_atom(6, changed))  # six bonds lie between it and the changed one
    assert not torch.equal(last_atom(7, bonds), last_atom(7, changed))
    with torch.no_grad():
        assert not torch.allclose(network()(input, bonds), network()(input, changed))


def test_trans_and_cis_are_different_molecules_where_the_data_have_both() -> None:
    both = [graph for text in ("OC(=O)/C=C/C(=O)O", "OC(=O)/C=C\\C(=O)O") if (graph := graph_of(text)) is not None]
    rows = rows_of(both, ["E", "Z"], ["E", "Z"], extra=STEREO).read(np.arange(2))
    torch.manual_seed(0)
    model = GraphNetwork(replace(SPEC, extra=STEREO), 1, GraphNetworkConfig(width=32, layers=3)).eval()
    with torch.no_grad():
        trans, cis = model(torch.from_numpy(rows["input"]), torch.from_numpy(rows["bonds"]))
    assert abs(float(trans - cis)) > 1e-4


def test_a_round_adds_up_the_messages_of_all_neighbours() -> None:
    torch.manual_seed(0)
    one = MessagePassing(8, 0.0, len(BONDS)).eval()
    _, bonds = fed(("CC(=O)N",))
    atoms, whole = torch.randn(1, 4, 8), torch.randn(1, 8)
    kinds = torch.arange(1, len(BONDS) + 1)
    bound = (bonds[:, :, None] == kinds[:, None]).flatten(2).float()
    with torch.no_grad():
        found, after = one(atoms, whole, bound, torch.full((1, 4, 1), 0.25))
        state = one.norm(atoms + whole[:, None])[0]
        for place in range(4):
            messages = torch.zeros(8)
            for other in range(4):
                if kind := int(bonds[0, place, other]):
                    messages += F.relu(state[other] + one.kinds[kind - 1])
            expected = atoms[0, place] + one.mlp(torch.cat([state[place], messages]))
            torch.testing.assert_close(found[0, place], expected)
        torch.testing.assert_close(after, whole + one.whole_mlp(one.whole_norm(whole + found.mean(1))))


def test_five_molecules_are_learnt_by_heart() -> None:
    input, bonds = fed()
    target = torch.tensor([[-1.5], [0.7], [0.1], [1.4], [-0.7]])
    task = Regression(network(1), TargetSpec(kind="value", names=("v",), mean=(0.0,), std=(1.0,)), RegressionConfig())
    batch = Batch({"input": input, "bonds": bonds, "target": target}, torch.arange(5))
    run = stepper(task, lr=5e-3)
    losses = [run(batch, step=step, epoch=0).number("model/loss") for step in range(1, 61)]
    assert losses[0] > 0.5
    assert losses[-1] < 0.01


def test_a_label_that_is_missing_teaches_nothing() -> None:
    input, bonds = fed()
    target, mask = torch.zeros(5, 3), torch.ones(5, 3)
    mask[:, 1] = 0
    task = Classification(
        network(), TargetSpec(kind="labels", names=("a", "b", "c"), masked=True), ClassificationConfig()
    )

    def gradient(target: Tensor) -> Tensor:
        batch = Batch({"input": input, "bonds": bonds, "target": target, "mask": mask}, torch.arange(5))
        head = task.modules["model"].get_submodule("head").get_parameter("weight")
        return torch.autograd.grad(task.loss(batch).value, head)[0]

    found = gradient(target)
    assert torch.equal(found, gradient(target.index_fill(1, torch.tensor([1]), 1.0)))
    assert not found[1].any()
    assert found[[0, 2]].any()
    assert not torch.equal(found, gradient(target.index_fill(1, torch.tensor([0]), 1.0)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "--width must be at least 1, got 0"),
        ({"layers": 0}, "--layers must be at least 1, got 0"),
        ({"dropout": 1.0}, "--dropout must be at least 0 and below 1, got 1"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        GraphNetworkConfig(**settings)
