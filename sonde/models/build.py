"""The model families by name: how to build one, what its settings are, what it costs. Listing them imports nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from sonde.core.catalogue import resolve
from sonde.models.table import MODELS, PHOTO

if TYPE_CHECKING:
    from torch import nn

    from sonde.core.dataset import InputSpec

PER_SYMBOL = ("next", "text", "frames")  # what answers with logits over a vocabulary
SPOKEN = 16_000  # samples a second, of recordings that costs are counted at

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
    """The function that builds model `name`: of the catalogue, another library's, or the user's own as `file.py:Net`.

    Raises: ConfigError for an unknown name (with the nearest), a missing file or class; MissingDependency for a library
    """
    if ".py" in name:
        from sonde.models.custom import load

        return load(name)
    if name.startswith(("timm:", "torchvision:")):
        from sonde.models.library import load as load_of_library

        return load_of_library(name)
    if name.startswith("hf:"):
        from sonde.models.hugging_face import load as load_of_hugging_face

        return load_of_hugging_face(name)
    return resolve("model", name, {known: entry.builder for known, entry in MODELS.items()})


def absolute(name: str) -> str:
    """A network of the user's own by the whole path of its file, to be found from any folder; other names as they are."""
    file, _, what = name.rpartition(":")
    return f"{Path(file).expanduser().resolve()}:{what}" if file.endswith(".py") else name


def config_class(name: str) -> type:
    """The frozen dataclass of the family's settings, whose fields are flags. Raises: ConfigError as `builder`."""
    return get_type_hints(builder(name))["config"]


def build(name: str, input: "InputSpec", out_dim: int, config: Any | None = None) -> "nn.Module":
    """Model `name` for one kind of input; without a config, the family's defaults.

    Raises: ConfigError for an unknown name, a setting out of range or an input that the family cannot take
    """
    make = builder(name)
    return make(input, out_dim, config if config is not None else get_type_hints(make)["config"]())


def describe(name: str, input: "InputSpec | None" = None, out_dim: int = 10, config: Any | None = None) -> ModelFacts:
    """Parameters and FLOPs of model `name`, counted on the meta device: no memory is taken, nothing is computed.

    Without an input: that of the model's entry; a 224-pixel colour picture for the user's own.
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
        paper=MODELS[name].paper if name in MODELS else "the user's own",
        parameters=parameters(model),
        flops=flops(model, sample(name, spec)),
        input=spec.shape,
        out_dim=out_dim,
    )


def default_input(name: str) -> "InputSpec":
    """What `describe` counts a model at when nobody says."""
    from sonde.core.dataset import InputSpec

    entry = MODELS.get(name)
    if entry is not None and entry.takes != "numbers":
        return InputSpec(
            kind=entry.takes, shape=entry.input, symbols=entry.symbols, rate=SPOKEN * (entry.takes == "audio")
        )
    shape = entry.input if entry is not None else PHOTO
    return InputSpec(kind="table" if len(shape) == 1 else "image", shape=shape)
