import math

import pytest
import torch

from sonde.core.errors import ConfigError
from sonde.tasks.decode.sampling import Sampling, distribution, draw

PROBS = torch.tensor([[0.5, 0.25, 0.15, 0.1], [0.1, 0.2, 0.3, 0.4]], dtype=torch.float64)
LOGITS = PROBS.log() + torch.tensor([[3.0], [-2.0]])  # a shift changes nothing


def of(**settings: float) -> torch.Tensor:
    return distribution(LOGITS, Sampling(**{"temperature": 1.0, **settings}))  # type: ignore[arg-type]


def test_without_any_setting_it_is_the_models_own() -> None:
    torch.testing.assert_close(of(), PROBS)


@pytest.mark.parametrize("temperature", [0.25, 0.5, 2.0])
def test_temperature_is_a_power_of_the_probabilities(temperature: float) -> None:
    raised = PROBS ** (1 / temperature)
    torch.testing.assert_close(of(temperature=temperature), raised / raised.sum(1, keepdim=True))


def test_no_temperature_takes_the_most_probable() -> None:
    assert of(temperature=0.0).tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]
    drawn = torch.Generator().manual_seed(0)
    assert draw(LOGITS, Sampling(temperature=0.0), drawn).tolist() == [0, 3]


def test_top_k_keeps_the_proportions_of_the_most_probable() -> None:
    expected = torch.tensor([[2 / 3, 1 / 3, 0, 0], [0, 0, 3 / 7, 4 / 7]], dtype=torch.float64)
    torch.testing.assert_close(of(top_k=2), expected)
    torch.testing.assert_close(of(top_k=9), PROBS)


@pytest.mark.parametrize(
    ("top_p", "expected"),
    [
        (0.49, [[1, 0, 0, 0], [0, 0, 3 / 7, 4 / 7]]),
        (0.51, [[2 / 3, 1 / 3, 0, 0], [0, 0, 3 / 7, 4 / 7]]),
        (0.76, [[0.5 / 0.9, 0.25 / 0.9, 0.15 / 0.9, 0], [0, 2 / 9, 3 / 9, 4 / 9]]),
        (1e-9, [[1, 0, 0, 0], [0, 0, 0, 1]]),
    ],
)
def test_top_p_keeps_the_fewest_that_have_it_together(top_p: float, expected: list[list[float]]) -> None:
    torch.testing.assert_close(of(top_p=top_p), torch.tensor(expected, dtype=torch.float64))


def test_top_p_is_of_what_top_k_leaves_at_the_temperature() -> None:
    # at temperature 1/2 the two most probable of the first row are as 4 to 1
    torch.testing.assert_close(of(temperature=0.5, top_k=2, top_p=0.79)[0], torch.tensor([1.0, 0, 0, 0]).double())
    torch.testing.assert_close(of(temperature=0.5, top_k=2, top_p=0.81)[0], torch.tensor([0.8, 0.2, 0, 0]).double())


def test_tokens_are_drawn_as_often_as_they_are_probable() -> None:
    count = 20_000
    drawn = draw(LOGITS[:1].expand(count, -1), Sampling(temperature=1.0), torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn, minlength=4) / count
    for share, p in zip(shares.tolist(), PROBS[0].tolist(), strict=True):
        assert abs(share - p) < 4 * math.sqrt(p * (1 - p) / count)  # four standard deviations


def test_a_seed_gives_the_same_tokens() -> None:
    first, again, other = (
        draw(LOGITS.repeat(50, 1), Sampling(), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": -0.1}, "--temperature must be at least 0, got -0.1"),
        ({"top_k": -1}, "--top-k must be at least 0, got -1"),
        ({"top_p": 0.0}, "--top-p must be above 0 and at most 1, got 0"),
        ({"top_p": 1.5}, "--top-p must be above 0 and at most 1, got 1.5"),
    ],
)
def test_settings_are_checked(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        Sampling(**settings)  # type: ignore[arg-type]
