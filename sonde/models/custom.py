"""Custom networks: `--model file.py:Net`, or a module handed over in Python.

The rule: `Net` is called once, and each of its parameters with one of these names is filled; all others need a default.

    out_dim, num_classes, out_features   outputs the task needs (one logit for two classes)
    in_dim, in_features                  values of one row
    in_channels, channels                channels of an image
    image_size                           height of a square image, in pixels
    input_shape                          the shape of one row, as a tuple
    input                                all that is known of one row (`sonde.core.dataset.InputSpec`)
    config                               an instance of the dataclass that annotates it, whose fields are settings

Parameters with a default that is a number, text, yes or no, or several of these are settings of the run: `--hidden 64` on the
command line, `hidden=64` in Python, `hidden:` in config.yaml.
"""

import importlib.util
import inspect
import sys
import types
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass
from functools import cache
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Union, get_args, get_origin

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError, nearest

PROBE_ROWS = 2  # one row alone would hide a network that mixes up rows and outputs
# networks of sequences are fed more than the input, and answer as their task demands
PROBED = ("image", "table", "array")
IMAGE = 3  # dimensions of a row: channels, height, width; no other kind of input has as many
FILLED = ("out_dim", "num_classes", "out_features", "in_dim", "in_features", "in_channels", "channels", "image_size",
          "input_shape", "input", "config")  # fmt: skip
PLAIN = (int, float, bool, str)
BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, kw_only=True)
class CustomConfig:
    """A custom network without settings; others have a dataclass of their own, with these as fields."""


def load(text: str) -> Callable[[InputSpec, int, Any], nn.Module]:
    """The builder for `file.py:Net`, whose third argument holds its settings; its product was tried on two rows of zeros.

    Raises: ConfigError when there is no such file or class, the file does not run, the class wants parameters that the
            rule above does not fill, or the output has another shape than (B, out_dim)
    """
    file, separator, name = text.rpartition(":")
    if not separator or not file.endswith(".py"):
        raise ConfigError(f"--model {text}: name the class of the file to use, such as {text.rstrip(':')}:Net")
    make = _find(_run(Path(file)), name, file)

    def build(input: InputSpec, out_dim: int, config: Any) -> nn.Module:
        filled = _arguments(make, input, out_dim, config, text)
        try:
            model = make(**filled)
        except Exception as error:  # any fault of the user's code, which --debug shows whole
            raise ConfigError(f"{text} could not be built: {_one_line(error)}") from error
        if not isinstance(model, nn.Module):
            raise ConfigError(f"{text} returned a {type(model).__name__}; a torch.nn.Module is needed")
        check_output(model, input, out_dim, name=text, maps=None if len(input.shape) == IMAGE else False)
        return model

    build.__annotations__["config"] = _settings(make)  # where `sonde.models.build.config_class` looks
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
        raise ConfigError(
            _of_another_precision(model, name) or f"{name} failed on an input of shape {shape}: {_one_line(error)}"
        ) from error
    finally:
        for module, training in modes:
            module.training = training
    got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    row, field = (PROBE_ROWS, out_dim), (PROBE_ROWS, out_dim, *input.shape[1:])
    if got not in ((row, field) if maps is None else (field,) if maps else (row,)):
        wanted = ", ".join(map(str, (field if maps else row)[1:]))
        if out_dim == 1 and got in ((PROBE_ROWS, 2), (PROBE_ROWS, 2, *input.shape[1:])):
            raise ConfigError(
                f"{name} returned two outputs where one is needed: two classes have one logit, that of the second class, whose "
                "sigmoid is its probability (the difference of your two); make its last layer 1 wide, or add a parameter called "
                "out_dim"
            )
        raise ConfigError(
            f"{name} must return (rows, {wanted}) for this data; an input of shape {shape} gave {got}: "
            f"make its last layer {out_dim} wide, or add a parameter called out_dim"
        )


def _of_another_precision(model: nn.Module, name: str) -> str:
    """What to do about a network whose own numbers are no float32, which is what it is fed; "" where they are."""
    others = [
        p.dtype for p in model.parameters() if p.dtype != torch.float32 and (p.is_floating_point() or p.is_complex())
    ]
    if not others:
        return ""
    kind = str(others[0]).removeprefix("torch.")
    if others[0] in (torch.float16, torch.bfloat16):
        precision = "fp16" if others[0] == torch.float16 else "bf16"
        return f"{name} has parameters of {kind}; call .float() on it, and give precision={precision!r}"
    real = "" if others[0].is_complex else "call .float() on it, or "
    return (
        f"{name} has parameters of {kind}, and sonde.train feeds float32; {real}train it as it is with sonde.fit, on tensors of "
        f"{kind}"
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
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before running it, as import does: dataclasses and pickle look their module up
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        # not through the loader: it would take compiled code that lies beside the file, whatever the file says
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
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


@cache
def _settings(make: Callable[..., Any]) -> type:
    """The dataclass of a network's settings: that of its parameter `config`, else one made of its parameters with a default."""
    parameters = _parameters(make)
    own = parameters["config"].annotation if "config" in parameters else None
    if isinstance(own, type) and is_dataclass(own):
        return own
    found = {
        name: (kind, parameter.default)
        for name, parameter in parameters.items()
        if name not in FILLED and parameter.kind in BY_NAME and (kind := _setting(parameter)) is not None
    }
    if not found:
        return CustomConfig
    entries = [
        (name, kind, field(default=tuple(default) if isinstance(default, list) else default))
        for name, (kind, default) in found.items()
    ]
    about = f"Parameters of {getattr(make, '__name__', make)}."
    return make_dataclass(CustomConfig.__name__, entries, frozen=True, kw_only=True, namespace={"__doc__": about})


def _parameters(make: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Its parameters by name, with annotations that are text evaluated where that is possible."""
    try:
        return dict(inspect.signature(make, eval_str=True).parameters)
    except (NameError, SyntaxError, TypeError, AttributeError):  # an annotation for type checkers alone
        return dict(inspect.signature(make).parameters)


def _setting(parameter: inspect.Parameter) -> Any:
    """The type of a parameter's values as a setting: its annotation, else the type of its default; None for what is none.

    Several values of one type are a tuple, whatever kind of sequence they are annotated as.
    """
    default = parameter.default
    if default is inspect.Parameter.empty:
        return None
    if parameter.annotation is not inspect.Parameter.empty and not isinstance(parameter.annotation, str):
        return _as_setting(parameter.annotation)
    if isinstance(default, tuple | list):
        kinds = {type(value) for value in default}
        return tuple[kinds.pop(), ...] if len(kinds) == 1 and kinds <= set(PLAIN) else None
    return type(default) if type(default) in PLAIN else None


def _as_setting(annotation: Any) -> Any:
    """
    >>> _as_setting(list[int]), _as_setting(int | None), _as_setting(nn.Module)
    (tuple[int, ...], int | None, None)
    """
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (tuple, list, Sequence):
        kinds = {part for part in parts if part is not Ellipsis}
        return tuple[kinds.pop(), ...] if len(kinds) == 1 and kinds <= set(PLAIN) else None
    if origin is Literal:
        return annotation if all(isinstance(part, str) for part in parts) else None
    if origin in (Union, types.UnionType):
        plain = all(part is type(None) or part in PLAIN or get_origin(part) is Literal for part in parts)
        return annotation if plain else None
    return annotation if annotation in PLAIN else None


def _arguments(make: Callable[..., Any], input: InputSpec, out_dim: int, config: Any, text: str) -> dict[str, Any]:
    """Values for the parameters whose names the rule knows, and for those that are settings."""
    known: dict[str, Any] = dict.fromkeys(("out_dim", "num_classes", "out_features"), out_dim)
    known |= dict.fromkeys(("in_dim", "in_features"), prod(input.shape)) | {"input_shape": input.shape}
    if len(input.shape) == IMAGE:
        known |= dict.fromkeys(("in_channels", "channels"), input.shape[0]) | {"image_size": input.shape[1]}
    wanted = _parameters(make)
    filled = {**known, "input": input, **({"config": config} if type(config) is not CustomConfig else {})}
    if "input" in wanted and (wanted["input"].annotation in PLAIN or get_origin(wanted["input"].annotation) is tuple):
        raise ConfigError(
            f"{text}: input is filled with the description of a row; call the parameter in_dim for the number of its values, or "
            "input_shape for its shape"
        )
    settings = {} if "config" in wanted else {each.name: getattr(config, each.name) for each in fields(config)}
    for parameter in wanted.values():
        variadic = parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        fillable = parameter.kind in BY_NAME and parameter.name in filled
        if parameter.default is inspect.Parameter.empty and not variadic and not fillable:
            raise ConfigError(
                f"{text} has a parameter {parameter.name!r} without a value; give it a default, or one of the names "
                f"{', '.join(sorted(known))}"
            )
    given = {name: filled[name] for name, each in wanted.items() if each.kind in BY_NAME and name in filled}
    return given | {name: _as_annotated(value, wanted[name]) for name, value in settings.items()}


def _as_annotated(value: Any, parameter: inspect.Parameter) -> Any:
    """A tuple as the list that a network's parameter stands for."""
    wants = list in (get_origin(parameter.annotation), type(parameter.default))
    return list(value) if isinstance(value, tuple) and wants else value


def _one_line(error: BaseException) -> str:
    """Kind and first line of an error."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
