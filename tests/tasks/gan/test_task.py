"""Which network a phase moves, what the losses are, and that a run is exact whatever interrupts or looks at it."""

from typing import Any

import pytest
import torch
from sample_exactness import averaged, images, is_the_same_however_often_it_is_evaluated, parts, resumes_exactly
from sample_tasks import batch, stepper
from torch import nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.generation import SampleRequest
from sonde.core.seams import Meter, Objective, Task
from sonde.engine.due import FitSettings
from sonde.engine.loop import fit
from sonde.engine.training import Training, weights
from sonde.engine.tree import copied, same
from sonde.models.dcgan import DCGAN, DCGANConfig
from sonde.models.gan_mlp import GANMLP, GANMLPConfig
from sonde.tasks.gan.config import GANConfig
from sonde.tasks.gan.task import GAN

CLASSES = TargetSpec(kind="class", names=("a", "b", "c"))
NONE = TargetSpec(kind="none", names=("image",))
IMAGE = InputSpec(kind="image", shape=(1, 8, 8), mean=(0.3,), std=(0.4,))
LOSSES = ("hinge", "non-saturating", "wgan-gp")


def task(target: TargetSpec = CLASSES, monitor: str | None = None, **settings: Any) -> GAN:
    torch.manual_seed(0)
    model = DCGAN(IMAGE, 3, DCGANConfig(widths=(8,), noise_size=4))
    return GAN(model, target, GANConfig(**settings), input=IMAGE, monitor=monitor)


def given(rows: int = 12) -> Batch:
    drawn = torch.Generator().manual_seed(0)
    return batch(input=torch.randn(rows, 1, 8, 8, generator=drawn), target=torch.arange(rows) % 3)


def parameters(module: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in module.parameters()]


def moved(before: list[torch.Tensor], module: nn.Module) -> bool:
    return any(not torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


def test_it_fits_the_seams() -> None:
    made = task()
    assert isinstance(made, Task)
    assert isinstance(made.meter(), Meter)
    assert made.objective == Objective("kernel_distance", "min")
    assert task(monitor="recall").objective == Objective("recall", "max")
    with pytest.raises(ConfigError, match="nearest|recall"):
        task(monitor="recal")
    assert [(phase.name, phase.every) for phase in task(critic_steps=3).phases] == [("critic", 1), ("generator", 3)]
    assert task(critic_lr=4e-4).phases[0].optimizer == {"lr": 4e-4}
    assert task().phases[0].optimizer is None


@pytest.mark.parametrize("loss", LOSSES)
def test_one_step_moves_the_right_network_alone(loss: str) -> None:
    made = task(gan_loss=loss, critic_steps=2)
    step = stepper(made)
    critic, generator = parameters(made.critic), parameters(made.generator)
    step(given(), step=1, epoch=0)
    assert moved(critic, made.critic)
    assert not moved(generator, made.generator)
    record = step(given(), step=2, epoch=0)
    assert moved(generator, made.generator)
    assert set(record.norms) == {"critic", "generator"}
    made.modules.zero_grad()
    made.generator_loss(given()).value.backward(inputs=list(made.generator.parameters()))
    assert all(p.grad is None for p in made.critic.parameters())
    assert [n for n, p in made.generator.named_parameters() if p.grad is None] == []


def test_the_losses_are_those_of_the_logits() -> None:
    rows = given()
    made = task(gan_loss="non-saturating", r1=2.0)
    torch.manual_seed(5)
    found = made.critic_loss(rows)
    torch.manual_seed(5)
    fake = made.generator(torch.randn(12, 4), rows["target"])
    real_logit, logit = made.critic(rows["input"], rows["target"]), made.critic(fake, rows["target"])
    plain = nn.functional.softplus(-real_logit).mean() + nn.functional.softplus(logit).mean()
    torch.testing.assert_close(found.value, plain + 2.0 * found.parts["r1"])
    assert found.weight == 12
    real = rows["input"].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(made.critic(real, rows["target"]).sum(), real)
    torch.testing.assert_close(found.parts["r1"].detach(), gradient.flatten(1).square().sum(1).mean() / 2)


def test_penalties_teach_the_critic() -> None:
    for name, made in {"penalty": task(gan_loss="wgan-gp"), "r1": task(gan_loss="hinge", r1=1.0)}.items():
        loss = made.critic_loss(given())
        loss.parts[name].backward(inputs=list(made.critic.parameters()))
        assert any(p.grad is not None and p.grad.any() for p in made.critic.net.parameters())


def test_spectral_norm_comes_with_hinge() -> None:
    def normalised(made: GAN) -> list[str]:
        return [name for name, _ in made.modules.named_parameters() if "original" in name]

    assert normalised(task())
    assert all(name.startswith("critic.") for name in normalised(task()))
    assert normalised(task(gan_loss="wgan-gp")) == normalised(task(critic_norm="none")) == []


def test_samples_are_of_the_class_that_is_asked_for() -> None:
    made = task()
    generation = made.abilities.generation
    assert generation is not None
    assert (generation.latent, generation.classes, generation.steps) == ((4,), True, 0)
    made.modules.eval()
    noise, label = torch.randn(3, 4), torch.tensor([0, 1, 2])
    found = generation.draw(SampleRequest(start=noise, labels=label))
    torch.testing.assert_close(found, made.generator(noise, label))
    for without in (task(NONE), task(by_class=False)):
        assert without.classes == 0
        assert without.abilities.generation is not None
        assert not without.abilities.generation.classes
        without.critic_loss(given())


def test_an_evaluation_is_the_same_in_any_batches() -> None:
    made = task()
    made.modules.eval()
    rows = given(24)
    whole = {name: value.detach() for name, value in made.evaluate(rows).items()}
    pieces = [made.evaluate(piece) for piece in rows.split(5)]
    for name, value in whole.items():
        torch.testing.assert_close(torch.cat([piece[name].detach() for piece in pieces]), value)


def test_rows_of_numbers() -> None:
    spec = InputSpec(kind="table", shape=(5,))
    made = GAN(GANMLP(spec, 1, GANMLPConfig(width=8, noise_size=3)), NONE, GANConfig(gan_loss="wgan-gp"), input=spec)
    rows = batch(input=torch.randn(20, 5))
    made.critic_loss(rows).value.backward()
    meter = made.meter()
    meter.update({name: value.detach() for name, value in made.evaluate(rows).items()}, rows.index)
    assert meter.compute()["kernel_distance"] > 0
    assert set(made.format_predictions(made.predict(rows))[0]) == {"critic"}


# runs


def training(loss: str) -> Training:
    return averaged(task(gan_loss=loss, critic_steps=2, r1=0.5), images(96, seed=1, classes=3))


HELD_OUT = images(32, seed=2, classes=3)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("at", [1, 6, 7])
def test_stop_and_resume_is_bit_exact(loss: str, at: int) -> None:
    resumes_exactly(lambda: training(loss), HELD_OUT, at)


def test_evaluating_more_often_changes_nothing() -> None:
    is_the_same_however_often_it_is_evaluated(lambda: training("hinge"), HELD_OUT)


def test_the_averaged_weights_are_evaluated_and_never_trained_on() -> None:
    live = training("hinge")
    fit(live, FitSettings(stop=8), parts(live, HELD_OUT))
    before = copied(weights(live.task.modules))
    of_average = parts(live, HELD_OUT, looks=True).evaluate
    assert of_average is not None
    found = of_average()
    assert same(before, weights(live.task.modules))
    assert live.stepper.average is not None
    with live.stepper.average.applied():
        stands = copied(weights(live.task.modules))
    assert not same(before, stands)
    live.task.modules.load_state_dict(stands)
    live.stepper.average = None
    plain = parts(live, HELD_OUT, looks=True).evaluate
    assert plain is not None
    assert plain() == found
