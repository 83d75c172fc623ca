"""Our networks against torchvision's: same names, same parameters, same logits, same gradients, in float64.

    make parity                                                  # where a torchvision that fits PyTorch can be installed
    .parity/bin/python benchmarks/parity.py                      # writes benchmarks/results/parity.json

A comparison of networks as they are first drawn passes or fails for nothing: some of them put out exact zeros, others 1e8.
So every parameter and buffer is drawn anew, alike on both sides; batch norm then takes its statistics from one training
pass; and the spread of the logits must lie between 0.1 and 100 before their difference means anything.

Registries hold torchvision wheels whose CUDA operators a CPU build of PyTorch cannot load. A folder with a module
`torchvision_on_cpu` that declares those operators can be named by SONDE_PARITY_TOOLS.
"""

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.catalogue import build
from sonde.models.resnet import ResNetConfig

RESULTS = Path(__file__).parent / "results" / "parity.json"
NAMES = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
PIXELS, ROWS, CLASSES = 96, 8, 1000
LARGEST_DIFFERENCE = 1e-9  # of the largest logit
SPREAD = (0.1, 100.0)  # standard deviation of the logits


def import_torchvision() -> Any:
    """torchvision, with the help of SONDE_PARITY_TOOLS where that is set. Raises: ImportError saying what is missing."""
    tools = os.environ.get("SONDE_PARITY_TOOLS")
    if tools and tools not in sys.path:
        sys.path.append(tools)
        import torchvision_on_cpu  # type: ignore[import-not-found]  # noqa: F401
    try:
        import torchvision  # type: ignore[import-not-found]
    except RuntimeError as error:
        raise ImportError(f"torchvision does not load beside this PyTorch ({error}); set SONDE_PARITY_TOOLS") from error
    return torchvision


def randomise(model: nn.Module, generator: torch.Generator) -> None:
    """Draw every parameter and buffer so that signals keep their size: none stays at a value both sides start from."""
    for name, value in model.state_dict().items():
        if not value.is_floating_point():
            value.zero_()
        elif value.ndim > 1:
            fan_in = value[0].numel()
            value.copy_(torch.randn(value.shape, generator=generator, dtype=value.dtype) * math.sqrt(2 / fan_in))
        elif name.endswith(("running_var", "weight")):
            value.copy_(0.5 + torch.rand(value.shape, generator=generator, dtype=value.dtype))
        else:
            value.copy_(0.2 * torch.randn(value.shape, generator=generator, dtype=value.dtype))


def one_training_pass(model: nn.Module, input: Tensor, target: Tensor) -> Tensor:
    """Logits and gradients of a training pass, whose statistics batch norm keeps as they are."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the plain mean over batches: of one batch, that batch
    logits = model(input)
    nn.functional.cross_entropy(logits, target).backward()
    return logits.detach()


def relative(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference as a share of the largest entry."""
    return float((ours - theirs).abs().max() / theirs.abs().max())


def compare(name: str, *, seed: int = 0) -> dict[str, Any]:
    """Figures of one network: parameter counts, spread of the logits, and largest relative differences."""
    theirs = getattr(import_torchvision().models, name)(num_classes=CLASSES).double()
    spec = InputSpec(kind="image", shape=(3, PIXELS, PIXELS))
    ours = build(name, spec, CLASSES, ResNetConfig(stem="imagenet")).double()
    generator = torch.Generator().manual_seed(seed)
    randomise(theirs, generator)
    ours.load_state_dict(theirs.state_dict(), strict=True)  # so the names and shapes are the same, all of them
    seen, unseen = torch.randn(2, ROWS, 3, PIXELS, PIXELS, generator=generator, dtype=torch.float64).unbind()
    target = torch.randint(CLASSES, (ROWS,), generator=generator)
    trained = [one_training_pass(model, seen, target) for model in (ours, theirs)]
    gradients = [{n: p.grad for n, p in model.named_parameters() if p.grad is not None} for model in (ours, theirs)]
    buffers = [dict(model.named_buffers()) for model in (ours, theirs)]
    with torch.no_grad():
        judged = [model.eval()(unseen) for model in (ours, theirs)]
    return {
        "model": name,
        "parameters": sum(p.numel() for p in ours.parameters()),
        "parameters_torchvision": sum(p.numel() for p in theirs.parameters()),
        "tensors": len(theirs.state_dict()),
        "spread": float(judged[1].std()),
        "largest_logit": float(judged[1].abs().max()),
        "difference": relative(*judged),
        "difference_training": relative(*trained),
        "difference_gradient": max(relative(gradients[0][n], g) for n, g in gradients[1].items()),
        "difference_statistics": max(relative(buffers[0][n], b) for n, b in buffers[1].items() if b.ndim),
    }


def main() -> None:
    torchvision = import_torchvision()
    rows = []
    for name in NAMES:
        start = time.perf_counter()
        rows.append(compare(name) | {"seconds": round(time.perf_counter() - start, 1)})
        print(json.dumps(rows[-1]), flush=True)
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    setting = {"pixels": PIXELS, "rows": ROWS, "classes": CLASSES, "dtype": "float64", "limit": LARGEST_DIFFERENCE}
    RESULTS.write_text(json.dumps({"versions": versions, "setting": setting, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
