"""Attention with several heads, of tokens to one another or to others, with memory of keys and values for generation."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.nn.dropout import Dropout
from sonde.nn.positions import rotate
from sonde.nn.rms_norm import RMSNorm

LONGEST_WRITTEN_OUT = 512  # keys

# B rows, T tokens, S tokens attended to, D channels of a token, H heads, G heads of keys and values, K channels of a head


class Memory:
    """Keys and values of the tokens before, for generation: room for `length` tokens, filled from the front.

    keys, values: (B, G, length, K); held: how many of the places are filled. Whoever runs a whole model moves `held` on,
    since every layer has a memory of its own.
    """

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys, self.values, self.held = keys, values, 0

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keep those of T more tokens (B, G, T, K) and return all so far. Raises: ValueError when there is no room."""
        end = self.held + keys.shape[2]
        if end > self.keys.shape[2]:
            raise ValueError(f"the memory has room for {self.keys.shape[2]} tokens, and this would be {end}")
        self.keys[:, :, self.held : end] = keys
        self.values[:, :, self.held : end] = values
        self.held = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def reorder(self, rows: Tensor) -> None:
        """Keep the rows (B',) int64 in the order given: beams go on from any other."""
        self.keys, self.values = self.keys.index_select(0, rows), self.values.index_select(0, rows)


def attend(query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """softmax(Q Kᵀ / √K) V: (B, H, T, K), (B, G, S, K) twice -> (B, H, T, K). G divides H; each of G serves H/G heads.

    mask:   True where a query may look, or floats of any width that are added to the scores; broadcast to (B, H, T, S)
    causal: query t looks at keys up to t + S - T; with a mask, at those of them that the mask allows
    Source: Vaswani et al. 2017, arXiv:1706.03762, equation 1; Ainslie et al. 2023, arXiv:2305.13245, for G < H
    """
    queries, keys = query.shape[2], key.shape[2]
    grouped = key.shape[1] != query.shape[1]
    if mask is not None and mask.is_floating_point():
        # Beside float64 queries torch 2.13's kernel for CPUs misreads float32 from a vector's width of keys on (8, with AVX-512
        # 16): answers near 1 were off by 0.2 to 3, without a word. Other pairs of widths are refused, on GPUs all.
        mask = mask.to(query.dtype)
    if _faster_written_out(query, keys):
        return _written_out(query, key, value, mask, causal=causal)
    if causal and (mask is not None or 1 < queries != keys):
        mask = _with_causal(mask, queries, keys, query.device)
    is_causal = causal and mask is None and queries > 1
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=is_causal, enable_gqa=grouped)


def reference(query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """`attend` written out: (the mixed values (B, H, T, K), the weights (B, H, T, S)). H heads of each.

    allowed: bool, broadcast to (B, H, T, S)
    """
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -torch.inf)
    weights = scores.softmax(-1)
    return weights @ value, weights


class SelfAttention(nn.Module):
    """Tokens look at one another: (B, T, D) -> (B, T, D).

    groups:  heads of keys and values, fewer than `heads` to make memory smaller; None for as many
    qk_norm: queries and keys of length √K before they meet, which keeps scores from growing (Henry et al. 2020,
             arXiv:2010.04245, with RMSNorm as in Dehghani et al. 2023)
    Raises: ValueError for sizes that do not divide
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        groups: int | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        qk_norm: bool = False,
    ) -> None:
        super().__init__()
        groups = groups or heads
        if dim % heads or heads % groups:
            raise ValueError(f"{dim} channels, {heads} heads and {groups} groups do not divide one another")
        self.heads, self.groups, self.channels = heads, groups, dim // heads
        self.qkv = nn.Linear(dim, (heads + 2 * groups) * self.channels, bias=bias)
        self.output = nn.Linear(dim, dim, bias=bias)
        self.query_norm = RMSNorm(self.channels) if qk_norm else nn.Identity()
        self.key_norm = RMSNorm(self.channels) if qk_norm else nn.Identity()
        self.dropout = Dropout(dropout)

    def forward(
        self,
        tokens: Tensor,
        *,
        mask: Tensor | None = None,
        causal: bool = False,
        turned: Tensor | None = None,
        memory: Memory | None = None,
    ) -> Tensor:
        """(B, T, D) -> (B, T, D).

        mask, causal: see `attend`;  turned: rotations (T, 2, K/2) of these tokens' places
        memory: keys and values of the tokens before, which these are added to and look at
        """
        # parted before heads are, so that their gradients are put together by one copy, not by two
        widths = [count * self.channels for count in (self.heads, self.groups, self.groups)]
        query, key, value = (self._by_head(part) for part in self.qkv(tokens).split(widths, dim=2))
        query, key = self.query_norm(query), self.key_norm(key)
        if turned is not None:
            query, key = rotate(query, turned), rotate(key, turned)
        if memory is not None:
            key, value = memory.extend(key, value)
        mixed = attend(query, key, value, mask=mask, causal=causal)
        return self.dropout(self.output(mixed.transpose(1, 2).flatten(2)))

    def _by_head(self, part: Tensor) -> Tensor:
        """(B, T, heads times K) -> (B, heads, T, K)."""
        return part.unflatten(2, (-1, self.channels)).transpose(1, 2)

    def memory(self, rows: int, length: int, like: Tensor) -> Memory:
        """An empty memory for `rows` rows of at most `length` tokens, of the type and device of `like`."""
        shape = (rows, self.groups, length, self.channels)
        return Memory(like.new_zeros(shape), like.new_zeros(shape))


class CrossAttention(nn.Module):
    """Tokens look at those of another sequence: (B, T, D) and (B, S, D) -> (B, T, D)."""

    def __init__(self, dim: int, heads: int, *, bias: bool = True, dropout: float = 0.0) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"{dim} channels cannot be shared by {heads} heads")
        self.heads, self.channels = heads, dim // heads
        self.query = nn.Linear(dim, dim, bias=bias)
        self.key_value = nn.Linear(dim, 2 * dim, bias=bias)
        self.output = nn.Linear(dim, dim, bias=bias)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor, context: tuple[Tensor, Tensor], *, mask: Tensor | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D). context: `project` of the other sequence;  mask: see `attend`."""
        mixed = attend(self._queries(tokens), *context, mask=mask)
        return self.dropout(self.output(mixed.transpose(1, 2).flatten(2)))

    def project(self, context: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, H, S, K) of (B, S, D), which serve every token that looks there."""
        parts = self.key_value(context).unflatten(2, (2 * self.heads, self.channels)).transpose(1, 2)
        key, value = parts.chunk(2, dim=1)
        return key, value

    def weights(self, tokens: Tensor, context: tuple[Tensor, Tensor], *, mask: Tensor | None = None) -> Tensor:
        """(B, H, T, S), how much each token looks at each of the others: what attention maps show."""
        return reference(self._queries(tokens), *context, mask)[1]

    def _queries(self, tokens: Tensor) -> Tensor:
        return self.query(tokens).unflatten(2, (self.heads, self.channels)).transpose(1, 2)


def seen(tokens: Tensor) -> Tensor:
    """(B, 1, 1, S) bool from tokens (B, S): a mask that hides padding from every query."""
    return (tokens != 0)[:, None, None]


def within(lengths: Tensor, longest: int) -> Tensor:
    """(B, longest) bool, True before the end of each row. lengths: (B,) int64."""
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


def _faster_written_out(query: Tensor, keys: int) -> bool:
    """Whether torch's fused kernel is the slower way: training in bfloat16 on a CPU, which has fast products of these.

    Forward and backward of 16 x 4 x 256 x 64 took 61 ms fused and 30 ms written out, 64 x 4 x 64 x 64 46 and 11 (one core with
    AVX512-BF16, torch 2.13). Written out all scores are held, so longer rows are left to the kernel.
    """
    if query.device.type != "cpu" or query.dtype != torch.bfloat16 or keys > LONGEST_WRITTEN_OUT:
        return False
    return torch.is_grad_enabled() and query.requires_grad and not torch.compiler.is_compiling()


def _written_out(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, *, causal: bool) -> Tensor:
    """`attend` by two products and a softmax; what is hidden has the lowest score there is, so that no row is without any."""
    lowest = torch.finfo(query.dtype).min
    heads, (queries, keys) = query.shape[:2], (query.shape[2], key.shape[2])
    if causal:
        mask = _with_causal(mask, queries, keys, query.device)
    if mask is None:
        bias = query.new_zeros(1)
    else:
        bias = (
            query.new_zeros(mask.shape).masked_fill_(~mask, lowest)
            if mask.dtype == torch.bool
            else mask.clamp(min=lowest)
        )
        bias = bias if bias.ndim == 2 else bias.expand(*heads, queries, keys).flatten(0, 1)
    repeats = heads[1] // key.shape[1]
    if repeats > 1:
        key, value = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
    query, key, value = query.flatten(0, 1), key.flatten(0, 1), value.flatten(0, 1)
    scores = torch.baddbmm(bias.to(query.dtype), query, key.transpose(1, 2), alpha=query.shape[2] ** -0.5)
    return torch.bmm(scores.softmax(-1).to(value.dtype), value).unflatten(0, heads)


def _with_causal(mask: Tensor | None, queries: int, keys: int, device: torch.device) -> Tensor:
    past = torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)
    if mask is None:
        return past
    if mask.dtype == torch.bool:
        return mask & past
    return mask.masked_fill(~past, -torch.inf)
