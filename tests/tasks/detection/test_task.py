"""Detection: exact micro-batches, what it finds and shows, and boxes in pixels of the images' own size."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Phase, Task, abilities_of
from sonde.engine.execution.settings import StepSettings
from sonde.engine.step import Stepper
from sonde.engine.update import Update
from sonde.models.build import build as build_model
from sonde.nn.points import point_grid
from sonde.tasks.detection.config import DetectionConfig
from sonde.tasks.detection.task import Detection
from sonde.tasks.table import build

TARGET = TargetSpec(kind="boxes", names=("cell", "plate"))
SHAPE = (3, 64, 64)


class Fixed(nn.Module):
    """Answers what it is given, whatever it sees; its parameter moves nothing."""

    strides = (8, 16, 32)

    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer = answer
        self.nothing = nn.Parameter(torch.zeros(()))

    def forward(self, input: Tensor) -> Tensor:
        return self.answer[: len(input)] + self.nothing


class Plain(nn.Module):
    """A smooth detector without batch norm, for which pieces of a batch must add up exactly."""

    strides = (8, 16, 32)

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 6)

    def forward(self, input: Tensor) -> Tensor:
        pooled = torch.cat([nn.functional.avg_pool2d(input, side).flatten(2).mT for side in self.strides], 1)
        points = point_grid(input.shape[2], input.shape[3], self.strides)
        found = self.layer(pooled)
        reach = found[..., :4].exp() * points[:, 2:]
        return torch.cat([points[:, :2] - reach[..., :2], points[:, :2] + reach[..., 2:], found[..., 4:]], -1)


def scene(rows: int = 5) -> Batch:
    """Images with 0 to 4 objects."""
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(rows, 4, 2, generator=generator) * 30
    kinds = torch.randint(0, 2, (rows, 4, 1), generator=generator).float()
    for row in range(rows):
        kinds[row, row % 5 :] = -1
    target = torch.cat([kinds, corner, corner + 10 + 15 * torch.rand(rows, 4, 2, generator=generator)], -1)
    return Batch({"input": torch.randn(rows, *SHAPE, generator=generator), "target": target}, torch.arange(rows))


def detection(model: nn.Module, **settings: Any) -> Detection:
    task = build("detection", model, TARGET, DetectionConfig(**settings))
    assert isinstance(task, Detection)
    return task


def answer(objects: list[tuple[int, float, list[float]]], rows: int = 1) -> Tensor:
    """(rows, P, 6): far-off boxes and low logits, but for the first points, which answer the objects."""
    count = len(point_grid(64, 64, (8, 16, 32)))
    found = torch.full((rows, count, 6), -12.0)
    found[..., :4] = torch.tensor([0.0, 0, 1, 1])
    for place, (kind, score, box) in enumerate(objects):
        found[:, place, :4] = torch.tensor(box)
        found[:, place, 4 + kind] = torch.tensor(score).logit()
    return found


def test_is_a_task_that_draws():
    task = detection(Plain())
    assert isinstance(task, Task)
    assert abilities_of(task).draw is not None
    assert task.objective[:2] == ("map", "max")


@pytest.mark.parametrize("pieces", [2, 5])
def test_pieces_of_a_batch_give_the_whole_batchs_gradient(pieces: int):
    batch = scene()
    gradients = []
    for accumulate in (1, pieces):
        torch.manual_seed(0)
        task = detection(Plain())
        optimizer = torch.optim.SGD(task.modules.parameters(), lr=0.0)
        update = Update(phase=task.phases[0], optimizer=optimizer, multiplier=lambda step: 1.0)
        settings = StepSettings(device=torch.device("cpu"), accumulate=accumulate)
        record = Stepper(task, [update], settings)(batch, step=1, epoch=0)
        gradients.append([p.grad.clone() for p in task.modules.parameters() if p.grad is not None])
        gradients[-1].append(record.losses["model/loss"])
    assert gradients[0][0].abs().max() > 1e-3
    for whole, summed in zip(*gradients, strict=True):
        assert torch.allclose(whole, summed, rtol=1e-5, atol=1e-7)


def test_a_batch_without_objects_has_a_loss_and_pushes_scores_down():
    model = Plain()
    loss = detection(model).loss(scene(1))
    assert loss.value.isfinite()
    assert loss.parts["boxes"].item() == 0
    loss.value.backward()
    bias = model.layer.bias.grad
    assert bias is not None
    assert (bias[4:] > 0).all()
    assert not bias[:4].any()


def test_the_loss_of_an_evaluation_is_that_of_training():
    batch, task = scene(), detection(Plain())
    outputs = task.evaluate(batch)
    mean = (outputs["loss"] * outputs["weight"]).sum() / outputs["weight"].sum()
    assert mean.item() == pytest.approx(task.loss(batch).value.item(), rel=1e-5)


def test_a_real_network_learns_two_images_by_heart():
    torch.manual_seed(0)
    batch = scene(5)
    batch = Batch({name: field[3:5] for name, field in batch.fields.items()}, torch.arange(2))
    task = detection(build_model("detector-tiny", InputSpec(kind="image", shape=SHAPE), 2))
    optimizer = torch.optim.AdamW(task.modules.parameters(), lr=3e-3)
    for _ in range(30):
        optimizer.zero_grad()
        task.loss(batch).value.backward()
        optimizer.step()
    meter = task.meter()
    task.modules.train()  # statistics of so few steps are not settled
    meter.update(task.evaluate(batch), batch.index)
    assert meter.compute()["map50"] > 0.5


def test_finds_the_surest_of_each_object_and_class_within_the_image():
    box = [10.0, 10.0, 30.0, 30.0]
    model = Fixed(
        answer([(0, 0.9, box), (0, 0.8, [11.0, 10.0, 31.0, 30.0]), (1, 0.6, box), (1, 0.7, [50, 50, 80, 90])])
    )
    found = detection(model).evaluate(Batch({**scene(1).fields}, torch.arange(1)))["found"][0]
    kept = found[found[:, 0] >= 0]
    assert kept[:, 0].tolist() == [0, 1, 1]
    assert kept[:, 1].tolist() == pytest.approx([0.9, 0.7, 0.6], abs=1e-5)
    assert kept[1, 2:].tolist() == [50, 50, 64, 64]  # cut at the edge


def test_keeps_no_more_objects_than_asked():
    boxes = [(0, 0.5 + place / 100, [place * 5.0, 0, place * 5 + 4, 4]) for place in range(10)]
    found = detection(Fixed(answer(boxes)), most_objects=4).evaluate(scene(1))["found"]
    assert found[0, :, 1].tolist() == pytest.approx([0.59, 0.58, 0.57, 0.56], abs=1e-5)


def test_predictions_are_in_words_and_in_pixels_of_the_images_own_size():
    task = detection(Fixed(answer([(0, 0.9, [8.0, 8.0, 24.0, 16.0]), (1, 0.2, [40, 40, 50, 50])])))
    batch = Batch({"input": torch.zeros(1, *SHAPE), "size": torch.tensor([[120, 160]])}, torch.arange(1))
    row = task.format_predictions(task.predict(batch))[0]  # 160x120 became 64x48 of 64x64
    assert row["prediction"] == "1 cell"
    assert row["objects"] == [{"name": "cell", "score": pytest.approx(0.9, abs=1e-5), "box": [20.0, 20.0, 60.0, 40.0]}]
    del batch.fields["size"]  # type: ignore[attr-defined]
    assert task.format_predictions(task.predict(batch))[0]["objects"][0]["box"] == [8.0, 8.0, 24.0, 16.0]


def test_a_validation_chooses_the_threshold_which_is_kept_with_the_weights():
    batch = scene(2)
    truth = batch["target"][1, 0]
    task = detection(Fixed(answer([(int(truth[0]), 0.15, truth[1:].tolist()), (0, 0.1, [0, 0, 9, 9])], rows=2)))
    meter = task.meter()
    meter.update(task.evaluate(batch), batch.index)
    task.tune_threshold(meter)
    assert task.threshold == pytest.approx(0.15, abs=1e-5)
    other = detection(Plain())
    other.load_state_dict(task.state_dict())
    assert other.threshold == task.threshold
    fixed = detection(Plain(), score_threshold=0.4)
    fixed.tune_threshold(meter)
    assert fixed.threshold == 0.4


def test_draws_what_was_found():
    pixels = np.zeros((3, 40, 40), np.uint8)
    case = {"objects": [{"name": "plate", "score": 0.8, "box": [22, 20, 36, 34]}]}
    drawn = detection(Plain()).draw(pixels, case)
    assert drawn.shape == (3, 40, 40)
    assert drawn[:, 33, 30].tolist() == [0, 0x72, 0xB2]
    assert not pixels.any()


@pytest.mark.parametrize(
    ("model", "target", "message"),
    [
        (
            Plain(),
            TargetSpec(kind="class", names=("a", "b")),
            "task detection needs images annotated with boxes",
        ),
        (nn.Linear(2, 2), TARGET, "outputs boxes, which Linear does not; use --model detector-tiny"),
    ],
)
def test_refuses_what_does_not_suit_it(model: nn.Module, target: TargetSpec, message: str):
    with pytest.raises(ConfigError, match=message):
        build("detection", model, target)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"box_weight": -1.0}, "--box-weight must be at least 0, got -1"),
        ({"quality_power": float("nan")}, "--quality-power must be at least 0, got nan"),
        ({"cells_per_object": 0}, "--cells-per-object must be at least 1, got 0"),
        ({"most_objects": 0}, "--most-objects must be at least 1, got 0"),
        ({"nms_overlap": 0.0}, "--nms-overlap must be above 0 and at most 1, got 0"),
        ({"score_threshold": 1.0}, "--score-threshold must lie between 0 and 1, or be auto, got 1"),
    ],
)
def test_refuses_settings_out_of_range(settings: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        DetectionConfig(**settings)


def test_it_has_one_phase():
    assert [type(phase) for phase in detection(Plain()).phases] == [Phase]
