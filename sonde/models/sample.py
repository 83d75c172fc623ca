"""Inputs of the right kind for a model of the catalogue, to count and to test it with."""

import torch
from torch import Tensor

from sonde.core.catalogue import load
from sonde.core.dataset import InputSpec
from sonde.modalities.catalogue import modality
from sonde.models.table import MODELS


def sample(name: str, spec: InputSpec, *, rows: int = 1, seed: int = 0) -> tuple[Tensor, ...]:
    """What model `name` is called with: (rows, …) of full length, drawn at random; sequences come with their lengths.

    A model that answers with a text of its own also gets that text; one that finds answers gets a question and a context.
    """
    drawn = torch.Generator().manual_seed(seed)
    about = modality(spec.kind)
    if about.sample:
        answers = MODELS[name].answers if name in MODELS else "row"
        return load(about.sample)(spec, rows, answers, drawn)
    numbers = torch.randn(rows, *spec.shape, generator=drawn)
    return (numbers, torch.full((rows,), spec.shape[0])) if about.unit else (numbers,)
