import itertools

import pytest
import torch
from torch import Tensor, nn

from sonde.nn.attention import CrossAttention, Memory, SelfAttention, attend, reference, seen, within
from sonde.nn.positions import alibi, rotate, rotations

# queries, keys, values: (B, H, T, K)


def parts(*shape: int, seed: int = 0, count: int = 3) -> list[Tensor]:
    drawn = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=drawn, dtype=torch.float64) for _ in range(count)]


def tokens(*shape: int, seed: int = 0) -> Tensor:
    return parts(*shape, seed=seed, count=1)[0]


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def attention(**settings: object) -> SelfAttention:
    torch.manual_seed(0)
    return SelfAttention(16, 4, **settings).double().eval()  # type: ignore[arg-type]


def in_torch(own: SelfAttention) -> nn.MultiheadAttention:
    theirs = nn.MultiheadAttention(16, 4, batch_first=True).double()
    theirs.in_proj_weight.data.copy_(own.qkv.weight)
    theirs.in_proj_bias.data.copy_(own.qkv.bias)
    theirs.out_proj.load_state_dict(own.output.state_dict())
    return theirs


def test_attending_is_softmax_of_scaled_scores() -> None:
    query, key, value = parts(2, 3, 5, 8)
    scores = torch.einsum("bhtk,bhsk->bhts", query, key) / 8**0.5
    expected = torch.einsum("bhts,bhsk->bhtk", scores.exp() / scores.exp().sum(-1, keepdim=True), value)
    close(attend(query, key, value), expected)
    close(reference(query, key, value)[0], expected)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("queries", "keys"), [(5, 5), (3, 5), (1, 5)])
def test_causal_queries_stand_at_the_end_of_the_keys(queries: int, keys: int, masked: bool) -> None:
    query, key, value = tokens(2, 3, queries, 8), *parts(2, 3, keys, 8, seed=1, count=2)
    allowed = torch.ones(queries, keys, dtype=torch.bool)
    for t in range(queries):
        allowed[t, t + keys - queries + 1 :] = False
    mask = None
    if masked:
        mask = torch.ones(2, 1, 1, keys, dtype=torch.bool)
        mask[1, ..., 1:3] = False
    both = allowed if mask is None else allowed & mask
    close(attend(query, key, value, mask=mask, causal=True), reference(query, key, value, both)[0])


def test_added_scores_are_added_under_a_causal_mask_too() -> None:
    query, key, value = parts(2, 3, 5, 8)
    added = tokens(3, 5, 5, seed=4)
    scores = query @ key.mT / 8**0.5 + added
    close(attend(query, key, value, mask=added), scores.softmax(-1) @ value)
    past = torch.ones(5, 5, dtype=torch.bool).tril()
    expected = scores.masked_fill(~past, -torch.inf).softmax(-1) @ value
    close(attend(query, key, value, mask=added, causal=True), expected)


def test_grouped_heads_are_heads_that_are_repeated() -> None:
    query, (key, value) = tokens(2, 6, 5, 8), parts(2, 2, 5, 8, seed=1, count=2)
    expected = attend(query, key.repeat_interleave(3, 1), value.repeat_interleave(3, 1), causal=True)
    close(attend(query, key, value, causal=True), expected)
    grouped, full = attention(groups=2), attention()
    weight, bias = grouped.qkv.weight, grouped.qkv.bias
    repeated = [0, 1, 2, 3, *(4, 4, 5, 5), *(6, 6, 7, 7)]  # heads of queries, keys, values, four channels each
    full.qkv.weight.data.copy_(weight.unflatten(0, (8, 4))[repeated].flatten(0, 1))
    full.qkv.bias.data.copy_(bias.unflatten(0, (8, 4))[repeated].flatten())
    full.output.load_state_dict(grouped.output.state_dict())
    close(grouped(tokens(2, 5, 16)), full(tokens(2, 5, 16)))


@pytest.mark.parametrize("causal", [False, True])
def test_self_attention_is_torchs(causal: bool) -> None:
    own, given = attention(), tokens(3, 6, 16)
    there = within(torch.tensor([6, 2, 4]), 6)
    future = torch.ones(6, 6, dtype=torch.bool).triu(1) if causal else None
    expected, _ = in_torch(own)(given, given, given, key_padding_mask=~there, attn_mask=future)
    close(own(given, mask=there[:, None, None], causal=causal), expected)


def test_cross_attention_is_torchs_and_so_are_its_weights() -> None:
    torch.manual_seed(0)
    own = CrossAttention(16, 4).double()
    theirs = nn.MultiheadAttention(16, 4, batch_first=True).double()
    theirs.in_proj_weight.data.copy_(torch.cat([own.query.weight, own.key_value.weight]))
    theirs.in_proj_bias.data.copy_(torch.cat([own.query.bias, own.key_value.bias]))
    theirs.out_proj.load_state_dict(own.output.state_dict())
    given, other = tokens(2, 5, 16), tokens(2, 7, 16, seed=1)
    there = within(torch.tensor([7, 3]), 7)
    expected, weights = theirs(given, other, other, key_padding_mask=~there, average_attn_weights=False)
    mask = there[:, None, None]
    close(own(given, own.project(other), mask=mask), expected)
    close(own.weights(given, own.project(other), mask=mask), weights)


@pytest.mark.parametrize(("groups", "qk_norm", "turning"), [(4, False, False), (2, True, True), (1, False, True)])
def test_generation_with_memory_is_reading_at_once(groups: int, qk_norm: bool, turning: bool) -> None:
    own, given = attention(groups=groups, qk_norm=qk_norm), tokens(2, 9, 16)
    rotary = rotations(9, 4).double() if turning else None
    whole = own(given, causal=True, rotary=rotary)
    memory = own.memory(2, 9, given)
    pieces = []
    for start, stop in ((0, 4), (4, 5), (5, 6), (6, 9)):
        angles = None if rotary is None else rotary[start:stop]
        pieces.append(own(given[:, start:stop], causal=True, rotary=angles, memory=memory))
    close(torch.cat(pieces, 1), whole)
    assert memory.held == 9
    with pytest.raises(ValueError, match="the key-value cache has room for 9 tokens, and this would be 10"):
        own(given[:, :1], causal=True, memory=memory)


def test_beams_go_on_from_any_other() -> None:
    own, given = attention(), tokens(3, 5, 16)
    memory = own.memory(3, 5, given)
    own(given[:, :4], causal=True, memory=memory)
    rows = torch.tensor([2, 2, 0])
    memory.reorder(rows)
    found = own(given[:, 4:], causal=True, memory=memory)
    expected = own(torch.cat([given[rows, :4], given[:, 4:]], 1), causal=True)[:, 4:]
    close(found, expected)


def test_a_memory_holds_what_it_was_given() -> None:
    keys, values = parts(2, 1, 3, 4, count=2)
    memory = Memory(torch.zeros(2, 1, 5, 4).double(), torch.zeros(2, 1, 5, 4).double())
    got = memory.extend(keys, values)
    assert torch.equal(got[0], keys)
    more = memory.extend(keys[:, :, :2], values[:, :, :2])
    assert torch.equal(more[1], torch.cat([values, values[:, :, :2]], 2))


def test_normed_queries_and_keys_do_not_grow_with_their_weights() -> None:
    given, found = tokens(1, 5, 16), []
    for scale in (1.0, 1000.0):
        own = attention(qk_norm=True)
        own.qkv.bias.data.zero_()
        own.qkv.weight.data[:32] *= scale
        found.append(own(given))
    torch.testing.assert_close(*found, rtol=0, atol=1e-4)  # but for eps
    query = own.query_norm(torch.randn(7, 4, dtype=torch.float64))
    torch.testing.assert_close(query.norm(dim=-1), torch.full((7,), 4**0.5, dtype=torch.float64), rtol=1e-4, atol=0)


def test_perturbing_what_is_hidden_changes_nothing() -> None:
    own, ids = attention(), torch.tensor([[5, 6, 7, 0, 0], [5, 6, 7, 8, 9]])
    given = tokens(2, 5, 16)
    other = given.clone()
    other[0, 3:] += 7.0
    assert torch.equal(own(given, mask=seen(ids))[0, :3], own(other, mask=seen(ids))[0, :3])
    assert not torch.allclose(own(given)[0, :3], own(other)[0, :3])
    other = given.clone()
    other[:, 3] += 7.0
    assert torch.equal(own(given, causal=True)[:, :3], own(other, causal=True)[:, :3])


def test_masks_say_where_rows_end() -> None:
    assert within(torch.tensor([0, 2, 3]), 3).tolist() == [[False] * 3, [True, True, False], [True] * 3]
    assert seen(torch.tensor([[4, 0]])).tolist() == [[[[True, False]]]]


def test_sizes_must_divide() -> None:
    with pytest.raises(ValueError, match="16 channels must be divisible by 3 heads"):
        SelfAttention(16, 3)
    with pytest.raises(ValueError, match="16 channels must be divisible by 4 heads"):
        SelfAttention(16, 4, groups=3)
    with pytest.raises(ValueError, match="16 channels must be divisible by 5 heads"):
        CrossAttention(16, 5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", [None, "bool", "added"])
@pytest.mark.parametrize("groups", [1, 2])
def test_training_in_sixteen_bits_on_a_cpu_is_the_same_attention(causal: bool, mask: str | None, groups: int) -> None:
    query, key, value = parts(3, 2, 6, 8)[0], *(part[:, :groups] for part in parts(3, 2, 6, 8, seed=1, count=2))
    allowed = torch.ones(3, 1, 1, 6, dtype=torch.bool)
    allowed[1, ..., 4:] = False
    given = {"bool": allowed, "added": tokens(2, 6, 6, seed=2)}.get(mask or "")
    narrow = [part.bfloat16().requires_grad_() for part in (query, key, value)]
    wide = [part.detach().double().requires_grad_() for part in narrow]
    found = attend(*narrow, mask=given if mask == "bool" or given is None else given.bfloat16(), causal=causal)
    expected = attend(*wide, mask=given, causal=causal)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=0.03)  # 8 bits of a number are kept
    found.sum().backward()
    expected.sum().backward()
    for one, other in zip(narrow, wide, strict=True):
        assert one.grad is not None
        assert other.grad is not None
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=0, atol=0.06)
    assert type(found.grad_fn) is not type(attend(*(part.detach().float().requires_grad_() for part in wide)).grad_fn)


def test_a_row_that_may_look_nowhere_stays_finite_in_sixteen_bits() -> None:
    query, key, value = (part.bfloat16().requires_grad_() for part in parts(1, 2, 3, 8))
    found = attend(query, key, value, mask=torch.zeros(1, 1, 1, 3, dtype=torch.bool))
    found.sum().backward()
    assert found.isfinite().all()
    assert query.grad is not None
    assert query.grad.isfinite().all()


WIDTHS = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 0.04}
"""How far from float64 an answer of numbers about 1 may lie: 53, 24 and 8 bits of a number are kept."""


def by_hand(query: Tensor, key: Tensor, value: Tensor, added: Tensor, hidden: Tensor) -> Tensor:
    """Equation 1 in float64; added (H, T, S) to the scores, hidden (B, T, S) True where none may look."""
    scores = torch.einsum("bhtk,bhsk->bhts", query.double(), key.double()) / query.shape[3] ** 0.5 + added
    weights = scores.exp() * ~hidden[:, None]
    return torch.einsum("bhts,bhsk->bhtk", weights, value.double()) / weights.sum(-1, keepdim=True)


@pytest.mark.parametrize("places", ["none", "rotary", "alibi", "relative"])
@pytest.mark.parametrize("width", WIDTHS)
def test_what_tells_places_is_the_same_in_every_width(width: torch.dtype, places: str) -> None:
    """What is added comes in a width of its own; under autocast (narrow) float32 queries become narrower still."""
    for given in (torch.float32, torch.float64):
        for narrow, padded, causal, training in itertools.product((False, True), repeat=4):
            attended(width, narrow, given, places, padded, causal, training)


def attended(
    width: torch.dtype, narrow: bool, given: torch.dtype, places: str, padded: bool, causal: bool, training: bool
) -> None:
    """Compare with the sums by hand."""
    length = 19  # torch's kernels err only from the width of a vector on: 16 float32 with AVX-512
    query, key, value = (part.to(width) for part in parts(2, 2, length, 8))
    if places == "rotary":
        query, key = (rotate(part, rotations(length, 8)) for part in (query, key))
    added = torch.zeros(2, length, length, dtype=given)
    if places in ("alibi", "relative"):
        added = (alibi(2, length) if places == "alibi" else tokens(2, length, length, seed=4)).to(given)
    there = within(torch.tensor([length, 9 if padded else length]), length)[:, None]
    hidden = (~there | (torch.ones(length, length, dtype=torch.bool).triu(1) & causal)).expand(2, length, length)
    mask = there[:, None] if places in ("none", "rotary") else added.masked_fill(~there[:, None], -torch.inf)
    query.requires_grad_(training)
    with torch.set_grad_enabled(training), torch.autocast("cpu", torch.bfloat16, enabled=narrow):
        found = attend(query, key, value, mask=mask, causal=causal)
    expected = by_hand(query.detach(), key, value, added.double(), hidden)
    error = WIDTHS[torch.bfloat16 if narrow and width == torch.float32 else width]
    torch.testing.assert_close(found.detach().double(), expected, rtol=0, atol=error)


@pytest.mark.parametrize("width", WIDTHS)
def test_added_scores_that_are_learnt_get_gradients_in_their_own_width(width: torch.dtype) -> None:
    query, key, value = (part.to(width) for part in parts(2, 4, 6, 8))
    added = torch.zeros(4, 6, 6, requires_grad=True)
    attend(query, key, value, mask=added).square().sum().backward()
    wide = torch.zeros(4, 6, 6, dtype=torch.float64, requires_grad=True)
    scores = query.double() @ key.double().mT / 8**0.5 + wide
    (scores.softmax(-1) @ value.double()).square().sum().backward()
    assert added.grad is not None
    assert wide.grad is not None
    torch.testing.assert_close(added.grad.double(), wide.grad, rtol=0, atol=4 * max(1e-6, WIDTHS[width]))


def test_a_mask_of_counts_is_refused() -> None:
    """Ones and zeros that are no truth values could be meant either way."""
    with pytest.raises(RuntimeError, match="mask"):
        attend(*parts(1, 2, 3, 8), mask=torch.ones(3, 3, dtype=torch.int64))
