"""What can be known of a token without a look at others: how often it occurs in the training text."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from sonde.core.vocabulary import PAD


def unigram_baseline(
    known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor], *, symbols: int
) -> tuple[str, dict[str, float]]:
    """Each token by how often it occurs in the training text, whatever stands around it: (in words, metrics).

    Texts are given by all their tokens in `target`, long ones by each token once and `times`, how often it comes.
    """
    counts = torch.bincount(known["target"].flatten().long(), known.get("times"), minlength=symbols).double()
    counts[PAD] = 0
    logp = ((counts + 1) / (counts + 1)[1:].sum()).log()
    target, times = evaluated["target"].flatten().long(), evaluated.get("times")
    if times is None:
        target = target[target != PAD]
        loss = float(-logp[target].mean())
        right = float((target == counts.argmax()).double().mean())
    else:
        share = times.double() / times.double().sum()
        loss = float(-(logp[target] * share).sum())
        right = float(share[target == counts.argmax()].sum())
    return "unigram token frequencies", {"loss": loss, "perplexity": math.exp(loss), "accuracy": right}
