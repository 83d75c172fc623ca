"""Detectors: what they answer, from where, and what an untrained one says."""

import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build
from sonde.models.detector import PRIOR, Detector, DetectorConfig, Pyramid
from sonde.nn.points import point_grid

SPEC = InputSpec(kind="image", shape=(3, 64, 96))


def tiny(config: DetectorConfig | None = None, *, spec: InputSpec = SPEC) -> Detector:
    torch.manual_seed(0)
    model = build("detector-tiny", spec, 5, config or DetectorConfig())
    assert isinstance(model, Detector)
    return model.eval()


@pytest.mark.parametrize("shape", [(3, 64, 96), (3, 70, 101), (1, 32, 32)])
def test_every_cell_answers_a_box_and_logits(shape: tuple[int, int, int]):
    model = tiny(spec=InputSpec(kind="image", shape=shape))
    with torch.no_grad():
        found = model(torch.randn(2, *shape))
    points = point_grid(shape[1], shape[2], model.strides)
    assert found.shape == (2, len(points), 4 + 5)
    left, top, right, bottom = found[..., :4].unbind(-1)
    assert (left < points[:, 0]).all()  # each box holds the point it is told from
    assert (points[:, 0] < right).all()
    assert (top < points[:, 1]).all()
    assert (points[:, 1] < bottom).all()


def test_an_untrained_network_gives_every_class_the_prior_and_boxes_of_a_few_cells():
    model = tiny()
    with torch.no_grad():
        found = model(torch.randn(4, *SPEC.shape))
    assert found[..., 4:].sigmoid().mean().item() == pytest.approx(PRIOR, rel=0.2)
    stride = point_grid(64, 96, model.strides)[:, 2]
    cells = (found[..., 2] - found[..., 0]) / stride
    assert 1.5 < cells.mean() < 2.6


def test_a_map_sees_coarser_ones_through_the_pyramid():
    torch.manual_seed(0)
    pyramid = Pyramid((4, 8, 16), 8).eval()
    maps = [torch.randn(1, 4, 8, 8), torch.randn(1, 8, 4, 4), torch.randn(1, 16, 2, 2)]
    with torch.no_grad():
        before = pyramid(maps)
        maps[2] = maps[2].clone()
        maps[2][..., 0, 0] += 1  # the upper left quarter
        after = pyramid(maps)
    changed = [(a - b).abs().amax((0, 1)) > 1e-6 for a, b in zip(before, after, strict=True)]
    assert [tuple(one.shape) for one in after] == [(1, 8, 8, 8), (1, 8, 4, 4), (1, 8, 2, 2)]
    assert changed[0][:4, :4].all()
    assert not changed[0][6:, 6:].any()  # beyond the reach of the smoothing convolution
    with torch.no_grad():
        maps[0] = maps[0] + 1
        assert torch.equal(pyramid(maps)[2], after[2])  # nothing flows the other way


def test_maps_of_sides_that_do_not_halve_evenly_fit_each_other():
    maps = Pyramid((2, 2), 8).eval()([torch.randn(1, 2, 15, 20), torch.randn(1, 2, 8, 10)])
    assert [tuple(one.shape[2:]) for one in maps] == [(15, 20), (8, 10)]


def test_settings_of_zero_are_the_sizes_own():
    plain, wide = tiny(), tiny(DetectorConfig(pyramid_width=64, head_layers=3))
    assert plain.head.classes.in_channels == 48
    assert wide.head.classes.in_channels == 64
    assert len([m for m in wide.head.box_branch if isinstance(m, torch.nn.Conv2d)]) == 3
    large = build("detector-resnet50", SPEC, 5)
    assert isinstance(large, Detector)
    assert len([m for m in large.head.box_branch if isinstance(m, torch.nn.Conv2d)]) == 4


def test_residual_backbones_leave_their_classifier_behind():
    names = list(build("detector-resnet18", SPEC, 5).state_dict())
    assert "backbone.layer4.1.bn2.weight" in names
    assert not [name for name in names if "fc." in name]


def test_under_autocast_boxes_keep_their_precision():
    model = tiny()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = model(torch.randn(1, *SPEC.shape))
    assert found.dtype == torch.float32
    fractions = found[..., :4] % 0.25
    assert (fractions > 1e-3).any()  # bfloat16 has whole pixels only from 128 on


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pyramid_width": 20}, "--pyramid-width must be a multiple of 8, got 20"),
        ({"head_layers": -1}, "--head-layers must be at least 0, got -1"),
    ],
)
def test_refuses_settings_out_of_range(settings: dict[str, int], message: str):
    with pytest.raises(ConfigError, match=message):
        DetectorConfig(**settings)


def test_refuses_images_smaller_than_a_cell():
    with pytest.raises(
        ConfigError, match="detectors need images of at least 32 pixels, got 28x28; use --image-size 32"
    ):
        build("detector-tiny", InputSpec(kind="image", shape=(1, 28, 28)), 2)
