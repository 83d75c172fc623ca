import math

import pytest
import torch
from sample_tasks import pieces_give_the_gradient, stepper
from torch import nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Task, abilities_of
from sonde.models.torsion_network import TorsionNetwork, TorsionNetworkConfig
from sonde.tasks.torsions.config import ANGLES, TorsionsConfig
from sonde.tasks.torsions.task import Torsions

TARGET = TargetSpec(kind="torsions", names=ANGLES)
TURNS = {5: (-60.0, -45.0), 6: (-120.0, 130.0)}  # degrees of two kinds of residues


def batch(*lengths: int) -> Batch:
    """Chains of two kinds of residues, each turned in its own way; ends are not known."""
    longest = max(lengths)
    generator = torch.Generator().manual_seed(1)
    input = torch.zeros(len(lengths), longest, dtype=torch.long)
    target = torch.zeros(len(lengths), longest, 2, 2)
    for row, length in enumerate(lengths):
        input[row, :length] = torch.randint(5, 7, (length,), generator=generator)
        angles = torch.tensor([TURNS[int(kind)] for kind in input[row, :length]]).deg2rad()
        target[row, :length] = torch.stack([angles.cos(), angles.sin()], -1)
        target[row, 0, 0], target[row, length - 1, 1] = 0, 0
    return Batch({"input": input, "target": target}, torch.arange(len(lengths)))


def task() -> Torsions:
    torch.manual_seed(0)
    spec = InputSpec(kind="protein", shape=(20,), symbols=25)
    model = TorsionNetwork(spec, 2, TorsionNetworkConfig(embedding=8, width=8))
    return Torsions(model, TARGET, TorsionsConfig())


def judged(made: Torsions, given: Batch) -> dict[str, float]:
    meter = made.meter()
    with torch.inference_mode():
        meter.update(made.evaluate(given), given.index)
    return meter.compute()


def test_it_tells_angles_by_the_residue() -> None:
    made, given = task(), batch(16, 12, 14, 10)
    assert isinstance(made, Task)
    assert abilities_of(made).trivial_baseline is not None
    run = stepper(made, lr=2e-2)
    for step in range(1, 61):
        run(given, step=step, epoch=0)
    found = judged(made, given)
    assert found["near"] == 1
    assert max(found["phi_error"], found["psi_error"]) < 10
    (row, *_) = made.format_predictions(made.predict(given))
    assert row["prediction"] == "phi and psi of 16 residues"
    assert len(row["phi"]) == len(row["psi"]) == 16
    assert row["psi"][3] == pytest.approx(TURNS[int(given["input"][0, 3])][1], abs=20)
    assert made.objective[:2] == ("near", "max")


def test_the_loss_is_one_less_the_cosine_over_angles_that_are_known() -> None:
    made, given = task(), batch(9, 6)
    loss = made.loss(given)
    assert float(loss.weight) == 2 * (8 + 5)
    directions = made.modules["model"](given["input"])
    found, true = (torch.atan2(turned[..., 1], turned[..., 0]) for turned in (directions, given["target"]))
    known = given["target"].norm(dim=-1) > 0.5
    torch.testing.assert_close(loss.value, (1 - (found - true).cos())[known].mean())
    assert judged(made, given)["loss"] == pytest.approx(loss.value.item(), rel=1e-5)


def test_pieces_of_a_batch_give_its_gradient() -> None:
    pieces_give_the_gradient(task(), batch(14, 5, 9))


def test_the_trivial_answer_is_the_mean_direction_of_training() -> None:
    made = task()
    known, other = batch(12, 9)["target"], batch(7)["target"]
    what, found = made.trivial_baseline({"target": known}, {"target": other})
    directions = known.flatten(0, 1).sum(0)
    phi, psi = (math.degrees(math.atan2(y, x)) for x, y in directions.tolist())
    assert what == f"always predicting the mean angles (phi {phi:.0f}, psi {psi:.0f} degrees)"
    true = torch.atan2(other[0, 1:, 0, 1], other[0, 1:, 0, 0]).rad2deg()
    assert found["phi_error"] == pytest.approx(float((true - phi).abs().mean()), abs=1e-3)
    assert 0 < found["loss"] < 1


def test_other_targets_and_models_are_refused() -> None:
    with pytest.raises(ConfigError, match="^task torsions needs a folder of protein structures"):
        Torsions(nn.Identity(), TargetSpec(kind="value", names=("v",)), TorsionsConfig())
    model = nn.Identity()
    model.forward = lambda input: input.float()  # type: ignore[method-assign]
    with pytest.raises(
        ConfigError, match=r"needs \(cosine, sine\) pairs \(1, 5, 2, 2\), and the model outputs \(1, 5\); use --m"
    ):
        Torsions(model, TARGET, TorsionsConfig()).loss(batch(5))
