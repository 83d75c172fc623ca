"""Codes of an autoencoder as another model learns them: their scale, other normalisation, what of a code is kept."""

import pytest
import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.core.reconstruction import LatentSpace
from sonde.tasks.latent_code import LEAST, LatentCode

GREY = InputSpec(kind="image", shape=(1, 4, 4), mean=(0.5,), std=(0.25,))


def halves(input: Tensor) -> Tensor:
    """(B, 1, 4, 4) -> (B, 4, 2, 2): each block of 2 x 2 pixels as channels, the first of them 400 times, with an offset."""
    blocks = nn.functional.pixel_unshuffle(input, 2)
    return blocks * torch.tensor([400.0, 1.0, 1.0, 1.0]).view(4, 1, 1) + 7


def back(code: Tensor) -> Tensor:
    return nn.functional.pixel_shuffle((code - 7) / torch.tensor([400.0, 1.0, 1.0, 1.0]).view(4, 1, 1), 2)


def code(input: InputSpec = GREY, trained: InputSpec = GREY) -> LatentCode:
    return LatentCode(LatentSpace(shape=(4, 2, 2), encode=halves, decode=back), nn.Linear(1, 1), input, trained)


def images(rows: int = 64) -> Tensor:
    return torch.randn(rows, 1, 4, 4, generator=torch.Generator().manual_seed(0))


def test_each_channel_has_mean_0_and_variance_1_on_the_rows_it_was_measured_on() -> None:
    made, given = code(), images()
    made.measure(given.split(10))
    found = made.encode(given)
    torch.testing.assert_close(found.mean((0, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.std((0, 2, 3), correction=0)[0], torch.tensor(1.0))
    torch.testing.assert_close(made.decode(found), given, atol=1e-4, rtol=0)


def test_a_channel_that_says_next_to_nothing_is_not_blown_up() -> None:
    made, given = code(), images()
    made.measure([given])
    wide = float(halves(given)[:, 0].std(correction=0))
    torch.testing.assert_close(made.std.flatten()[1:], torch.full((3,), LEAST * wide))
    made.measure([torch.zeros(5, 1, 4, 4)])  # codes that never vary are divided by 1
    assert made.std.flatten().tolist() == [1.0] * 4


def test_an_autoencoder_that_normalised_otherwise_sees_the_same_pixels() -> None:
    other = InputSpec(kind="image", shape=(1, 4, 4), mean=(0.2,), std=(0.5,))
    made, given = code(GREY, other), images()
    pixels = given * 0.25 + 0.5
    torch.testing.assert_close(made.encode(given), halves((pixels - 0.2) / 0.5), atol=1e-4, rtol=0)
    torch.testing.assert_close(made.decode(made.encode(given)), given, atol=1e-4, rtol=0)


def test_the_autoencoder_is_no_part_of_what_is_trained_and_saved() -> None:
    made = code()
    assert list(made.state_dict()) == ["mean", "std"]
    assert list(made.parameters()) == []
    given = images(2).requires_grad_()
    assert not made.encode(given).requires_grad
    assert made.encode(given.double()).dtype == torch.float64


def test_a_place_is_kept_where_all_its_pixels_are() -> None:
    made, mask = code(), torch.ones(1, 1, 4, 4)
    mask[:, :, 0, 3] = 0
    found = made.keep(mask)
    assert found.shape == (1, 4, 2, 2)
    assert found[0, 2].tolist() == [[1, 0], [1, 1]]
    mask[:] = torch.eye(4)
    with pytest.raises(ConfigError, match="--mask leaves no block of 2 x 2 pixels to keep"):
        made.keep(mask)


def test_numbers_without_a_map_are_scaled_one_by_one_and_keep_nothing() -> None:
    flat = LatentSpace(shape=(16,), encode=lambda given: given.flatten(1) + 3, decode=lambda z: z.view(-1, 1, 4, 4) - 3)
    made = LatentCode(flat, nn.Linear(1, 1), GREY, GREY)
    given = images()
    made.measure([given])
    torch.testing.assert_close(made.encode(given).std(0, correction=0), torch.ones(16))
    torch.testing.assert_close(made.decode(made.encode(given)), given, atol=1e-4, rtol=0)
    assert not made.keeps
