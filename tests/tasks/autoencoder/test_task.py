from typing import Any, cast

import numpy as np
import pytest
import torch
from sample_tasks import pieces_give_the_gradient, stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import Column, InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Meter, Task, abilities_of
from sonde.models.autoencoder_cnn import AutoencoderCNN, AutoencoderCNNConfig
from sonde.models.autoencoder_mlp import AutoencoderMLP, AutoencoderMLPConfig
from sonde.tasks.autoencoder.config import AutoencoderConfig
from sonde.tasks.autoencoder.task import Autoencoder

NONE = TargetSpec(kind="none", names=("row",))
ROWS = InputSpec(kind="array", shape=(6,))
IMAGES = InputSpec(kind="image", shape=(1, 8, 8), mean=(0.4,), std=(0.2,))


def task(spec: InputSpec = ROWS, hidden: tuple[int, ...] = (), **settings: Any) -> Autoencoder:
    torch.manual_seed(0)
    if spec.has_planes:
        model: nn.Module = AutoencoderCNN(spec, 0, AutoencoderCNNConfig(widths=(8,)))
    else:
        model = AutoencoderMLP(spec, 0, AutoencoderMLPConfig(hidden=hidden))
    return Autoencoder(model, NONE, AutoencoderConfig(**settings), input=spec)


def batch(spec: InputSpec = ROWS, rows: int = 12) -> Batch:
    input = torch.randn(rows, *spec.shape, generator=torch.Generator().manual_seed(1))
    return Batch({"input": input}, torch.arange(rows))


def test_it_fits_the_seams() -> None:
    made = task()
    assert isinstance(made, Task)
    assert isinstance(made.meter(), Meter)
    pieces_give_the_gradient(made, batch())


def test_a_linear_one_reaches_the_error_of_principal_components() -> None:
    """Baldi and Hornik 1989: the optimum of a linear autoencoder spans the leading principal directions."""
    generator = torch.Generator().manual_seed(0)
    input = torch.randn(200, 6, generator=generator) * torch.tensor([3.0, 2.0, 1.0, 0.5, 0.3, 0.1])
    input = (input - input.mean(0)) @ torch.linalg.qr(torch.randn(6, 6, generator=generator))[0]
    made = task(latent=2)
    step = stepper(made, lr=1e-2)
    for number in range(1, 801):
        step(Batch({"input": input}, torch.arange(200)), step=number, epoch=0)
    _, sizes, directions = torch.linalg.svd(input, full_matrices=False)
    best = float(sizes[2:].square().sum() / input.numel())
    found = float(made.evaluate(Batch({"input": input}, torch.arange(200)))["mse"].mean().detach())
    assert best * 0.999 < found < best * 1.001
    spanned = torch.linalg.qr(made.net.up.weight.detach())[0]  # (6, 2)
    cosines = torch.linalg.svdvals(directions[:2] @ spanned)
    torch.testing.assert_close(cosines, torch.ones(2), atol=1e-3, rtol=0)


def test_a_denoising_one_is_asked_for_the_clean_input() -> None:
    made, given = task(corrupt=0.5, corruption="mask"), batch()
    torch.manual_seed(3)
    kept = torch.rand_like(given["input"]) >= 0.5
    expected = (made.net(given["input"] * kept) - given["input"]).square().mean()
    torch.manual_seed(3)
    torch.testing.assert_close(made.loss(given).value, expected)
    clean = (made.net(given["input"]) - given["input"]).square().mean(1)
    torch.testing.assert_close(made.evaluate(given)["loss"], clean)  # nothing is disturbed where it is judged


def test_a_sparse_code_gains_nothing_by_small_numbers_and_large_weights() -> None:
    made, given = task(sparsity=0.1, latent=12), batch()
    before = made.evaluate(given)
    with torch.no_grad():
        made.net.down.weight /= 10
        cast(Tensor, made.net.down.bias).div_(10)
        made.net.up.weight *= 10
    torch.testing.assert_close(made.evaluate(given)["loss"], before["loss"])
    step = stepper(made, lr=1e-2)
    for number in range(1, 301):
        step(given, step=number, epoch=0)
    assert made.evaluate(given)["nonzero"].mean() < 0.9 * before["nonzero"].mean()


def test_the_baseline_is_a_network_that_gives_back_the_mean() -> None:
    made, given = task(IMAGES), batch(IMAGES)
    assert abilities_of(made).rule_baseline is not None
    found = made.mean_given_back(given)
    assert found.keys() == made.evaluate(given).keys()
    torch.testing.assert_close(found["loss"], given["input"].square().flatten(1).mean(1))


def test_images_have_a_quality_on_the_scale_of_pixels() -> None:
    made, given = task(IMAGES), batch(IMAGES)
    found = made.evaluate(given)
    assert found.keys() == {"loss", "mse", "psnr", "ssim"}
    back = (made.given_back(given)["reconstruction"] * 0.2 + 0.4).clamp(0, 1)
    error = (back - (given["input"] * 0.2 + 0.4).clamp(0, 1)).square().flatten(1).mean(1)
    torch.testing.assert_close(found["psnr"], -10 * error.log10())


def test_what_is_written_of_images_are_pixels_and_where_errors_lie() -> None:
    made, given = task(IMAGES, latent=3), batch(IMAGES, 2)
    outputs = abilities_of(made).reconstruction
    assert outputs is not None
    latent, back, anomaly = (
        made.format_predictions(outputs.outputs[name](given)) for name in ("latent", "reconstruction", "anomaly")
    )
    assert list(latent[0]["latent"]) == ["0", "1", "2"]
    assert back[0]["reconstruction"].shape == (8, 8, 1)
    assert back[0]["reconstruction"].dtype == np.uint8
    assert anomaly[0]["error"].shape == (8, 8)
    assert anomaly[1]["score"] == pytest.approx(anomaly[1]["error"].mean(), rel=1e-5)


def test_columns_come_back_in_their_own_units_and_words() -> None:
    columns = (
        Column(name="age", kind="number", source="age", mean=40.0, std=10.0),
        Column(name="sex", kind="category", source="sex", categories=("f", "m")),
    )
    made = task(InputSpec(kind="table", shape=(2,), columns=columns), hidden=(8,), latent=2)
    found = made.format_predictions({"reconstruction": torch.tensor([[0.5, 2.0], [-1.0, 0.0]])})
    assert found == [{"reconstruction": {"age": 45.0, "sex": "m"}}, {"reconstruction": {"age": 30.0, "sex": ""}}]
    errors = made.format_predictions(made.anomaly(Batch({"input": torch.tensor([[0.5, 1.0]])}, torch.arange(1))))
    assert errors[0]["error"].keys() == {"age", "sex"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latent": 0}, "--latent must be at least 1, got 0"),
        ({"corrupt": -1.0}, "--corrupt must be 0 or more, got -1"),
        ({"corrupt": 1.0, "corruption": "mask"}, "--corrupt 1 with --corruption mask is a share"),
        ({"sparsity": -0.1}, "--sparsity must be 0 or more"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AutoencoderConfig(**settings)


def test_other_networks_are_refused() -> None:
    with pytest.raises(ConfigError, match="needs a network with encode and decode, and Linear has none; take --model"):
        Autoencoder(nn.Linear(2, 2), NONE, AutoencoderConfig(), input=ROWS)
