import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from sonde.tasks.decode.ctc import beam_search, likeliest, prefix_search


def said(path: tuple[int, ...]) -> tuple[int, ...]:
    """What a way through the frames says, by the definition: repeats merged, then blanks dropped."""
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != 0)


def everything(logp: torch.Tensor) -> dict[tuple[int, ...], float]:
    """The probability of every text, by adding up all ways to say it."""
    frames, symbols = logp.shape
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(symbols), repeat=frames):
        chance = math.exp(sum(float(logp[frame, symbol]) for frame, symbol in enumerate(path)))
        found[said(path)] = found.get(said(path), 0.0) + chance
    return found


def drawn(frames: int, symbols: int, seed: int, scale: float = 1.5) -> torch.Tensor:
    logits = scale * torch.randn(frames, symbols, generator=torch.Generator().manual_seed(seed))
    return logits.double().log_softmax(-1)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("frames", "symbols"), [(1, 3), (4, 3), (5, 4)])
def test_a_wide_beam_finds_the_likeliest_text_and_its_whole_probability(frames: int, symbols: int, seed: int) -> None:
    logp = drawn(frames, symbols, seed)
    every = everything(logp)
    assert sum(every.values()) == pytest.approx(1)
    best = max(every, key=lambda text: every[text])
    found, total = prefix_search(logp, width=10_000)
    assert tuple(found) == best
    assert math.exp(total) == pytest.approx(every[best], rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_torchs_loss_gives_the_same_probability(seed: int) -> None:
    logp = drawn(6, 4, seed)
    found, total = prefix_search(logp, width=10_000)
    target = torch.tensor([found])
    nll = F.ctc_loss(logp[:, None], target, torch.tensor([6]), torch.tensor([len(found)]), reduction="none")
    assert -nll.item() == pytest.approx(total, rel=1e-9)


def test_a_beam_may_find_what_the_likeliest_path_does_not_say() -> None:
    # Graves 2012, figure 7.5: the likeliest path is blank twice (0.36), the likeliest text is "1" (0.64)
    logp = torch.tensor([[0.6, 0.4], [0.6, 0.4]]).log()
    assert likeliest(logp[None], torch.tensor([2])).tolist() == [[]]
    assert beam_search(logp[None], torch.tensor([2]), 4).tolist() == [[1]]


def test_wider_beams_are_never_less_likely() -> None:
    logp = drawn(12, 6, 0, scale=1.0)
    totals = [prefix_search(logp, width)[1] for width in (1, 2, 4, 8, 400)]
    assert totals[-1] >= max(totals) - 1e-12
    assert totals[-1] > totals[0]


@pytest.mark.parametrize("decode", [likeliest, lambda logits, frames: beam_search(logits, frames, 5)])
def test_repeats_count_once_unless_a_blank_stands_between(decode) -> None:  # type: ignore[no-untyped-def]
    paths = torch.tensor([[1, 1, 0, 1, 2, 2], [0, 3, 3, 0, 0, 0], [2, 0, 2, 2, 1, 1], [0, 0, 0, 0, 0, 0]])
    logits = 20 * F.one_hot(paths, 4).float()
    found = decode(logits, torch.tensor([6, 6, 4, 6]))
    assert found.tolist() == [[1, 1, 2], [3, 0, 0], [2, 2, 0], [0, 0, 0]]


def test_frames_behind_the_end_say_nothing() -> None:
    logits = torch.randn(3, 9, 5, generator=torch.Generator().manual_seed(0))
    frames = torch.tensor([9, 4, 1])
    other = logits.clone()
    other[1, 4:], other[2, 1:] = 7.0, -3.0
    for width in (1, 3):
        decode = likeliest if width == 1 else lambda given, count: beam_search(given, count, 3)
        assert decode(logits, frames).tolist() == decode(other, frames).tolist()
