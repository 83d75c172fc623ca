"""Encoder-decoder transformers: a text in, a text out. Stepwise decoding caches keys and values."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_shares
from sonde.nn.attention import CrossAttention, Memory, SelfAttention, seen
from sonde.nn.dropout import Dropout
from sonde.nn.positions import sinusoidal
from sonde.nn.transformer_block import FeedForward, TransformerBlock

PLACES = 512  # positions that are kept; of longer rows they are computed anew

# B rows, N rows that are decoded, S source tokens, M target tokens, D channels of a token, V symbols of the target


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """Settings of the encoder-decoder transformers."""

    dropout: float = 0.1
    """Dropout after the embeddings and of each residual branch."""
    norm: Literal["pre", "post"] = "pre"
    """Layer norm: pre (before each sub-layer, more stable) or post (after each residual sum, as in the paper)."""
    tied: Literal["all", "output", "none"] = "output"
    """Weight tying: target embedding and output layer, or all embeddings, which needs one vocabulary for both sides."""

    def __post_init__(self) -> None:
        check_shares(self, "dropout")


class Decoding:
    """A transformer decoder's cache of N rows: keys and values of the source, and those of the tokens so far.

    contexts: of each layer, keys and values (N, heads, S, K) of the encoded source;  mask: (N, 1, 1, S)
    """

    def __init__(self, contexts: list[tuple[Tensor, Tensor]], mask: Tensor, memories: list[Memory]) -> None:
        self.contexts, self.mask, self.memories = contexts, mask, memories

    def keep(self, rows: Tensor) -> None:
        """Go on with the rows (N',) int64 of these, each as often as it is named."""
        self.contexts = [(key.index_select(0, rows), value.index_select(0, rows)) for key, value in self.contexts]
        self.mask = self.mask.index_select(0, rows)
        self.reorder(rows)

    def reorder(self, rows: Tensor) -> None:
        """Let each row go on from row `rows` (N,), which has the same source (beam search)."""
        for memory in self.memories:
            memory.reorder(rows)


class Transformer(nn.Module):
    """(B, S) and (B, M) tokens -> logits (B, M, V) of the token that follows each of the second.

    Embeddings are scaled by √D and sines of the place are added. Padding is never attended to. Before norms inside the blocks a
    last one follows them.
    Source: Vaswani et al. 2017, Attention is all you need, arXiv:1706.03762; norms first: Xiong et al. 2020, arXiv:2002.04745
    """

    def __init__(
        self,
        input: InputSpec,
        out_dim: int,
        config: TransformerConfig,
        *,
        dim: int,
        heads: int,
        hidden: int,
        layers: int,
    ) -> None:
        """Raises: ConfigError for one vocabulary that is to serve two sides of different ones"""
        if config.tied == "all" and input.symbols != out_dim:
            raise ConfigError(
                f"--tied all needs one vocabulary for both sides, and they have {input.symbols:,} and {out_dim:,} "
                "symbols; use --tied output"
            )
        super().__init__()
        self.dim = dim
        self.source = nn.Embedding(input.symbols, dim)
        self.target = None if config.tied == "all" else nn.Embedding(out_dim, dim)
        self.output = nn.Linear(dim, out_dim, bias=False) if config.tied == "none" else None
        self.register_buffer("places", sinusoidal(PLACES, dim), persistent=False)
        self.dropout = Dropout(config.dropout)

        def block(*, cross: bool) -> TransformerBlock:
            return TransformerBlock(
                dim,
                SelfAttention(dim, heads, dropout=config.dropout),
                FeedForward(dim, hidden, activation="relu", dropout=config.dropout),
                cross=CrossAttention(dim, heads, dropout=config.dropout) if cross else None,
                pre=config.norm == "pre",
            )

        self.encoder = nn.ModuleList(block(cross=False) for _ in range(layers))
        self.decoder = nn.ModuleList(block(cross=True) for _ in range(layers))
        before = config.norm == "pre"
        self.encoder_norm = nn.LayerNorm(dim) if before else nn.Identity()
        self.decoder_norm = nn.LayerNorm(dim) if before else nn.Identity()
        _initialise(self)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """(B, S), (B, M) int64 -> (B, M, V). target: BEGIN and what follows it, PAD behind the end."""
        encoded, mask = self.encode(source), seen(source)
        tokens = self._embedded(target, self._target_matrix())
        for block in self.decoder:
            tokens = block(tokens, causal=True, context=_cross(block).project(encoded), context_mask=mask)
        return self._logits(self.decoder_norm(tokens))

    def encode(self, source: Tensor) -> Tensor:
        """(B, S) int64 -> (B, S, D)."""
        tokens, mask = self._embedded(source, self.source.weight), seen(source)
        for block in self.encoder:
            tokens = block(tokens, mask=mask)
        return self.encoder_norm(tokens)

    def begin(self, source: Tensor, length: int) -> Decoding:
        """Encode (B, S) and make room for `length` tokens a row."""
        encoded = self.encode(source)
        contexts = [_cross(block).project(encoded) for block in self.decoder]
        memories = [block.attention.memory(len(source), length, contexts[0][0]) for block in self.decoder]  # type: ignore[union-attr]
        return Decoding(contexts, seen(source), memories)

    def step(self, tokens: Tensor, state: Decoding) -> Tensor:
        """The last tokens (N,) -> logits (N, V) of the next; `state` moves on."""
        inner = self._embedded(tokens[:, None], self._target_matrix(), begin=state.memories[0].held)
        for block, context, memory in zip(self.decoder, state.contexts, state.memories, strict=True):
            inner = block(inner, memory=memory, context=context, context_mask=state.mask)
        return self._logits(self.decoder_norm(inner))[:, 0]

    @torch.no_grad()
    def attention(self, source: Tensor, target: Tensor) -> Tensor:
        """(B, M, S) attention weights of each target token over the source's: mean over the heads of the last layer but one.

        That layer comes nearest to an alignment of words (Garg et al. 2019, arXiv:1909.02074); of one layer, that one.
        """
        cross = _cross(self.decoder[max(0, len(self.decoder) - 2)])
        found: list[Tensor] = []

        def keep(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            found.append(cross.weights(*given, **named))

        watching = cross.register_forward_pre_hook(keep, with_kwargs=True)
        try:
            self(source, target)
        finally:
            watching.remove()
        return found[0].float().mean(1)

    def _embedded(self, tokens: Tensor, matrix: Tensor, *, begin: int = 0) -> Tensor:
        end = begin + tokens.shape[1]
        places = self.get_buffer("places")
        if end > PLACES:
            places = sinusoidal(end, self.dim).to(places)
        return self.dropout(F.embedding(tokens, matrix) * self.dim**0.5 + places[begin:end])

    def _target_matrix(self) -> Tensor:
        return self.source.weight if self.target is None else self.target.weight

    def _logits(self, tokens: Tensor) -> Tensor:
        return F.linear(tokens, self._target_matrix() if self.output is None else self.output.weight)


def _cross(block: nn.Module) -> CrossAttention:
    assert isinstance(block, TransformerBlock)
    assert block.cross is not None
    return block.cross


def _initialise(model: Transformer) -> None:
    """Embeddings normal with std 1/√D, so that scaled they have std 1; matrices by Glorot and Bengio, biases 0."""
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=model.dim**-0.5)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


transformer_tiny = partial(Transformer, dim=128, heads=4, hidden=256, layers=4)
"""4 + 4 layers of 128 channels, for some ten thousand pairs (Wu et al. 2021, arXiv:2105.14462)."""
transformer_small = partial(Transformer, dim=256, heads=4, hidden=1024, layers=3)
"""3 + 3 layers of 256 channels."""
transformer_base = partial(Transformer, dim=512, heads=8, hidden=2048, layers=6)
"""6 + 6 layers of 512 channels, the paper's base model."""
transformer_big = partial(Transformer, dim=1024, heads=16, hidden=4096, layers=6)
"""6 + 6 layers of 1024 channels, the paper's big model."""
