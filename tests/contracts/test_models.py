"""One battery over every model of the catalogue that reads numbers; what reads sequences has its own beside it."""

import ast
import copy
import dataclasses
import functools
import importlib
import inspect
import json
import pickle
import re
import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from sonde.core.dataset import Column, InputSpec
from sonde.core.errors import ConfigError
from sonde.modalities.catalogue import names
from sonde.modalities.settings import leaves
from sonde.models.alexnet import AlexNetConfig
from sonde.models.build import build, builder, config_class, default_input, describe
from sonde.models.suitable import suitable
from sonde.models.table import MODELS, costs
from sonde.models.vgg import VGGConfig
from sonde.nn.auxiliary import WithAuxiliary
from sonde.optim.ema import EMA

OUT_DIM = 7
KINDS = names()
FLAT = ("perceptron", "mlp", "tabular")  # know nothing of height and width
RATES = {"vit": 1e-3, "alexnet": 1e-4, "vgg": 1e-4}  # where 5e-3 without warm-up is too much: no norms, or attention
# of each family its smallest network; the others are the same code in other sizes, seconds each: counted, not run here
NUMBERS = {name: entry for name, entry in MODELS.items() if {"image", "table"} & set(entry.reads)}
RUN = list({entry.family: name for name, entry in reversed(NUMBERS.items()) if entry.answers == "row"}.values())
SMALLEST = list({entry.family: name for name, entry in reversed(MODELS.own.items())}.values())
LONG_TO_EXPORT = ("densenet121", "inception-v3")  # about a hundred convolutions each: seconds
# without norms the rows hardly differ at the output at first: dropout hides that little, and it takes more steps
WITHOUT_NORM = {"alexnet": AlexNetConfig(dropout=0.0), "vgg11": VGGConfig(dropout=0.0)}


def small_input(name: str) -> InputSpec:
    """An input that the family takes and that is quick."""
    if name == "tabular":
        quantiles = (-1.5, -0.5, 0.5, 1.5)
        numbers = tuple(Column(name=f"n{i}", kind="number", source=f"n{i}", quantiles=quantiles) for i in range(5))
        return InputSpec(kind="table", shape=(5,), columns=numbers)
    return InputSpec(kind="image", shape=(3, 32, 32), mean=(0.5,) * 3, std=(0.25,) * 3)


def built(name: str, *, seed: int = 0, config: Any = None) -> nn.Module:
    torch.manual_seed(seed)
    return build(name, small_input(name), OUT_DIM, config)


def settled(name: str) -> nn.Module:
    """In evaluation mode, with the statistics of the rows in its batch norms.

    Without any, the small first weights of networks with a filter for each channel leave logits of 1e-9.
    """
    model = built(name).train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the mean over batches so far: of one batch, that batch
    with torch.no_grad():
        output(model, rows(name))
    return model.eval()


def rows(name: str, count: int = 6) -> torch.Tensor:
    return torch.randn(count, *small_input(name).shape, generator=torch.Generator().manual_seed(1))


def documentation(name: str) -> str | None:
    """What stands under a builder: the docstring of a function or class, the string behind one that is assigned."""
    make = builder(name)
    if not isinstance(make, functools.partial):
        return make.__doc__
    module, _, own = MODELS[name].builder.partition(":")
    body = ast.parse(inspect.getsource(importlib.import_module(module))).body
    after = next(b for a, b in pairwise(body) if isinstance(a, ast.Assign) and ast.unparse(a.targets[0]) == own)
    return ast.literal_eval(after.value) if isinstance(after, ast.Expr) else None


def rounding(name: str) -> float:
    """What float32 may leave between two orders of the same sums: more through the many layers of Inception v3."""
    return 1e-3 if name == "inception-v3" else 1e-4


def output(model: nn.Module, input: torch.Tensor) -> torch.Tensor:
    """Logits (B, out_dim); a family of members (B, K, out_dim) is averaged, auxiliary heads are added by their share."""
    logits = model(input)
    if isinstance(logits, WithAuxiliary):
        return logits.main + logits.share * torch.stack(logits.auxiliary).sum(0)
    return logits.mean(1) if logits.ndim == 3 else logits


@pytest.mark.parametrize("name", MODELS)
def test_has_a_documented_builder_a_paper_and_a_frozen_config_with_helpful_fields(name: str):
    parameters = inspect.signature(builder(name)).parameters.values()
    assert [p.name for p in parameters if p.default is p.empty] == ["input", "out_dim", "config"]
    assert documentation(name)
    assert MODELS[name].paper
    kind = config_class(name)
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert all(entry.kw_only for entry in dataclasses.fields(kind))
    source = inspect.getsource(kind)
    for entry in dataclasses.fields(kind):
        after = source.split(f"\n    {entry.name}:", 1)[1].splitlines()
        assert after[1].strip().startswith('"""'), f"{name}: no help under {entry.name}"


def test_no_setting_shares_its_name_with_one_of_every_run():
    common = {leaf for leaf in leaves()}
    shared = {name: common & {entry.name for entry in dataclasses.fields(config_class(name))} for name in MODELS}
    assert {name: found for name, found in shared.items() if found} == {}


@pytest.fixture(scope="module", params=RUN)
def name(request: pytest.FixtureRequest) -> str:
    """Of the module, so that all tests of a model stand together and share what is made of it."""
    return request.param


@pytest.fixture(scope="module")
def model(name: str) -> nn.Module:
    """For tests that leave it as it is."""
    return settled(name)


def test_forward_gives_finite_logits_that_depend_on_every_row_alone(name: str, model: nn.Module):
    input = rows(name)
    with torch.no_grad():
        together = output(model, input)
        alone = torch.cat([output(model, input[[place]]) for place in (0, 4)])
    assert together.shape == (len(input), OUT_DIM)
    assert together.isfinite().all()
    # float32 leaves 3e-4 of logits of 4 behind the 47 layers of inception-v3, compared with float64
    assert torch.allclose(together[[0, 4]], alone, atol=rounding(name))
    if name != "perceptron":  # starts from zero
        assert together.std(0).min() > 1e-4


def test_every_parameter_gets_a_gradient(name: str):
    model = built(name).train()
    target = torch.arange(6) % OUT_DIM
    nn.functional.cross_entropy(output(model, rows(name)), target).backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert silent == []
    still = [n for n, p in model.named_parameters() if p.grad is not None and not p.grad.any()]
    assert still == []


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in WITHOUT_NORM else n for n in RUN])
def test_learns_six_rows_by_heart(name: str):
    model, input, target = built(name, config=WITHOUT_NORM.get(name)), rows(name), torch.arange(6) % OUT_DIM
    optimizer = torch.optim.Adam(model.parameters(), lr=RATES.get(MODELS[name].family, 5e-3))
    loss = torch.tensor(0.0)
    steps = 60 if name in WITHOUT_NORM else 20
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(output(model, input), target)
        if loss.item() < 0.7:  # chance is log 7 = 1.95
            return
        loss.backward()
        optimizer.step()
    pytest.fail(f"a loss of {loss.item():.2f} after {steps} steps")


def test_the_seed_alone_decides_the_weights_and_they_carry_over(name: str):
    one, other = built(name), built(name, seed=1)
    first, again = one.state_dict(), built(name).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    if name != "perceptron":
        assert any(not torch.equal(first[key], value) for key, value in other.state_dict().items())
    with torch.no_grad():
        output(one.train(), rows(name))  # moves running statistics too
        other.load_state_dict(one.state_dict())
        assert torch.equal(output(one.eval(), rows(name)), output(other.eval(), rows(name)))


def test_averages_of_weights_at_rest_give_the_same_answer(name: str, model: nn.Module):
    average = EMA(model, 0.9)
    for _ in range(3):
        average.update()
    with torch.no_grad():
        plain = output(model, rows(name))
        with average.applied():
            torch.testing.assert_close(output(model, rows(name)), plain, atol=1e-4, rtol=1e-4)


def test_survives_pickling_and_copying_in_either_memory_format(name: str, model: nn.Module):
    input = rows(name)
    copied = copy.deepcopy(model)
    with torch.no_grad():
        plain = output(model, input)
        for twin in (pickle.loads(pickle.dumps(model)), copied):
            assert torch.equal(output(twin, input), plain)
        if name not in FLAT:
            copied.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            other = output(copied, input.contiguous(memory_format=torch.channels_last))
            assert torch.allclose(plain, other, atol=rounding(name))  # rounding, as above


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG_TO_EXPORT else n for n in RUN], indirect=True
)
def test_exported_program_gives_the_same_answer(name: str, model: nn.Module):
    input = rows(name)
    program = torch.export.export(model, (input,), strict=False).module()
    assert torch.allclose(output(program, input), output(model, input), atol=1e-5)


@pytest.mark.parametrize("name", [n if n in SMALLEST else pytest.param(n, marks=pytest.mark.slow) for n in NUMBERS])
def test_description_agrees_with_the_model(name: str):
    facts = describe(name)
    torch.manual_seed(0)
    with torch.device("meta"):
        model = build(name, default_input(name), 10)
    assert facts.parameters == sum(p.numel() for p in model.parameters())
    assert (facts.parameters, facts.flops) == costs()[name]


def test_listing_names_imports_neither_torch_nor_numpy():
    code = (
        "import sys, json, sonde.models.build, sonde.models.table as c; "
        "print(json.dumps([sorted(c.MODELS), sorted({'torch', 'numpy'} & sys.modules.keys())]))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == [sorted(MODELS), []]


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ConfigError, match=r"^unknown model 'resnet81'; did you mean .*'resnet18'"):
        build("resnet81", small_input("resnet18"), 2)


@pytest.mark.parametrize("name", SMALLEST)
def test_other_kinds_of_input_are_refused_by_what_reads_them(name: str):
    others: list[Any] = [kind for kind in KINDS if kind not in MODELS[name].reads]
    assert others
    for kind in others:
        with pytest.raises(ConfigError) as caught:
            build(name, InputSpec(kind=kind, shape=(4,)), 2)
        said = str(caught.value)
        assert said.startswith(f"--model {name} takes inputs of kind ")
        assert f", and this data is of kind {kind}; take " in said
        assert set(re.split(", | … ", said.partition("; take ")[2])) & set(suitable(kind))


def test_every_model_of_the_table_has_its_costs_and_no_other():
    assert list(costs()) == list(MODELS.own)
