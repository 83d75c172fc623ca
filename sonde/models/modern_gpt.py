"""A transformer of the next token as they are built since LLaMA: rotated places, RMS norms, a gated MLP, no biases."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.gpt import check_room, check_tokens, initialise_blocks
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.attention import Memory, SelfAttention
from sonde.nn.dropout import Dropout
from sonde.nn.positions import rotations
from sonde.nn.transformer_block import FeedForward, TransformerBlock, norm

MULTIPLE = 64  # the MLP's width is rounded up to it, which suits the blocks that matrix products are cut into

# B rows, T tokens, D channels of a token, V symbols


@dataclass(frozen=True, kw_only=True)
class ModernGPTConfig:
    """Settings of the modern GPT."""

    width: int = 192
    """Embedding width (channels of each token)."""
    layers: int = 4
    """Transformer blocks."""
    heads: int = 3
    """Attention heads, of width / heads channels each."""
    kv_heads: int = 0
    """Key-value heads (grouped-query attention); fewer than --heads give a smaller cache, 0 as many."""
    dropout: float = 0.0
    """Dropout after the embedding and of each residual branch."""

    def __post_init__(self) -> None:
        check_counts(self, "width", "layers", "heads")
        check_shares(self, "dropout")
        check_rotated(self.width, self.heads)
        if self.kv_heads < 0 or (self.kv_heads and self.heads % self.kv_heads):
            raise ConfigError(f"--kv-heads must be 0 or divide --heads {self.heads}, got {self.kv_heads}")


class ModernGPT(nn.Module):
    """(B, T) int64 -> (B, T, V), T at most `context`. Input and output have a matrix each.

    Source: Touvron et al. 2023, LLaMA, arXiv:2302.13971, section 2.2 (RMS norms, rotations, SwiGLU, no biases); normed queries
    and keys after Dehghani et al. 2023, arXiv:2302.05442; groups after Ainslie et al. 2023, arXiv:2305.13245
    """

    def __init__(self, input: InputSpec, out_dim: int, config: ModernGPTConfig) -> None:
        """Raises: ConfigError for another number of outputs than tokens"""
        super().__init__()
        check_tokens(input, out_dim, name="modern-gpt")
        self.context = input.shape[0]
        self.token_embedding = nn.Embedding(input.symbols, config.width)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            modern_block(config.width, config.heads, groups=config.kv_heads, dropout=config.dropout)
            for _ in range(config.layers)
        )
        self.norm = norm("rms", config.width)
        self.head = nn.Linear(config.width, input.symbols, bias=False)
        self.register_buffer("rotary", rotations(self.context, config.width // config.heads), persistent=False)
        initialise_blocks(self, config.layers)

    def forward(self, tokens: Tensor, memory: Sequence[Memory] | None = None) -> Tensor:
        """(B, T) -> (B, T, V): logits of the token after each.

        memory: of the tokens before these, which are added to it; one for each block (see `memory`)
        """
        before = memory[0].held if memory is not None else 0
        check_room(before + tokens.shape[1], self.context)
        rotary = self.get_buffer("rotary")[before : before + tokens.shape[1]]
        channels = self.dropout(self.token_embedding(tokens))  # (B, T, D)
        for number, block in enumerate(self.blocks):
            held = None if memory is None else memory[number]
            channels = block(channels, causal=True, rotary=rotary, memory=held)
        return self.head(self.norm(channels))

    def memory(self, rows: int) -> list[Memory]:
        """An empty memory of `context` tokens for each block."""
        like = self.token_embedding.weight.detach()
        return [block.attention.memory(rows, self.context, like) for block in self.blocks]  # type: ignore[union-attr]


def modern_block(width: int, heads: int, *, groups: int = 0, dropout: float = 0.0) -> TransformerBlock:
    """RMS norms before each part, normed queries and keys, SwiGLU, no biases. groups: of keys and values, 0 for one a head"""
    attention = SelfAttention(width, heads, groups=groups or None, bias=False, dropout=dropout, qk_norm=True)
    hidden = -(-8 * width // (3 * MULTIPLE)) * MULTIPLE  # 8/3: as many weights as 4 without a gate
    feed_forward = FeedForward(width, hidden, activation="swiglu", bias=False, dropout=dropout)
    return TransformerBlock(width, attention, feed_forward, norm_kind="rms")


def check_rotated(width: int, heads: int) -> None:
    """Raises: ConfigError for heads whose channels cannot be paired, to be rotated."""
    if width % heads or width // heads % 2:
        raise ConfigError(
            f"--width {width} must be an even number of channels for each of --heads {heads}; give a multiple of {2 * heads}"
        )
