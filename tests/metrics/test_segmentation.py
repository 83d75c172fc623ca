import json

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch import Tensor

from sonde.core.dataset import BACKGROUND, IGNORED
from sonde.core.errors import NonFinite
from sonde.core.run_lengths import decode
from sonde.metrics.segmentation import BEST, WORST, SegmentationMeter

NAMES = (BACKGROUND, "cat", "dog")


def rows(count: int = 20, *, classes: int = 3, seed: int = 0) -> dict[str, Tensor]:
    """Predictions that are right in three of four pixels, some pixels of the truth ignored."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, (count, 9, 7)).astype(np.uint8)
    prediction = np.where(rng.random(target.shape) < 0.75, target, rng.integers(0, classes, target.shape)).astype(
        np.uint8
    )
    target[rng.random(target.shape) < 0.1] = IGNORED
    loss = torch.from_numpy(rng.random(count).astype(np.float32))
    fields = {"prediction": torch.from_numpy(prediction), "target": torch.from_numpy(target)}
    return {**fields, "loss": loss, "weight": torch.ones(count)}


def judged(fields: dict[str, Tensor], names: tuple[str, ...] = NAMES, *, batches: int = 1) -> SegmentationMeter:
    meter = SegmentationMeter(names)
    index = torch.arange(len(fields["loss"]))
    for part in torch.tensor_split(index, batches):
        meter.update({name: field[part] for name, field in fields.items()}, part)
    return meter


def pixels(fields: dict[str, Tensor]) -> tuple[np.ndarray, np.ndarray]:
    known = fields["target"] != IGNORED
    return fields["target"][known].numpy(), fields["prediction"][known].numpy()


def test_scores_are_scikit_learns_over_all_pixels() -> None:
    fields = rows()
    truth, prediction = pixels(fields)
    found = judged(fields).compute()
    assert next(iter(found)) == "miou"
    assert found["miou"] == pytest.approx(sk.jaccard_score(truth, prediction, average="macro"))
    assert found["dice"] == pytest.approx(sk.f1_score(truth, prediction, labels=[1, 2], average="macro"))
    assert found["pixel_accuracy"] == pytest.approx(sk.accuracy_score(truth, prediction))
    assert found["loss"] == pytest.approx(float(fields["loss"].double().mean()))
    assert "object_f1" not in found


def test_two_classes_are_judged_by_the_dice_of_the_second() -> None:
    fields = rows(classes=2)
    truth, prediction = pixels(fields)
    found = judged(fields, (BACKGROUND, "cell")).compute()
    assert next(iter(found)) == "dice"
    assert found["dice"] == pytest.approx(sk.f1_score(truth, prediction))


def test_a_class_that_is_nowhere_counts_nowhere_and_a_named_first_class_is_a_class() -> None:
    fields = rows(classes=2)
    truth, prediction = pixels(fields)
    found = judged(fields, ("sky", "road", "car")).compute()
    assert found["dice"] == pytest.approx(sk.f1_score(truth, prediction, average="macro"))
    assert found["miou"] == pytest.approx(sk.jaccard_score(truth, prediction, average="macro"))


def test_batches_and_processes_make_no_difference() -> None:
    fields = rows(30) | {"objects": torch.randint(0, 5, (30, 9, 7), generator=torch.Generator().manual_seed(0)).int()}
    whole = judged(fields)
    apart = judged({name: field[:11] for name, field in fields.items()}, batches=3)
    other = SegmentationMeter(NAMES)
    other.update({name: field[11:] for name, field in fields.items()}, torch.arange(11, 30))
    apart.merge(other)
    for name, value in whole.compute().items():
        assert apart.compute()[name] == pytest.approx(value), name
    assert apart.details() == whole.details()
    assert json.loads(json.dumps(whole.details()))["objects"]["rows"] == 30


def test_the_worst_and_the_best_images_are_kept_whole_and_told_in_words() -> None:
    fields = rows(30)
    details = judged(fields).details()
    order = fields["loss"].argsort(descending=True).tolist()
    assert [entry["index"] for entry in details["worst"]] == order[:WORST]
    assert [entry["index"] for entry in details["best"]] == order[::-1][:BEST]
    for entry in (*details["worst"], *details["best"]):
        place = entry["index"]
        assert entry["loss"] == pytest.approx(float(fields["loss"][place]))
        assert decode(entry["truth"]).tolist() == fields["target"][place].tolist()
        assert decode(entry["found"]).tolist() == fields["prediction"][place].tolist()
        assert entry["target"].startswith(("cat ", "dog "))


def test_words_count_objects_and_say_when_nothing_is_there() -> None:
    fields = rows(1)
    fields["target"][:], fields["prediction"][:] = 0, 0
    fields["prediction"][0, 2:5, 2:5] = 1
    fields["objects"] = torch.zeros(1, 9, 7, dtype=torch.int32)
    entry = judged(fields).details()["worst"][0]
    assert (entry["target"], entry["prediction"]) == ("0 objects, nothing", f"1 object, cat {100 * 9 / 63:.1f} %")


def test_the_tables_hold_pixels() -> None:
    fields = rows()
    truth, prediction = pixels(fields)
    details = judged(fields).details()
    assert details["confusion"]["counts"] == sk.confusion_matrix(truth, prediction).tolist()
    assert details["confusion"]["unit"] == "pixels"
    table = details["per_class"]
    assert table["support"] == np.bincount(truth).tolist()
    for place in range(3):
        one = {"labels": [place], "average": "macro"}
        assert table["iou"][place] == pytest.approx(sk.jaccard_score(truth, prediction, **one))
        assert table["f1"][place] == pytest.approx(sk.f1_score(truth, prediction, **one))


def test_a_loss_that_is_not_a_number_is_refused_with_its_row() -> None:
    fields = rows()
    fields["loss"][13] = float("nan")
    with pytest.raises(NonFinite, match=r"the model's output is NaN \(first at row 13 of the split\)"):
        judged(fields).compute()
