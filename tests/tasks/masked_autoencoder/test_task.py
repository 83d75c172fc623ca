from typing import Any

import pytest
import torch
from sample_tasks import stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Meter, Objective, Task, extras_of
from sonde.losses.patches import masked_error, normalised, patches_of
from sonde.models.vit import VisionTransformer, ViTConfig
from sonde.tasks.masked_autoencoder.config import MaskedAutoencoderConfig
from sonde.tasks.masked_autoencoder.task import MaskedAutoencoder

CLASSES = TargetSpec(kind="class", names=("a", "b", "c"))
SPEC = InputSpec(kind="image", shape=(3, 16, 16))


def model(**settings: Any) -> VisionTransformer:
    torch.manual_seed(0)
    return VisionTransformer(SPEC, 3, ViTConfig(**settings), dim=64, depth=2, patch=4)


def task(network: nn.Module | None = None, **settings: Any) -> MaskedAutoencoder:
    config = MaskedAutoencoderConfig(**{"decoder_width": 16, "decoder_depth": 1, **settings})
    return MaskedAutoencoder(model() if network is None else network, CLASSES, config)


def batch(rows: int = 6) -> Batch:
    """Images of a few waves, whose hidden parts can be told from the others."""
    generator = torch.Generator().manual_seed(0)
    phase = torch.rand(rows, 1, 1, 1, generator=generator) * 6
    place = torch.arange(16) / 3
    input = torch.sin(place + phase + place[:, None]).expand(-1, 3, -1, -1)
    return Batch({"input": input, "target": torch.arange(rows) % 3}, torch.arange(rows))


def test_it_fits_the_seams() -> None:
    made = task()
    assert isinstance(made, Task)
    assert isinstance(made.meter(), Meter)
    assert made.objective == Objective("loss", "min")
    assert extras_of(made).across_rows == ()


def seen(made: MaskedAutoencoder, noise: Tensor) -> Tensor:
    """(B, T) bool: the quarter of the patches with the least noise."""
    return noise.argsort(1).argsort(1) < made.count // 4


def test_the_loss_is_the_error_of_what_was_hidden() -> None:
    made, given = task(), batch()
    torch.manual_seed(5)
    loss = made.loss(given)
    torch.manual_seed(5)
    noise = torch.rand(6, 16)
    order = noise.argsort(1)
    network = made.modules["model"]
    assert isinstance(network, VisionTransformer)
    predicted = made.modules["decoder"](network.tokens(given["input"], order[:, :4]), order)
    expected = masked_error(predicted, patches_of(given["input"], 4), ~seen(made, noise))
    torch.testing.assert_close(loss.value, expected.mean())
    assert loss.weight == 6


def test_hidden_pixels_do_not_reach_the_answer() -> None:
    """What is said of the hidden patches is the same whatever they show, so the error tells nothing it should not know."""
    network, given = model(), batch()
    decoder = task(network).modules["decoder"]
    order = torch.rand(6, 16).argsort(1)
    hidden = torch.ones(6, 16).scatter_(1, order[:, :4], 0.0)
    grid = hidden.view(6, 1, 4, 4).repeat_interleave(4, 2).repeat_interleave(4, 3)  # (B, 1, H, W)
    changed = torch.where(grid > 0, torch.randn(6, 3, 16, 16), given["input"])
    answers = [decoder(network.tokens(shown, order[:, :4]), order) for shown in (given["input"], changed)]
    torch.testing.assert_close(answers[0], answers[1])


def test_it_learns_to_fill_in() -> None:
    made, given = task(decoder_width=32), batch()
    made.loss(given).value.backward()
    idle = [name for name, p in made.modules.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []
    step = stepper(made, lr=1e-3)
    losses = [float(step(given, step=n, epoch=0).losses["model/loss"]) for n in range(1, 361)]
    assert sum(losses[-20:]) < 0.6 * sum(losses[:20])  # always predicting the mean of each patch would leave it at 1


def test_a_row_is_judged_under_the_same_mask_in_every_batch() -> None:
    made, given = task(), batch(6)
    made.modules.eval()
    whole = made.evaluate(given)
    part = made.evaluate(Batch({name: field[3:5] for name, field in given.fields.items()}, given.index[3:5]))
    torch.testing.assert_close(part["loss"], whole["loss"][3:5])
    torch.testing.assert_close(whole["features"], made.modules["model"](given["input"]))
    assert made.format_predictions(made.predict(given))[0]["features"].keys() == {str(place) for place in range(64)}


def test_the_mean_of_patches_may_be_the_features() -> None:
    made = task(model(pool="mean", registers=2))
    assert made.evaluate(batch())["features"].shape == (6, 64)
    made.loss(batch()).value.backward()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mask_share": 1.0}, "--mask-share must lie between 0 and 1, got 1"),
        ({"decoder_width": 18}, "--decoder-width must be a multiple of 4, got 18"),
        ({"decoder_depth": 0}, "--decoder-depth must be at least 1, got 0"),
        ({"mask_share": 0.99}, "--mask-share 0.99 of 16 patches leaves none visible; give a smaller --patch"),
        ({"mask_share": 0.01}, "--mask-share 0.01 of 16 patches leaves none masked"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        task(**settings)


def test_networks_without_patches_are_refused() -> None:
    with pytest.raises(ConfigError, match="masks patches of an image, and Linear has none; use --model vit-tiny-16"):
        task(nn.Linear(2, 2))


def test_what_was_seen_is_shown_as_it_was_and_the_rest_restored() -> None:
    made, given = task(), batch()
    found = made.unmask(given)
    assert torch.equal(found.given, given["input"])
    hidden = patches_of(found.seen, 4).abs().sum(2) == 0  # (B, T)
    assert hidden.sum(1).tolist() == [12] * 6
    assert torch.equal(found.found[found.seen != 0], found.given[found.seen != 0])
    assert not torch.allclose(found.found, found.given)
    assert torch.equal(made.unmask(given).seen, found.seen)  # always under the same masks
    made._predicted = lambda rows, noise: (normalised(patches_of(rows["input"], 4)), hidden.float())  # type: ignore[method-assign]
    assert torch.allclose(made.unmask(given).found, found.given, atol=1e-4)  # what is learned perfectly is the image
