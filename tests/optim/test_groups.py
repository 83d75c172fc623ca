import pytest
import torch
from torch import nn

from sonde.core.config import OptimConfig
from sonde.core.dataset import Column, InputSpec
from sonde.models.build import build, default_input
from sonde.models.table import MODELS
from sonde.models.tabular import Tabular, TabularConfig
from sonde.models.vit import ViTConfig, vit_tiny_16
from sonde.optim.build import groups_of
from sonde.optim.groups import grouped, tables_in

# of each family its smallest network; the others have the same layers, more of them
SMALLEST = {entry.family: name for name, entry in reversed(MODELS.own.items())}.values()


class Language(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.hidden = nn.Linear(4, 4)
        self.norm = nn.LayerNorm([3, 4])
        self.head = nn.Linear(4, 10)


def names(listed: list[tuple[str, nn.Parameter]]) -> list[str]:
    return [name for name, _ in listed]


def test_only_matrices_and_convolutions_decay() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    split = grouped(network.named_parameters())
    assert names(split.decayed) == ["0.weight", "3.weight"]
    assert names(split.plain) == ["0.bias", "1.weight", "1.bias", "3.bias"]
    assert split.matrices == []


def test_embeddings_and_norms_do_not_decay_whatever_their_shape() -> None:
    split = grouped(Language().named_parameters())
    assert names(split.decayed) == ["hidden.weight", "head.weight"]
    assert {"embedding.weight", "norm.weight", "norm.bias"} <= set(names(split.plain))


def test_an_ensembles_scales_and_biases_do_not_decay() -> None:
    column = Column(name="a", kind="number", source="a", quantiles=(-1.0, 0.0, 1.0))
    spec = InputSpec(kind="table", shape=(1,), columns=(column,))
    split = grouped(Tabular(spec, 2, TabularConfig(members=2, width=4, layers=2)).named_parameters())
    assert names(split.decayed) == ["layers.0.weight", "layers.1.weight", "head.weight"]


def test_muon_leaves_the_output_layer_and_all_that_is_no_matrix() -> None:
    split = grouped(Language().named_parameters(), muon=True)
    assert names(split.matrices) == ["hidden.weight"]
    assert names(split.decayed) == ["head.weight"]
    assert "embedding.weight" in names(split.plain)


def test_a_transformers_tokens_do_not_decay_and_its_patch_convolution_does() -> None:
    torch.manual_seed(0)
    model = vit_tiny_16(InputSpec(kind="image", shape=(3, 32, 32)), 10, ViTConfig(registers=2))
    split = grouped(model.named_parameters(), muon=True)
    assert {"cls_token", "reg_token", "pos_embed"} <= set(names(split.plain))
    assert "patch_embed.proj.weight" in names(split.matrices)
    assert names(split.decayed) == ["head.weight"]
    assert len(split.matrices) == 1 + 12 * 4


def test_muon_takes_the_only_matrix_there_is() -> None:
    assert names(grouped(nn.Linear(2, 3).named_parameters(), muon=True).matrices) == ["weight"]


class Translator(nn.Module):
    """With an embedding of a name of its own, one whose matrix is also the output layer, and a table of positions."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.target = nn.Embedding(10, 4), nn.Embedding(9, 4)
        self.positions = nn.Parameter(torch.zeros(7, 4))
        self.hidden, self.head = nn.Linear(4, 4), nn.Linear(4, 9)
        self.head.weight = self.target.weight


def test_embeddings_are_told_by_their_kind_and_tied_layers_with_them() -> None:
    network = Translator()
    tables = tables_in(network)
    for muon in (False, True):
        split = grouped(network.named_parameters(), muon=muon, tables=tables)
        assert names([*split.matrices, *split.decayed]) == ["hidden.weight"]
        assert {"words.weight", "target.weight", "positions"} <= set(names(split.plain))


@pytest.mark.parametrize("name", [n if n in SMALLEST else pytest.param(n, marks=pytest.mark.slow) for n in MODELS])
def test_no_network_of_the_catalogue_decays_or_orthogonalises_an_embedding(name: str) -> None:
    with torch.device("meta"):
        network = build(name, default_input(name), MODELS[name].symbols or 10)
    looked_up = {
        id(p)
        for m in network.modules()
        if isinstance(m, nn.Embedding | nn.EmbeddingBag)
        for p in m.parameters(recurse=False)
    }
    for muon in (False, True):
        split = grouped(network.named_parameters(), muon=muon, tables=tables_in(network))
        moved = [*split.matrices, *split.decayed]
        assert not [n for n, p in moved if id(p) in looked_up or "position" in n or "token" in n]
        assert all(p.ndim > 1 for _, p in moved)
        assert len(moved) + len(split.plain) == len(list(network.parameters()))


def test_without_decay_parameters_keep_their_places_in_checkpoints() -> None:
    network, config = Translator(), OptimConfig(optimizer="adam")
    listed = list(network.named_parameters())
    with_tables, without = (
        [id(p) for group in groups_of(config, listed, lr=1.0, tables=tables) for p in group["params"]]
        for tables in (tables_in(network), ())
    )
    assert with_tables == without
