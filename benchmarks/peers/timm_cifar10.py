"""timm's training script on CIFAR-10 as it comes: `train.py --model resnet18 --img-size 32 --num-classes 10`.

The script is not in timm's package, so its defaults stand here, put together from timm's own parts: batches of 128, SGD with
Nesterov momentum at 0.1 for 256 rows, a cosine after warm-up, random resized crops, mirroring, colour jitter, label smoothing.
One departure, in its favour: the warm-up of 5 epochs, meant for 300, is at most a fifth of these few.

Usage: python timm_cifar10.py ARRAYS.npz SECONDS; the number of epochs is what fits, from timed steps. One JSON line.
"""

import json
import os
import sys
import time
from itertools import islice

begun = time.perf_counter()
if tools := os.environ.get("SONDE_PARITY_TOOLS"):
    sys.path.insert(0, tools)
    import torchvision_on_cpu  # noqa: F401 - declares the operators a CPU build of torch lacks
import numpy as np
import torch
from PIL import Image
from timm import create_model
from timm.data import create_loader, resolve_data_config
from timm.loss import LabelSmoothingCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from timm.utils import random_seed

BATCH = 128
TIMED = 20  # steps
CPU = torch.device("cpu")


class Images(torch.utils.data.Dataset):
    """Arrays that become pictures when asked for, as in torchvision's CIFAR10."""

    def __init__(self, x, y):
        self.x, self.y, self.transform = x, y, None

    def __len__(self):
        return len(self.x)

    def __getitem__(self, number):
        return self.transform(Image.fromarray(self.x[number])), int(self.y[number])


def loader(x, y, config, training):
    """With the script's 4 workers, or as many as there are cores."""
    augment = {"color_jitter": 0.4, "scale": (0.08, 1.0), "ratio": (3 / 4, 4 / 3), "hflip": 0.5} if training else {}
    return create_loader(
        Images(x, y),
        input_size=(3, 32, 32),
        batch_size=BATCH,
        is_training=training,
        interpolation="random" if training else config["interpolation"],
        mean=config["mean"],
        std=config["std"],
        crop_pct=1.0,
        num_workers=min(4, os.cpu_count()),
        device=CPU,
        **augment,
    )


def parts(steps, epochs):
    """A fresh network, its optimiser and its schedule; seeded by the script's 42."""
    random_seed(42)
    model = create_model("resnet18", num_classes=10)
    optimizer = create_optimizer_v2(model, opt="sgd", lr=0.1 * BATCH / 256, momentum=0.9, weight_decay=2e-5)
    scheduler, _ = create_scheduler_v2(
        optimizer,
        sched="cosine",
        num_epochs=epochs,
        warmup_epochs=min(5, epochs // 5),
        warmup_lr=1e-5,
        min_lr=0.0,
        updates_per_epoch=steps,
    )
    return model, optimizer, scheduler


def train(model, optimizer, batches, loss_of):
    model.train()
    for images, labels in batches:
        loss = loss_of(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.inference_mode()
def judged(model, batches):
    """(right answers, rows)."""
    model.eval()
    right = rows = 0
    for images, labels in batches:
        right += (model(images).argmax(1) == labels).sum().item()
        rows += len(labels)
    return right, rows


def seconds_a_step(act, batches):
    """Of whole steps, once the workers have started and what they fetched meanwhile is used up."""
    coming = iter(batches)
    act(islice(coming, 5))
    started = time.perf_counter()
    act(islice(coming, TIMED))
    return (time.perf_counter() - started) / TIMED


def main(path, limit):
    with np.load(path) as held:
        x, y, x_test, y_test = (held[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    config = resolve_data_config({}, model=create_model("resnet18", num_classes=10))
    batches, test = loader(x, y, config, True), loader(x_test, y_test, config, False)
    loss_of = LabelSmoothingCrossEntropy(0.1)
    model, optimizer, _ = parts(len(batches), 10)
    step_s = seconds_a_step(lambda some: train(model, optimizer, some, loss_of), batches)
    test_s = seconds_a_step(lambda some: judged(model, some), test)
    epoch_s = step_s * len(batches) + test_s * len(test)  # the script judges after every epoch
    epochs = max(1, int((limit - (time.perf_counter() - begun)) / epoch_s))
    model, optimizer, scheduler = parts(len(batches), epochs)
    score = 0.0
    for epoch in range(epochs):
        train(model, optimizer, batches, loss_of)
        right, rows = judged(model, test)
        score = right / rows
        scheduler.step(epoch + 1, score)
    print(json.dumps({"accuracy": score, "epochs": epochs, "seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
