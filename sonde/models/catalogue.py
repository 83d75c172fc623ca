"""The model families by name: how to build one, what its settings are, what it costs. Listing them imports nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from sonde.core.catalogue import resolve

if TYPE_CHECKING:
    from torch import nn

    from sonde.core.dataset import InputSpec

MODELS: dict[str, str] = {
    "compact-cnn": "sonde.models.compact_cnn:compact_cnn",
    "lenet5": "sonde.models.lenet:lenet5",
    "mlp": "sonde.models.mlp:mlp",
    "perceptron": "sonde.models.perceptron:perceptron",
    "resnet18": "sonde.models.resnet:resnet18",
    "resnet34": "sonde.models.resnet:resnet34",
    "resnet50": "sonde.models.resnet:resnet50",
    "resnet101": "sonde.models.resnet:resnet101",
    "resnet152": "sonde.models.resnet:resnet152",
    "tabular": "sonde.models.tabular:tabular",
}

_HE = "He et al. 2015, Deep residual learning for image recognition, arXiv:1512.03385"

PAPERS: dict[str, str] = {
    "compact-cnn": "after Jordan 2024, 94 % on CIFAR-10 in 3.29 seconds on a single GPU, arXiv:2404.00498",
    "lenet5": "LeCun et al. 1998, Gradient-based learning applied to document recognition, Proc. IEEE 86(11)",
    "mlp": "Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors, Nature 323",
    "perceptron": "Rosenblatt 1958, The perceptron, Psychological Review 65(6)",
    "resnet18": _HE,
    "resnet34": _HE,
    "resnet50": _HE,
    "resnet101": _HE,
    "resnet152": _HE,
    "tabular": "Gorishniy et al. 2024, TabM, arXiv:2410.24210",
}

# what `describe` counts of each with default settings: written down, because counting takes two seconds and needs torch
COSTS: dict[str, tuple[int, int]] = {  # (parameters, FLOPs)
    "compact-cnn": (497_802, 65_855_776),
    "lenet5": (61_706, 833_040),
    "mlp": (235_146, 469_504),
    "perceptron": (7_850, 15_680),
    "resnet18": (11_181_642, 3_627_132_928),
    "resnet34": (21_289_802, 7_326_509_056),
    "resnet50": (23_528_522, 8_174_313_472),
    "resnet101": (42_520_650, 15_598_755_840),
    "resnet152": (58_164_298, 23_023_198_208),
    "tabular": (77_968, 938_368),
}

IMAGENET_STEM = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")  # judged by their papers at 224 pixels

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
    """The function that builds model `name`: of the catalogue, or the user's own as `file.py:Net`.

    Raises: ConfigError for an unknown name (with the nearest), a missing file or class
    """
    if ".py" in name:
        from sonde.models.custom import load

        return load(name)
    return resolve("model", name, MODELS)


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

    Without an input: a 224-pixel colour picture for networks of that size, 32 pixels for the other image networks, 28 grey
    pixels for those that flatten, 16 numbers for tables.
    """
    import torch

    from sonde.models.count import flops, parameters

    spec = input or default_input(name)
    with torch.device("meta"):
        model = build(name, spec, out_dim, config)
    return ModelFacts(
        name=name,
        paper=PAPERS.get(name, "the user's own"),
        parameters=parameters(model),
        flops=flops(model, spec.shape),
        input=spec.shape,
        out_dim=out_dim,
    )


def default_input(name: str) -> "InputSpec":
    """What `describe` counts a model at when nobody says."""
    from sonde.core.dataset import InputSpec

    if name == "tabular":
        return InputSpec(kind="table", shape=(16,))
    if name in IMAGENET_STEM:
        return InputSpec(kind="image", shape=(3, 224, 224))
    if name in ("mlp", "perceptron", "lenet5"):
        return InputSpec(kind="image", shape=(1, 28, 28))
    return InputSpec(kind="image", shape=(3, 32, 32))
