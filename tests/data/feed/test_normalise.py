import numpy as np
import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.data.feed.normalise import Normalise

CPU = torch.device("cpu")
SPEC = InputSpec(kind="image", shape=(3, 5, 4), mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3))


def images(channels: int = 3, count: int = 7) -> torch.Tensor:
    return torch.randint(0, 256, (count, channels, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def by_numpy(raw: torch.Tensor, spec: InputSpec) -> np.ndarray:
    mean, std = (np.array(part)[:, None, None] for part in (spec.mean, spec.std))
    return (raw.numpy().astype(np.float64) / 255 - mean) / std


@pytest.mark.parametrize("channels_last", [False, True])
def test_bytes_are_scaled_and_normalised(channels_last: bool) -> None:
    raw = images()
    ready = Normalise(SPEC, CPU, channels_last=channels_last)({"input": raw, "target": torch.arange(7)})
    np.testing.assert_allclose(ready["input"].numpy(), by_numpy(raw, SPEC), atol=2e-6)
    assert ready["input"].dtype == torch.float32
    assert ready["target"].tolist() == list(range(7))
    assert ready["input"].is_contiguous(memory_format=torch.channels_last) is channels_last


def test_one_channel() -> None:
    spec = InputSpec(kind="image", shape=(1, 5, 4), mean=(0.13,), std=(0.31,))
    raw = images(1)
    np.testing.assert_allclose(Normalise(spec, CPU)({"input": raw})["input"].numpy(), by_numpy(raw, spec), atol=2e-6)


def test_floats_from_0_to_1_come_out_as_bytes_do() -> None:
    raw = images()
    prepare = Normalise(SPEC, CPU)
    from_floats = prepare({"input": raw.float() / 255})["input"]
    torch.testing.assert_close(from_floats, prepare({"input": raw})["input"], atol=2e-6, rtol=0)


def test_raw_fields_are_left_alone() -> None:
    for raw in (images(), images().float() / 255):
        before = raw.clone()
        Normalise(SPEC, CPU)({"input": raw})
        assert torch.equal(raw, before)


def test_memory_order_does_not_depend_on_where_rows_came_from() -> None:
    turned = images().contiguous(memory_format=torch.channels_last)
    assert Normalise(SPEC, CPU)({"input": turned})["input"].is_contiguous()


def test_a_channel_that_never_varies_is_not_divided_by_zero() -> None:
    spec = InputSpec(kind="image", shape=(1, 5, 4), mean=(0.2,), std=(0.0,))
    ready = Normalise(spec, CPU)({"input": torch.full((2, 1, 5, 4), 51, dtype=torch.uint8)})["input"]
    torch.testing.assert_close(ready, torch.zeros(2, 1, 5, 4), atol=1e-6, rtol=0)


def test_tables_pass_unchanged() -> None:
    spec = InputSpec(kind="table", shape=(3,))
    table = torch.randn(4, 3)
    assert torch.equal(Normalise(spec, CPU, channels_last=True)({"input": table})["input"], table)


def test_pictures_come_back() -> None:
    raw = images()
    prepare = Normalise(SPEC, CPU, channels_last=True)
    ready = prepare({"input": raw})["input"]
    assert np.array_equal(prepare.picture(ready), raw.permute(0, 2, 3, 1).numpy())
    assert np.array_equal(prepare.picture(ready[2]), raw[2].permute(1, 2, 0).numpy())


def test_pictures_of_what_lies_beyond_the_range_are_clamped() -> None:
    picture = Normalise(SPEC, CPU).picture(torch.full((3, 5, 4), 99.0))
    assert picture.dtype == np.uint8
    assert picture.min() == 255


def test_views_are_prepared_as_the_input_is() -> None:
    raw = images()
    ready = Normalise(SPEC, CPU)({"input": raw, "view": raw.flip(0), "other_view": raw.float() / 255})
    torch.testing.assert_close(ready["view"], ready["input"].flip(0))
    torch.testing.assert_close(ready["other_view"], ready["input"], atol=1e-6, rtol=0)
