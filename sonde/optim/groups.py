"""Parameter groups: what decays, and what Muon may orthogonalise, decided by name and shape."""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

Named = tuple[str, nn.Parameter]


@dataclass(frozen=True, kw_only=True)
class Groups:
    """The parameters of one optimiser, apart by treatment; each is in exactly one list, in the given order.

    matrices: what Muon takes: hidden matrices and convolutions; decays
    decayed:  other weights that decay: for Muon the output layer, for other optimisers all matrices and convolutions
    plain:    never decays: biases, norms, scales, embeddings
    """

    matrices: list[Named]
    decayed: list[Named]
    plain: list[Named]


def grouped(parameters: Iterable[Named], *, muon: bool = False) -> Groups:
    """Sort parameters by treatment.

    A penalty on biases and norms only takes away what they are there for (He et al. 2019, arXiv:1812.01187), and a row of an
    embedding would shrink with every batch that does not contain it. Muon leaves out the last matrix, the output layer
    (Jordan et al. 2024), unless it is the only one, and complex ones, whose products it does not compute.
    """
    listed = list(parameters)
    weights = [(name, parameter) for name, parameter in listed if decays(name, parameter)]
    plain = [(name, parameter) for name, parameter in listed if not decays(name, parameter)]
    if not muon:
        return Groups(matrices=[], decayed=weights, plain=plain)
    last = len(weights) - 1 if len(weights) > 1 else len(weights)
    matrices = [(name, parameter) for name, parameter in weights[:last] if not parameter.is_complex()]
    complex_ones = [(name, parameter) for name, parameter in weights[:last] if parameter.is_complex()]
    return Groups(matrices=matrices, decayed=[*complex_ones, *weights[last:]], plain=plain)


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Whether weight decay applies: a matrix or a convolution that is no bias, norm, scale, token or embedding.

    The shape alone does not tell: an ensemble's biases and scales are (members, units), layer norms over images (C, H, W),
    a transformer's class token (1, 1, D). Its patch embedding is a convolution like any other.

    >>> import torch
    >>> [decays(name, nn.Parameter(torch.ones(2, 2))) for name in ("head.weight", "head.bias", "input_scale", "embed.weight")]
    [True, False, False, False]
    """
    *path, leaf = name.lower().split(".")
    if parameter.ndim < 2 or leaf.endswith(("bias", "scale", "token")):
        return False
    return not any(("embed" in part and part != "patch_embed") or "norm" in part for part in (*path, leaf))
