import math
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from sample_tasks import pieces_give_the_gradient, stepper
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from sonde.core.batch import Batch
from sonde.core.dataset import Column, InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.generation import SampleRequest
from sonde.core.seams import Meter, Task, abilities_of
from sonde.models.autoencoder_cnn import AutoencoderCNN, AutoencoderCNNConfig
from sonde.models.autoencoder_mlp import AutoencoderMLP, AutoencoderMLPConfig
from sonde.tasks.input_code import network_input
from sonde.tasks.vae.column_likelihood import Columns
from sonde.tasks.vae.config import VAEConfig
from sonde.tasks.vae.likelihood import Bernoulli, Gaussian
from sonde.tasks.vae.task import VAE, divergences

NONE = TargetSpec(kind="none", names=("row",))
ROWS = InputSpec(kind="array", shape=(5,))
IMAGES = InputSpec(kind="image", shape=(1, 8, 8), mean=(0.5,), std=(0.25,))


def task(spec: InputSpec = ROWS, hidden: tuple[int, ...] = (), **settings: Any) -> VAE:
    torch.manual_seed(0)
    if spec.has_planes:
        model: nn.Module = AutoencoderCNN(spec, 0, AutoencoderCNNConfig(widths=(8,)))
    else:
        model = AutoencoderMLP(network_input(spec), 0, AutoencoderMLPConfig(hidden=hidden))
    made = VAE(model, NONE, VAEConfig(**settings), input=spec)
    made.modules.eval()
    return made


def batch(spec: InputSpec = ROWS, rows: int = 8) -> Batch:
    input = torch.randn(rows, *spec.shape, generator=torch.Generator().manual_seed(1))
    return Batch({"input": input}, torch.arange(rows))


def test_it_fits_the_seams() -> None:
    made = task()
    assert isinstance(made, Task)
    assert isinstance(made.meter(), Meter)


def test_pieces_of_a_batch_give_its_gradient() -> None:
    made, noise = task(), torch.randn(8, 32)
    index = iter([noise, noise[:3], noise[3:6], noise[6:]])
    # of the same noise for the same rows
    original = torch.randn_like
    torch.randn_like = lambda like, **more: next(index)  # type: ignore[assignment]
    try:
        pieces_give_the_gradient(made, batch())
    finally:
        torch.randn_like = original


def test_the_divergence_is_that_of_torch() -> None:
    mean, log_variance = torch.randn(4, 3), torch.randn(4, 3)
    expected = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(divergences(mean, log_variance), expected)


def linear(made: VAE) -> tuple[Tensor, Tensor, Tensor]:
    """Of a linear decoder: weights W (5, L), bias, and the exact p(x) = N(bias, W W' + deviation^2) is known."""
    return (
        made.net.up.weight.detach(),
        cast(Tensor, made.net.up.bias).detach(),
        cast(Gaussian, made.likelihood).deviation.detach(),
    )


def exact(made: VAE, input: Tensor) -> Tensor:
    weight, bias, deviation = linear(made)
    covariance = weight @ weight.T + deviation**2 * torch.eye(5)
    return MultivariateNormal(bias, covariance).log_prob(input)


def posterior(made: VAE) -> None:
    """Put the exact posterior's mean into the encoder of a linear-Gaussian model, and the diagonal of its precision."""
    weight, bias, deviation = linear(made)
    latent = weight.shape[1]
    precision = torch.eye(latent) + weight.T @ weight / deviation**2
    with torch.no_grad():
        into = torch.linalg.solve(precision, weight.T) / deviation**2
        made.net.down.weight[:latent] = into
        cast(Tensor, made.net.down.bias)[:latent] = -into @ bias
        made.net.down.weight[latent:] = 0
        cast(Tensor, made.net.down.bias)[latent:] = -precision.diagonal().log()


def test_the_bound_of_a_linear_gaussian_model_comes_to_its_exact_likelihood() -> None:
    made, given = task(latent=2), batch()
    with torch.no_grad():
        cast(Gaussian, made.likelihood).log_deviation.fill_(math.log(0.7))
    posterior(made)
    true = exact(made, given["input"])
    with torch.no_grad():
        one, many = made.bound(given, 1), made.bound(given, 2000)
    torch.testing.assert_close(many.float(), true, atol=0.02, rtol=0)
    assert float((true - one.float()).mean()) > 0  # a bound from below, on average
    # of one sample it is the ELBO, and with the exact posterior that is the likelihood whatever the sample
    narrow = task(latent=1)
    posterior(narrow)
    with torch.no_grad():
        found = narrow.evaluate(given)
        torch.testing.assert_close(narrow.bound(given, 1).float(), exact(narrow, given["input"]), atol=1e-4, rtol=0)
        assert float(found["elbo"].mean()) < float(exact(narrow, given["input"]).mean()) + 3


def test_the_elbo_is_likelihood_minus_divergence() -> None:
    made, given = task(beta=3.0), batch()
    found = made.evaluate(given)
    torch.testing.assert_close(-found["loss"] - found["elbo"], -2 * found["kl"], atol=1e-4, rtol=0)


def test_the_gaussian_is_that_of_torch() -> None:
    likelihood = Gaussian()
    output, input = torch.randn(4, 5), torch.randn(4, 5)
    torch.testing.assert_close(likelihood.log_probability(output, input), Normal(output, 1.0).log_prob(input).sum(1))


def test_it_learns_the_deviation_of_the_noise() -> None:
    torch.manual_seed(0)
    input = 0.3 * torch.randn(500, 1) @ torch.randn(1, 5) + 0.2 * torch.randn(500, 5)
    made = task(latent=2)
    step = stepper(made, lr=2e-2)
    for number in range(1, 301):
        step(Batch({"input": input}, torch.arange(500)), step=number, epoch=0)
    assert float(cast(Gaussian, made.likelihood).deviation.detach()) == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("beta", [0.1, 1.0, 4.0])
def test_a_run_is_told_by_what_can_stand_beside_its_baseline(beta: float) -> None:
    """A loss with a weighted divergence is no bound of a likelihood, and the nats of a decoder without a code are one."""
    made, given = task(beta=beta), batch()
    found, beside = made.evaluate(given), made.evaluate_without_code(given)
    first = next(iter(found))
    assert first == ("loss" if beta == 1 else "elbo")
    assert next(iter(beside)) == first
    assert ("loss" in beside) == (beta == 1)
    torch.testing.assert_close(found["loss"] + found["elbo"], (beta - 1) * found["kl"], atol=1e-3, rtol=0)


def test_the_baseline_is_a_decoder_that_is_told_nothing() -> None:
    made, given = task(), batch()
    expected = Normal(0.0, 1.0).log_prob(given["input"]).sum(1)
    torch.testing.assert_close(made.evaluate_without_code(given)["elbo"], expected)
    shifted = replace(given, fields={"input": 3 + 0.5 * given["input"]})
    made.know_rows(lambda: iter([shifted, shifted]))
    mean, left = shifted["input"].mean(0), shifted["input"].var(0, correction=0).mean().sqrt()
    torch.testing.assert_close(
        made.evaluate_without_code(shifted)["elbo"], Normal(mean, left).log_prob(shifted["input"]).sum(1)
    )
    assert abilities_of(made).rule_baseline is not None
    assert abilities_of(task(IMAGES, likelihood="bernoulli")).rule_baseline is None


def test_free_bits_cost_nothing() -> None:
    made, given = task(free_bits=0.5, latent=4), batch()
    with torch.no_grad():
        made.net.down.weight.zero_()
        cast(Tensor, made.net.down.bias).zero_()  # the codes are the prior
    loss = made.loss(given)
    torch.testing.assert_close(loss.value - loss.parts["error"], torch.tensor(4 * 0.5))
    assert made.across_rows == ("model",)
    assert task().across_rows == ()


def test_a_row_is_evaluated_by_the_same_noise_in_every_batch() -> None:
    made, given = task(IMAGES, likelihood="bernoulli", importance=3), batch(IMAGES)
    whole = made.evaluate(given)
    part = made.evaluate(Batch({"input": given["input"][5:7]}, given.index[5:7]))
    for name in ("loss", "elbo", "bound"):
        torch.testing.assert_close(part[name], whole[name][5:7])
    assert "bound" not in made.quick_evaluate(given)
    assert abilities_of(made).quick_evaluate is not None
    assert abilities_of(task()).quick_evaluate is None


def test_pixels_become_white_as_often_as_they_are_bright() -> None:
    likelihood = Bernoulli(IMAGES, "auto")
    pixels = torch.full((4000, 1, 1, 1), 0.3)
    torch.manual_seed(0)
    drawn = likelihood.target(likelihood.fed(pixels), None)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert float(drawn.mean()) == pytest.approx(0.3, abs=0.03)
    assert Bernoulli(IMAGES, "threshold").target(likelihood.fed(pixels), None).max() == 0
    torch.testing.assert_close(Bernoulli(IMAGES, "none").target(likelihood.fed(pixels), None), pixels)


def test_samples_of_images_are_means_and_of_tables_have_noise() -> None:
    columns = (
        Column(name="a", kind="number", source="a"),
        Column(name="b", kind="category", source="b", categories=("x", "y")),
    )
    made = task(InputSpec(kind="table", shape=(2,), columns=columns), hidden=(4,), latent=2)
    drawn = torch.Generator().manual_seed(0)
    start = torch.zeros(4000, 2)
    with torch.no_grad():
        found = made.draw(SampleRequest(start=start, noise=lambda shape: torch.randn(shape, generator=drawn)))
        numbers, _, (logits,) = cast(Columns, made.likelihood).code.parts(made.net.decode(start[:1]))
    assert float(found[:, 0].std()) == pytest.approx(1.0, rel=0.05)  # the deviation before training
    assert float(found[:, 0].mean()) == pytest.approx(float(numbers), abs=0.06)
    shares = torch.bincount(found[:, 1].long(), minlength=3) / 4000
    torch.testing.assert_close(shares, logits.softmax(1)[0], atol=0.03, rtol=0)
    images = task(IMAGES)
    with torch.no_grad():
        start = torch.randn(3, 32)
        torch.testing.assert_close(images.draw(SampleRequest(start=start, noise=torch.randn)), images.net.decode(start))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latent": 0}, "--latent must be at least 1, got 0"),
        ({"beta": -1.0}, "--beta must be 0 or more, got -1"),
        ({"free_bits": -1.0}, "--free-bits must be 0 or more, got -1"),
        ({"importance": -1}, "--importance is a number of samples, or 0 for none; got -1"),
        ({"binarise": "dynamic"}, "--binarise dynamic is for --likelihood bernoulli; leave it out, or give both"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        VAEConfig(**settings)


def test_pixels_are_of_images() -> None:
    with pytest.raises(ConfigError, match="--likelihood bernoulli is for the pixels of images; leave it out"):
        task(likelihood="bernoulli")
