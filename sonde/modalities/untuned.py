"""Settings of networks of numbers (images, tables, arrays) that nothing here has tuned: those of papers and introductions."""

from typing import Any

from sonde.core.dataset import Dataset
from sonde.models.table import MODELS

Settings = dict[str, tuple[Any, str]]

INTRODUCTORY = "a common default for this model"
SYMBOLS = 64  # pixels: up to here grey images may show symbols
SLOW_NORM = ("mobilenet-v3-small", "mobilenet-v3-large", "efficientnet-b5", "efficientnet-b6", "efficientnet-b7")
WITHOUT_NORM = ("alexnet", "vgg11", "vgg13", "vgg16", "vgg19")


def untuned(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a network of numbers that no measurement here has tuned."""
    if model == "perceptron" and dataset.schema.target.kind in ("class", "labels"):
        why = "Rosenblatt's perceptron rule: one row at a time, learning rate 1, zero initial weights"
        return {
            "loss": ("perceptron", why),
            "optimizer": ("sgd", why),
            "lr": (1.0, why),
            "batch_size": (1, why),
            "epochs": (5, why),
        }
    if model in ("mlp", "lenet5", "perceptron") or model not in MODELS:
        settings: Settings = {
            "optimizer": ("adam", INTRODUCTORY),
            "lr": (1e-3, INTRODUCTORY),
            "epochs": (10, INTRODUCTORY),
        }
        if model == "mlp":
            # MNIST, 784-256-128-10, 5 epochs, test accuracy: torch 97.93 % (mean of 3 seeds), he 97.74 % (5 seeds)
            settings["init"] = ("torch", "better than He initialisation on this model")
        return settings
    if model.startswith(("vit-", "convnext-")):
        return {**_transformer_settings(), "augment": _views(dataset)}
    why = "usual for residual networks: SGD with momentum, cosine schedule"
    rate = (0.05, why)
    if model in WITHOUT_NORM:
        rate = (0.01, "the rate of their papers; larger rates need normalisation layers")
    settings = {
        "optimizer": ("nesterov", why),
        "lr": rate,
        "weight_decay": (5e-4, why),
        "schedule": ("cosine", why),
        "warmup": (0.1, why),
        "batch_size": (128, why),
        "epochs": (10, why),
        "augment": _views(dataset),
    }
    if model in SLOW_NORM:
        # digits, mobilenet-v3-small, 10 epochs of 11 steps, test accuracy: 10.0 % by the published 0.01, 94.4 % by 0.1 (one seed)
        settings["norm_momentum"] = (0.1, "with the published 0.01 the running statistics lag hundreds of steps behind")
    return settings


def _transformer_settings() -> Settings:
    """Layer norms and attention in place of batch norms: plain SGD hardly moves such networks from where they start."""
    why = "usual for vision transformers and ConvNeXt: AdamW, warm-up, cosine schedule"
    return {
        "optimizer": ("adamw", why),
        "lr": (5e-4, why),
        "weight_decay": (0.05, why),
        "schedule": ("cosine", why),
        "warmup": (0.1, why),
        "clip": (1.0, "gradient clipping of vision transformers (Dosovitskiy et al. 2020, appendix B.1)"),
        "batch_size": (128, why),
        "epochs": (10, why),
    }


def _views(dataset: Dataset) -> tuple[str, str]:
    """Small grey images may be digits or letters, which are others, or none, in a mirror; so whatever the network."""
    shape = dataset.schema.input.shape
    if len(shape) == 3 and shape[0] == 1 and max(shape[1:]) <= SYMBOLS:
        far = 1 if min(shape[1:]) < 16 else 2
        return f"crop={far}:zero", "digits and letters keep their label under small shifts, not under flips"
    return "flip", "mirror images are equally likely"
