"""The task normalizing-flow: densities that add up, a Gaussian's entropy, unusual rows, samples, and exact resumption."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import sonde
from sonde.core.batch import Batch
from sonde.core.dataset import Column, InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.generation import SampleRequest
from sonde.models.realnvp_mlp import RealNVP, RealNVPConfig
from sonde.tasks.input_code import network_input
from sonde.tasks.normalizing_flow.config import NormalizingFlowConfig
from sonde.tasks.normalizing_flow.task import NormalizingFlow

NONE = TargetSpec(kind="none", names=("row",))


def task_of(input: InputSpec, target: TargetSpec = NONE, **settings: Any) -> NormalizingFlow:
    torch.manual_seed(0)
    network = RealNVP(network_input(input), 1, RealNVPConfig(width=16, layers=2))
    task = NormalizingFlow(network, target, NormalizingFlowConfig(**settings), input=input)
    for parameter in task.modules.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
        parameter.requires_grad_(False)
    return task


def rows(values: torch.Tensor, **more: torch.Tensor) -> Batch:
    return Batch({"input": values, **more}, torch.arange(len(values)))


@pytest.mark.parametrize(
    "settings", [{}, {"components": 3}, {"marginals": "straight", "components": 2}, {"mixture": 3}]
)
def test_the_density_of_numbers_integrates_to_one(settings: dict[str, Any]) -> None:
    columns = (Column(name="x", kind="number", source="x", quantiles=(-1.5, -0.4, 0.1234567, 2.0)),)
    task = task_of(InputSpec(kind="table", shape=(1,), columns=columns), **settings)
    grid = torch.linspace(-30, 30, 60_001)[:, None]
    density = (-task.evaluate(rows(grid))["loss"].double()).exp()
    assert float(torch.trapezoid(density, grid[:, 0].double())) == pytest.approx(1, abs=1e-3)


def test_the_probabilities_of_pixels_add_up_to_one() -> None:
    task = task_of(InputSpec(kind="image", shape=(1, 1, 1), mean=(0.4,), std=(0.3,)))
    pixels = ((torch.arange(-300.0, 600.0) / 255 - 0.4) / 0.3).view(-1, 1, 1, 1).repeat(20, 1, 1, 1)
    task._fixed._noise = torch.randn(64, 1, 1, 1)
    nats = task.evaluate(rows(pixels))["loss"].double()
    assert float((-nats).exp().sum() / 20) == pytest.approx(1, abs=0.02)


def test_classes_are_part_of_the_likelihood_and_a_row_without_one_has_that_of_all() -> None:
    task = task_of(InputSpec(kind="array", shape=(3,)), TargetSpec(kind="class", names=("a", "b", "c")))
    given = torch.randn(5, 3)
    each = [
        -task.evaluate(rows(given, target=torch.full((5,), number)))["loss"].double().detach() for number in range(3)
    ]
    found = task.predict(rows(given))["log_likelihood"].double()
    torch.testing.assert_close(torch.stack(each).logsumexp(0), found, atol=1e-5, rtol=1e-5)


def test_what_is_drawn_goes_back_to_the_noise_that_it_came_from() -> None:
    task = task_of(InputSpec(kind="array", shape=(4,)))
    start = torch.randn(6, 4)
    made = task.draw(SampleRequest(start=start))
    torch.testing.assert_close(task.net.model(made, task.net._condition(made, None))[0], start, atol=1e-4, rtol=0)


def test_several_gaussians_begin_where_rows_lie_and_are_drawn_from() -> None:
    task = task_of(InputSpec(kind="array", shape=(2,)), components=4)
    given = torch.cat([torch.randn(50, 2) * 0.1 + 3, torch.randn(50, 2) * 0.1 - 3])
    task.know_rows(lambda: iter([rows(given[:60]), rows(given[60:])]))
    normal = task.net.model(given, task.net._condition(given, None))[0]
    torch.testing.assert_close(task.net.base.means, normal[[0, 25, 50, 75]])  # type: ignore[union-attr]
    assert task.abilities.generation.latent == (3,)  # type: ignore[union-attr]
    start = torch.tensor([[0.0, 0.0, -3.0], [0.0, 0.0, 3.0]])
    made = task.draw(SampleRequest(start=start))
    drawn = task.net.model(made, task.net._condition(made, None))[0]
    torch.testing.assert_close(drawn, normal[[0, 75]], atol=1e-3, rtol=0)


def test_a_mixture_beside_the_flow_has_the_share_that_validation_rows_choose() -> None:
    torch.manual_seed(4)
    input, groups = InputSpec(kind="array", shape=(2,)), torch.tensor([[4.0, 0.0], [-4.0, 0.0]])
    task = task_of(input, mixture=4, components=2)
    given = groups[torch.arange(600) % 2] + 0.2 * torch.randn(600, 2)
    task.know_rows(lambda: iter([rows(given[:500])]))
    held, meter = rows(given[500:]), task.meter()
    outputs = task.evaluate(held)
    torch.testing.assert_close(outputs["loss"], -outputs["both"].logsumexp(1) + math.log(2))  # half and half at first
    meter.update(outputs, held.index)
    task.tune_threshold(meter)
    assert task._share > 0.9  # the flow here is drawn at random
    assert meter.compute()["loss"] == pytest.approx(float(task.evaluate(held)["loss"].mean()), abs=1e-4)
    assert meter.compute()["loss"] < float(outputs["loss"].mean())
    entropy = math.log(2 * math.pi * math.e * 0.04) + math.log(2)
    assert meter.compute()["loss"] == pytest.approx(entropy, abs=0.3)
    assert task.abilities.generation.latent == (4,)  # type: ignore[union-attr]
    made = task.draw(SampleRequest(start=torch.randn(2000, 4)))
    near = (torch.cdist(made, groups) < 1).sum(0) / 2000
    assert near.tolist() == pytest.approx([task._share / 2] * 2, abs=0.06)
    again = task_of(input, mixture=4, components=2)
    again.modules.load_state_dict(task.modules.state_dict())
    again.load_state_dict(task.state_dict())
    torch.testing.assert_close(
        again.predict(held)["log_likelihood"], -task.evaluate(held)["loss"], atol=1e-4, rtol=1e-4
    )


def test_settings_of_rows_are_refused_for_others() -> None:
    with pytest.raises(ConfigError, match="--mixture 3 is for rows without a --target of classes; leave it out"):
        task_of(InputSpec(kind="array", shape=(2,)), TargetSpec(kind="class", names=("a", "b")), mixture=3)
    with pytest.raises(ConfigError, match="--mixture is a number of Gaussians, or 0 for none; got -1"):
        NormalizingFlowConfig(mixture=-1)
    with pytest.raises(ConfigError, match="--components must be at least 1, got 0"):
        NormalizingFlowConfig(components=0)
    with pytest.raises(ConfigError, match="--components 2 is for rows of numbers; leave it out"):
        task_of(InputSpec(kind="array", shape=(2, 2)), components=2)
    with pytest.raises(ConfigError, match="--marginals straight is for tables; leave it out"):
        task_of(InputSpec(kind="array", shape=(2,)), marginals="straight")


def test_unusual_rows_are_told_beside_validation_rows() -> None:
    task = task_of(InputSpec(kind="array", shape=(2,)))
    assert "anomaly" not in task.predict(rows(torch.zeros(1, 2)))
    meter = task.meter()
    usual = rows(torch.randn(300, 2))
    meter.update(task.evaluate(usual), usual.index)
    task.tune_threshold(meter)
    again = task_of(InputSpec(kind="array", shape=(2,)))
    again.load_state_dict(task.state_dict())
    found = again.predict(rows(torch.tensor([[0.1, 0.0], [9.0, 9.0]])))["anomaly"]
    assert found[0] < 0.6
    assert found[1] == 1
    cases = again.format_predictions(again.predict(usual))
    assert set(cases[0]) == {"log_likelihood", "anomaly"}
    assert np.mean([case["anomaly"] for case in cases]) == pytest.approx(0.5, abs=0.02)


def test_a_row_unlike_all_others_costs_no_more_than_with_independent_columns() -> None:
    task = task_of(InputSpec(kind="array", shape=(2,)))
    task.net.model.flow.layers[-1].log_scale.fill_(4.0)  # type: ignore[union-attr, operator]
    strange = rows(torch.tensor([[5.0, -5.0]]))
    plain = float(task.evaluate_plain(strange)["loss"])
    assert float(task.evaluate(strange)["loss"]) == pytest.approx(plain + math.log(100), abs=1e-3)
    with pytest.raises(ConfigError, match="--outlier-share must lie from 0 to below 1, got 1"):
        NormalizingFlowConfig(outlier_share=1)


def test_a_network_that_cannot_be_undone_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="needs a network with an `inverse`, and Linear has none; take --model realnvp-mlp"
    ):
        NormalizingFlow(nn.Linear(2, 2), NONE, NormalizingFlowConfig(), input=InputSpec(kind="array", shape=(2,)))


def correlated(number: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((number, 2))
    return np.stack([x[:, 0], 0.9 * x[:, 0] + math.sqrt(1 - 0.81) * x[:, 1]], 1)


def test_it_learns_the_entropy_of_a_gaussian_and_samples_have_its_correlation(tmp_path: Path) -> None:
    data = correlated(3000, 0)
    run = sonde.train(
        {"x": data[:, 0].tolist(), "y": data[:, 1].tolist()},
        task="normalizing-flow",
        out=tmp_path / "run",
        steps=400,
        width=32,
        layers=2,
        threads=1,
        quiet=True,
    )
    entropy = math.log(2 * math.pi * math.e) + 0.5 * math.log(1 - 0.81)
    assert run.metrics["loss"] == pytest.approx(entropy, abs=0.12)
    made = run.sample(500, seed=1)
    assert np.corrcoef(made["x"].to_numpy(), made["y"].to_numpy())[0, 1] == pytest.approx(0.9, abs=0.05)
    normal, strange = run.predict({"x": [0.1, 2.0], "y": [0.0, -2.0]})
    assert strange["anomaly"] > 0.98 > normal["anomaly"]
    assert strange["log_likelihood"] < normal["log_likelihood"] - 5


def places(number: int, seed: int) -> dict[str, list[Any]]:
    """A number, a category of which one value is in 1 % of the rows, and a number that is missing in 3 %."""
    draw = np.random.default_rng(seed)
    size = draw.normal(size=number)
    town = draw.choice(["Bern", "Rom", "Vaduz"], number, p=[0.69, 0.3, 0.01])
    known = [
        None if each < 0.03 else value
        for each, value in zip(draw.random(number), size + draw.normal(size=number), strict=True)
    ]
    return {"size": (size + (town == "Rom")).tolist(), "town": town.tolist(), "age": known}


@pytest.fixture(scope="module")
def of_places(tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    given: dict[str, Any] = {"steps": 120, "width": 16, "layers": 2, "batch_size": 256, "threads": 1, "quiet": True}
    return sonde.train(places(2000, 0), task="normalizing-flow", out=out, **given)


def test_rare_categories_and_gaps_are_made_as_rarely_as_they_are(of_places: sonde.Run) -> None:
    number, known = 8000, places(2000, 0)
    made = sonde.load(of_places.folder).sample(number, seed=2).to_pandas()
    for share, wanted in [
        ((made["town"] == town).mean(), np.mean([each == town for each in known["town"]]))
        for town in ("Bern", "Rom", "Vaduz")
    ] + [(made["age"].isna().mean(), np.mean([each is None for each in known["age"]]))]:
        error = math.sqrt(wanted * (1 - wanted) * (1 / number + 1 / 2000))
        assert abs(share - wanted) < 4 * error


def test_the_baseline_has_the_frequencies_of_the_training_rows(of_places: sonde.Run) -> None:
    """Three nats less for a value of 1 % than if all were as frequent."""
    task = of_places.task
    assert isinstance(task, NormalizingFlow)
    columns = of_places.schema.input.columns
    town = next(place for place, column in enumerate(columns) if column.name == "town")
    rare, usual = torch.zeros(1, len(columns)), torch.zeros(1, len(columns))
    rare[:, town], usual[:, town] = (
        columns[town].categories.index("Vaduz") + 1,
        columns[town].categories.index("Bern") + 1,
    )
    nats = [float(task.evaluate_plain(rows(each))["loss"]) for each in (rare, usual)]
    assert nats[0] - nats[1] == pytest.approx(math.log(0.69 / 0.01), abs=0.4)


def test_classes_begin_as_frequent_as_they_are() -> None:
    task = task_of(InputSpec(kind="array", shape=(2,)), TargetSpec(kind="class", names=("a", "b")))
    given = rows(torch.randn(99, 2), target=torch.tensor([0] * 90 + [1] * 9))
    task.abilities.know_rows(lambda: iter([given]))  # type: ignore[misc]
    wanted = torch.tensor([90.5, 9.5]).log() - math.log(100)
    torch.testing.assert_close(task.net.prior.log_softmax(0), wanted)  # type: ignore[union-attr]
    found = task.evaluate_plain(given)
    torch.testing.assert_close(found["loss"] - found["nats"], -wanted[given["target"]])
