"""One layer of a transformer: attention, perhaps to another sequence, and an MLP, each added to what it was given."""

from collections.abc import Callable
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from sonde.nn.attention import CrossAttention, Memory, SelfAttention
from sonde.nn.dropout import Dropout
from sonde.nn.rms_norm import RMSNorm

Norm = Literal["layer", "rms"]
Activation = Literal["relu", "gelu", "gelu-tanh", "swiglu"]

# B rows, T tokens, D channels of a token


def norm(kind: Norm, dim: int, *, eps: float = 1e-5, bias: bool = True) -> nn.Module:
    """Layer norm (Ba et al. 2016, arXiv:1607.06450) or RMS norm (Zhang and Sennrich 2019, arXiv:1910.07467)."""
    return RMSNorm(dim, eps=eps) if kind == "rms" else nn.LayerNorm(dim, eps=eps, bias=bias)


class FeedForward(nn.Module):
    """Two dense layers with an activation between them, on each token by itself: (B, T, D) -> (B, T, D).

    swiglu: the first layer has a gate of the same width beside it (Shazeer 2020, arXiv:2002.05202)
    gelu-tanh: GELU by the approximation with tanh (Hendrycks and Gimpel 2016, arXiv:1606.08415), which GPT-2 was trained with
    """

    def __init__(
        self, dim: int, hidden: int, *, activation: Activation = "gelu", bias: bool = True, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.activation = activation
        self.first = nn.Linear(dim, 2 * hidden if activation == "swiglu" else hidden, bias=bias)
        self.second = nn.Linear(hidden, dim, bias=bias)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        return self.dropout(self.second(self._activated(self.first(tokens))))

    def _activated(self, inner: Tensor) -> Tensor:
        if self.activation == "swiglu":
            gate, value = inner.chunk(2, -1)
            return F.silu(gate) * value
        if self.activation == "relu":
            return F.relu(inner)
        return F.gelu(inner, approximate="tanh" if self.activation == "gelu-tanh" else "none")


class TransformerBlock(nn.Module):
    """Self-attention, with `cross` also attention to another sequence, and an MLP: (B, T, D) -> (B, T, D).

    attention, feed_forward, cross: its parts; without cross it attends to no other sequence
    pre: whether norms stand before each part (Xiong et al. 2020, arXiv:2002.04745) or after each sum (Vaswani et al. 2017)
    Dropout falls on what each part adds; the weights of attention are left alone, which keeps its kernels fused.
    """

    def __init__(
        self,
        dim: int,
        attention: SelfAttention,
        feed_forward: FeedForward,
        *,
        cross: CrossAttention | None = None,
        norm_kind: Norm = "layer",
        norm_bias: bool = True,
        pre: bool = True,
    ) -> None:
        super().__init__()
        self.pre = pre
        self.attention, self.attention_norm = attention, norm(norm_kind, dim, bias=norm_bias)
        self.cross = cross
        self.cross_norm = None if cross is None else norm(norm_kind, dim, bias=norm_bias)
        self.feed_forward, self.feed_forward_norm = feed_forward, norm(norm_kind, dim, bias=norm_bias)

    def forward(
        self,
        tokens: Tensor,
        *,
        mask: Tensor | None = None,
        causal: bool = False,
        rotary: Tensor | None = None,
        memory: Memory | None = None,
        context: tuple[Tensor, Tensor] | None = None,
        context_mask: Tensor | None = None,
    ) -> Tensor:
        """(B, T, D) -> (B, T, D). mask, causal, rotary, memory: see `SelfAttention`; context: `cross.project` of the other."""

        def attended(given: Tensor) -> Tensor:
            return self.attention(given, mask=mask, causal=causal, rotary=rotary, memory=memory)

        tokens = self._added(tokens, attended, self.attention_norm)
        if self.cross is not None and self.cross_norm is not None and context is not None:
            cross = self.cross
            tokens = self._added(tokens, lambda given: cross(given, context, mask=context_mask), self.cross_norm)
        return self._added(tokens, self.feed_forward, self.feed_forward_norm)

    def _added(self, tokens: Tensor, part: Callable[[Tensor], Tensor], around: nn.Module) -> Tensor:
        return tokens + part(around(tokens)) if self.pre else around(tokens + part(tokens))
