"""Faults, each put into a healthy problem: what is changed, where it applies, and which names of findings are right answers.

The names are those of `sonde/diagnose` (a finding's `name`, or its check with hyphens). Several are right where people would say
either: a rate far too high is also a warm-up that is missing.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from benchmarks.faults.problems import Block, Problem


@dataclass(frozen=True, kw_only=True)
class Fault:
    """inject: changes a problem in place;  right: accepted names;  applies: to which problems it can be put
    certain: a fact about the program or the data, to be said within three steps"""

    name: str
    inject: Callable[[Problem], None]
    right: frozenset[str]
    applies: Callable[[Problem], bool] = lambda problem: True
    certain: bool = False


def _classes(problem: Problem) -> bool:
    return problem.kind == "classes"


def _not_tokens(problem: Problem) -> bool:
    return problem.kind != "tokens"


def _floats(problem: Problem) -> bool:
    return problem.train[0].is_floating_point()


def _floats_without_norm(problem: Problem) -> bool:
    norms = (nn.BatchNorm2d, nn.LayerNorm)
    return _floats(problem) and not any(isinstance(module, norms) for module in problem.net.modules())


def _has(*kinds: type[nn.Module]) -> Callable[[Problem], bool]:
    return lambda problem: any(isinstance(module, kinds) for module in problem.net.modules())


def _relu_next(problem: Problem) -> bool:
    """Whether the first layer with a bias is followed by an activation: before a norm a bias changes nothing."""
    layers = [each for each in problem.net.modules() if not any(True for _ in each.children())]
    with_bias = [place for place, each in enumerate(layers) if _biased(each)]
    return bool(with_bias) and isinstance(layers[min(with_bias[0] + 1, len(layers) - 1)], nn.ReLU)


def _biased(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear | nn.Conv2d) and layer.bias is not None


def _weights(problem: Problem) -> list[nn.Parameter]:
    return [p for p in problem.net.parameters() if p.ndim > 1]


def _shuffled(problem: Problem) -> None:
    for name in ("train", "validation"):
        x, y = getattr(problem, name)
        order = torch.randperm(len(y), generator=torch.Generator().manual_seed(5))
        setattr(problem, name, (x, y[order]))


def _misaligned(problem: Problem) -> None:
    for name in ("train", "validation"):
        x, y = getattr(problem, name)
        setattr(problem, name, (x, y.roll(1, 0)))


def _noisy(problem: Problem) -> None:
    x, y = problem.train
    generator = torch.Generator().manual_seed(5)
    wrong = torch.rand(len(y), generator=generator) < 0.4
    other = torch.randint(0, problem.classes, y.shape, generator=generator)
    problem.train = (x, torch.where(wrong, other, y))


def _unscaled(problem: Problem) -> None:
    problem.train, problem.validation = ((x * 100 + 100, y) for x, y in (problem.train, problem.validation))  # type: ignore[misc]


def _empty(problem: Problem) -> None:
    problem.train, problem.validation = ((torch.zeros_like(x), y) for x, y in (problem.train, problem.validation))  # type: ignore[misc]


def _hole(problem: Problem) -> None:
    x = problem.train[0].clone()
    x.view(len(x), -1)[7, 3] = torch.nan
    problem.train = (x, problem.train[1])


def _leak(problem: Problem) -> None:
    x, y = problem.train
    held = problem.validation
    assert held is not None
    problem.train = (torch.cat([x, held[0][:400]]), torch.cat([y, held[1][:400]]))


def _rare(problem: Problem) -> None:
    x, y = problem.train
    rare = y == problem.classes - 1
    kept = (~rare) | (torch.arange(len(y)) < 150) & rare
    problem.train = (x[kept], y[kept])


def _sorted(problem: Problem) -> None:
    order = problem.train[1].argsort(stable=True)
    rows = TensorDataset(problem.train[0][order], problem.train[1][order])
    problem.data = DataLoader(rows, batch_size=problem.settings.pop("batch_size"), shuffle=False)


def _units(problem: Problem) -> None:
    for name in ("train", "validation"):
        x, y = getattr(problem, name)
        setattr(problem, name, (x, y * 1000 + 5000))


def _silent(problem: Problem) -> None:
    layers = [m for m in problem.net.modules() if isinstance(m, nn.Linear | nn.Conv2d) and m.bias is not None]
    assert layers[0].bias is not None
    nn.init.constant_(layers[0].bias, -20.0)


def _deep_sigmoid(problem: Problem) -> None:
    inputs = problem.train[0][0].numel()
    layers: list[nn.Module] = [nn.Flatten()]
    for number in range(12):
        layers += [nn.Linear(inputs if number == 0 else 64, 64), nn.Sigmoid()]
    problem.net = nn.Sequential(*layers, nn.Linear(64, problem.classes or problem.train[1].shape[1]))


def _large(problem: Problem) -> None:
    for weight in _weights(problem):
        nn.init.normal_(weight, std=1.0)


def _small(problem: Problem) -> None:
    for weight in _weights(problem):
        nn.init.normal_(weight, std=1e-4)
    problem.settings |= {"optimizer": "sgd", "lr": 0.01}


def _by_value(problem: Problem) -> None:
    order = problem.train[1].flatten().argsort(stable=True)
    rows = TensorDataset(problem.train[0][order], problem.train[1][order])
    problem.data = DataLoader(rows, batch_size=problem.settings.pop("batch_size"), shuffle=False)


def _repeated(problem: Problem) -> None:
    x, y = problem.train
    rows = torch.arange(len(y)) % 64
    problem.train = (x[rows], y[rows])


def _alike(problem: Problem) -> None:
    for weight in _weights(problem):
        nn.init.constant_(weight, 0.01)


def _zero(problem: Problem) -> None:
    for weight in _weights(problem):
        nn.init.zeros_(weight)


def _linear(problem: Problem) -> None:
    for parent in problem.net.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.ReLU | nn.Tanh | nn.GELU):
                setattr(parent, name, nn.Identity())


def _saturated(problem: Problem) -> None:
    for module in problem.net.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=2.0)


class _Softmax(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x).softmax(-1)


def _twice(problem: Problem) -> None:
    problem.net = _Softmax(problem.net)


def _dropout(problem: Problem) -> None:
    problem.net = nn.Sequential(*[each for layer in problem.net.children() for each in _dropped(layer)])


def _dropped(layer: nn.Module) -> Iterable[nn.Module]:
    return (layer, nn.Dropout(0.95)) if isinstance(layer, nn.ReLU | nn.Tanh | nn.GELU) else (layer,)


class _Cut(nn.Module):
    """The first layers without a gradient."""

    def __init__(self, net: nn.Sequential) -> None:
        super().__init__()
        places = [number for number, layer in enumerate(net) if any(True for _ in layer.parameters())]
        self.body, self.head = net[: places[-1]], net[places[-1] :]

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).detach())


def _detached(problem: Problem) -> None:
    problem.net = _Cut(problem.net)  # type: ignore[arg-type]


class _Loose(nn.Module):
    """Layers in a plain list, which no optimiser sees."""

    def __init__(self, net: nn.Sequential) -> None:
        super().__init__()
        self.layers = list(net)[:-1]
        self.head = net[-1]

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


def _unregistered(problem: Problem) -> None:
    problem.net = _Loose(problem.net)  # type: ignore[arg-type]


def _faster(problem: Problem) -> None:
    problem.settings["lr"] *= 100


def _slower(problem: Problem) -> None:
    problem.settings["lr"] /= 1000


def _long_warmup(problem: Problem) -> None:
    problem.settings |= {"schedule": lambda step: min(1.0, step / 100_000)}
    problem.settings.pop("warmup", None)


def _decays_early(problem: Problem) -> None:
    problem.settings |= {"schedule": lambda step: 0.7**step}
    problem.settings.pop("warmup", None)


def _decayed(problem: Problem) -> None:
    problem.settings |= {"optimizer": "adamw", "lr": 1e-3, "weight_decay": 100.0}


def _clipped(problem: Problem) -> None:
    problem.settings |= {"clip": 1e-4}


def _squares(problem: Problem) -> None:
    def loss(output: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(output.argmax(1).float() + 0 * output.sum(1), target.float())

    problem.loss = loss


def _upside_down(problem: Problem) -> None:
    usual = problem.loss
    problem.loss = lambda output, target: -usual(output, target)


def _log_of_zero(problem: Problem) -> None:
    def loss(output: Tensor, target: Tensor) -> Tensor:
        shares = (output * 40).softmax(1)
        return -(shares.gather(1, target[:, None]) - 0.02).log().mean()

    problem.loss = loss


def _few_rows(problem: Problem) -> None:
    x, y = problem.train
    problem.train = (x[:100], y[:100])
    problem.settings |= {"batch_size": 32, "steps": 600}


def _narrow(problem: Problem) -> None:
    inputs = problem.train[0][0].numel()
    outputs = problem.classes or problem.train[1].shape[1]
    problem.net = nn.Sequential(nn.Flatten(), nn.Linear(inputs, 1), nn.Tanh(), nn.Linear(1, outputs))


def _short(problem: Problem) -> None:
    problem.settings["steps"] = 30


def _few_normed(problem: Problem) -> None:
    problem.settings |= {"batch_size": 2}


class _Slow(Dataset[tuple[Tensor, Tensor]]):
    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        time.sleep(0.002)
        return self.x[number], self.y[number]


def _slow_rows(problem: Problem) -> None:
    problem.data = DataLoader(_Slow(*problem.train), batch_size=problem.settings.pop("batch_size"), shuffle=True)
    problem.settings["steps"] = 60


def _sees_ahead(problem: Problem) -> None:
    for module in problem.net.modules():
        if isinstance(module, Block):
            module.causal = False


def _ignored(problem: Problem) -> None:
    x, y = problem.train
    hidden = torch.rand(y.shape, generator=torch.Generator().manual_seed(3)) < 0.98
    problem.train = (x, y.masked_fill(hidden, -100))


def _sum(problem: Problem) -> None:
    problem.loss = nn.CrossEntropyLoss(reduction="sum") if problem.kind == "classes" else nn.MSELoss(reduction="sum")


def _named(*names: str) -> frozenset[str]:
    return frozenset(names)


HIGH = _named("learning-rate-too-high", "diverged")
LOW = _named("schedule-keeps-rate-low", "learning-rate-too-low")
FLAT = _named("labels-unrelated-to-inputs", "not-learning")

FAULTS: tuple[Fault, ...] = (
    Fault(name="labels shuffled", inject=_shuffled, right=FLAT, applies=_not_tokens),
    Fault(name="labels off by one row", inject=_misaligned, right=FLAT, applies=_not_tokens),
    Fault(name="40 % of the labels wrong", inject=_noisy, right=_named("labels-noisy", "memorised-labels"), applies=_classes),
    Fault(name="inputs not scaled", inject=_unscaled, right=_named("inputs-not-scaled"), applies=_floats_without_norm),
    Fault(name="inputs all zero", inject=_empty, right=_named("inputs-constant"), applies=_floats, certain=True),
    Fault(name="a NaN among the inputs", inject=_hole, right=_named("not-finite-inputs"), applies=_floats, certain=True),
    Fault(name="validation rows in training", inject=_leak, right=_named("validation-rows-in-training"), certain=True),
    Fault(name="a class of 2 %", inject=_rare, right=_named("class-never-predicted", "class-imbalance"), applies=_classes),
    Fault(name="rows sorted by class", inject=_sorted, right=_named("rows-not-shuffled"), applies=_classes),
    Fault(name="targets in other units", inject=_units, right=_named("targets-not-scaled"), applies=lambda p: p.kind == "values"),
    Fault(name="dead units from the start", inject=_silent, right=_named("dead-units"), applies=_relu_next),
    Fault(
        name="twelve sigmoid layers",
        inject=_deep_sigmoid,
        right=_named("vanishing-gradient"),
        applies=lambda p: _not_tokens(p) and _floats(p),
    ),
    Fault(name="weights drawn too large", inject=_large, right=_named("initialisation-too-large", "saturated-units")),
    Fault(
        name="weights drawn too small", inject=_small, right=_named("initialisation-too-small"),
        applies=_floats_without_norm,
    ),
    Fault(
        name="rows sorted by value", inject=_by_value, right=_named("rows-not-shuffled"),
        applies=lambda p: p.kind == "values" and p.train[1].shape[1:] == (1,),
    ),
    Fault(
        name="the same 64 rows again and again", inject=_repeated,
        right=_named("overfitting", "copies-in-training", "duplicates-in-training"),
    ),
    Fault(name="all weights alike", inject=_alike, right=_named("units-alike"), certain=True),
    Fault(name="all weights zero", inject=_zero, right=_named("units-alike"), certain=True),
    Fault(
        name="no activation",
        inject=_linear,
        right=_named("no-nonlinearity"),
        applies=lambda p: _has(nn.ReLU, nn.Tanh, nn.GELU)(p) and not _has(nn.LSTM, Block)(p),
        certain=True,
    ),
    Fault(
        name="saturated units", inject=_saturated, right=_named("saturated-units", "initialisation-too-large"),
        applies=_has(nn.Tanh),
    ),
    Fault(
        name="softmax twice", inject=_twice, right=_named("probabilities-instead-of-logits"), certain=True,
        applies=lambda p: p.kind != "values",
    ),
    Fault(
        name="dropout of 95 %", inject=_dropout, right=_named("dropout-too-strong"),
        applies=lambda p: isinstance(p.net, nn.Sequential) and _has(nn.ReLU, nn.Tanh, nn.GELU)(p),
    ),
    Fault(
        name="a detached body", inject=_detached, right=_named("parameters-without-a-gradient"), certain=True,
        applies=lambda p: isinstance(p.net, nn.Sequential),
    ),
    Fault(
        name="layers in a plain list", inject=_unregistered, right=_named("parameters-without-an-optimiser"), certain=True,
        applies=lambda p: isinstance(p.net, nn.Sequential),
    ),
    Fault(name="rate x 100", inject=_faster, right=HIGH),
    Fault(name="rate / 1000", inject=_slower, right=_named("learning-rate-too-low")),
    Fault(name="warm-up longer than the run", inject=_long_warmup, right=LOW),
    Fault(name="rate decays in a few steps", inject=_decays_early, right=LOW),
    Fault(name="weight decay of 100", inject=_decayed, right=_named("weight-decay-too-strong")),
    Fault(
        name="gradients clipped to 0.0001", inject=_clipped, right=_named("clip-too-tight", "learning-rate-too-low"),
        applies=lambda p: p.settings["optimizer"] in ("sgd", "nesterov"),
    ),
    Fault(
        name="a loss without a gradient", inject=_squares, applies=_classes, certain=True,
        right=_named("zero-gradient", "parameters-without-a-gradient", "not-learning"),
    ),
    Fault(name="loss with its sign turned", inject=_upside_down, right=_named("loss-negated")),
    Fault(name="logarithm of zero", inject=_log_of_zero, right=_named("not-finite", "loss-not-finite"), applies=_classes),
    Fault(name="100 rows", inject=_few_rows, right=_named("overfitting", "few-rows")),
    Fault(name="a single unit", inject=_narrow, right=_named("underfitting", "network-too-small"),
          applies=lambda p: _floats(p) and p.kind == "classes" and p.classes > 2),
    Fault(name="30 steps", inject=_short, right=_named("still-improving", "less-than-an-epoch")),
    Fault(
        name="batch norm of two rows", inject=_few_normed, right=_named("batch-norm-of-few-rows"),
        applies=_has(nn.BatchNorm2d),
    ),
    Fault(name="slow rows", inject=_slow_rows, right=_named("slow-input"), applies=_not_tokens),
    Fault(
        name="tokens see what follows", inject=_sees_ahead, right=_named("future-visible"),
        applies=lambda p: p.kind == "tokens",
    ),
    Fault(name="98 % of the targets ignored", inject=_ignored, right=_named("targets-mostly-ignored"),
          applies=lambda p: p.kind in ("classes", "tokens"), certain=True),
    Fault(
        name="loss that sums", inject=_sum, right=_named("loss-that-sums", "learning-rate-too-high"), certain=True,
        applies=_not_tokens,
    ),
)  # fmt: skip
