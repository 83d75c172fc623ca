"""GPT-2: a causal transformer that predicts the token after each."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_shares
from sonde.nn.attention import Memory, SelfAttention
from sonde.nn.dropout import Dropout
from sonde.nn.transformer_block import FeedForward, TransformerBlock, norm

STD = 0.02  # of all matrices at the start, as in GPT-2's own code

# B rows, T tokens, D channels of a token, V symbols


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """Settings of GPT-2."""

    dropout: float = 0.0
    """Dropout after the embeddings and of each residual branch."""
    bias: bool = True
    """Biases of linear layers and layer norms, as in GPT-2."""
    activation: Literal["gelu-tanh", "gelu"] = "gelu-tanh"
    """GELU: the tanh approximation, as in GPT-2, or exact."""

    def __post_init__(self) -> None:
        check_shares(self, "dropout")


class GPT(nn.Module):
    """Tokens with learned positions, blocks whose norms stand before their parts, a norm, and the embedding again as output.

    (B, T) int64 -> (B, T, V), T at most `context`.
    Source: Radford et al. 2019, Language models are unsupervised multitask learners; the output is the embedding's matrix as
    in Press and Wolf 2016, arXiv:1608.05859
    """

    def __init__(self, input: InputSpec, out_dim: int, config: GPTConfig, *, dim: int, depth: int, heads: int) -> None:
        """Raises: ConfigError for another number of outputs than tokens"""
        super().__init__()
        check_tokens(input, out_dim, name="GPT-2")
        self.context = input.shape[0]
        self.token_embedding = nn.Embedding(input.symbols, dim)
        self.position_embedding = nn.Embedding(self.context, dim)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            TransformerBlock(
                dim,
                SelfAttention(dim, heads, bias=config.bias, dropout=config.dropout),
                FeedForward(dim, 4 * dim, activation=config.activation, bias=config.bias, dropout=config.dropout),
                norm_bias=config.bias,
            )
            for _ in range(depth)
        )
        self.norm = norm("layer", dim, bias=config.bias)
        initialise_blocks(self, depth)

    def forward(self, tokens: Tensor, memory: Sequence[Memory] | None = None) -> Tensor:
        """(B, T) -> (B, T, V): logits of the token after each.

        memory: of the tokens before these, which are added to it; one for each block (see `memory`)
        """
        before = memory[0].held if memory is not None else 0
        check_room(before + tokens.shape[1], self.context)
        places = torch.arange(before, before + tokens.shape[1], device=tokens.device)
        channels = self.dropout(self.token_embedding(tokens) + self.position_embedding(places))  # (B, T, D)
        for number, block in enumerate(self.blocks):
            channels = block(channels, causal=True, memory=None if memory is None else memory[number])
        return F.linear(self.norm(channels), self.token_embedding.weight)

    def memory(self, rows: int) -> list[Memory]:
        """An empty memory of `context` tokens for each block."""
        like = self.token_embedding.weight.detach()
        return [block.attention.memory(rows, self.context, like) for block in self.blocks]  # type: ignore[union-attr]


def initialise_blocks(model: nn.Module, depth: int) -> None:
    """Matrices normal with std 0.02, those that end a block's part less by √(2 depth), so that their sums keep their size."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=STD)
        elif isinstance(module, nn.Linear):
            ends = name.endswith(("attention.output", "feed_forward.second"))
            nn.init.normal_(module.weight, std=STD / (2 * depth) ** 0.5 if ends else STD)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def check_tokens(input: InputSpec, out_dim: int, *, name: str) -> None:
    """Raises: ConfigError for an input or a target that a language model cannot take."""
    if out_dim != input.symbols:
        raise ConfigError(
            f"{name} predicts the next of {input.symbols:,} tokens, and {out_dim:,} outputs are needed; leave --model out"
        )


def check_room(tokens: int, context: int) -> None:
    """Raises: ValueError for more tokens than the model's context."""
    if tokens > context:
        raise ValueError(f"the model's context is {context} tokens, and these would be {tokens}")


gpt_small = partial(GPT, dim=128, depth=4, heads=4)
"""4 blocks of 128 channels: what trains in minutes on a CPU (the size of nanoGPT's CPU recipe)."""
gpt_baby = partial(GPT, dim=384, depth=6, heads=6)
"""6 blocks of 384 channels: for characters on a GPU (the size of nanoGPT's recipe for Shakespeare)."""
gpt2 = partial(GPT, dim=768, depth=12, heads=12)
"""12 blocks of 768 channels."""
gpt2_medium = partial(GPT, dim=1024, depth=24, heads=16)
"""24 blocks of 1024 channels."""
gpt2_large = partial(GPT, dim=1280, depth=36, heads=20)
"""36 blocks of 1280 channels."""
gpt2_xl = partial(GPT, dim=1600, depth=48, heads=25)
"""48 blocks of 1600 channels."""
