"""PyTorch's DCGAN example (pytorch/examples, dcgan/main.py) as it is told there, written anew, for a given time.

python dcgan_mnist.py DATA.npz SECONDS SAMPLES OUT.npz: DATA.npz holds `images` (N, H, W) uint8. Batch norm in both
networks, weights from N(0, 0.02), cross-entropy, Adam at 2e-4 with β1 0.5, batches of 64, 100 numbers of noise, no classes.
The example makes 64 x 64 pixels of 64 · 8 channels; here channels are 64 and 128 at the data's own size, as large as the other's.
Samples are written as uint8; what it took is printed as JSON.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

BATCH, NOISE, RATE = 64, 100, 2e-4


def halvings(side: int) -> list[int]:
    """Channels after each halving, down to at most 8 pixels."""
    widths = [64]
    while (side := -(-side // 2)) > 8:
        widths.append(2 * widths[-1])
    return widths


class Generator(nn.Module):
    def __init__(self, side: int):
        super().__init__()
        widths = halvings(side)[::-1]
        self.side, small = side, -(-side // 2 ** len(widths))
        layers: list[nn.Module] = [nn.ConvTranspose2d(NOISE, widths[0], small, 1, 0, bias=False)]
        for before, after in zip(widths, [*widths[1:], 1], strict=True):
            layers += [nn.BatchNorm2d(before), nn.ReLU(True), nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        return self.layers(noise)[:, :, : self.side, : self.side]


class Discriminator(nn.Module):
    def __init__(self, side: int):
        super().__init__()
        layers: list[nn.Module] = []
        before, small = 1, side
        for number, width in enumerate(halvings(side)):
            layers += [nn.Conv2d(before, width, 4, 2, 1, bias=False)]
            layers += [nn.BatchNorm2d(width)] if number else []
            layers += [nn.LeakyReLU(0.2, True)]
            before, small = width, small // 2
        self.layers = nn.Sequential(*layers, nn.Conv2d(before, 1, small, 1, 0, bias=False))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images).flatten()


def initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def main() -> None:
    data, seconds, number, out = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    torch.manual_seed(0)
    images = torch.from_numpy(np.load(data)["images"]).float()[:, None] / 127.5 - 1
    generator = Generator(images.shape[-1]).apply(initialise)
    discriminator = Discriminator(images.shape[-1]).apply(initialise)
    of_d = torch.optim.Adam(discriminator.parameters(), lr=RATE, betas=(0.5, 0.999))
    of_g = torch.optim.Adam(generator.parameters(), lr=RATE, betas=(0.5, 0.999))
    criterion = nn.BCEWithLogitsLoss()  # the example's sigmoid and BCELoss in one
    begun, steps = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        for rows in torch.randperm(len(images)).split(BATCH):
            real = images[rows]
            one, zero = torch.ones(len(rows)), torch.zeros(len(rows))
            of_d.zero_grad()
            criterion(discriminator(real), one).backward()
            made = generator(torch.randn(len(rows), NOISE, 1, 1))
            criterion(discriminator(made.detach()), zero).backward()
            of_d.step()
            of_g.zero_grad()
            criterion(discriminator(made), one).backward()
            of_g.step()
            steps += 1
            if time.perf_counter() - begun >= seconds:
                break
    trained = time.perf_counter() - begun
    with torch.no_grad():  # in training mode, as the example makes its pictures
        samples = torch.cat([generator(torch.randn(64, NOISE, 1, 1)) for _ in range(-(-number // 64))])[:number]
    np.savez(out, images=((samples[:, 0].clip(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy())
    parameters = {
        "generator": sum(p.numel() for p in generator.parameters()),
        "discriminator": sum(p.numel() for p in discriminator.parameters()),
    }
    told = {"parameters": parameters, "steps": steps, "rows/s": round(steps * BATCH / trained, 1)}
    print(json.dumps({**told, "seconds": round(trained, 1)}))


if __name__ == "__main__":
    main()
