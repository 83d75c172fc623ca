from typing import Any

import pytest
import torch
import torch.nn.functional as F
from sample_proteins import helix
from sample_tasks import pieces_give_the_gradient, stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Task, abilities_of
from sonde.modalities.protein.codes import EDGES, bin_centres, bin_names, residues
from sonde.models.structure import StructureNetwork, StructureNetworkConfig
from sonde.tasks.structure.config import StructureConfig
from sonde.tasks.structure.task import Structure, separation_table

TARGET = TargetSpec(kind="distances", names=bin_names())
SPEC = InputSpec(kind="protein", shape=(30,), symbols=residues().size)


def batch(*lengths: int, seed: int = 0) -> Batch:
    """Helices, and in every second place a coil: what the residues are tells which."""
    drawn = torch.Generator().manual_seed(seed)
    longest = max(lengths)
    places, tokens = torch.zeros(len(lengths), longest, 3), torch.zeros(len(lengths), longest, dtype=torch.long)
    for row, length in enumerate(lengths):
        straight = bool(row % 2)
        line = torch.stack([torch.arange(length) * 3.3, torch.arange(length) % 2 * 1.5, torch.zeros(length)], 1)
        places[row, :length] = line if straight else torch.from_numpy(helix(length)[:, 1])
        tokens[row, :length] = torch.randint(4, 10, (length,), generator=drawn) + 10 * straight
    there = tokens != 0
    target = (
        torch.cdist(places, places, compute_mode="donot_use_mm_for_euclid_dist") * there[:, None] * there[:, :, None]
    )
    return Batch({"input": tokens, "target": target, "coordinates": places}, torch.arange(len(lengths)))


def task(**settings: Any) -> Structure:
    torch.manual_seed(0)
    model = StructureNetwork(SPEC, len(bin_names()), StructureNetworkConfig(pair_width=12, residue_width=16, layers=1))
    return Structure(model, TARGET, StructureConfig(**settings))


def judged(made: Structure, given: Batch) -> dict[str, float]:
    made.modules.eval()
    meter = made.meter()
    with torch.inference_mode():
        meter.update(made.evaluate(given), given.index)
    made.modules.train()
    return meter.compute()


def test_it_learns_beyond_what_the_chain_alone_tells() -> None:
    made, given = task(), batch(24, 20, 22, 18)
    assert isinstance(made, Task)
    assert abilities_of(made).trivial_baseline is not None
    run = stepper(made, lr=1e-2)
    before = judged(made, given)
    for step in range(1, 81):
        run(given, step=step, epoch=0)
    after = judged(made, given)
    what, trivial = made.trivial_baseline({"target": given["target"]}, {"target": given["target"]})
    assert what == "distances of training pairs with the same sequence separation"
    assert after["loss"] < 0.5 * before["loss"]
    assert after["loss"] < 0.8 * trivial["loss"]
    assert after["lddt"] > trivial["lddt"]
    assert after["distance_error"] < trivial["distance_error"]
    assert made.objective[:2] == ("lddt", "max")
    assert next(iter(after)) == "lddt"


def test_the_loss_is_the_mean_over_pairs_of_two_residues() -> None:
    made, given = task(), batch(9, 6)
    loss = made.loss(given)
    assert float(loss.weight) == 9 * 8 + 6 * 5
    logits = made.modules["model"](given["input"])
    total = torch.tensor(0.0)
    edges = torch.tensor(EDGES)
    for row, length in enumerate((9, 6)):
        for i in range(length):
            for j in range(length):
                if i != j:
                    place = (given["target"][row, i, j] > edges).sum()
                    total = total + F.cross_entropy(logits[row, i, j], place)
    torch.testing.assert_close(loss.value, total / float(loss.weight))
    assert judged(made, given)["loss"] == pytest.approx(loss.value.item(), rel=1e-5)


def test_pieces_of_a_batch_give_its_gradient() -> None:
    pieces_give_the_gradient(task(), batch(14, 5, 9))


def test_what_is_predicted_is_the_mean_of_the_bins_and_the_chance_of_a_contact() -> None:
    made, given = task(), batch(12, 7)
    made.modules.eval()
    with torch.no_grad():
        outputs = made.predict(given)
        probs = made.modules["model"](given["input"]).softmax(-1)
    torch.testing.assert_close(outputs["distances"], (probs * torch.tensor(bin_centres())).sum(-1))
    torch.testing.assert_close(outputs["contacts"], probs[..., :5].sum(-1))  # to 4, 4 to 5, … 7 to 8
    rows = made.format_predictions(outputs)
    assert [len(row["distances"]) for row in rows] == [12, 7]
    assert rows[0]["distances"][3][3] == 0
    assert rows[1]["distances"][0][6] == pytest.approx(float(outputs["distances"][1, 0, 6]), abs=0.006)
    assert rows[0]["prediction"] == "12 residues, 0 contacts at a separation of 24 or more"


def test_the_table_of_separations_counts_training_pairs() -> None:
    target = batch(6, 5)["target"]
    table = separation_table(target)
    assert table.shape == (6, len(EDGES) + 1)
    torch.testing.assert_close(table.sum(1), torch.ones(6))
    for apart in (1, 3):
        pairs = [float(t[i, i + apart]) for t, n in zip(target, (6, 5), strict=True) for i in range(n - apart)]
        bins = [sum(value > edge for edge in EDGES) for value in pairs]
        assert int(table[apart].argmax()) == max(set(bins), key=bins.count)
        for place in set(bins):
            assert float(table[apart, place]) == pytest.approx(bins.count(place) / len(bins), abs=0.12)
    longer = task().trivial_baseline({"target": target}, {"target": batch(9)["target"]})[1]  # than any that was counted
    assert longer["loss"] == longer["loss"]


def test_other_targets_settings_and_models_are_refused() -> None:
    with pytest.raises(ConfigError, match="^task structure needs a folder of protein structures"):
        Structure(nn.Identity(), TargetSpec(kind="value", names=("v",)), StructureConfig())
    with pytest.raises(ConfigError, match=r"^--contact-distance must be a bin edge \(4, 5, .*\), got 8.3"):
        StructureConfig(contact_distance=8.3)

    def row(input: Tensor) -> Tensor:
        return torch.zeros(len(input), 4)

    model = nn.Identity()
    model.forward = row  # type: ignore[method-assign]
    with pytest.raises(
        ConfigError,
        match=r"needs logits \(1, 5, 5, 27\), and the model outputs \(1, 4\); use --model structure-network",
    ):
        Structure(model, TARGET, StructureConfig()).loss(batch(5))
    with pytest.raises(ConfigError, match="unknown metric to monitor 'ldt'; did you mean .*'lddt'"):
        Structure(model, TARGET, StructureConfig(), monitor="ldt")
