"""Weights that torchvision publishes for networks of the catalogue, trained on ImageNet's 1000 classes: where they are.

The names of the files carry the first eight hexadecimal digits of their SHA-256, which a download is checked against.
Source: the url of each network's default weights in torchvision 0.28 (torchvision/models/*.py)
"""

import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from sonde.core.cache import cache_folder
from sonde.core.errors import ConfigError, DataError
from sonde.core.progress import Tick, silent
from sonde.data.download import Opener, RemoteFile, Unobtainable, fetch

MIRROR = "https://download.pytorch.org/models/"

FILES: Mapping[str, str] = MappingProxyType(
    {
        "alexnet": "alexnet-owt-7be5be79.pth",
        "vgg11": "vgg11-8a719046.pth",
        "vgg11-bn": "vgg11_bn-6002323d.pth",
        "vgg13": "vgg13-19584684.pth",
        "vgg13-bn": "vgg13_bn-abd245e5.pth",
        "vgg16": "vgg16-397923af.pth",
        "vgg16-bn": "vgg16_bn-6c64b313.pth",
        "vgg19": "vgg19-dcbb9e9d.pth",
        "vgg19-bn": "vgg19_bn-c79401a0.pth",
        "googlenet": "googlenet-1378be20.pth",
        "inception-v3": "inception_v3_google-0cc3c7bd.pth",
        "resnet18": "resnet18-f37072fd.pth",
        "resnet34": "resnet34-b627a593.pth",
        "resnet50": "resnet50-11ad3fa6.pth",
        "resnet101": "resnet101-cd907fc2.pth",
        "resnet152": "resnet152-f82ba261.pth",
        "resnext50-32x4d": "resnext50_32x4d-1a0047aa.pth",
        "resnext101-32x8d": "resnext101_32x8d-110c445d.pth",
        "wide-resnet50-2": "wide_resnet50_2-9ba9bcbe.pth",
        "wide-resnet101-2": "wide_resnet101_2-d733dc28.pth",
        "densenet121": "densenet121-a639ec97.pth",
        "densenet161": "densenet161-8d451a50.pth",
        "densenet169": "densenet169-b2777c0a.pth",
        "densenet201": "densenet201-c1103571.pth",
        "mobilenet-v2": "mobilenet_v2-7ebf99e0.pth",
        "mobilenet-v3-small": "mobilenet_v3_small-047dcff4.pth",
        "mobilenet-v3-large": "mobilenet_v3_large-5c1a4163.pth",
        "efficientnet-b0": "efficientnet_b0_rwightman-7f5810bc.pth",
        "efficientnet-b1": "efficientnet_b1-c27df63c.pth",
        "efficientnet-b2": "efficientnet_b2_rwightman-c35c1473.pth",
        "efficientnet-b3": "efficientnet_b3_rwightman-b3899882.pth",
        "efficientnet-b4": "efficientnet_b4_rwightman-23ab8bcd.pth",
        "efficientnet-b5": "efficientnet_b5_lukemelas-1a07897c.pth",
        "efficientnet-b6": "efficientnet_b6_lukemelas-24a108a5.pth",
        "efficientnet-b7": "efficientnet_b7_lukemelas-c5b4e57e.pth",
        "efficientnet-v2-s": "efficientnet_v2_s-dd5fe13b.pth",
        "convnext-tiny": "convnext_tiny-983f1562.pth",
        "convnext-small": "convnext_small-0c510722.pth",
        "convnext-base": "convnext_base-6075fbad.pth",
        "convnext-large": "convnext_large-ea097f82.pth",
    }
)

STANDS_ON: Mapping[str, str] = MappingProxyType(
    {
        "detector-resnet18": "resnet18",
        "detector-resnet50": "resnet50",
        "fcn-resnet50": "resnet50",
        "fcn-resnet101": "resnet101",
        "deeplabv3-resnet50": "resnet50",
        "deeplabv3-resnet101": "resnet101",
    }
)
"""Networks whose backbone is one of `FILES`."""

COLOURS = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation of red, green and blue that the published weights were trained with."""

HALVES = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
"""The same for networks whose weights come from TensorFlow: inputs from -1 to 1."""

FROM_TENSORFLOW = ("googlenet", "inception-v3")


def scales_of(model: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(mean, std) per channel of the images, in 0..1, that a network's published weights expect."""
    return HALVES if model in FROM_TENSORFLOW else COLOURS


def locate(model: str, *, tick: Tick = silent, opener: Opener = urllib.request.urlopen, mirror: str = MIRROR) -> Path:
    """The file of a network's published weights: in SONDE_CACHE, checked, or there after a download.

    Raises: ConfigError for a network without any; DataError, saying which file to place where, when it cannot be downloaded
    """
    model = STANDS_ON.get(model, model)
    if model not in FILES:
        raise ConfigError(
            f"--pretrained imagenet: no published weights are known for {model}; give a file of weights, or use one of "
            f"{', '.join(FILES)}"
        )
    name, folder = FILES[model], cache_folder() / "weights"
    checksum = name.removesuffix(".pth").rpartition("-")[2]
    try:
        return fetch(RemoteFile(name=name, sha256=checksum, mirrors=(mirror + name,)), folder, tick=tick, opener=opener)
    except Unobtainable as error:
        raise DataError(
            f"--pretrained imagenet: {error}; put {name} (from {mirror}) into {folder}, or give it as --pretrained FILE"
        ) from None
