from typing import Any, cast

import pytest
import torch
from sample_tasks import pieces_give_the_gradient, stepper

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Meter, Task, abilities_of
from sonde.engine.timing import untouched
from sonde.models.autoencoder_cnn import AutoencoderCNN, AutoencoderCNNConfig
from sonde.models.autoencoder_mlp import AutoencoderMLP, AutoencoderMLPConfig
from sonde.nn.quantise import Codebook
from sonde.tasks.vq_vae.config import VQVAEConfig
from sonde.tasks.vq_vae.task import VQVAE

NONE = TargetSpec(kind="none", names=("image",))
IMAGES = InputSpec(kind="image", shape=(1, 8, 8))


def task(**settings: Any) -> VQVAE:
    torch.manual_seed(0)
    model = AutoencoderCNN(IMAGES, 0, AutoencoderCNNConfig(widths=(16,)))
    return VQVAE(model, NONE, VQVAEConfig(**{"codes": 16, "code_width": 4, **settings}), input=IMAGES)


def batch(rows: int = 16) -> Batch:
    generator = torch.Generator().manual_seed(0)
    place = torch.arange(8) / 2
    phase = torch.rand(rows, 1, 1, 1, generator=generator) * 6
    return Batch({"input": torch.sin(place + phase + place[:, None])}, torch.arange(rows))


@pytest.mark.parametrize("quantiser", ["ema", "fsq"])
def test_it_fits_the_seams(quantiser: str) -> None:
    made = task(quantiser=quantiser)
    assert isinstance(made, Task)
    assert isinstance(made.meter(), Meter)
    pieces_give_the_gradient(made, batch())


@pytest.mark.parametrize("quantiser", ["ema", "fsq"])
def test_it_learns_to_give_images_back(quantiser: str) -> None:
    made, given = task(quantiser=quantiser), batch()
    made.modules.train()
    step = stepper(made, lr=3e-3)
    for number in range(1, 201):
        step(given, step=number, epoch=0)
    made.modules.eval()
    with torch.no_grad():
        found = made.evaluate(given)
    assert found["mse"].mean() < 0.2 * given["input"].var()
    meter = made.meter()
    meter.update(found, given.index)
    assert meter.compute()["codebook_use"] > (0.9 if quantiser == "ema" else 0.05)


def test_gradients_pass_the_quantiser() -> None:
    made, given = task(), batch()
    made.loss(given).value.backward()
    assert all(p.grad is not None and p.grad.any() for p in made.modules.parameters())


def test_the_commitment_is_the_distance_to_codes_that_do_not_move() -> None:
    made, given = task(), batch()
    found = made.loss(given)
    with torch.no_grad():
        encoded = made.net.encode(given["input"])
        apart = (encoded - made.net.quantise(encoded)[0]).square().mean()
    torch.testing.assert_close(found.parts["commitment"], apart)
    torch.testing.assert_close(found.value, found.parts["error"] + 0.25 * apart)


def test_steps_that_are_undone_leave_the_codebook_alone() -> None:
    made, given = task(), batch()
    step = stepper(made)
    step(given, step=1, epoch=0)
    book = cast(Codebook, made.net.quantiser)
    before = {name: value.clone() for name, value in book.named_buffers()}
    with untouched(step):
        step(given, step=2, epoch=0)
        made.loss(given)  # a step that ends before its update
        assert not torch.equal(book.codes, before["codes"])
    book.update()
    assert all(torch.equal(value, before[name]) for name, value in book.named_buffers())


def test_codes_are_whole_numbers_by_place() -> None:
    made, given = task(), batch(3)
    outputs = abilities_of(made).reconstruction
    assert outputs is not None
    found = made.format_predictions(outputs.outputs["latent"](given))
    assert list(found[0]["latent"]) == [str(place) for place in range(16)]
    assert all(isinstance(number, int) and 0 <= number < 16 for number in found[0]["latent"].values())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"codes": 0}, "--codes must be at least 1, got 0"),
        ({"codebook_decay": 1.0}, "--codebook-decay must lie from 0 to below 1, got 1"),
        ({"restart_below": -0.1}, "--restart-below must lie from 0 to below 1"),
        ({"commitment": -1.0}, "--commitment must be 0 or more"),
        ({"fsq_levels": (8, 1)}, "--fsq-levels are numbers from 2, got 8 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        VQVAEConfig(**settings)


def test_codes_that_are_no_map_are_refused() -> None:
    model = AutoencoderMLP(IMAGES, 0, AutoencoderMLPConfig())
    with pytest.raises(ConfigError, match="quantises a map of codes, and AutoencoderMLP has none; take --model"):
        VQVAE(model, NONE, VQVAEConfig(), input=IMAGES)
