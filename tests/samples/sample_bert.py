"""A small BERT as Hugging Face publishes one: weights by its names, a tokenizer by its numbers."""

import torch
from torch import Tensor

from sonde.models.bert import Bert

WORDS = [
    "[PAD]",
    "[unused0]",
    "[unused1]",
    "[unused2]",
    "play",
    "##ing",
    "film",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "good",
]


def published() -> str:
    """A tokenizer.json as Hugging Face writes BERT's, of twelve tokens."""
    import tokenizers

    vocabulary = {token: number for number, token in enumerate(WORDS)}
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    made.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 9), ("[CLS]", 8))
    made.enable_truncation(4)
    made.enable_padding(length=9)
    return made.to_str()


def theirs(own: Bert, *, prefix: str = "bert.", pooler: bool = True, old: bool = False) -> dict[str, Tensor]:
    """`own`'s weights under Hugging Face's names, as their files have them."""
    given = own.state_dict()
    scale, shift = ("gamma", "beta") if old else ("weight", "bias")
    found = {
        "embeddings.word_embeddings.weight": given["words.weight"],
        "embeddings.position_embeddings.weight": given["positions.weight"],
        "embeddings.token_type_embeddings.weight": given["segments.weight"],
        f"embeddings.LayerNorm.{scale}": given["norm.weight"],
        f"embeddings.LayerNorm.{shift}": given["norm.bias"],
        "embeddings.position_ids": torch.arange(32)[None],
    }
    for block in range(2):
        there, here = f"encoder.layer.{block}.", f"blocks.{block}."
        for kind in ("weight", "bias"):
            parts = given[f"{here}attention.qkv.{kind}"].chunk(3)
            for name, part in zip(("query", "key", "value"), parts, strict=True):
                found[f"{there}attention.self.{name}.{kind}"] = part
            norm = {"weight": scale, "bias": shift}[kind]
            found[f"{there}attention.output.dense.{kind}"] = given[f"{here}attention.output.{kind}"]
            found[f"{there}attention.output.LayerNorm.{norm}"] = given[f"{here}attention_norm.{kind}"]
            found[f"{there}intermediate.dense.{kind}"] = given[f"{here}feed_forward.first.{kind}"]
            found[f"{there}output.dense.{kind}"] = given[f"{here}feed_forward.second.{kind}"]
            found[f"{there}output.LayerNorm.{norm}"] = given[f"{here}feed_forward_norm.{kind}"]
    if pooler:
        found |= {f"pooler.dense.{kind}": given[f"pooler.{kind}"] for kind in ("weight", "bias")}
    return {prefix + name: value for name, value in found.items()} | {"cls.predictions.bias": torch.zeros(40)}
