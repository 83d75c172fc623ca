"""diffusers' training example (examples/unconditional_image_generation) on MNIST with classes, for a given time.

python diffusers_mnist.py FOLDER_OF_MNIST SECONDS SAMPLES OUT.npz: its UNet2DModel in the size of the others, its DDPM noise
schedule, AdamW with the example's settings (weight decay 1e-6, betas 0.95 and 0.999, clip 1, EMA) and rate 1e-4, batches of 128;
samples by its DDIM in 20 steps. Written as uint8 with their classes; what it took is printed as JSON.
"""

import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel
from diffusers.training_utils import EMAModel

BATCH, STEPS = 128, 20


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
    model = UNet2DModel(
        sample_size=28,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(32, 64, 64),
        down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        num_class_embeds=10,
    )
    noise_of = DDPMScheduler(num_train_timesteps=1000)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6)
    average = EMAModel(model.parameters(), decay=0.9999, use_ema_warmup=True, inv_gamma=1.0, power=0.75)
    begun, steps = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        for rows in torch.randperm(len(images)).split(BATCH):
            data = images[rows]
            noise, at = torch.randn_like(data), torch.randint(0, 1000, (len(rows),))
            found = model(noise_of.add_noise(data, noise, at), at, class_labels=labels[rows]).sample
            loss = torch.nn.functional.mse_loss(found, noise)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            average.step(model.parameters())
            steps += 1
            if time.perf_counter() - begun >= seconds:
                break
    trained = time.perf_counter() - begun
    average.copy_to(model.parameters())
    model.eval()
    sampler = DDIMScheduler.from_config(noise_of.config)
    sampler.set_timesteps(STEPS)
    classes, made = torch.arange(number) % 10, []
    begun = time.perf_counter()
    with torch.no_grad():
        for rows in torch.arange(number).split(64):
            at = torch.randn(len(rows), 1, 28, 28)
            for step in sampler.timesteps:
                at = sampler.step(model(at, step, class_labels=classes[rows]).sample, step, at).prev_sample
            made.append(at)
    sampled = time.perf_counter() - begun
    pixels = ((torch.cat(made).clip(-1, 1) + 1) * 127.5).round().to(torch.uint8)[:, 0]
    np.savez(out, images=pixels.numpy(), labels=classes.numpy())
    parameters = sum(p.numel() for p in model.parameters())
    told = {"parameters": parameters, "steps": steps, "rows/s": round(steps * BATCH / trained, 1)}
    print(json.dumps({**told, "seconds": round(trained, 1), "samples/s": round(number / sampled, 2)}))


if __name__ == "__main__":
    main()
