"""BERT's weights by the names that Hugging Face gives them, as ours."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from sonde.models.bert import Bert

WHOLE = {
    "embeddings.word_embeddings": "words",
    "embeddings.position_embeddings": "positions",
    "embeddings.token_type_embeddings": "segments",
    "embeddings.LayerNorm": "norm",
    "pooler.dense": "pooler",
    "classifier": "head",
}
IN_BLOCK = {
    "attention.output.dense": "attention.output",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "feed_forward.first",
    "output.dense": "feed_forward.second",
    "output.LayerNorm": "feed_forward_norm",
}
PROJECTIONS = ("query", "key", "value")
BLOCK = re.compile(r"encoder\.layer\.(\d+)\.(.+)\.(weight|bias)")
OLD_NAMES = {"gamma": "weight", "beta": "bias"}  # of norms, in the first files


def fitted(model: Bert, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under our names, whether they are Hugging Face's or our own.

    Heads of theirs for other tasks are left out, and so are positions beyond the model's; the dense layer before the head
    stays as drawn where there is none, as in networks with an output per token.
    """
    theirs = any(name.removeprefix("bert.") == "embeddings.word_embeddings.weight" for name in weights)
    found = _ours(weights) if theirs else dict(weights)
    own = model.state_dict()
    if "positions.weight" in found:
        found["positions.weight"] = found["positions.weight"][: len(own["positions.weight"])]
    pooler = {name: value for name, value in own.items() if name.startswith("pooler.")}
    return found if pooler.keys() & found.keys() else {**found, **pooler}


def _ours(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Theirs under our names; queries, keys and values are one matrix here."""
    plain = {}
    for name, value in weights.items():
        place, _, kind = name.removeprefix("bert.").rpartition(".")
        plain[f"{place}.{OLD_NAMES.get(kind, kind)}"] = value
    found: dict[str, Tensor] = {}
    for name, value in plain.items():
        place, _, kind = name.rpartition(".")
        block = BLOCK.fullmatch(name)
        if block is None and place in WHOLE:
            found[f"{WHOLE[place]}.{kind}"] = value
        elif block is not None and block[2] in IN_BLOCK:
            found[f"blocks.{block[1]}.{IN_BLOCK[block[2]]}.{kind}"] = value
        elif block is not None and block[2] == "attention.self.query":
            stacked = [plain[f"encoder.layer.{block[1]}.attention.self.{part}.{kind}"] for part in PROJECTIONS]
            found[f"blocks.{block[1]}.attention.qkv.{kind}"] = torch.cat(stacked)
    return found
