"""torchcfm's example of class-conditional MNIST (examples/images/conditional_mnist.ipynb), for a given time.

python torchcfm_mnist.py FOLDER_OF_MNIST SECONDS SAMPLES OUT.npz: trains, makes samples of all classes in turn, writes them as
uint8 with their classes, and prints what it took as JSON. Its network, optimiser and normalisation; Euler steps are counted
like those of the others.
"""

import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torchcfm.conditional_flow_matching import ConditionalFlowMatcher
from torchcfm.models.unet import UNetModel

BATCH, STEPS = 128, 40  # evaluations of the network a sample, as many as 20 midpoint steps have


def mnist(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Images in -1..1 and their digits."""
    with gzip.open(folder / "train-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(folder / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return torch.from_numpy(images.copy()).float() / 127.5 - 1, torch.from_numpy(labels.astype(np.int64))


def main() -> None:
    folder, seconds, number, out = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    torch.manual_seed(0)
    images, labels = mnist(folder)
    model = UNetModel(dim=(1, 28, 28), num_channels=32, num_res_blocks=1, num_classes=10, class_cond=True)
    optimizer, matcher = torch.optim.Adam(model.parameters()), ConditionalFlowMatcher(sigma=0.0)
    begun, steps = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        for rows in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            data = images[rows]
            time_, at, velocity = matcher.sample_location_and_conditional_flow(torch.randn_like(data), data)
            loss = (model(time_, at, labels[rows]) - velocity).square().mean()
            loss.backward()
            optimizer.step()
            steps += 1
            if time.perf_counter() - begun >= seconds:
                break
    trained = time.perf_counter() - begun
    model.eval()
    classes, made = torch.arange(number) % 10, []
    begun = time.perf_counter()
    with torch.no_grad():
        for rows in torch.arange(number).split(64):
            at = torch.randn(len(rows), 1, 28, 28)
            for step in range(STEPS):
                at = at + model(torch.full((len(rows),), step / STEPS), at, classes[rows]) / STEPS
            made.append(at)
    sampled = time.perf_counter() - begun
    pixels = ((torch.cat(made).clip(-1, 1) + 1) * 127.5).round().to(torch.uint8)[:, 0]
    np.savez(out, images=pixels.numpy(), labels=classes.numpy())
    parameters = sum(p.numel() for p in model.parameters())
    told = {"parameters": parameters, "steps": steps, "rows/s": round(steps * BATCH / trained, 1)}
    print(json.dumps({**told, "seconds": round(trained, 1), "samples/s": round(number / sampled, 2)}))


if __name__ == "__main__":
    main()
