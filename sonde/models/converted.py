"""Weights under other programs' names: Hugging Face's GPT-2 and nanoGPT's as those of `sonde.models.gpt`."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sonde.models.bert import Bert
from sonde.models.bert_names import fitted
from sonde.models.gpt import GPT
from sonde.models.hugging_face import CachedLanguageModel, CausalLanguageModel, SequenceClassifier

BUFFERS = re.compile(r"\.attn\.(masked_)?bias$")  # causal masks that older files hold
NAMES = {
    "wte.weight": "token_embedding.weight",
    "wpe.weight": "position_embedding.weight",
    "ln_f.weight": "norm.weight",
    "ln_f.bias": "norm.bias",
}
PARTS = {
    "ln_1": "attention_norm",
    "attn.c_attn": "attention.qkv",
    "attn.c_proj": "attention.output",
    "ln_2": "feed_forward_norm",
    "mlp.c_fc": "feed_forward.first",
    "mlp.c_proj": "feed_forward.second",
}
BLOCK = re.compile(r"h\.(\d+)\.(.+)\.(weight|bias)")


def renamed(model: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as the model calls them, where they are another program's, or another library's, of the same network; others as
    they are.

    GPT-2's positions beyond the model's context are left out; biases that nanoGPT does without are zero.
    """
    if isinstance(model, CausalLanguageModel | CachedLanguageModel | SequenceClassifier):
        return _inside(model, weights)
    if isinstance(model, Bert):
        return fitted(model, weights)
    if not isinstance(model, GPT) or not any(name.endswith("wte.weight") for name in weights):
        return dict(weights)
    plain = {name.removeprefix("transformer."): value for name, value in weights.items()}
    plain = {name: value for name, value in plain.items() if not BUFFERS.search(name) and name != "lm_head.weight"}
    # whether matrices stand as (inputs, outputs), which Hugging Face's GPT-2 keeps from its first program
    matrix = next((value for name, value in plain.items() if name.endswith("attn.c_attn.weight")), None)
    transposed = matrix is not None and matrix.shape[1] == 3 * matrix.shape[0]
    found = {}
    for name, value in plain.items():
        if (own := NAMES.get(name)) is None and (match := BLOCK.fullmatch(name)) and match[2] in PARTS:
            own = f"blocks.{match[1]}.{PARTS[match[2]]}.{match[3]}"
            value = value.T.contiguous() if transposed and value.ndim == 2 else value
        found[own or name] = value
    positions = "position_embedding.weight"
    if positions in found:
        found[positions] = found[positions][: model.context]
    for name, there in model.state_dict().items():
        if name.endswith(".bias") and name not in found and name.removesuffix("bias") + "weight" in found:
            found[name] = torch.zeros_like(there)
    return found


def _inside(model: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of the network inside an adapter; a matrix that serves twice need be there once."""
    found = {name if name.startswith("network.") else f"network.{name}": value for name, value in weights.items()}
    own = model.state_dict()
    places = {own[name].data_ptr(): name for name in found if name in own}
    twins = {name: places[value.data_ptr()] for name, value in own.items() if value.data_ptr() in places}
    return {**{name: found[twin] for name, twin in twins.items()}, **found}


def of_another_head(
    model: nn.Module, weights: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], frozenset[str], list[str]]:
    """(weights without the head of another task, names that are left as drawn, what to say of both).

    A checkpoint of transformers holds the body of a network below its prefix ("bert."), or alone, and the head of the task it
    was trained for; a classifier's own head, and the pooler that such a body lacks, are then drawn.
    """
    if not isinstance(model, CausalLanguageModel | CachedLanguageModel | SequenceClassifier):
        return dict(weights), frozenset(), []
    prefix = getattr(model.network, "base_model_prefix", "")
    if not prefix:
        return dict(weights), frozenset(), []
    own, body = model.state_dict(), f"network.{prefix}."
    if not any(name.startswith(body) for name in weights):  # the body was saved alone
        weights = {
            name if name in own else body + name.removeprefix("network."): value for name, value in weights.items()
        }
    aside = sorted(name for name in weights if name not in own and not name.startswith(body))
    kept = {name: value for name, value in weights.items() if name in own or name.startswith(body)}
    drawn = frozenset(
        name for name in own if name not in kept and (not name.startswith(body) or name.startswith(f"{body}pooler."))
    )
    notes = []
    if aside:
        parts = sorted({name.removeprefix("network.").split(".")[0] for name in aside})
        notes.append(f"left out {', '.join(parts)}: the head of another task")
    if drawn:
        parts = sorted({name.removeprefix("network.").rpartition(".")[0] for name in drawn})
        notes.append(f"{', '.join(parts)} randomly initialised: the weights have none")
    return kept, drawn, notes
