"""Facts about networks by a few rows: each fault is said, and what healthy networks do is not."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sonde.core.batch import Batch
from sonde.diagnose.structure import (
    acts_linearly,
    draws,
    frozen_as_drawn,
    padding_drowns,
    rows_mixed,
    rows_numbered,
    sees_ahead,
    units_alike,
    unregistered,
)
from sonde.run.answering import answer
from sonde.tasks.custom.task import ModuleTask

CPU = torch.device("cpu")
WORDS, LENGTH = 30, 8


def batch_of(kind: str, rows: int = 8) -> Batch:
    torch.manual_seed(1)
    if kind == "tokens":
        text = torch.randint(1, WORDS, (rows, LENGTH + 1))
        fields = {"input": text[:, :-1].clone(), "target": text[:, 1:].clone()}
    elif kind == "words":
        text = torch.randint(1, WORDS, (rows, LENGTH))
        text[:, 5:] = 0
        fields = {"input": text, "target": torch.randint(0, 3, (rows,))}
    else:
        shape = {"table": (6,), "picture": (1, 12, 12), "series": (10, 6)}[kind]
        fields = {"input": torch.randn(rows, *shape), "target": torch.randint(0, 3, (rows,))}
    return Batch(fields, torch.arange(rows))


def found(net: nn.Module, kind: str = "table") -> set[str]:
    """All that is said of a network, as a run asks."""
    task, batch = ModuleTask(net, F.cross_entropy), batch_of(kind)
    task.bind(batch)
    ask = partial(answer, task, CPU)
    if draws(ask, batch):
        return {each.name for each in units_alike(task)}
    said = units_alike(task, ask, rows_numbered(batch, range(4))) + acts_linearly(task, ask, batch, ["input"])
    mixed = [] if unregistered(task.modules) else rows_mixed(ask, batch)
    ahead = [] if mixed else sees_ahead(ask, batch, "input", "target")
    return {each.name for each in said + mixed + ahead}


def mlp(*between: nn.Module, inputs: int = 6) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 16), *between, nn.Linear(16, 3))


def constant(net: nn.Module, value: float) -> nn.Module:
    for weight in net.parameters():
        nn.init.constant_(weight, value)
    return net


class Attention(nn.Module):
    """A block of a language model over its places, or by mistake over its rows."""

    def __init__(self, causal: bool = True, over_rows: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.causal, self.over_rows = causal, over_rows
        self.words, self.qkv, self.head = nn.Embedding(WORDS, 12), nn.Linear(12, 36), nn.Linear(12, WORDS)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.words(x)).chunk(3, -1)
        if self.over_rows:
            q, k, v = (each.transpose(0, 1) for each in (q, k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.head(mixed.transpose(0, 1) if self.over_rows else mixed)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.gru, self.head = (
            nn.Embedding(WORDS, 8, padding_idx=0),
            nn.GRU(8, 8, batch_first=True),
            nn.Linear(8, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gru(self.words(x))[0][:, -1])


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.inner = nn.Embedding(WORDS, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.inner(self.words(x))) @ self.words.weight.T


class Adapted(nn.Module):
    """LoRA: what is added begins at zero. over: also with the first factor frozen"""

    def __init__(self, first: bool) -> None:
        super().__init__()
        self.body = mlp(nn.ReLU())
        self.body.requires_grad_(False)
        self.a, self.b = nn.Linear(6, 2, bias=False), nn.Linear(2, 3, bias=False)
        nn.init.zeros_(self.b.weight)
        self.a.requires_grad_(first)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.b(self.a(x))


class Residual(nn.Module):
    """Blocks whose last layer begins at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(6, 16), nn.Linear(16, 3)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16)) for _ in range(3))
        for block in self.blocks:
            constant(block[2], 0.0)  # type: ignore[index]
        constant(self.head, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x.relu())


class Sampling(nn.Module):
    """An encoder of a VAE, which draws in evaluation too."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = nn.Linear(6, 8), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        mean, spread = self.encode(x).chunk(2, -1)
        return self.decode(mean + torch.randn_like(mean) * spread.exp())


class Counting(nn.Module):
    """Counts its calls as a number, in a buffer and in a list, and keeps what it saw last."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.calls = mlp(nn.ReLU()), 0
        self.register_buffer("counted", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.counted += 1
        self.last = x
        return self.net(x)


class Contrastive(nn.Module):
    """A number for each pair of rows."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(6, 4), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.one(x).relu() @ self.two(x).relu().T


class Loose(nn.Module):
    """Layers in a plain list, whose batch norm eval() does not reach."""

    def __init__(self) -> None:
        super().__init__()
        self.layers, self.head = [nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU()], nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


class SideBySide(nn.Module):
    """Two linear layers that are added: a linear model on purpose, such as DLinear, whose weights begin as 1 / n."""

    def __init__(self) -> None:
        super().__init__()
        self.trend, self.season = (constant(nn.Linear(6, 3), 1 / 6) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdim=True).expand_as(x)
        return self.trend(mean) + self.season(x - mean)


class Reshaped(nn.Module):
    """Rows and steps in the wrong order."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(nn.ReLU(), inputs=60)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x.transpose(0, 1).reshape(len(x), -1))


class Pictures(nn.Sequential):
    """A convolution, what is given, and a linear layer."""

    def __init__(self, *between: nn.Module) -> None:
        super().__init__(nn.Conv2d(1, 4, 3), *between, nn.Flatten(), nn.Linear(400, 3))


class Encoder(nn.Sequential):
    """A transformer's encoder over ten steps."""

    def __init__(self) -> None:
        block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        super().__init__(nn.Linear(6, 8), block, nn.Flatten(), nn.Linear(80, 3))


HEALTHY = [
    ("an mlp", lambda: mlp(nn.ReLU()), "table"),
    ("batch norm", lambda: mlp(nn.BatchNorm1d(16), nn.ReLU()), "table"),
    ("norms of single rows", lambda: Pictures(nn.InstanceNorm2d(4), nn.ReLU()), "picture"),
    ("dropout", lambda: mlp(nn.ReLU(), nn.Dropout(0.5)), "table"),
    ("one linear layer", lambda: nn.Linear(6, 3), "table"),
    ("one linear layer that begins at zero", lambda: constant(nn.Linear(6, 3), 0.0), "table"),
    ("linear layers side by side", SideBySide, "table"),
    ("a causal language model", Attention, "tokens"),
    ("an encoder", Encoder, "series"),
    ("a GRU over padded words", Recurrent, "words"),
    ("tied weights", Tied, "tokens"),
    ("LoRA", lambda: Adapted(first=True), "table"),
    ("LoRA whose first factor is frozen", lambda: Adapted(first=False), "table"),
    ("blocks that begin at zero", Residual, "table"),
    ("an encoder that samples", Sampling, "table"),
    ("a network that counts its calls", Counting, "table"),
    ("a network of pairs", Contrastive, "table"),
    ("layers in a plain list", Loose, "table"),
    ("layers made at the first call", lambda: nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(3)), "table"),
    ("a large last layer", lambda: nn.Sequential(nn.Linear(6, 2000), nn.ReLU(), nn.Linear(2000, 3)), "table"),
]  # fmt: skip


@pytest.mark.parametrize(("net", "kind"), [each[1:] for each in HEALTHY], ids=[each[0] for each in HEALTHY])
def test_of_a_healthy_network_nothing_is_said(net: Any, kind: str) -> None:
    assert found(net(), kind) == set()


FAULTY = [
    ("units-alike", lambda: constant(mlp(nn.ReLU()), 0.01), "table"),
    ("units-alike", lambda: constant(mlp(nn.Tanh()), 0.0), "table"),
    ("no-nonlinearity", mlp, "table"),
    ("no-nonlinearity", lambda: nn.Sequential(nn.Linear(6, 1), nn.Linear(1, 3)), "table"),
    ("no-nonlinearity", lambda: Pictures(), "picture"),
    ("future-visible", lambda: Attention(causal=False), "tokens"),
    ("rows-mixed", lambda: Attention(over_rows=True), "tokens"),
    ("rows-mixed", lambda: Attention(causal=False, over_rows=True), "tokens"),
    ("rows-mixed", Reshaped, "series"),
    ("rows-mixed", lambda: mlp(nn.Softmax(0), nn.ReLU()), "table"),
    ("rows-mixed", lambda: mlp(nn.BatchNorm1d(16, track_running_stats=False), nn.ReLU()), "table"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "net", "kind"), FAULTY)
def test_a_fault_of_the_network_is_said(name: str, net: Any, kind: str) -> None:
    assert found(net(), kind) == {name}


class Ordered(nn.Module):
    """A recurrent or attention layer over series, of which torch's take steps first unless told otherwise."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.layer(x)
        return self.head((mixed[0] if isinstance(mixed, tuple) else mixed)[:, -1])


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (lambda first: nn.GRU(6, 6, batch_first=first), "GRU"),
        (lambda first: nn.LSTM(6, 6, batch_first=first), "LSTM"),
        (lambda first: nn.TransformerEncoderLayer(6, 2, 12, batch_first=first), "TransformerEncoderLayer"),
    ],
)
def test_rows_are_mixed_where_batch_first_is_forgotten(layer: Any, kind: str) -> None:
    def said(first: bool) -> list[Any]:
        torch.manual_seed(0)
        task, batch = ModuleTask(Ordered(layer(first)), F.cross_entropy), batch_of("series")
        task.bind(batch)
        return rows_mixed(partial(answer, task, CPU), batch, task.modules)

    (mixed,) = said(False)
    assert (mixed.name, mixed.where) == ("rows-mixed", "layer")
    assert mixed.action.startswith(f"layer ({kind}): batch_first=False takes (steps, rows, …); give batch_first=True")
    assert "silence" not in mixed.action, "which is said behind every warning"
    assert said(True) == []


def test_padding_that_equals_padding_is_no_next_token() -> None:
    """Tags of an encoder: most of both is padding."""
    net = Attention(causal=False)
    tokens, tags = torch.zeros(8, 50).long(), torch.zeros(8, 50).long()
    tokens[:, :2], tags[:, :2] = torch.randint(1, 9, (8, 2)), 3
    task = ModuleTask(net, F.cross_entropy)
    batch = Batch({"input": tokens, "target": tags}, torch.arange(8))
    task.bind(batch)
    assert sees_ahead(partial(answer, task, CPU), batch, "input", "target") == []


def frozen_names(net: nn.Module) -> list[str]:
    return [each.evidence for each in frozen_as_drawn(ModuleTask(net, F.cross_entropy))]


def deep() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(512, 3))


def test_frozen_layers_that_nothing_was_loaded_into() -> None:
    net = deep()
    net[:3].requires_grad_(False)
    (words,) = frozen_names(net)
    assert words == "2 of 3 weights are frozen and still as torch draws them at random (0.weight, 2.weight)"


def test_frozen_layers_that_were_trained() -> None:
    net = deep()
    for weight in net.parameters():  # a step of training
        weight.data += 1e-2 * torch.randn_like(weight)
    net[:3].requires_grad_(False)
    assert frozen_names(net) == []


def test_one_random_projection_a_frozen_copy_and_a_net_that_is_trained() -> None:
    net = deep()
    assert frozen_names(net) == []
    net[0].requires_grad_(False)
    assert frozen_names(net) == []
    copied = nn.ModuleDict({"one": deep(), "two": deep().requires_grad_(False)})
    assert frozen_names(copied) == []


def drowned(net: nn.Module, lengths: int = 12, width: int = 150) -> list[str]:
    torch.manual_seed(2)
    text = torch.randint(1, WORDS, (8, lengths))
    batch = Batch({"input": F.pad(text, (0, width - lengths)), "target": torch.zeros(8).long()}, torch.arange(8))
    task = ModuleTask(net, F.cross_entropy)
    task.bind(batch)
    return [each.evidence for each in padding_drowns(partial(answer, task, CPU), batch, "input")]


class Averaged(nn.Module):
    """A mean over the words, padding left out or not."""

    def __init__(self, masked: bool) -> None:
        super().__init__()
        self.masked, self.words, self.head = masked, nn.Embedding(WORDS, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        there = (x > 0).float()[..., None] if self.masked else torch.ones(*x.shape, 1)
        return self.head((self.words(x) * there).sum(1) / there.sum(1))


def test_a_last_state_after_much_padding_says_nothing_of_the_text() -> None:
    torch.manual_seed(0)
    (words,) = drowned(Recurrent())
    assert words.startswith("92 % of the tokens of the first rows are padding (0) after the text")


def test_padding_that_is_left_out_or_little_is_no_fault() -> None:
    torch.manual_seed(0)
    assert drowned(Averaged(masked=True)) == []
    assert drowned(Averaged(masked=False), width=40) == []
    assert drowned(Recurrent(), width=16) == []
