import torch
from torch import nn

from sonde.core.dataset import Column, InputSpec
from sonde.models.tabular import Tabular, TabularConfig
from sonde.models.vit import ViTConfig, vit_tiny_16
from sonde.optim.groups import grouped


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
