"""A network as a row of layers from the input to the head: what can be frozen, and how far each one is from the head."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sonde.core.errors import ConfigError

# they compute nothing of their own: their parts are the layers
CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
BACKBONE = "backbone"  # what detectors and segmenters call the network they stand on


@dataclass(kw_only=True)
class Layer:
    """A module with matrices, and what follows it without any: norms, activations, pooling.

    name:       of the module with matrices
    modules:    in the order in which they are defined
    parameters: with their names in the network
    """

    name: str
    modules: list[nn.Module] = field(default_factory=list)
    parameters: dict[str, nn.Parameter] = field(default_factory=dict)

    @property
    def has_matrices(self) -> bool:
        """Whether more is learned here than scales and shifts."""
        return any(parameter.ndim > 1 for parameter in self.parameters.values())


def layers_of(model: nn.Module) -> list[Layer]:
    """The layers in the order in which the network defines them; the last is its head.

    Sequences and backbones are taken apart, other modules are one layer: of a residual network each block, of a vision
    transformer the patch embedding, each block and the head. Parameters of the network itself (tokens, positions) belong to
    the first layer.

    >>> [layer.name for layer in layers_of(nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2)))]
    ['0', '3']
    """
    units = list(_units(model, ""))
    while len(units) == 1 and (inner := list(_units(units[0][1], f"{units[0][0]}."))):
        units = inner  # what stood alone was a wrapper around the network
    found: list[Layer] = []
    taken: set[int] = set()
    for name, module in units:
        own = {f"{name}.{inner}": p for inner, p in module.named_parameters() if id(p) not in taken}
        taken |= {id(parameter) for parameter in own.values()}
        learns = any(parameter.ndim > 1 for parameter in own.values())
        if not found or (learns and found[-1].has_matrices):
            found.append(Layer(name=name))
        if learns:
            found[-1].name = name
        found[-1].modules.append(module)
        found[-1].parameters |= own
    if not found:
        found.append(Layer(name=type(model).__name__, modules=[model]))
    loose = {name: parameter for name, parameter in model.named_parameters() if id(parameter) not in taken}
    found[0].parameters = loose | found[0].parameters
    return found


def followed(model: nn.Module) -> dict[str, list[nn.Module]]:
    """Name of each layer but the head (of a backbone's alone, where one is called so) -> its module with matrices, then
    those that follow it.
    """
    layers = layers_of(model)
    backbone = [layer for layer in layers if layer.name.startswith(f"{BACKBONE}.")]
    found = {}
    for layer in backbone or layers[:-1]:
        own = layer.modules.index(model.get_submodule(layer.name))
        found[layer.name] = layer.modules[own:]
    return found


def distances(model: nn.Module) -> dict[str, int]:
    """Parameter name -> layers from its own to the head; 0 for the head's."""
    layers = layers_of(model)
    last = len(layers) - 1
    return {name: last - place for place, layer in enumerate(layers) for name in layer.parameters}


def freeze(model: nn.Module, what: int | Literal["backbone"]) -> str:
    """Let the backbone (all layers but the head where none is called so) or the first layers stay as they are; says which.

    Their batch norms normalise by the statistics they have, in training too, and keep them.
    Raises: ConfigError when nothing would be left to learn, or nothing is to be frozen
    """
    layers = layers_of(model)
    before = sum(layer.name.startswith(f"{BACKBONE}.") for layer in layers)
    count = (before or len(layers) - 1) if what == "backbone" else what
    if count < 1:
        raise ConfigError("--freeze backbone: this network has a head only; there is nothing to freeze")
    if count >= len(layers):
        names = ", ".join(layer.name for layer in layers)
        raise ConfigError(
            f"--freeze {what}: this network has {len(layers)} layers ({names}), and the head must stay trainable; give at most "
            f"{len(layers) - 1}"
        )
    frozen = layers[:count]
    for layer in frozen:
        for parameter in layer.parameters.values():
            parameter.requires_grad_(False)
    norms = [part for layer in frozen for module in layer.modules for part in module.modules()]
    norms = [part for part in norms if isinstance(part, _BatchNorm)]
    for norm in norms:
        norm.register_forward_pre_hook(_evaluating)
    held = sum(p.numel() for layer in frozen for p in layer.parameters.values())
    total = sum(p.numel() for p in model.parameters())
    which = frozen[0].name if count == 1 else f"{frozen[0].name} to {frozen[-1].name}"
    norms_text = "; their batch norms stay in evaluation mode" if norms else ""
    return f"{count} of {len(layers)} layers frozen ({which}), {held:,} of {total:,} parameters{norms_text}"


def _evaluating(norm: nn.Module, args: tuple[Tensor, ...]) -> None:
    """Before each forward of a frozen batch norm: the loop puts the whole network into training mode, this part stays out."""
    norm.training = False


def _units(module: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    """(name, module) of the modules that compute, in order of definition."""
    for name, child in module.named_children():
        if isinstance(child, CONTAINERS) or name == BACKBONE:
            yield from _units(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", child
