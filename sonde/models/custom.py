"""Custom networks: `--model file.py:Net`, or a module handed over in Python.

The rule: `Net` is called once, and each of its parameters with one of these names is filled; all others need a default.

    out_dim, num_classes, out_features   outputs the task needs (one logit for two classes)
    in_dim, in_features                  values of one row
    in_channels, channels                channels of an image
    image_size                           height of a square image, in pixels
    input_shape                          the shape of one row, as a tuple
"""

import importlib.util
import inspect
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError, nearest

PROBE_ROWS = 2  # one row alone would hide a network that mixes up rows and outputs
# networks of sequences are fed more than the input, and answer as their task demands
PROBED = ("image", "table", "array")
IMAGE = 3  # dimensions of a row: channels, height, width; no other kind of input has as many


@dataclass(frozen=True, kw_only=True)
class CustomConfig:
    """A custom network has no settings but those in its file."""


def load(text: str) -> Callable[[InputSpec, int, CustomConfig], nn.Module]:
    """The builder for `file.py:Net`; its product was tried on two rows of zeros.

    Raises: ConfigError when there is no such file or class, the file does not run, the class wants parameters that the
            rule above does not fill, or the output has another shape than (B, out_dim)
    """
    file, separator, name = text.rpartition(":")
    if not separator or not file.endswith(".py"):
        raise ConfigError(f"--model {text}: name the class of the file to use, such as {text.rstrip(':')}:Net")
    make = _find(_run(Path(file)), name, file)

    def build(input: InputSpec, out_dim: int, config: CustomConfig) -> nn.Module:
        filled = _arguments(make, input, out_dim, text)
        try:
            model = make(**filled)
        except Exception as error:  # any fault of the user's code, which --debug shows whole
            raise ConfigError(f"{text} could not be built: {_one_line(error)}") from error
        if not isinstance(model, nn.Module):
            raise ConfigError(f"{text} returned a {type(model).__name__}; a torch.nn.Module is needed")
        check_output(model, input, out_dim, name=text, maps=None if len(input.shape) == IMAGE else False)
        return model

    return build


def check_output(model: nn.Module, input: InputSpec, out_dim: int, *, name: str, maps: bool | None = False) -> None:
    """Pass two rows of zeros through `model` in evaluation mode and look at what comes out; random streams do not move.

    maps: whether it must give logits for every pixel; None where that is not known yet
    Raises: ConfigError when the forward fails or does not return one tensor (2, out_dim), or (2, out_dim, height, width)
    """
    if input.kind not in PROBED:
        return  # the task looks at the answer
    device = next((t.device for t in (*model.parameters(), *model.buffers())), torch.tensor(0).device)
    shape = (PROBE_ROWS, *input.shape)
    modes = [(module, module.training) for module in model.modules()]  # parts that were frozen in eval stay so
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            output = model(torch.zeros(shape, device=device))
    except Exception as error:  # any fault of the user's code, which --debug shows whole
        raise ConfigError(f"{name} failed on an input of shape {shape}: {_one_line(error)}") from error
    finally:
        for module, training in modes:
            module.training = training
    got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    row, field = (PROBE_ROWS, out_dim), (PROBE_ROWS, out_dim, *input.shape[1:])
    if got not in ((row, field) if maps is None else (field,) if maps else (row,)):
        wanted = ", ".join(map(str, (field if maps else row)[1:]))
        raise ConfigError(
            f"{name} must return (rows, {wanted}) for this data; an input of shape {shape} gave {got}: "
            f"make its last layer {out_dim} wide, or add a parameter called out_dim"
        )


def _run(path: Path) -> ModuleType:
    """The file as a module, run once per content; its neighbours can be imported while it runs."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--model: cannot read {path}: {error.strerror}") from None
    name = f"sonde_user_{path.stem}_{zlib.crc32(str(path.resolve()).encode() + source):08x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before running it, as import does: dataclasses and pickle look their module up
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # any fault of the user's code, which --debug shows whole
        del sys.modules[name]
        raise ConfigError(f"{path} does not run: {_one_line(error)}") from error
    finally:
        sys.path.remove(folder)
    return module


def _find(module: ModuleType, name: str, file: str) -> Callable[..., Any]:
    """The class or function called `name`, defined or imported in the module."""
    found = getattr(module, name, None)
    if callable(found):
        return found
    known = [
        key
        for key, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", None) == module.__name__
    ]
    near = nearest(name, known)
    hint = (
        f"did you mean {' or '.join(near)}?" if near else f"it defines: {', '.join(sorted(known)) or 'no class at all'}"
    )
    raise ConfigError(f"{file} has no class or function {name!r}; {hint}")


def _arguments(make: Callable[..., Any], input: InputSpec, out_dim: int, text: str) -> dict[str, Any]:
    """Values for the parameters whose names the rule knows."""
    known: dict[str, Any] = dict.fromkeys(("out_dim", "num_classes", "out_features"), out_dim)
    known |= dict.fromkeys(("in_dim", "in_features"), prod(input.shape)) | {"input_shape": input.shape}
    if len(input.shape) == IMAGE:
        known |= dict.fromkeys(("in_channels", "channels"), input.shape[0]) | {"image_size": input.shape[1]}
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    wanted = inspect.signature(make).parameters.values()
    for parameter in wanted:
        variadic = parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        fillable = parameter.kind in plain and parameter.name in known
        if parameter.default is inspect.Parameter.empty and not variadic and not fillable:
            raise ConfigError(
                f"{text} has a parameter {parameter.name!r} without a value; give it a default, or one of the names "
                f"{', '.join(sorted(known))}"
            )
    return {p.name: known[p.name] for p in wanted if p.kind in plain and p.name in known}


def _one_line(error: BaseException) -> str:
    """Kind and first line of an error."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
