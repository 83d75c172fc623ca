"""Inputs of the right kind for a model of the catalogue, to count and to test it with."""

import torch
from torch import Tensor

from sonde.core.catalogue import load
from sonde.core.dataset import InputSpec
from sonde.modalities.catalogue import modality
from sonde.models.table import MODELS
from sonde.nn.invertible import CLASS_CONDITION
from sonde.nn.time_condition import CONDITION

CONDITIONS = {"noise": CONDITION, "density": CLASS_CONDITION}


def sample(name: str, spec: InputSpec, *, rows: int = 1, seed: int = 0) -> tuple[Tensor, ...]:
    """What model `name` is called with: (rows, …) of full length, drawn at random; sequences come with their lengths.

    An encoder-decoder also gets a target text; one that finds answers gets a question and a context.
    """
    drawn = torch.Generator().manual_seed(seed)
    about = modality(spec.kind)
    if about.sample:
        answers = MODELS[name].answers if name in MODELS else "row"
        return load(about.sample)(spec, rows, answers, drawn)
    if name in MODELS and MODELS[name].answers in CONDITIONS:
        width = CONDITIONS[MODELS[name].answers]
        return (torch.randn(rows, *spec.shape, generator=drawn), torch.randn(rows, width, generator=drawn))
    if name in MODELS and MODELS[name].answers == "adversarial":
        from sonde.models.build import build

        with torch.device("meta"):
            width = int(build(name, spec, 1).latent)  # type: ignore[arg-type]
        return (torch.randn(rows, width, generator=drawn), torch.randn(rows, width, generator=drawn))
    numbers = torch.randn(rows, *spec.shape, generator=drawn)
    return (numbers, torch.full((rows,), spec.shape[0])) if about.unit else (numbers,)
