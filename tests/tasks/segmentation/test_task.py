from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sample_tasks import stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import BACKGROUND, IGNORED, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Task, abilities_of
from sonde.metrics.segmentation import SegmentationMeter
from sonde.tasks.segmentation.config import LossName, SegmentationConfig
from sonde.tasks.segmentation.task import Segmentation

BINARY = TargetSpec(kind="mask", names=(BACKGROUND, "cell"))
CLASSES = TargetSpec(kind="mask", names=(BACKGROUND, "cat", "dog"))
SIDE = 12


def batch(target: TargetSpec = BINARY, count: int = 6, seed: int = 0, **more: Tensor) -> Batch:
    """Images whose first channel tells the class, a corner of some ignored."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randint(len(target.names), (count, SIDE // 4, SIDE // 4), generator=generator)
    classes = classes.repeat_interleave(4, 1).repeat_interleave(4, 2).to(torch.uint8)
    input = torch.randn(count, 2, SIDE, SIDE, generator=generator) * 0.3
    input[:, 0] += classes
    classes[0, :3, :3] = IGNORED
    classes[1, 6:] = IGNORED
    return Batch({"input": input, "target": classes, **more}, torch.arange(count))


def task(target: TargetSpec = BINARY, **settings: Any) -> Segmentation:
    torch.manual_seed(0)
    return Segmentation(nn.Conv2d(2, target.out_dim, 3, padding=1), target, SegmentationConfig(**settings))


def judged(made: Segmentation, given: Batch) -> dict[str, float]:
    meter = made.meter()
    with torch.inference_mode():
        meter.update(made.evaluate(given), given.index)
    return meter.compute()


@pytest.mark.parametrize("target", [BINARY, CLASSES])
@pytest.mark.parametrize("loss", ["cross-entropy", "dice", "both"])
@pytest.mark.parametrize("batch_dice", [False, True])
def test_every_loss_learns(target: TargetSpec, loss: LossName, batch_dice: bool) -> None:
    made, given = task(target, loss=loss, batch_dice=batch_dice and loss != "cross-entropy"), batch(target)
    assert isinstance(made, Task)
    assert abilities_of(made).draw is not None
    run = stepper(made, lr=0.1)
    before = judged(made, given)
    values = [run(given, step=step, epoch=0).number("model/loss") for step in range(1, 60)]
    after = judged(made, given)
    assert values[-1] < 0.6 * values[0]
    assert after["dice"] > max(0.9, before["dice"])
    assert made.objective[:2] == ("dice" if target is BINARY else "miou", "max")
    assert next(iter(after)) == made.objective.metric


def test_the_loss_is_the_mean_over_images_that_have_a_pixel_which_counts() -> None:
    made, given = task(loss="cross-entropy"), batch()
    target = given["target"].clone()
    target[2] = IGNORED
    given = Batch({**given.fields, "target": target}, given.index)
    loss = made.loss(given)
    logits = made.modules["model"](given["input"])[:, 0]
    each = [
        F.binary_cross_entropy_with_logits(z[t != IGNORED], t[t != IGNORED].float())
        for z, t in zip(logits, target, strict=True)
        if (t != IGNORED).any()
    ]
    assert float(loss.weight) == 5
    torch.testing.assert_close(loss.value, torch.stack(each).mean())
    assert judged(made, given)["loss"] == pytest.approx(loss.value.item())


def test_both_losses_are_added_and_told_apart() -> None:
    given = batch(CLASSES)
    both = task(CLASSES).loss(given)
    parts = {name: task(CLASSES, loss=name).loss(given).value for name in ("cross-entropy", "dice")}
    torch.testing.assert_close(both.value, parts["cross-entropy"] + parts["dice"])
    assert both.parts.keys() == {"cross_entropy", "dice"}


@pytest.mark.parametrize(("batch_dice", "same"), [(False, True), (True, False)])
@pytest.mark.parametrize("target", [BINARY, CLASSES])
def test_pieces_of_a_batch_give_its_gradient_unless_dice_runs_over_the_batch(
    batch_dice: bool, same: bool, target: TargetSpec
) -> None:
    made, given = task(target, batch_dice=batch_dice), batch(target, 5)
    whole = torch.autograd.grad(made.loss(given).value, list(made.modules.parameters()))
    pieces = [made.loss(piece) for piece in given.split(2)]
    total = sum(float(piece.weight) for piece in pieces)
    value = torch.stack([piece.value * float(piece.weight) / total for piece in pieces]).sum()
    summed = torch.autograd.grad(value, list(made.modules.parameters()))
    close = all(torch.allclose(one, two, atol=1e-6) for one, two in zip(whole, summed, strict=True))
    assert close == same
    assert list(made.across_rows) == ([] if same else ["batch Dice"])


def test_seams_between_objects_are_trained_as_background() -> None:
    objects = torch.zeros(1, SIDE, SIDE, dtype=torch.int32)
    objects[0, :, :6], objects[0, :, 6:] = 1, 2
    given = Batch(
        {
            "input": torch.zeros(1, 2, SIDE, SIDE),
            "target": torch.ones(1, SIDE, SIDE, dtype=torch.uint8),
            "objects": objects,
        },
        torch.arange(1),
    )
    made = task(loss="cross-entropy", gap_weight=4.0)
    z = made.modules["model"].get_parameter("bias").detach()[0]  # every pixel's logit: the input is zero
    seam, rest = 2 * SIDE, (SIDE - 2) * SIDE
    expected = (5 * seam * F.softplus(z) + rest * F.softplus(-z)) / (5 * seam + rest)
    torch.testing.assert_close(made.loss(given).value.detach(), expected)
    torch.testing.assert_close(
        task(loss="cross-entropy").loss(given).value.detach(),
        F.softplus(-z),
        msg="without the setting seams are objects",
    )


def test_class_weights_count_pixels() -> None:
    made, given = task(CLASSES, loss="cross-entropy", class_weights=(0.0, 0.0, 1.0)), batch(CLASSES)
    logits = made.modules["model"](given["input"])
    each = [
        F.cross_entropy(z[:, t == 2].T, t[t == 2].long()) if (t == 2).any() else torch.zeros(())
        for z, t in zip(logits, given["target"], strict=True)
    ]
    torch.testing.assert_close(made.loss(given).value, torch.stack(each).mean())


def test_the_threshold_decides_what_is_called() -> None:
    given = batch()
    shares = [
        task(mask_threshold=threshold).evaluate(given)["prediction"].float().mean().item()
        for threshold in (0.2, 0.5, 0.8)
    ]
    assert shares[0] > shares[1] > shares[2]


def test_mirroring_averages_over_what_turns_round() -> None:
    given = batch(CLASSES)
    made = task(CLASSES, mirrored=True)
    model = made.modules["model"]
    expected = []
    for turn in (lambda x: x, torch.fliplr, torch.flipud, lambda x: torch.rot90(x, 2)):
        turned = torch.stack([torch.stack([turn(channel) for channel in image]) for image in given["input"]])
        probs = model(turned).softmax(1)
        expected.append(torch.stack([torch.stack([turn(channel) for channel in image]) for image in probs]))
    with torch.no_grad():
        found = made.predict(given)["probs"]
    torch.testing.assert_close(found, torch.stack(expected).mean(0).detach())
    assert torch.equal(made.evaluate(given)["prediction"], found.argmax(1).to(torch.uint8))


def test_what_is_predicted_in_words_and_at_the_images_own_size() -> None:
    made, given = (
        task(CLASSES),
        batch(CLASSES, size=torch.tensor([[12, 12], [24, 36], [6, 6], [12, 12], [5, 7], [30, 12]])),
    )
    outputs = made.predict(given)
    rows = made.format_predictions(outputs)
    assert [row["mask"].shape for row in rows] == [(12, 12), (24, 36), (6, 6), (12, 12), (5, 7), (30, 12)]
    larger = F.interpolate(outputs["probs"][1:2], size=(24, 36), mode="bilinear").argmax(1)[0]
    assert (rows[1]["mask"] == larger.numpy()).all()
    for row in rows:
        counts = np.bincount(row["mask"].ravel(), minlength=3)
        assert list(row["shares"].values()) == pytest.approx((counts / counts.sum()).tolist())
        wanted = int(counts[1:].argmax()) + 1
        assert row["prediction"] == (CLASSES.names[wanted] if counts[1:].any() else BACKGROUND)
    plain = made.format_predictions({"probs": outputs["probs"]})
    assert all(row["mask"].shape == (12, 12) for row in plain)


def test_objects_are_connected_areas_of_some_size() -> None:
    probs = torch.zeros(1, 1, 8, 8)
    probs[0, 0, :3, :3], probs[0, 0, 6, 6] = 1, 1
    assert task().format_predictions({"probs": probs})[0]["objects"] == 2
    assert task(smallest_object=4).format_predictions({"probs": probs})[0]["objects"] == 1
    empty = task().format_predictions({"probs": probs * 0})[0]
    assert (empty["prediction"], empty["objects"]) == (BACKGROUND, 0)


def test_judging_counts_objects_where_they_are_known() -> None:
    given = batch()
    objects = (given["target"] == 1).int()
    found = judged(task(smallest_object=3), Batch({**given.fields, "objects": objects}, given.index))
    assert {"object_f1", "count_error"} <= found.keys()
    meter = task(smallest_object=3, boundary_tolerance=1).meter()
    assert isinstance(meter, SegmentationMeter)
    assert (meter.objects.smallest, meter.boundaries.tolerance) == (3, 1)


def test_a_prediction_is_painted_on_its_picture() -> None:
    made, given = task(), batch()
    pixels = np.full((3, SIDE, SIDE), 100, np.uint8)
    row = made.format_predictions(made.predict(given))[0]
    drawn = made.draw(pixels, row)
    assert ((drawn != 100).any(0) == (row["mask"] > 0)).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"class_weights": (1.0, -1.0)}, "--class-weights must be at least 0 and not all 0, got 1.0 -1.0"),
        ({"class_weights": (0.0, 0.0)}, "--class-weights must be at least 0 and not all 0, got 0.0 0.0"),
        ({"class_weights": (1.0, 2.0), "loss": "dice"}, "--class-weights are for cross-entropy, not --loss dice"),
        ({"batch_dice": True, "loss": "cross-entropy"}, "--batch-dice is for Dice, not --loss cross-entropy"),
        ({"mask_threshold": 1.0}, "--mask-threshold must lie between 0 and 1, got 1"),
        ({"boundary_tolerance": -1}, "--boundary-tolerance must be at least 0, got -1"),
        ({"smallest_object": -2}, "--smallest-object must be at least 0, got -2"),
        ({"gap_weight": -0.5}, "--gap-weight must be at least 0, got -0.5"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        SegmentationConfig(**settings)


@pytest.mark.parametrize(
    ("target", "settings", "message"),
    [
        (
            TargetSpec(kind="class", names=("a", "b")),
            {},
            "task segmentation needs a mask for each image; leave --task",
        ),
        (
            CLASSES,
            {"class_weights": (1.0, 2.0)},
            r"--class-weights gives 2 numbers for 3 classes \(background, cat, dog\)",
        ),
        (CLASSES, {"mask_threshold": 0.4}, "--mask-threshold is for two classes, and there are 3"),
    ],
)
def test_settings_must_suit_the_targets(target: TargetSpec, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        task(target, **settings)


def test_a_model_that_answers_a_row_is_refused() -> None:
    made = Segmentation(nn.Sequential(nn.Flatten(), nn.LazyLinear(1)), BINARY, SegmentationConfig())
    with pytest.raises(
        ConfigError, match=r"needs a map of logits \(6, 1, 12, 12\), and the model outputs \(6, 1\); use --model"
    ):
        made.loss(batch())
