from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.generation import SampleRequest
from sonde.core.seams import Meter, Objective, Task, abilities_of
from sonde.models.denoiser_mlp import DenoiserMLP, DenoiserMLPConfig
from sonde.tasks.diffusion.config import DiffusionConfig
from sonde.tasks.diffusion.task import Diffusion

CLASSES = TargetSpec(kind="class", names=("a", "b", "c"))
NOTHING = TargetSpec(kind="none", names=("row",))
SPEC = InputSpec(kind="array", shape=(4,))


def network() -> DenoiserMLP:
    torch.manual_seed(0)
    return DenoiserMLP(SPEC, 3, DenoiserMLPConfig(width=16, layers=1))


def task(model: nn.Module | None = None, target: TargetSpec = CLASSES, **settings: Any) -> Diffusion:
    return Diffusion(model or network(), target, DiffusionConfig(**settings), input=SPEC)


def batch(rows: int = 6) -> Batch:
    drawn = torch.Generator().manual_seed(0)
    return Batch({"input": torch.randn(rows, 4, generator=drawn), "target": torch.arange(rows) % 3}, torch.arange(rows))


def test_it_fits_the_seams() -> None:
    made = task()
    assert isinstance(made, Task)
    assert isinstance(made.meter(), Meter)
    assert made.objective == Objective("loss", "min")


class OfGaussian(nn.Module):
    """What is best for data of a normal distribution with deviation s around 0, in the form that a setting asks for.

    Of u = (x + σ ε) / √(1 + σ²) the mean of the data is s² √(1 + σ²) u / (s² + σ²).
    """

    condition = 8

    def __init__(self, predicts: str, spread: float) -> None:
        super().__init__()
        self.predicts, self.spread, self.sigma = predicts, spread, 0.0

    def forward(self, input: Tensor, condition: Tensor) -> Tensor:
        scale = (1 + self.sigma**2) ** 0.5
        clean = self.spread**2 * scale * input / (self.spread**2 + self.sigma**2)
        noise = (scale * input - clean) / self.sigma
        return {"input": clean, "noise": noise, "v": (noise - self.sigma * clean) / scale}[self.predicts]


@pytest.mark.parametrize("predicts", ["v", "noise", "input"])
def test_each_prediction_is_the_same_denoiser(predicts: str) -> None:
    model = OfGaussian(predicts, 0.5)
    made = task(model, NOTHING, predicts=predicts)
    noisy = torch.linspace(-2, 2, 8).view(2, 4)
    for sigma in (0.01, 0.7, 20.0):
        model.sigma = sigma
        found = made.denoised(noisy, sigma, None)
        torch.testing.assert_close(found, 0.25 * noisy / (0.25 + sigma**2), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("predicts", ["v", "noise", "input"])
def test_a_network_that_answers_nothing_has_the_variance_of_what_is_predicted_as_its_loss(predicts: str) -> None:
    """The data, the noise and v all have variance 1 where the data have."""
    made = task(predicts=predicts, target=NOTHING)
    torch.manual_seed(0)
    rows = Batch({"input": torch.randn(20_000, 4)}, torch.arange(20_000))
    assert float(made.loss(rows).value.detach()) == pytest.approx(1.0, abs=0.03)


def test_evaluations_of_the_same_weights_are_the_same_whatever_the_batch() -> None:
    made, given = task(), batch(6)
    made.modules.eval()
    whole = made.evaluate(given)["loss"]
    torch.manual_seed(99)
    parts = [
        made.evaluate(Batch({name: field[rows] for name, field in given.fields.items()}, given.index[rows]))["loss"]
        for rows in (slice(0, 2), slice(2, 6))
    ]
    torch.testing.assert_close(whole, torch.cat(parts))


def test_an_evaluation_leaves_the_random_stream_alone() -> None:
    made = task()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    made.evaluate(batch())
    assert torch.equal(before, torch.get_rng_state())


def test_guidance_goes_from_no_class_through_the_class_and_beyond() -> None:
    made = task()
    for parameter in made.modules.parameters():
        nn.init.normal_(parameter, std=0.3)
    noisy, label = torch.randn(3, 4), torch.tensor([0, 1, 2])
    chosen, free, steered = (
        made.denoised(noisy, 1.0, labels, weight) for labels, weight in ((label, 1.0), (None, 1.0), (label, 2.5))
    )
    torch.testing.assert_close(steered, free + 2.5 * (chosen - free), rtol=1e-4, atol=1e-4)


def test_without_hidden_classes_there_is_no_guidance() -> None:
    generation = abilities_of(task(class_dropout=0.0)).generation
    assert generation is not None
    assert generation.classes
    assert not generation.guided


def test_a_network_that_is_no_denoiser_is_refused() -> None:
    with pytest.raises(ConfigError, match="task diffusion needs a network that is called with a noisy input"):
        task(nn.Linear(4, 4))


def test_the_same_start_gives_the_same_samples_and_a_known_part_stays() -> None:
    made = task()
    start, given = torch.randn(3, 4), torch.arange(12.0).view(3, 4)
    keep = torch.tensor([1.0, 1.0, 0.0, 0.0]).expand(3, 4)
    request = SampleRequest(start=start, labels=torch.tensor([0, 1, 2]), steps=4, known=given, keep=keep)
    with torch.no_grad():
        first, second = made.draw(request), made.draw(request)
    torch.testing.assert_close(first, second)
    torch.testing.assert_close(first[:, :2], given[:, :2])


@pytest.mark.parametrize("predicts", ["v", "noise", "input"])
def test_the_baseline_is_the_best_there_is_for_white_data(predicts: str) -> None:
    model = OfGaussian(predicts, 1.0)
    made = task(model, NOTHING, predicts=predicts)
    (_, known) = made.trivial_baseline({}, {})
    torch.manual_seed(0)
    errors = []
    for level in made._levels.tolist():
        model.sigma = level
        data, noise = torch.randn(4000, 4), torch.randn(4000, 4)
        errors.append(float(made._error(data, noise, torch.full((4000,), level), None).mean()))
    assert known["loss"] == pytest.approx(sum(errors) / len(errors), rel=0.03)
