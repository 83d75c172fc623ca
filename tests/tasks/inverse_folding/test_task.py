import pytest
import torch
import torch.nn.functional as F
from sample_proteins import helix
from sample_tasks import pieces_give_the_gradient, stepper
from torch import nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Task, abilities_of
from sonde.modalities.protein.codes import residues
from sonde.models.inverse_folding import InverseFoldingConfig, InverseFoldingNetwork
from sonde.tasks.inverse_folding.config import InverseFoldingTaskConfig
from sonde.tasks.inverse_folding.task import InverseFolding

LETTERS = residues()
TARGET = TargetSpec(kind="residues", names=LETTERS.symbols, tokenizer=LETTERS.to_json(), symbols=LETTERS.size)


def batch(*lengths: int) -> Batch:
    """Helices and straight chains, of one residue each; the first place of each chain is not known."""
    longest = max(lengths)
    input, target = torch.zeros(len(lengths), longest, 4, 3), torch.zeros(len(lengths), longest, dtype=torch.long)
    for row, length in enumerate(lengths):
        turned = torch.from_numpy(helix(length))
        straight = turned * torch.tensor([0.2, 0.2, 2.2])
        input[row, :length] = straight if row % 2 else turned
        target[row, 1:length] = LETTERS.encode("V" if row % 2 else "A")[0]
    return Batch({"input": input, "lengths": torch.tensor(lengths), "target": target}, torch.arange(len(lengths)))


def task(**settings: float) -> InverseFolding:
    torch.manual_seed(0)
    config = InverseFoldingConfig(width=16, layers=1, neighbours=5, noise=0.0, dropout=0.0)
    model = InverseFoldingNetwork(InputSpec(kind="protein", shape=(20,)), LETTERS.size, config)
    return InverseFolding(model, TARGET, InverseFoldingTaskConfig(**settings))


def judged(made: InverseFolding, given: Batch) -> dict[str, float]:
    meter = made.meter()
    with torch.inference_mode():
        meter.update(made.evaluate(given), given.index)
    return meter.compute()


def test_it_tells_residues_by_the_backbone() -> None:
    made, given = task(), batch(16, 12, 14, 10)
    assert isinstance(made, Task)
    assert abilities_of(made).trivial_baseline is not None
    run = stepper(made, lr=1e-2)
    for step in range(1, 41):
        run(given, step=step, epoch=0)
    found = judged(made, given)
    what, trivial = made.trivial_baseline({"target": given["target"].float()}, {"target": given["target"].float()})
    assert what == "always predicting A, the most frequent"
    assert trivial["recovery"] == pytest.approx((15 + 13) / (15 + 11 + 13 + 9))
    assert found["recovery"] == 1
    assert found["perplexity"] < 1.5 < trivial["perplexity"]
    rows = made.format_predictions(made.predict(given))
    assert [row["prediction"][1:] for row in rows] == ["A" * 15, "V" * 11, "A" * 13, "V" * 9]
    assert all(0.5 < row["probability"] <= 1 for row in rows)
    assert made.objective[:2] == ("recovery", "max")


def test_the_loss_is_the_mean_over_residues_that_are_known() -> None:
    made, given = task(), batch(9, 6)
    loss = made.loss(given)
    assert float(loss.weight) == 8 + 5
    logits = made.modules["model"](given["input"], given["lengths"])[..., 4:]
    known = given["target"] != 0
    torch.testing.assert_close(loss.value, F.cross_entropy(logits[known], given["target"][known] - 4))
    assert judged(made, given)["loss"] == pytest.approx(loss.value.item(), rel=1e-5)
    smoothed = task(label_smoothing=0.1).loss(given).value
    torch.testing.assert_close(
        smoothed, F.cross_entropy(logits[known], given["target"][known] - 4, label_smoothing=0.1)
    )


def test_pieces_of_a_batch_give_its_gradient() -> None:
    pieces_give_the_gradient(task(), batch(14, 5, 9))


def test_other_targets_settings_and_models_are_refused() -> None:
    with pytest.raises(ConfigError, match="^task inverse-folding needs a folder of protein structures"):
        InverseFolding(nn.Identity(), TargetSpec(kind="value", names=("v",)), InverseFoldingTaskConfig())
    with pytest.raises(ConfigError, match="^--label-smoothing must be at least 0 and below 1, got 1"):
        InverseFoldingTaskConfig(label_smoothing=1.0)
    model = nn.Identity()
    model.forward = lambda input, lengths: input.flatten(2)  # type: ignore[method-assign]
    with pytest.raises(
        ConfigError, match=r"needs logits \(1, 5, 25\), and the model outputs \(1, 5, 12\); use --model inverse-f"
    ):
        InverseFolding(model, TARGET, InverseFoldingTaskConfig()).loss(batch(5))
