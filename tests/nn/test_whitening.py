from pathlib import Path

import numpy as np
import pytest
import scipy.fft
import torch

from sonde.nn.whitening import NOISE, Whitening, contrasts, cosines, patch_covariance, whitening_filters


def test_directions_of_small_patches_are_the_eigenvectors_of_the_covariance():
    covariance = patch_covariance(3, 2).numpy()
    expected = np.sort(np.linalg.eigvalsh(covariance))
    filters = whitening_filters(3, 2).double().numpy().reshape(12, 12)
    scale = 1 / (filters**2).sum(1) - NOISE  # the variances it divided by
    assert np.allclose(np.sort(scale), expected, rtol=1e-4)
    directions = filters / np.linalg.norm(filters, axis=1, keepdims=True)
    assert np.allclose(directions @ directions.T, np.eye(12), atol=1e-6)
    assert np.allclose(directions @ covariance @ directions.T, np.diag(scale), atol=1e-5)


def test_cosines_are_scipys():
    assert np.allclose(cosines(5).numpy(), np.asarray(scipy.fft.dct(np.eye(5), axis=0, norm="ortho")), atol=1e-12)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_contrasts_are_orthonormal_and_begin_with_the_mean(channels: int):
    rows = contrasts(channels)
    assert torch.allclose(rows @ rows.T, torch.eye(channels, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(rows[0], torch.full((channels,), channels**-0.5, dtype=torch.float64))


def test_puts_out_both_signs_of_a_plain_convolution():
    layer, input = Whitening(3, 2), torch.randn(2, 3, 9, 8)
    output = layer(input)
    assert output.shape == (2, layer.out_channels, 8, 7) == (2, 24, 8, 7)
    patch = input[1, :, 4:6, 3:5]
    expected = (layer.filters * patch).sum((1, 2, 3))
    assert torch.allclose(output[1, :, 4, 3], torch.cat([expected, -expected]), atol=1e-5)


def test_real_photographs_come_out_nearly_white(shared_data: Path):
    parquet = pytest.importorskip("pyarrow.parquet")
    from io import BytesIO

    from PIL import Image

    file = shared_data / "cifar10" / "data" / "test-00000-of-00001.parquet"
    if not file.is_file():
        pytest.skip(f"no {file}")
    column = next(parquet.ParquetFile(file).iter_batches(200)).column(0).to_pylist()
    pixels = np.stack([np.asarray(Image.open(BytesIO(entry["bytes"])).convert("RGB")) for entry in column])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    images = (images - images.mean((0, 2, 3), keepdim=True)) / images.std((0, 2, 3), keepdim=True)
    maps = Whitening(3, 2)(images)[:, :12].transpose(0, 1).flatten(1)
    patches = images.unfold(2, 2, 1).unfold(3, 2, 1).permute(1, 4, 5, 0, 2, 3).reshape(12, -1)
    correlation = torch.corrcoef(maps) - torch.eye(12)
    assert correlation.abs().mean() < 0.25 * (torch.corrcoef(patches) - torch.eye(12)).abs().mean()
    spread = maps.std(1)
    before = spread / Whitening(3, 2).filters.flatten(1).norm(dim=1)  # of the directions as they are
    assert spread.max() / spread.min() < 0.25 * before.max() / before.min()
    assert spread.max() < 2
