"""What holds for every task that gives inputs back: runs are exact whatever interrupts or looks at them."""

from typing import Any

import pytest
import torch
from sample_tasks import CPU, stepper

from sonde.core.batch import Batch
from sonde.core.config import FeedConfig
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.durations import Duration
from sonde.data.feed.tensors import tensor_source
from sonde.engine.clock import Clock
from sonde.engine.evaluate import evaluate
from sonde.engine.loop import FitParts, FitSettings, fit
from sonde.engine.signals import StopRequest
from sonde.engine.training import Training, capture, restore, weights
from sonde.engine.tree import copied, same
from sonde.models.autoencoder_cnn import AutoencoderCNN, AutoencoderCNNConfig
from sonde.optim.ema import EMA
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
    fields = {"input": torch.randn(96, 1, 8, 8, generator=torch.Generator().manual_seed(1))}
    if (know := made.abilities.know_rows) is not None:
        know(lambda: iter([Batch(fields, torch.arange(96))]))
    run = stepper(made)
    run.average = EMA(made.modules, 0.9)
    torch.manual_seed(5)
    source = tensor_source(fields, FeedConfig(batch_size=16), training=True, seed=0, device=CPU)
    return Training(task=made, source=source, stepper=run, clock=Clock(), device=CPU, observers=[], journals={})


def parts(live: Training, *, looks: bool = False) -> FitParts:
    fields = {"input": torch.randn(32, 1, 8, 8, generator=torch.Generator().manual_seed(2))}
    held = tensor_source(fields, FeedConfig(batch_size=8), training=False, seed=0, device=CPU)

    def scores() -> dict[str, float]:
        return evaluate(live.task, held, live.stepper.settings, average=live.stepper.average).compute()

    return FitParts(
        objective=live.task.objective if looks else None,
        evaluate=scores if looks else None,
        best_weights=dict,
        writer=None,
        request=StopRequest(),
    )


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("at", [1, 6, 7])
def test_stop_and_resume_is_bit_exact(name: str, at: int) -> None:
    whole = training(name)
    fit(whole, FitSettings(stop=12), parts(whole))
    half = training(name)
    fit(half, FitSettings(stop=at), parts(half))
    held, state = copied(weights(half.task.modules)), copied(capture(half))
    again = training(name)
    torch.manual_seed(99)
    restore(again, held, state)
    fit(again, FitSettings(stop=12), parts(again))
    assert same(weights(whole.task.modules), weights(again.task.modules))
    left, right = capture(whole), capture(again)
    for part in ("stepper", "source", "task", "random", "progress"):
        assert same(left[part], right[part]), part


@pytest.mark.parametrize("name", TASKS)
def test_evaluating_more_often_changes_nothing(name: str) -> None:
    runs = []
    for every in (1, 1000):
        live = training(name)
        fit(live, FitSettings(stop=8, evaluate_every=Duration(every, "steps")), parts(live, looks=True))
        runs.append((weights(live.task.modules), capture(live)))
    (first, left), (second, right) = runs
    assert same(first, second)
    for part in ("stepper", "source", "task", "random"):
        assert same(left[part], right[part]), part


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
