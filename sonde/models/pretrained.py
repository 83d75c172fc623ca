"""Weights that were trained before: reading their file, and making them fit another number of classes, channels or patches."""

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from sonde.core.errors import ConfigError
from sonde.models.converted import of_another_head, renamed
from sonde.models.layers import BACKBONE, layers_of
from sonde.models.vit import VisionTransformer, resize_positions

MALFORMED = (
    SafetensorError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
)
WRAPPERS = ("state_dict", "model", "model_state_dict")  # keys that training programs keep the weights under
PREFIXES = ("module.", "_orig_mod.")  # what DistributedDataParallel and torch.compile put before every name
DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")  # its published file is older than its names
# heads that torchvision's files hold beside the main one, where there are any
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
NAMED = 3  # misfits that an error names; the others are counted


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name from a .safetensors file, or one of torch.save's, which is read without running what it holds.

    A dict inside the file and prefixes of every name are taken off. Raises: ConfigError when it holds no state dict
    """
    try:
        content = _content(path)
    except OSError as error:
        raise ConfigError(f"--pretrained: cannot read {path}: {error.strerror or error}") from None
    except pickle.UnpicklingError as error:
        raise ConfigError(
            f"--pretrained: {path} holds more than tensors{_what_more(error)}, or is damaged, and is not read: a pickle can run "
            "code; save the network's state_dict() with safetensors or torch.save"
        ) from None
    except MALFORMED as error:
        raise ConfigError(
            f"--pretrained: {path} is not a file of weights, or is damaged ({_first_line(error)})"
        ) from None
    while isinstance(content, Mapping) and (
        wrapper := next((key for key in WRAPPERS if isinstance(content.get(key), Mapping)), None)
    ):
        content = content[wrapper]
    if not isinstance(content, Mapping) or not content or not all(isinstance(t, Tensor) for t in content.values()):
        raise ConfigError(
            f"--pretrained: {path} holds no state dict (tensors by name); save the network's state_dict() there"
        )
    return plain_names(content)


def _content(path: Path) -> Any:
    """What a file holds, without warnings of torch's that it was written otherwise than torch does: errors say what is wrong."""
    if path.suffix == ".safetensors":
        return load_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.load(path, map_location="cpu", weights_only=True)


def _what_more(error: Exception) -> str:
    """What a pickle holds beside tensors, where torch says so; its advice to load it all the same is not passed on.

    >>> _what_more(Exception("Unsupported global: GLOBAL os.system was not an allowed global by default."))
    ' (os.system)'
    """
    found = re.search(r"GLOBAL (\S+)", str(error))
    return f" ({found[1]})" if found else ""


def plain_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without a prefix that every name has, and with DenseNet's names as they are today.

    >>> list(plain_names({"module.fc.weight": torch.zeros(1), "module.fc.bias": torch.zeros(1)}))
    ['fc.weight', 'fc.bias']
    """
    names = dict(weights)
    while prefix := next((p for p in PREFIXES if all(name.startswith(p) for name in names)), None):
        names = {name.removeprefix(prefix): value for name, value in names.items()}
    return {DENSENET.sub(r"\1\2", name): value for name, value in names.items()}


def load_pretrained(model: nn.Module, weights: Mapping[str, Tensor], *, source: str, out_dim: int) -> list[str]:
    """Copy weights into `model`, and describe what was loaded and what was adapted.

    Weights of a plain network are those of a backbone where that is called so, and the rest stays as drawn; auxiliary heads
    that this network is built without are passed over.
    Layers that put out `out_dim` values are left as drawn where the weights have another number of classes, and the last layer
    where they have none, as those of a network that was trained without labels;
    the first convolution is made to fit the channels, a vision transformer's positions its patches.
    Raises: ConfigError naming the tensors that do not fit otherwise
    """
    weights, drawn, heads = of_another_head(model, renamed(model, weights))
    own = model.state_dict()
    state: dict[str, Tensor] = {}
    weights, apart, notes = _placed(weights, own)
    apart, notes = apart | drawn, [*heads, *notes]
    head = layers_of(model)[-1].parameters.keys() | apart
    misfits = [f"{name} is not in this network" for name in weights if name not in own]
    for name, there in own.items():
        if name not in weights:
            if name in apart:
                continue  # reported for all of them at once
            if name in head and not head & weights.keys():
                notes += (
                    [f"{name.rpartition('.')[0]} is randomly initialised: the weights have none"]
                    if there.ndim > 1
                    else []
                )
            elif not name.endswith("num_batches_tracked"):  # a count that files before PyTorch 0.4 do not hold
                misfits.append(f"{name} is missing")
        elif weights[name].shape == there.shape:
            state[name] = weights[name]
        elif (fitted := _fitted(model, name, weights[name], there, out_dim)) is not None:
            state[name], note = fitted
            notes += [note] if note else []
        else:
            misfits.append(
                f"{name} has shape {_shape(weights[name])} in the weights and {_shape(there)} in this network"
            )
    if misfits:
        more = f" and {len(misfits) - NAMED} more" if len(misfits) > NAMED else ""
        raise ConfigError(
            f"--pretrained: {source} does not fit this network: {'; '.join(misfits[:NAMED])}{more}; choose the --model, and "
            "the settings such as --stem, --patch or --hidden, that the weights were trained with"
        )
    model.load_state_dict(own | state)
    loaded = sum(state[name] is not own[name] for name in state)
    return [f"weights of {source}, {loaded} tensors", *notes]


def _placed(weights: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], set[str], list[str]]:
    """(weights by the names they have here, names of this network that they are not meant for, what to say of both)."""
    notes: list[str] = []
    if any(name.startswith(AUXILIARY) for name in weights) and not any(name.startswith(AUXILIARY) for name in own):
        weights = {name: value for name, value in weights.items() if not name.startswith(AUXILIARY)}
        notes.append("auxiliary heads left out")
    prefix = f"{BACKBONE}."
    if any(name.startswith(prefix) for name in weights) or not any(name.startswith(prefix) for name in own):
        return dict(weights), set(), notes
    placed = {prefix + name: value for name, value in weights.items() if prefix + name in own}
    if not placed:
        return dict(weights), set(), notes
    parts = sorted({name.split(".")[0] for name in own} - {BACKBONE})
    notes.append(f"loaded into the backbone; {' and '.join(parts)} randomly initialised")
    return placed, {name for name in own if not name.startswith(prefix)}, notes


def fit_channels(weight: Tensor, channels: int) -> Tensor:
    """A convolution's weights (O, C, k, k) for another number of input channels: (O, channels, k, k).

    For one channel they are summed, which maps a grey image to what the original gives for three copies; for others they are
    repeated and scaled by C / channels, so that outputs keep their scale.

    >>> weight = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)
    >>> fit_channels(weight, 1).flatten().tolist(), fit_channels(weight, 4).flatten().tolist()
    ([6.0], [0.75, 1.5, 2.25, 0.75])
    """
    held = weight.shape[1]
    if channels == 1:
        return weight.sum(1, keepdim=True)
    repeated = weight.repeat(1, -(-channels // held), 1, 1)[:, :channels]
    return repeated * (held / channels)


def _fitted(model: nn.Module, name: str, given: Tensor, there: Tensor, out_dim: int) -> tuple[Tensor, str] | None:
    """(tensor in the shape of `there`, what to say); None where nothing can be made of it."""
    layer, _, _ = name.rpartition(".")
    module = model.get_submodule(layer)
    outputs = getattr(module, "out_features", getattr(module, "out_channels", None))
    if outputs == out_dim and given.shape[1:] == there.shape[1:]:
        note = f"{layer} is randomly initialised: {out_dim} outputs instead of {len(given)}" if there.ndim > 1 else ""
        return there, note
    first = next((known for known, parameter in model.named_parameters() if parameter.ndim == 4), None)
    if name == first and given.ndim == 4 and _without(given, 1) == _without(there, 1):
        channels = there.shape[1]
        how = "summed over channels" if channels == 1 else f"repeated, times {given.shape[1]}/{channels}"
        return fit_channels(
            given, channels
        ), f"{layer} takes {channels} channel{'s' * (channels > 1)} instead of {given.shape[1]}: {how}"
    if isinstance(model, VisionTransformer) and name == "pos_embed" and given.ndim == 3:
        return _positions(model, given, there)
    return None


def _positions(model: VisionTransformer, given: Tensor, there: Tensor) -> tuple[Tensor, str] | None:
    if given.shape[2] != there.shape[2]:
        return None
    try:
        resized = resize_positions(given, model.grid, model.prefix)
    except ValueError:  # of a grid that is not square, or with other tokens before it: named as a misfit
        return None
    height, width = model.grid
    return resized, f"positions of {given.shape[1] - model.prefix} patches interpolated to {height}x{width}"


def _without(tensor: Tensor, dim: int) -> list[int]:
    return [size for place, size in enumerate(tensor.shape) if place != dim]


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def _first_line(error: BaseException) -> str:
    kind, lines = type(error).__name__, str(error).strip().splitlines()
    return f"{kind}: {lines[0].rstrip('.')}" if lines else kind
