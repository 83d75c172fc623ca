"""Networks of other libraries, where these are installed: `--model timm:NAME` and `--model torchvision:NAME`."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError, MissingDependency, unknown
from sonde.models.custom import check_output

AUXILIARY = ("googlenet", "inception_v3")  # torchvision's return tuples in training by default


@dataclass(frozen=True, kw_only=True)
class LibraryConfig:
    """A network of another library has no settings here."""


def load(text: str) -> Callable[[InputSpec, int, LibraryConfig], nn.Module]:
    """The builder for `timm:NAME` or `torchvision:NAME`, without trained weights (--pretrained FILE loads some).

    Raises: MissingDependency with the install line; ConfigError for a name that the library does not have
    """
    source, _, name = text.partition(":")
    library = imported(source, source)
    known = library.list_models() if source == "timm" else library.models.list_models(module=library.models)
    if name not in known:
        raise unknown(f"{source} model", name, known)

    def build(input: InputSpec, out_dim: int, config: LibraryConfig) -> nn.Module:
        make = _timm_model if source == "timm" else _torchvision_model
        model = make(library, name, input, out_dim)
        check_output(model, input, out_dim, name=text)
        return model

    return build


def imported(library: str, prefix: str) -> Any:
    """A library whose networks `--model PREFIX:NAME` takes. Raises: MissingDependency with the install line"""
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != library:
            raise
        raise MissingDependency(
            f"--model {prefix}:NAME needs {library}; install it with: pip install {library}"
        ) from None
    except RuntimeError as error:  # compiled operators for another PyTorch than this one
        first = str(error).splitlines()[0]
        raise MissingDependency(
            f"{library} cannot be imported with this PyTorch ({first}); install the build that matches it"
        ) from None


def _timm_model(library: Any, name: str, input: InputSpec, out_dim: int) -> nn.Module:
    channels, height, width = input.shape
    sized = {"img_size": (height, width)} if library.get_pretrained_cfg(name).fixed_input_size else {}
    return library.create_model(name, num_classes=out_dim, in_chans=channels, **sized)


def _torchvision_model(library: Any, name: str, input: InputSpec, out_dim: int) -> nn.Module:
    if input.shape[0] != 3:
        raise ConfigError(
            f"torchvision's networks take 3 channels, and these images have {input.shape[0]}; use timm:{name}, or one "
            "of `sonde models`"
        )
    single = {"aux_logits": False, "init_weights": True} if name in AUXILIARY else {}
    return library.models.get_model(name, num_classes=out_dim, **single)
