"""Our networks under Sonde's own step and evaluation beside timm's in a bare loop: one process, the same weights, taking turns.

Usage: python timm_throughput.py ROUNDS SECONDS THREADS, with Sonde on the path; SECONDS of each turn, or one step where that
takes longer. One JSON line: a list of rows, rates in images per second as medians over the rounds.
"""

import json
import os
import statistics
import sys
import time

if tools := os.environ.get("SONDE_PARITY_TOOLS"):
    sys.path.insert(0, tools)
    import torchvision_on_cpu  # noqa: F401 - declares the operators a CPU build of torch lacks
import timm
import torch
import torch.nn.functional as F

from sonde.core.batch import Batch
from sonde.core.config import OptimConfig
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.engine.evaluate import evaluate
from sonde.engine.execution.settings import StepSettings
from sonde.engine.step import Stepper
from sonde.engine.update import Update
from sonde.models.build import build
from sonde.models.resnet import ResNetConfig
from sonde.models.vit import ViTConfig
from sonde.optim.build import build_optimizer
from sonde.tasks.classification.task import Classification
from sonde.tasks.classification.config import ClassificationConfig

CPU = torch.device("cpu")
NETWORKS = {
    "resnet18": ("resnet18", ResNetConfig(stem="imagenet")),
    "vit-tiny-16": ("vit_tiny_patch16_224", ViTConfig(patch=16)),
}
BATCHES = {224: 16, 32: 128}  # pixels -> images
RATE = 1e-4
NAMES = tuple(map(str, range(10)))


class Repeated:
    """An evaluation source that yields one batch so many times."""

    def __init__(self, batch, batches):
        self.batch, self.batches = batch, batches

    def __iter__(self):
        return iter([self.batch] * self.batches)


def batch_of(pixels, layout):
    generator = torch.Generator().manual_seed(0)
    rows = BATCHES[pixels]
    x = torch.randn(rows, 3, pixels, pixels, generator=generator).contiguous(memory_format=layout)
    return x, torch.randint(0, 10, (rows,), generator=generator)


def ours(name, pixels):
    torch.manual_seed(0)
    return build(name, InputSpec(kind="image", shape=(3, pixels, pixels)), 10, NETWORKS[name][1])


def theirs(name, pixels):
    called = NETWORKS[name][0]
    size = {"img_size": pixels} if called.startswith("vit") else {}
    model = timm.create_model(called, num_classes=10, **size)
    model.load_state_dict(ours(name, pixels).state_dict())
    return model


def check_same(name, pixels):
    """The two must answer alike, or comparing them says nothing."""
    x, _ = batch_of(pixels, torch.contiguous_format)
    with torch.inference_mode():
        difference = (ours(name, pixels).eval()(x[:2]) - theirs(name, pixels).eval()(x[:2])).abs().max().item()
    if not difference < 1e-3:
        raise SystemExit(f"{name} at {pixels} pixels: the logits differ by {difference:.1e}")


def sonde_way(name, pixels, precision, mode):
    """A function that runs so many steps, as `sonde train` runs them: channels last, what is asked of a step recorded."""
    x, y = batch_of(pixels, torch.channels_last)
    batch = Batch({"input": x, "target": y}, torch.arange(len(x)))
    task = Classification(ours(name, pixels), TargetSpec(kind="class", names=NAMES), ClassificationConfig())
    task.modules.to(memory_format=torch.channels_last)
    settings = StepSettings(device=CPU, precision=precision)
    if mode == "inference":
        return lambda steps: evaluate(task, Repeated(batch, steps), settings)
    named = list(task.modules.named_parameters())
    optimizer = build_optimizer(OptimConfig(optimizer="nesterov"), named, lr=RATE, device_type="cpu")
    update = Update(phase=task.phases[0], optimizer=optimizer, multiplier=lambda step: 1.0)
    stepper = Stepper(task, [update], settings)
    task.modules.train()

    def steps(count):
        for number in range(count):
            stepper(batch, step=number + 1, epoch=0)

    return steps


def bare_way(name, pixels, precision, mode, layout):
    """The same in a loop of a few lines around timm's network."""
    x, y = batch_of(pixels, layout)
    model = theirs(name, pixels).to(memory_format=layout)
    mixed = torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16")
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=0.9, nesterov=True, fused=True)

    def train(steps):
        model.train()
        for _ in range(steps):
            with mixed:
                loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    @torch.inference_mode()
    def infer(steps):
        model.eval()
        for _ in range(steps):
            with mixed:
                (model(x).argmax(1) == y).sum().item()

    return infer if mode == "inference" else train


def timed(way, steps):
    """Seconds a step."""
    begun = time.perf_counter()
    way(steps)
    return (time.perf_counter() - begun) / steps


def row(name, pixels, precision, mode, rounds, seconds):
    cell = (name, pixels, precision, mode)
    ways = {
        "sonde": sonde_way(*cell),
        "timm": bare_way(*cell, torch.contiguous_format),
        "timm, channels last": bare_way(*cell, torch.channels_last),
    }
    found = {way: [] for way in ways}
    for run in ways.values():
        run(1)
    steps = max(1, round(seconds / timed(ways["timm"], 1)))
    for turn in range(rounds):
        order = list(ways)[turn % 3 :] + list(ways)[: turn % 3]
        for way in order:
            found[way].append(timed(ways[way], steps))
    rates = {way: BATCHES[pixels] / statistics.median(values) for way, values in found.items()}
    faster = max(("timm", "timm, channels last"), key=rates.__getitem__)
    ratios = [mine / other for mine, other in zip(found["sonde"], found[faster], strict=True)]
    return {
        "network": name,
        "pixels": pixels,
        "precision": precision,
        "mode": mode,
        "batch": BATCHES[pixels],
        "steps a turn": steps,
        **{f"{way}, images/s": round(rate, 2) for way, rate in rates.items()},
        "faster bare loop": faster,
        "sonde time over it": round(statistics.median(ratios), 3),
    }


def main(rounds, seconds, threads):
    torch.set_num_threads(threads)
    rows = []
    for name in NETWORKS:
        for pixels in BATCHES:
            check_same(name, pixels)
            for precision in ("fp32", "bf16"):
                for mode in ("training", "inference"):
                    rows.append(row(name, pixels, precision, mode, rounds, seconds))
                    print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print(json.dumps({"rows": rows, "versions": {"timm": timm.__version__, "torch": torch.__version__}}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
