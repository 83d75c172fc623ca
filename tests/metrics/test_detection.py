"""Average precision against faster-coco-eval and pycocotools: their figures on a small set are kept beside this file."""

import importlib.util
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sonde.core.errors import NonFinite
from sonde.metrics.detection import DetectionMeter

REFERENCE = json.loads((Path(__file__).parent / "coco_reference.json").read_text(encoding="utf-8"))


def padded(rows: list[list[list[float]]], width: int) -> Tensor:
    """(B, most, width) with class -1 in empty places."""
    out = torch.zeros(len(rows), max(map(len, rows)), width)
    out[..., 0] = -1
    for place, row in enumerate(rows):
        out[place, : len(row)] = torch.tensor(row, dtype=torch.float32).reshape(-1, width)
    return out


def judged(images: list[dict[str, Any]], names: list[str], *, batch: int, threshold: float = 0.5) -> DetectionMeter:
    """A meter that saw the images in batches, the last batch first."""
    meter = DetectionMeter(names, threshold=threshold)
    starts = list(range(0, len(images), batch))
    for start in reversed(starts):
        part = images[start : start + batch]
        loss = torch.arange(start, start + len(part)).float()
        outputs = {"loss": loss, "weight": torch.ones(len(part))}
        outputs |= {"found": padded([i["found"] for i in part], 6), "target": padded([i["target"] for i in part], 5)}
        meter.update(outputs, torch.arange(start, start + len(part)))
    return meter


@pytest.mark.parametrize("batch", [12, 5])
def test_average_precision_is_that_of_the_published_evaluation(batch: int):
    meter = judged(REFERENCE["images"], REFERENCE["names"], batch=batch)
    found, expected = meter.compute(), REFERENCE["expected"]
    for name in ("map", "map50", "map75", "recall"):
        assert found[name] == pytest.approx(expected[name], abs=1e-6)
    for name, value in expected["per_class"].items():
        assert found.get(f"map/{name}") == (None if value is None else pytest.approx(value, abs=1e-6))
    curves = meter.details()["precision_recall"]["precision"]
    for curve, wanted in zip(curves[:3], expected["precision_at_half"], strict=True):
        assert curve == pytest.approx(wanted, abs=1e-6)
    assert set(curves[3]) == {None}  # no object of the class: there is no precision


@pytest.mark.skipif(importlib.util.find_spec("faster_coco_eval") is None, reason="faster-coco-eval is not installed")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore")
def test_equals_faster_coco_eval_on_random_detections(seed: int):
    from faster_coco_eval import COCO, COCOeval_faster  # type: ignore[import-not-found]

    generator = torch.Generator().manual_seed(seed)
    images = [random_image(generator) for _ in range(30)]
    truth: dict[str, Any] = {"annotations": [], "categories": [{"id": c, "name": str(c)} for c in range(3)]}
    truth["images"] = [{"id": number, "width": 300, "height": 300} for number in range(30)]
    found = []
    for number, image in enumerate(images):
        for kind, left, top, right, bottom in image["target"]:
            box = [left, top, right - left, bottom - top]
            entry = {"id": len(truth["annotations"]) + 1, "image_id": number, "category_id": int(kind), "bbox": box}
            truth["annotations"].append({**entry, "area": box[2] * box[3], "iscrowd": 0})
        for kind, score, left, top, right, bottom in image["found"]:
            box = [left, top, right - left, bottom - top]
            found.append({"image_id": number, "category_id": int(kind), "score": score, "bbox": box})
    theirs = COCO(truth)
    evaluation = COCOeval_faster(theirs, theirs.loadRes(found), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    ours = judged(images, ["0", "1", "2"], batch=7).compute()
    expected = [evaluation.stats[place] for place in (0, 1, 2, 8)]
    assert [ours[name] for name in ("map", "map50", "map75", "recall")] == pytest.approx(expected, abs=1e-6)


def random_image(generator: torch.Generator) -> dict[str, Any]:
    """Up to 9 objects in whole pixels, each found up to 3 times a few pixels off, and false alarms."""

    def whole(low: int, high: int, count: int) -> list[int]:
        return torch.randint(low, high, (count,), generator=generator).tolist()

    target: list[list[float]] = []
    found: list[list[float]] = []
    for kind in whole(0, 3, whole(1, 10, 1)[0]):
        (left, top), (width, height) = whole(10, 200, 2), whole(10, 90, 2)
        target.append([kind, left, top, left + width, top + height])
        for score in whole(1, 16, whole(0, 4, 1)[0]):
            moved = [a + b for a, b in zip(target[-1][1:], whole(-4, 5, 4), strict=True)]
            found.append([kind, score / 16, *moved])
    for score in whole(1, 16, 3):
        left, top = whole(0, 200, 2)
        found.append([whole(0, 3, 1)[0], score / 16, left, top, left + 40, top + 30])
    return {"target": target, "found": sorted(found, key=lambda entry: -entry[1])}


def test_merging_two_processes_is_one():
    images, names = REFERENCE["images"], REFERENCE["names"]
    one, other = judged(images[:5], names, batch=5), DetectionMeter(names, threshold=0.5)
    loss = torch.arange(5, len(images)).float()
    outputs = {"loss": loss, "weight": torch.ones(len(loss)), "found": padded([i["found"] for i in images[5:]], 6)}
    other.update({**outputs, "target": padded([i["target"] for i in images[5:]], 5)}, torch.arange(5, len(images)))
    other.merge(one)
    whole = judged(images, names, batch=12)
    assert other.compute() == whole.compute()


HALF = {  # two objects; one found twice, the other not, one false alarm of another class
    "target": [[0, 0, 0, 10, 10], [0, 50, 50, 60, 60]],
    "found": [[0, 0.9, 0, 0, 10, 10], [0, 0.6, 1, 0, 11, 10], [1, 0.4, 0, 0, 10, 10]],
}


def test_the_table_counts_what_is_shown_at_the_threshold():
    table = judged([HALF], ["a", "b"], batch=1, threshold=0.5).details()["per_class"]
    assert table["support"] == [2, 0]
    assert (table["precision"], table["recall"], table["f1"]) == ([0.5, 0.0], [0.5, 0.0], [0.5, 0.0])
    assert table["map50"] == [pytest.approx(51 / 101), None]


def test_the_threshold_of_the_best_f1_is_chosen():
    meter = judged([HALF], ["a", "b"], batch=1, threshold=0.1)
    assert meter.compute()["f1"] == pytest.approx(2 * 1 / (3 + 2))
    assert meter.choose_threshold() == pytest.approx(0.9)
    assert meter.compute()["f1"] == pytest.approx(2 * 1 / (1 + 2))


def test_worst_and_best_cases_tell_what_is_there_and_what_was_found():
    empty = {"target": [], "found": [[1, 0.7, 0, 0, 5, 5]]}
    details = judged([HALF, empty], ["a", "b"], batch=2, threshold=0.5).details()
    worst, best = details["worst"], details["best"]
    assert [entry["index"] for entry in worst] == [1, 0]
    assert [entry["index"] for entry in best] == [0, 1]
    assert (worst[0]["target"], worst[0]["prediction"], worst[0]["loss"]) == ("nothing", "1 b", 1.0)
    assert worst[0]["objects"] == [{"name": "b", "score": pytest.approx(0.7), "box": [0, 0, 5, 5]}]
    assert best[0]["truth"][1] == {"name": "a", "box": [50, 50, 60, 60]}
    assert json.loads(json.dumps(details)) == details


def test_without_objects_there_is_no_average_precision():
    scores = judged([{"target": [], "found": []}], ["a"], batch=1).compute()
    assert math.isnan(scores["map"])
    assert scores["f1"] == 0
    assert "map/a" not in scores


def test_a_loss_that_is_no_number_is_refused_by_its_row():
    meter = judged([HALF, HALF], ["a", "b"], batch=2)
    outputs = {"found": padded([HALF["found"]], 6), "target": padded([HALF["target"]], 5), "weight": torch.ones(1)}
    meter.update({**outputs, "loss": torch.tensor([math.nan])}, torch.tensor([7]))
    with pytest.raises(NonFinite, match="first at row 7 of the split"):
        meter.compute()
