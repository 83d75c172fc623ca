import pytest

from sonde.core.letterbox import fitted


@pytest.mark.parametrize("size", [(480, 640), (641, 479), (33, 7), (5000, 3), (1, 1)])
def test_an_image_fits_and_touches_an_edge(size: tuple[int, int]):
    height, width = fitted(*size, (96, 128))
    assert 1 <= height <= 96
    assert 1 <= width <= 128
    assert height == 96 or width == 128
    assert abs(height / width - size[0] / size[1]) <= size[0] / size[1] / min(height, width)
