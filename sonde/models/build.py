"""The model families by name: how to build one, what its settings are, what it costs. Listing them imports nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from sonde.core.catalogue import load
from sonde.core.errors import unknown
from sonde.models.series_input import forecast_variables
from sonde.models.suitable import check_input
from sonde.models.table import LIBRARIES, MODELS

if TYPE_CHECKING:
    from torch import nn

    from sonde.core.dataset import InputSpec

PER_SYMBOL = ("next", "text", "frames")  # what answers with logits over a vocabulary
PHOTO = (3, 224, 224)  # what a custom or a library's network is counted at

Builder = Callable[["InputSpec", int, Any], "nn.Module"]


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What a model is and costs at one input.

    flops: additions and multiplications of one row's forward pass in convolutions and matrix products
    """

    name: str
    paper: str
    parameters: int
    flops: int
    input: tuple[int, ...]
    out_dim: int


def builder(name: str) -> Builder:
    """The function that builds model `name`: of the table, another library's, or a custom one as `file.py:Net`.

    Raises: ConfigError for an unknown name (with the nearest), a missing file or class; MissingDependency for a library
    """
    if ".py" in name:
        return load("sonde.models.custom:load")(name)
    library = LIBRARIES.get(name.partition(":")[0])
    if library is not None:
        return load(library.load)(name)
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    return load(MODELS[name].builder)


def absolute(name: str) -> str:
    """A custom network by the absolute path of its file, to be found from any folder; other names as they are."""
    file, _, what = name.rpartition(":")
    return f"{Path(file).expanduser().resolve()}:{what}" if file.endswith(".py") else name


def config_class(name: str) -> type:
    """The frozen dataclass of the family's settings, whose fields are flags. Raises: ConfigError as `builder`."""
    return _config_class(builder(name))


def build(name: str, input: "InputSpec", out_dim: int, config: Any | None = None) -> "nn.Module":
    """Model `name` for one kind of input; without a config, the family's defaults. Of series with values that are known in
    advance, it is one part of a `KnownAhead`.

    Raises: ConfigError for an unknown name, a setting out of range or an input that the model does not take
    """
    make = builder(name)
    check_input(name, input.kind, read_as=input.read_as)
    model = make(input, out_dim, config if config is not None else _config_class(make)())
    if not input.covariates:
        return model
    from sonde.nn.known_ahead import KnownAhead

    look_back, variables = forecast_variables(input)
    return KnownAhead(model, look_back=look_back, variables=variables, known=input.covariates)


def describe(name: str, input: "InputSpec | None" = None, out_dim: int = 10, config: Any | None = None) -> ModelFacts:
    """Parameters and FLOPs of model `name`, counted on the meta device: no memory is taken, nothing is computed.

    Without an input: that of the model's entry; a 224-pixel colour image for a custom network.
    """
    import torch

    from sonde.models.count import flops, parameters
    from sonde.models.sample import sample

    spec = input or default_input(name)
    if name in MODELS and MODELS[name].symbols and MODELS[name].answers in PER_SYMBOL:
        out_dim = MODELS[name].symbols
    with torch.device("meta"):
        model = build(name, spec, out_dim, config)
    return ModelFacts(
        name=name,
        paper=MODELS[name].paper if name in MODELS else "a custom network",
        parameters=parameters(model),
        flops=flops(model, sample(name, spec)),
        input=spec.shape,
        out_dim=out_dim,
    )


def default_input(name: str) -> "InputSpec":
    """What `describe` counts a model at by default."""
    from sonde.core.dataset import InputSpec

    if name not in MODELS:
        return InputSpec(kind="image", shape=PHOTO)
    entry = MODELS[name]
    return InputSpec(kind=entry.reads[0], shape=entry.input, symbols=entry.symbols, rate=entry.rate)


def _config_class(make: Builder) -> type:
    """The type of its argument `config`; a builder is a function, a class, or a function with the sizes of one network."""
    function = make.func if isinstance(make, partial) else make
    return get_type_hints(function.__init__ if isinstance(function, type) else function)["config"]
