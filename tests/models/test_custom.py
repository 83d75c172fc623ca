import pickle
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from sonde.core.config import flat, replace_leaves
from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.core.value_types import annotations
from sonde.models.build import build, config_class, describe
from sonde.models.custom import CustomConfig, check_output

PHOTO = InputSpec(kind="image", shape=(3, 8, 8))

SOURCE = '''
from dataclasses import dataclass
import torch
from torch import nn
from neighbour import WIDTH

class Plain(nn.Module):
    """Called as Plain()."""
    def __init__(self, hidden=WIDTH):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(192, hidden), nn.Dropout(0.5), nn.Linear(hidden, 5))
    def forward(self, x):
        return self.layers(x)

class Named(nn.Module):
    def __init__(self, in_channels, image_size, num_classes=1000, *, in_dim):
        super().__init__()
        self.seen = (in_channels, image_size, num_classes, in_dim)
        self.head = nn.Linear(in_dim, num_classes)
    def forward(self, x):
        return self.head(x.flatten(1))

def function(input_shape, out_dim):
    return nn.Sequential(nn.Flatten(), nn.Linear(input_shape[0] * input_shape[1] * input_shape[2], out_dim))

class Demanding(nn.Module):
    def __init__(self, flavour):
        super().__init__()

class Failing(nn.Module):
    def __init__(self):
        raise ValueError("no weights found\\nsecond line")

class Mismatched(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(7, 5)
    def forward(self, x):
        return self.head(x.flatten(1))

class Pair(nn.Module):
    def forward(self, x):
        return x, x

class Tuned(nn.Module):
    def __init__(self, in_dim, out_dim, hidden: int = 8, dropout: float = 0, sizes: "list[int]" = (4, 2), act="relu",
                 bias=True, scale: "float | None" = None, layer=nn.ReLU, *, kernel=3):
        super().__init__()
        self.seen = (hidden, dropout, sizes, act, bias, scale, layer, kernel)
        self.head = nn.Linear(in_dim, out_dim)
    def forward(self, x):
        return self.head(x.flatten(1))

@dataclass(frozen=True, kw_only=True)
class Sizes:
    width: int = 6

def built(input, out_dim, config: Sizes):
    return nn.Sequential(nn.Flatten(), nn.Linear(192, config.width), nn.Linear(config.width, out_dim))

def misnamed(input: int, out_dim):
    return nn.Linear(input, out_dim)

number = 3

def not_a_module():
    return 3
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "neighbour.py").write_text("WIDTH = 11\n")
    path = tmp_path / "net.py"
    path.write_text(SOURCE)
    return path


def test_a_class_without_parameters_is_called_without_any(file: Path):
    model = build(f"{file}:Plain", PHOTO, 5)
    assert model(torch.zeros(4, 3, 8, 8)).shape == (4, 5)
    assert model.get_submodule("layers.1").out_features == 11
    assert all(module.training for module in model.modules())
    assert config_class(f"{file}:Named") is CustomConfig
    assert (
        build(f"{file}:Plain", PHOTO, 5, config_class(f"{file}:Plain")(hidden=7)).get_submodule("layers.1").out_features
        == 7
    )


def test_parameters_with_a_default_are_settings(file: Path) -> None:
    kind = config_class(f"{file}:Tuned")
    assert annotations(kind) == {
        "hidden": int, "dropout": float, "sizes": tuple[int, ...], "act": str, "bias": bool, "scale": float | None, "kernel": int,
    }  # fmt: skip
    assert flat(kind()) == {
        "hidden": 8, "dropout": 0, "sizes": (4, 2), "act": "relu", "bias": True, "scale": None, "kernel": 3
    }  # fmt: skip
    model = build(f"{file}:Tuned", PHOTO, 5, replace_leaves(kind, {"sizes": (9, 9), "scale": 2, "bias": False}))
    assert model.seen == (8, 0, [9, 9], "relu", False, 2, nn.ReLU, 3)


def test_a_function_may_take_what_shipped_models_take(file: Path) -> None:
    kind = config_class(f"{file}:built")
    assert annotations(kind) == {"width": int}
    assert build(f"{file}:built", PHOTO, 5, kind(width=3)).get_submodule("1").out_features == 3
    with pytest.raises(ConfigError, match="input is filled with the description of a row; call the parameter in_dim"):
        build(f"{file}:misnamed", PHOTO, 5)


def test_parameters_are_filled_by_name_defaults_or_not(file: Path):
    assert build(f"{file}:Named", PHOTO, 4).seen == (3, 8, 4, 192)


def test_a_function_serves_as_well_and_is_counted_like_any_model(file: Path):
    facts = describe(f"{file}:function", PHOTO, 4)
    assert facts.parameters == 192 * 4 + 4
    assert facts.flops == 2 * 192 * 4
    assert facts.paper == "a custom network"


def test_trying_it_out_moves_no_random_stream(file: Path):
    torch.manual_seed(5)
    weights = build(f"{file}:function", PHOTO, 4).state_dict()
    after = torch.rand(1)
    torch.manual_seed(5)
    linear = nn.Linear(192, 4)
    assert torch.equal(weights["1.weight"], linear.weight)
    assert torch.equal(after, torch.rand(1))


def test_its_classes_pickle(file: Path):
    model = build(f"{file}:Plain", PHOTO, 5).eval()
    input = torch.randn(2, 3, 8, 8)
    assert torch.equal(pickle.loads(pickle.dumps(model))(input), model(input))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("net.py:Plane", "net.py has no class or function 'Plane'; did you mean Plain?"),
        (
            "net.py:Xyz",
            "net.py has no class or function 'Xyz'; it defines: Demanding, Failing, Mismatched, Named, Pair,",
        ),
        ("net.py", "net.py: name the class of the file to use, such as "),
        ("gone.py:Net", "gone.py: No such file or directory"),
        (
            "net.py:Demanding",
            "has a parameter 'flavour' without a value; give it a default, or one of the names ",
        ),
        ("net.py:Failing", "net.py:Failing could not be built: ValueError: no weights found"),
        ("net.py:not_a_module", "net.py:not_a_module returned a int; a torch.nn.Module is needed"),
        (
            "net.py:Mismatched",
            "net.py:Mismatched failed on an input of shape (2, 3, 8, 8): RuntimeError: mat1 and mat2",
        ),
        ("net.py:Pair", "must return (rows, 6) for this data; an input of shape (2, 3, 8, 8) gave tuple: "),
        ("net.py:Plain", "must return (rows, 6) for this data; an input of shape (2, 3, 8, 8) gave (2, 5): "),
    ],
)
def test_mistakes_are_one_line_that_names_the_file(file: Path, what: str, message: str):
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        build(str(file.parent / what), PHOTO, 6)
    assert "\n" not in str(caught.value)


def test_a_file_that_does_not_run_is_named(tmp_path: Path):
    path = tmp_path / "broken.py"
    path.write_text("import torch\n1 / 0\n")
    with pytest.raises(ConfigError, match=r"broken\.py does not run: ZeroDivisionError: division by zero"):
        build(f"{path}:Net", PHOTO, 2)


def test_a_changed_file_is_read_again(tmp_path: Path):
    path = tmp_path / "net.py"
    for width in (2, 3):
        path.write_text(
            f"from torch import nn\ndef net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(192, {width}))\n"
        )
        assert build(f"{path}:net", PHOTO, width)(torch.zeros(1, 3, 8, 8)).shape == (1, width)


def test_checking_an_instance_leaves_its_modes_and_statistics_alone():
    frozen = nn.BatchNorm2d(3).eval()
    model = nn.Sequential(frozen, nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(192, 2)).train()
    frozen.eval()
    check_output(model, PHOTO, 2, name="the module", maps=None)
    check_output(model, PHOTO, 2, name="the module")
    assert [module.training for module in model] == [False, True, True, True]
    assert not model.get_buffer("1.num_batches_tracked")
    with pytest.raises(ConfigError, match=r"^the module must return \(rows, 3\)"):
        check_output(model, PHOTO, 3, name="the module")


def test_a_binary_target_has_one_logit() -> None:
    with pytest.raises(ConfigError, match="Net returned two outputs where one is needed: two classes have one logit"):
        check_output(nn.Linear(4, 2), InputSpec(kind="array", shape=(4,)), 1, name="Net")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (
            torch.float64,
            "Net has parameters of float64, and sonde.train feeds float32; call .float() on it, or train it as it is",
        ),
        (torch.bfloat16, "Net has parameters of bfloat16; call .float() on it, and give precision='bf16'"),
    ],
)
def test_networks_of_another_precision_are_told_apart(kind: torch.dtype, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        check_output(nn.Linear(4, 1).to(kind), InputSpec(kind="array", shape=(4,)), 1, name="Net")


def test_a_map_is_an_answer_where_every_pixel_needs_one() -> None:
    channels, height, width = PHOTO.shape
    model = nn.Conv2d(channels, 2, 1)
    check_output(model, PHOTO, 2, name="the module", maps=True)
    check_output(model, PHOTO, 2, name="the module", maps=None)
    with pytest.raises(
        ConfigError, match=rf"^the module must return \(rows, 2\) for this data; .* gave \(2, 2, {height}, {width}\)"
    ):
        check_output(model, PHOTO, 2, name="the module")
    row = nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, 2))
    with pytest.raises(
        ConfigError, match=rf"^the module must return \(rows, 2, {height}, {width}\) for this data; .* gave \(2, 2\)"
    ):
        check_output(row, PHOTO, 2, name="the module", maps=True)
