import pytest
import torch
from torch import Tensor

from sonde.tasks.masked_diffusion.samplers import MASK, ancestral, confidence, picked, random_order
from sonde.tasks.masked_diffusion.schedules import steps

A, B = 4, 5  # the two symbols of the texts here
JOINT = torch.tensor([[0.4, 0.1], [0.1, 0.4]], dtype=torch.float64)  # of the first of two tokens and the second
APART = JOINT.sum(1)[:, None] * JOINT.sum(0)  # as if they had nothing to do with one another


def posterior(tokens: Tensor, places: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
    """What stands below each mask given the other token, exactly."""
    rows, columns = places.nonzero().unbind(1)
    other = tokens[rows, 1 - columns]
    known = JOINT[:, (other - A).clamp(0, 1)].T
    known = torch.where((other == MASK)[:, None], JOINT.sum(0), known / known.sum(1, keepdim=True))
    made, sure = picked(known, choice)
    return made + A, sure


def drawn(sampler: object, number: int, schedule: str = "linear", rows: int = 40_000) -> Tensor:
    """(2, 2) how often each pair comes."""
    random = torch.Generator().manual_seed(0)
    order, choice = torch.rand(2, rows, 2, generator=random, dtype=torch.float64)
    start = torch.full((rows, 2), MASK)
    found = sampler(posterior, start, order, choice, steps(schedule, number)) - A  # type: ignore[operator]
    return torch.bincount(found[:, 0] * 2 + found[:, 1], minlength=4).view(2, 2) / rows


@pytest.mark.parametrize("number", [1, 2, 16])
def test_with_the_true_posterior_the_data_come_back_but_for_tokens_of_one_step(number: int) -> None:
    # two tokens fall into the same of K even steps with probability 1 / K, and are then drawn apart
    expected = JOINT + (APART - JOINT) / number
    assert (drawn(ancestral, number) - expected).abs().max() < 0.008


def test_the_same_holds_of_other_schedules() -> None:
    shares = torch.tensor(steps("cosine", 3), dtype=torch.float64)
    together = float(shares.diff().square().sum())
    assert (drawn(ancestral, 3, "cosine") - (JOINT + (APART - JOINT) * together)).abs().max() < 0.008


def test_in_random_order_no_two_are_drawn_apart_as_soon_as_there_are_as_many_steps_as_tokens() -> None:
    assert (drawn(random_order, 1) - APART).abs().max() < 0.008
    assert (drawn(random_order, 2) - JOINT).abs().max() < 0.008
    assert (drawn(random_order, 7) - JOINT).abs().max() < 0.008


def test_what_is_known_stays_and_tells_the_rest() -> None:
    random = torch.Generator().manual_seed(1)
    order, choice = torch.rand(2, 20_000, 2, generator=random, dtype=torch.float64)
    found = ancestral(posterior, torch.tensor([[A, MASK]]).repeat(20_000, 1), order, choice, [1.0, 0.5, 0.0])
    assert (found[:, 0] == A).all()
    assert float((found[:, 1] == A).double().mean()) == pytest.approx(0.8, abs=0.01)


def test_a_text_in_which_nothing_is_lifted_is_not_looked_at() -> None:
    looked: list[int] = []

    def fill(tokens: Tensor, places: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
        looked.append(len(tokens))
        return torch.full((len(choice),), A), torch.ones(len(choice))

    order = torch.tensor([[0.9, 0.1], [0.2, 0.1]])
    ancestral(fill, torch.full((2, 2), MASK), order, torch.zeros(2, 2), [1.0, 0.5, 0.0])
    assert looked == [1, 2]


def test_by_confidence_the_most_probable_are_lifted_first_as_many_as_the_schedule_says() -> None:
    sure = torch.tensor([[0.2, 0.9, 0.5, 0.7]])
    seen: list[Tensor] = []

    def fill(tokens: Tensor, places: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(tokens.clone())
        return torch.full((len(choice),), A), sure.expand(places.shape)[places]

    found = confidence(fill, torch.full((1, 4), MASK), torch.rand(1, 4), torch.rand(1, 4), [1.0, 0.75, 0.25, 0.0])
    assert (found == A).all()
    assert [(tokens != MASK).tolist()[0] for tokens in seen] == [
        [False] * 4,
        [False, True, False, False],
        [False, True, True, True],
    ]


def test_a_uniform_number_means_a_symbol_by_the_inverse_of_the_distribution_function() -> None:
    probs = torch.tensor([[0.0, 0.25, 0.0, 0.75]], dtype=torch.float64).expand(5, 4)
    tokens, sure = picked(probs, torch.tensor([0.0, 0.2499, 0.25, 0.9, 1.0 - 1e-12], dtype=torch.float64))
    assert tokens.tolist() == [1, 1, 3, 3, 3]
    assert sure.tolist() == [0.25, 0.25, 0.75, 0.75, 0.75]
