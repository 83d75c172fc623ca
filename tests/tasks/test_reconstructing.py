"""What holds for every task that gives inputs back: runs are exact whatever interrupts or looks at them."""

from typing import Any

import pytest
import torch
from sample_exactness import averaged, images, is_the_same_however_often_it_is_evaluated, resumes_exactly

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.engine.training import Training, weights
from sonde.models.autoencoder_cnn import AutoencoderCNN, AutoencoderCNNConfig
from sonde.tasks.anomaly.config import AnomalyConfig
from sonde.tasks.anomaly.task import Anomaly
from sonde.tasks.autoencoder.config import AutoencoderConfig
from sonde.tasks.autoencoder.task import Autoencoder
from sonde.tasks.reconstructing import Pixels, Worded, disturbed
from sonde.tasks.vae.config import VAEConfig
from sonde.tasks.vae.task import VAE
from sonde.tasks.vq_vae.config import VQVAEConfig
from sonde.tasks.vq_vae.task import VQVAE

NONE = TargetSpec(kind="none", names=("image",))
IMAGE = InputSpec(kind="image", shape=(1, 8, 8), mean=(0.3,), std=(0.4,))
TASKS: dict[str, tuple[Any, Any]] = {
    "denoising": (Autoencoder, AutoencoderConfig(latent=4, corrupt=0.3)),
    "vae": (VAE, VAEConfig(latent=4, likelihood="bernoulli")),
    "codebook": (VQVAE, VQVAEConfig(codes=16, code_width=4, restart_below=0.2)),
    "fsq": (VQVAE, VQVAEConfig(quantiser="fsq", fsq_levels=(4, 3))),
    "reconstruction": (Anomaly, AnomalyConfig(latent=4, corrupt=0.3, score="reconstruction")),
    "neighbours": (Anomaly, AnomalyConfig(latent=4)),
}


def training(name: str) -> Training:
    torch.manual_seed(0)
    kind, config = TASKS[name]
    made = kind(AutoencoderCNN(IMAGE, 0, AutoencoderCNNConfig(widths=(8,))), NONE, config, input=IMAGE)
    fields = images(96, seed=1)
    if (know := made.abilities.know_rows) is not None:
        know(lambda: iter([Batch(fields, torch.arange(96))]))
    return averaged(made, fields)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("at", [1, 6, 7])
def test_stop_and_resume_is_bit_exact(name: str, at: int) -> None:
    resumes_exactly(lambda: training(name), images(32, seed=2), at)


@pytest.mark.parametrize("name", TASKS)
def test_evaluating_more_often_changes_nothing(name: str) -> None:
    is_the_same_however_often_it_is_evaluated(lambda: training(name), images(32, seed=2))


def test_a_codebook_is_among_the_weights_that_are_kept() -> None:
    held = weights(training("codebook").task.modules)
    assert {"model.quantiser.codes", "model.quantiser.count", "model.quantiser.total"} <= held.keys()


def test_pixels_and_back() -> None:
    pixels, shown = Pixels(IMAGE), torch.rand(2, 1, 8, 8)
    torch.testing.assert_close(pixels.of((shown - 0.3) / 0.4), shown)
    torch.testing.assert_close(pixels.of(pixels.back(shown)), shown)


def test_inputs_are_disturbed_as_much_as_is_said() -> None:
    given = torch.ones(20_000)
    assert disturbed(given, 0.0, "noise") is given
    assert float((disturbed(given, 0.3, "noise") - given).std()) == pytest.approx(0.3, rel=0.05)
    assert float(disturbed(given, 0.25, "mask").mean()) == pytest.approx(0.75, abs=0.02)


def test_rows_without_columns_are_numbered() -> None:
    found = Worded(InputSpec(kind="array", shape=(2,)))({"error": torch.tensor([[0.5, 2.0]])})
    assert found == [{"error": {"0": 0.5, "1": 2.0}}]
