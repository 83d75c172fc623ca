"""vector-quantize-pytorch's codebook in a VQ-VAE of the layers of Sonde's, on CIFAR-10 for a given time.

python vector_quantize_cifar10.py FOLDER_OF_CIFAR10 SECONDS ROWS: trains, and prints SSIM, PSNR and the share of codes that the
test images use, as JSON. ROWS: of the training images, 0 for all. Its EMA codebook with its restart of dead codes (threshold 2).
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from vector_quantize_pytorch import VectorQuantize

WIDTH, CODE, CODES, BATCH = 64, 32, 512, 128


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.Conv2d(WIDTH, WIDTH, 1)

    def forward(self, input: Tensor) -> Tensor:
        return input + self.conv2(F.relu(self.conv1(F.relu(input))))


def cifar10(folder: Path) -> dict[str, Tensor]:
    """Images (N, 3, 32, 32) in 0..1 by split, from the Parquet files that hold them as PNG."""
    import io

    import pyarrow.parquet as parquet
    from PIL import Image

    found = {}
    for split in ("train", "test"):
        images: list[np.ndarray] = []
        for path in sorted(folder.rglob(f"*{split}*.parquet")):
            table = parquet.read_table(path)
            column = next(name for name in table.column_names if name in ("img", "image"))
            images += [np.asarray(Image.open(io.BytesIO(cell["bytes"]))) for cell in table[column].to_pylist()]
        found[split] = torch.from_numpy(np.stack(images)).movedim(-1, 1).float() / 255
    return found


def ssim(image: Tensor, other: Tensor) -> Tensor:
    """As Sonde computes it: windows of 7x7 pixels, unbiased variances."""
    norm = 49 / 48
    parts = F.avg_pool2d(torch.cat([image, other, image * image, other * other, image * other]), 7, stride=1)
    a, b, aa, bb, ab = parts.chunk(5)
    var_a, var_b, both = norm * (aa - a * a), norm * (bb - b * b), norm * (ab - a * b)
    likeness = (2 * a * b + 1e-4) * (2 * both + 9e-4) / ((a * a + b * b + 1e-4) * (var_a + var_b + 9e-4))
    return likeness.flatten(1).mean(1)


def main() -> None:
    folder, seconds, rows = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    torch.manual_seed(0)
    images = cifar10(folder)
    train = images["train"][: rows or None]
    mean, std = train.mean((0, 2, 3), keepdim=True), train.std((0, 2, 3), keepdim=True)
    encoder = nn.Sequential(nn.Conv2d(3, WIDTH, 4, 2, 1), Residual(), Residual(), nn.ReLU(), nn.Conv2d(WIDTH, CODE, 1))
    decoder = nn.Sequential(
        *(nn.Conv2d(CODE, WIDTH, 1), nn.Conv2d(WIDTH, WIDTH, 3, padding=1), Residual(), Residual(), nn.ReLU()),
        nn.ConvTranspose2d(WIDTH, 3, 4, 2, 1),
    )
    quantiser = VectorQuantize(
        CODE, CODES, decay=0.99, commitment_weight=0.25, accept_image_fmap=True, threshold_ema_dead_code=2
    )
    modules = nn.ModuleList([encoder, decoder, quantiser])
    optimizer = torch.optim.Adam(modules.parameters(), lr=1e-3)
    begun, steps = time.perf_counter(), 0
    while (spent := time.perf_counter() - begun) < seconds:
        for batch in torch.randperm(len(train)).split(BATCH):
            for group in optimizer.param_groups:
                group["lr"] = 1e-3 * 0.5 * (1 + np.cos(np.pi * min(1.0, spent / seconds)))
            input = (train[batch] - mean) / std
            codes, _, commitment = quantiser(encoder(input))
            optimizer.zero_grad()
            ((decoder(codes) - input).square().mean() + commitment.sum()).backward()
            optimizer.step()
            steps, spent = steps + 1, time.perf_counter() - begun
            if spent >= seconds:
                break
    modules.eval()
    likeness, noise, used = [], [], set()
    with torch.inference_mode():
        for shown in images["test"][: rows or None].split(500):
            codes, numbers, _ = quantiser(encoder((shown - mean) / std))
            back = (decoder(codes) * std + mean).clamp(0, 1)
            likeness.append(ssim(back, shown))
            noise.append(-10 * (back - shown).square().flatten(1).mean(1).log10())
            used |= set(numbers.flatten().tolist())
    scores = {"ssim": float(torch.cat(likeness).mean()), "psnr": float(torch.cat(noise).mean())}
    print(json.dumps({**scores, "codebook_use": len(used) / CODES, "steps": steps, "seconds": spent}))


if __name__ == "__main__":
    main()
