"""Our networks against torchvision's and timm's: same names, same parameters, same logits, same gradients, in float64.

    make parity                                                  # where a torchvision that fits PyTorch can be installed
    .parity/bin/python benchmarks/parity.py                      # writes benchmarks/results/parity.json
    .parity/bin/python benchmarks/parity.py resnet18 densenet121 # measures these anew

A comparison of networks as they are first drawn passes or fails for nothing: some of them put out exact zeros, others 1e8.
So every parameter and buffer is drawn anew, alike on both sides; batch norm then takes its statistics from one training
pass; and the spread of the logits must lie between 0.1 and 100 before their difference means anything. Both sides start the
training pass from one seed, so the same rows must skip the same blocks; dropout, whose bits we draw otherwise, is off, and its
shares are compared. What networks start from is drawn in another order on each side: there the standard deviation of each
large tensor is compared, and each constant.

Registries hold torchvision wheels whose CUDA operators a CPU build of PyTorch cannot load. A folder with a module
`torchvision_on_cpu` that declares those operators can be named by SONDE_PARITY_TOOLS.
"""

import json
import math
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.alexnet import AlexNetConfig
from sonde.models.build import build
from sonde.models.convnext import ConvNeXtConfig
from sonde.models.densenet import DenseNetConfig
from sonde.models.efficientnet import EfficientNetConfig
from sonde.models.googlenet import GoogLeNetConfig
from sonde.models.inception import InceptionConfig
from sonde.models.mobilenet_v2 import MobileNetV2Config
from sonde.models.mobilenet_v3 import MobileNetV3Config
from sonde.models.resnet import ResNetConfig
from sonde.models.vgg import VGGConfig
from sonde.models.vit import ViTConfig
from sonde.nn.dropout import Dropout

RESULTS = Path(__file__).parent / "results" / "parity.json"
ROWS, CLASSES = 8, 1000
LARGEST_DIFFERENCE = 1e-9  # of the largest logit
SPREAD = (0.1, 100.0)  # standard deviation of the logits
LARGEST_START = 0.15  # of the logarithm of a standard deviation: 1000 draws on each side scatter by 0.03
LARGE = 1000  # entries; smaller tensors say too little of how they were drawn
DROPOUTS = (nn.Dropout, Dropout)
LEAST_GRADIENT = 1e-6  # of the largest: a bias before a norm has none but what rounding leaves


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One network of ours and the one it must equal.

    theirs:    the constructor's name in torchvision.models, or the model's in timm, and its arguments
    config:    our settings under which the two are the same network
    gain:      a factor on every drawn matrix, for networks whose logits would leave SPREAD
    same_start: whether theirs starts from the draws that ours documents
    """

    library: Literal["torchvision", "timm"] = "torchvision"
    theirs: str
    config: Any
    arguments: Mapping[str, Any] = field(default_factory=dict)
    pixels: int = 64
    gain: float = 1.0
    same_start: bool = True


def torchvisions(config: Any, *names: str, pixels: int = 64, gain: float = 1.0) -> dict[str, Comparison]:
    """Networks that torchvision calls as we do, with underscores for our hyphens."""
    return {n: Comparison(theirs=n.replace("-", "_"), config=config, pixels=pixels, gain=gain) for n in names}


def timms_vit(size: str, patch: int, *, pool: Literal["token", "mean"] = "token", registers: int = 0) -> Comparison:
    """A vision transformer on a grid of 4x4 patches; timm, which has not all sizes of patch, is told the size."""
    return Comparison(
        library="timm",
        theirs=f"vit_{size}_patch16_224",
        config=ViTConfig(patch=patch, pool=pool, registers=registers),
        arguments={
            "img_size": 4 * patch,
            "patch_size": patch,
            "global_pool": "avg" if pool == "mean" else "token",
            "reg_tokens": registers,
        },
        pixels=4 * patch,
    )


WITH_HEADS = {"aux_logits": True, "transform_input": False, "init_weights": True}

COMPARISONS: dict[str, Comparison] = {
    **torchvisions(ResNetConfig(stem="imagenet"), "resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    **torchvisions(ResNetConfig(stem="imagenet"), "resnext50-32x4d", "resnext101-32x8d"),
    **torchvisions(ResNetConfig(stem="imagenet"), "wide-resnet50-2", "wide-resnet101-2"),
    **torchvisions(AlexNetConfig(stem="imagenet"), "alexnet"),
    **torchvisions(VGGConfig(stem="imagenet"), "vgg11", "vgg11-bn", "vgg13", "vgg13-bn"),
    **torchvisions(VGGConfig(stem="imagenet"), "vgg16", "vgg16-bn", "vgg19", "vgg19-bn"),
    "googlenet": Comparison(theirs="googlenet", config=GoogLeNetConfig(stem="imagenet"), arguments=WITH_HEADS),
    # at 299 pixels: theirs cannot train its auxiliary head on less
    "inception-v3": Comparison(
        theirs="inception_v3", config=InceptionConfig(stem="imagenet"), arguments=WITH_HEADS, pixels=299
    ),
    **torchvisions(DenseNetConfig(stem="imagenet"), "densenet121", "densenet169", "densenet201", "densenet161"),
    **torchvisions(MobileNetV2Config(stem="imagenet"), "mobilenet-v2"),
    **torchvisions(MobileNetV3Config(stem="imagenet"), "mobilenet-v3-small", "mobilenet-v3-large"),
    **torchvisions(EfficientNetConfig(stem="imagenet"), *(f"efficientnet-b{size}" for size in range(5))),
    # a gain for these: statistics of 8 rows of 2x2 pixels fit other rows badly, the worse the deeper the network
    **torchvisions(EfficientNetConfig(stem="imagenet"), *(f"efficientnet-b{size}" for size in (5, 6, 7)), gain=0.1),
    **torchvisions(EfficientNetConfig(stem="imagenet"), "efficientnet-v2-s"),
    # the largest ConvNeXt and ViTs are left out: two of them in float64, with gradients, take 6 to 10 GB
    **torchvisions(ConvNeXtConfig(stem="imagenet"), "convnext-tiny", "convnext-small", "convnext-base"),
    "vit-tiny-16": timms_vit("tiny", 16),
    "vit-small-8": timms_vit("small", 8, pool="mean"),
    "vit-small-14": timms_vit("small", 14, registers=4),
    "vit-small-16": timms_vit("small", 16),
    "vit-base-8": timms_vit("base", 8),
    "vit-base-14": timms_vit("base", 14, pool="mean", registers=4),
    "vit-base-16": timms_vit("base", 16),
    "vit-base-32": timms_vit("base", 32),
}


def import_library(name: str) -> Any:
    """torchvision or timm, with the help of SONDE_PARITY_TOOLS where that is set. Raises: ImportError saying what is missing."""
    tools = os.environ.get("SONDE_PARITY_TOOLS")
    if tools and tools not in sys.path:
        sys.path.append(tools)
        import torchvision_on_cpu  # type: ignore[import-not-found]  # noqa: F401
    try:
        import torchvision  # type: ignore[import-not-found]
    except RuntimeError as error:
        raise ImportError(f"torchvision does not load beside this PyTorch ({error}); set SONDE_PARITY_TOOLS") from error
    if name == "torchvision":
        return torchvision
    import timm  # type: ignore[import-not-found]

    return timm


def build_theirs(comparison: Comparison) -> nn.Module:
    """The library's network without trained weights. Raises: ImportError as `import_library`."""
    library = import_library(comparison.library)
    if comparison.library == "timm":
        return library.create_model(comparison.theirs, num_classes=CLASSES, **comparison.arguments)
    return getattr(library.models, comparison.theirs)(num_classes=CLASSES, **comparison.arguments)


def randomise(model: nn.Module, generator: torch.Generator, *, gain: float) -> None:
    """Draw every parameter and buffer so that signals keep their size: none stays at a value both sides start from."""
    for name, value in model.state_dict().items():
        if not value.is_floating_point():
            value.zero_()
        elif name.endswith(("running_var", "layer_scale")) or (value.ndim == 1 and name.endswith("weight")):
            value.copy_(0.5 + torch.rand(value.shape, generator=generator, dtype=value.dtype))
        else:  # matrices and kernels by He's rule; shifts, means, tokens and positions small beside what they are added to
            scale = gain * math.sqrt(2 / value[0].numel()) if name.endswith("weight") else 0.2
            value.copy_(torch.randn(value.shape, generator=generator, dtype=value.dtype) * scale)


def outputs(output: Any) -> list[Tensor]:
    """The logits, and after them those of the auxiliary heads a network has while it trains, from the input upwards."""
    if isinstance(output, Tensor):
        return [output]
    if hasattr(output, "auxiliary"):
        return [output.main, *output.auxiliary]
    return [output.logits, *(getattr(output, name) for name in sorted(output._fields) if name.startswith("aux"))]


def one_training_pass(model: nn.Module, input: Tensor, target: Tensor) -> list[Tensor]:
    """Logits and gradients of a training pass, whose statistics batch norm keeps as they are."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the plain mean over batches: of one batch, that batch
        if isinstance(module, DROPOUTS):
            module.eval()
    torch.manual_seed(0)
    logits = outputs(model(input))
    torch.stack([nn.functional.cross_entropy(head, target) for head in logits]).sum().backward()
    return [head.detach() for head in logits]


def relative(ours: Tensor, theirs: Tensor, least: float = 0.0) -> float:
    """Largest difference as a share of the largest entry, or of `least` where that is more."""
    return float((ours - theirs).abs().max() / theirs.abs().max().clamp(min=least))


def difference_of_gradients(ours: nn.Module, theirs: nn.Module) -> float:
    """The largest over all parameters; a gradient that only one side has is an infinite one."""
    grads = [{n: p.grad for n, p in model.named_parameters() if p.grad is not None} for model in (ours, theirs)]
    if grads[0].keys() != grads[1].keys():
        return math.inf
    least = LEAST_GRADIENT * max(float(g.abs().max()) for g in grads[1].values())
    return max(relative(grads[0][n], g, least) for n, g in grads[1].items())


def difference_of_start(ours: nn.Module, theirs: nn.Module) -> float:
    """The largest log ratio of the standard deviations of large tensors, infinite where a constant differs."""
    largest = 0.0
    others = dict(ours.named_parameters())
    for name, value in theirs.named_parameters():
        drawn = [float(p.detach().std(correction=0)) for p in (others[name], value)]
        if min(drawn) == 0.0:
            largest = largest if torch.equal(others[name], value) else math.inf
        elif value.numel() >= LARGE:
            largest = max(largest, abs(math.log(drawn[0] / drawn[1])))
    return largest


def settings(model: nn.Module) -> tuple[list[float | None], list[float]]:
    """What the passes here cannot tell, for they replace it: momentum of each batch norm, share of each dropout."""
    momenta = [m.momentum for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    return momenta, sorted(m.p for m in model.modules() if isinstance(m, DROPOUTS) and m.p > 0)


def compare(name: str, *, seed: int = 0) -> dict[str, Any]:
    """Figures of one network: parameter counts, spread of the logits, and largest relative differences."""
    comparison = COMPARISONS[name]
    shape = (3, comparison.pixels, comparison.pixels)
    torch.manual_seed(seed)
    theirs = build_theirs(comparison).double()
    ours = build(name, InputSpec(kind="image", shape=shape), CLASSES, comparison.config).double()
    start = difference_of_start(ours, theirs) if comparison.same_start else None
    same_settings = settings(ours) == settings(theirs)
    generator = torch.Generator().manual_seed(seed)
    randomise(theirs, generator, gain=comparison.gain)
    ours.load_state_dict(theirs.state_dict(), strict=True)  # so the names and shapes are the same, all of them
    seen, unseen = torch.randn(2, ROWS, *shape, generator=generator, dtype=torch.float64).unbind()
    target = torch.randint(CLASSES, (ROWS,), generator=generator)
    trained = [one_training_pass(model, seen, target) for model in (ours, theirs)]
    buffers = [dict(model.named_buffers()) for model in (ours, theirs)]
    with torch.no_grad():
        judged = [model.eval()(unseen) for model in (ours, theirs)]
    return {
        "model": name,
        "library": comparison.library,
        "parameters": sum(p.numel() for p in ours.parameters()),
        "parameters_theirs": sum(p.numel() for p in theirs.parameters()),
        "tensors": len(theirs.state_dict()),
        "spread": float(judged[1].std()),
        "largest_logit": float(judged[1].abs().max()),
        "difference": relative(*judged),
        "difference_training": max(relative(*heads) for heads in zip(*trained, strict=True)),
        "difference_gradient": difference_of_gradients(ours, theirs),
        "difference_statistics": max(
            (relative(buffers[0][n], b) for n, b in buffers[1].items() if b.ndim), default=0.0
        ),
        "difference_start": start,
        "same_settings": same_settings,
    }


def keep(row: Mapping[str, Any]) -> None:
    """Write one network's row among those measured before, in the order of `COMPARISONS`: a run that is stopped loses nothing."""
    setting = {"rows": ROWS, "classes": CLASSES, "dtype": "float64", "limit": LARGEST_DIFFERENCE}
    held = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    before = held["rows"] if held.get("setting") == setting else []
    rows = {entry["model"]: entry for entry in [*before, row]}
    ordered = [rows[name] for name in COMPARISONS if name in rows]
    libraries = dict.fromkeys(entry["library"] for entry in ordered)
    versions = {"torch": torch.__version__} | {name: import_library(name).__version__ for name in libraries}
    RESULTS.write_text(json.dumps({"versions": versions, "setting": setting, "rows": ordered}, indent=2) + "\n")


def main() -> None:
    for name in sys.argv[1:] or COMPARISONS:
        start = time.perf_counter()
        row = compare(name) | {"seconds": round(time.perf_counter() - start, 1)}
        print(json.dumps(row), flush=True)
        keep(row)


if __name__ == "__main__":
    main()
