"""From a config to an optimiser: torch's own, fused where it can be, with decay where it belongs."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from sonde.core.config import OptimConfig
from sonde.core.errors import ConfigError
from sonde.optim.fused_adam import spare_the_compiler
from sonde.optim.groups import Groups, Named, grouped
from sonde.optim.muon import Muon

FUSED_DEVICES = ("cpu", "cuda")  # where torch has one kernel for a whole update of SGD, Adam and AdamW

USED: dict[str, tuple[str, ...]] = {
    "sgd": ("lr", "weight_decay"),
    "momentum": ("lr", "weight_decay", "momentum"),
    "nesterov": ("lr", "weight_decay", "momentum"),
    "rmsprop": ("lr", "weight_decay", "momentum", "beta2", "eps"),
    "adam": ("lr", "weight_decay", "beta1", "beta2", "eps"),
    "adamw": ("lr", "weight_decay", "beta1", "beta2", "eps"),
    "muon": ("lr", "weight_decay", "momentum", "beta1", "beta2", "eps"),
}
"""Fields of `OptimConfig` that each optimiser reads; the others have no effect on it."""


def build_optimizer(
    config: OptimConfig,
    parameters: Sequence[tuple[str, nn.Parameter]],
    *,
    lr: float,
    device_type: str,
    shares: Mapping[str, float] | None = None,
) -> Optimizer:
    """The optimiser a config names, over parameters with their names, at peak rate `lr`.

    Its groups carry a "name": decayed, plain (never decays) and, for Muon, matrices. Groups without parameters are left out.
    shares: of the rate, for parameters that learn at less than all of it, by name; the groups with the highest come first
    Raises: ConfigError for settings that exclude each other
    """
    if config.optimizer == "nesterov" and config.momentum == 0:
        raise ConfigError("--optimizer nesterov needs --momentum above 0; give one, or take --optimizer sgd")
    spare_the_compiler()
    groups = groups_of(config, parameters, lr=lr, shares=shares)
    fused = device_type in FUSED_DEVICES and not any(parameter.is_complex() for _, parameter in parameters)
    betas = (config.beta1, config.beta2)
    match config.optimizer:
        case "sgd":
            return SGD(groups, lr=lr, fused=fused)
        case "momentum" | "nesterov":
            return SGD(groups, lr=lr, momentum=config.momentum, nesterov=config.optimizer == "nesterov", fused=fused)
        case "rmsprop":
            return RMSprop(groups, lr=lr, alpha=config.beta2, eps=config.eps, momentum=config.momentum)
        case "adam":
            return Adam(groups, lr=lr, betas=betas, eps=config.eps, fused=fused)
        case "adamw":
            return AdamW(groups, lr=lr, betas=betas, eps=config.eps, fused=fused)
        case "muon":
            return Muon(
                groups, lr=lr, momentum=config.momentum, betas=betas, eps=config.eps, dtype=product_dtype(device_type)
            )


def groups_of(
    config: OptimConfig,
    parameters: Sequence[Named],
    *,
    lr: float,
    shares: Mapping[str, float] | None = None,
    among: Sequence[nn.Parameter] | None = None,
) -> list[dict[str, Any]]:
    """The groups of `build_optimizer`. among: groups of these parameters alone, each treated as in the groups of all"""
    muon = config.optimizer == "muon"
    split = grouped(parameters, muon=muon)
    groups = _groups(split, weight_decay=config.weight_decay, muon=muon)
    if shares:
        groups = _by_rate(groups, split, {name: lr * share for name, share in shares.items()}, lr)
    if among is None:
        return groups
    wanted = {id(parameter) for parameter in among}
    kept = [{"lr": lr, **group, "params": [p for p in group["params"] if id(p) in wanted]} for group in groups]
    return [group for group in kept if group["params"]]


def hyperparameters(config: OptimConfig) -> dict[str, Any]:
    """The settings that the chosen optimiser reads.

    >>> hyperparameters(OptimConfig(optimizer="momentum", lr=0.1))
    {'lr': 0.1, 'weight_decay': 0.0, 'momentum': 0.9}
    """
    return {name: getattr(config, name) for name in USED[config.optimizer]}


def _groups(split: Groups, *, weight_decay: float, muon: bool) -> list[dict[str, Any]]:
    def group(name: str, members: list[Named], decay: float, rule: str) -> dict[str, Any]:
        entry = {"params": [parameter for _, parameter in members], "name": name, "weight_decay": decay}
        return {**entry, "rule": rule} if muon else entry

    if not weight_decay and not muon:  # one group is one kernel call a step: 40 µs less for the introductory network
        return [group("plain", [*split.decayed, *split.plain], 0.0, "adamw")]
    groups = [
        group("matrices", split.matrices, weight_decay, "muon"),
        group("decayed", split.decayed, weight_decay, "adamw"),
        group("plain", split.plain, 0.0, "adamw"),
    ]
    return [entry for entry in groups if entry["params"]]


def _by_rate(
    groups: list[dict[str, Any]], split: Groups, rates: Mapping[str, float], lr: float
) -> list[dict[str, Any]]:
    """Each group once per rate that its parameters have. A step's record tells the first group's, so the highest come first."""
    names = {id(p): name for listed in (split.matrices, split.decayed, split.plain) for name, p in listed}
    apart: list[dict[str, Any]] = []
    for group in groups:
        members: dict[float, list[nn.Parameter]] = {}
        for parameter in group["params"]:
            members.setdefault(rates.get(names[id(parameter)], lr), []).append(parameter)
        apart += [{**group, "params": held, "lr": rate} for rate, held in members.items()]
    return sorted(apart, key=lambda group: -group["lr"])


def product_dtype(device_type: str) -> torch.dtype:
    """What Muon's products are computed in: bfloat16 where the hardware has units for it, else float32.

    Measured on an AVX512 CPU: with units 2.5 to 3 times as fast as float32; without, bfloat16 is emulated, slowly. Those of an
    x86 processor are of no use where torch is held to AVX2 (ATEN_CPU_CAPABILITY), which its own list does not say.
    """
    if device_type == "cuda":
        return torch.bfloat16
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # not in every version this runs on
    wide = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    has_units = device_type == "cpu" and any(
        there and (wide or not name.startswith(("avx", "amx")))
        for name, there in capabilities.items()
        if name.endswith("bf16")
    )
    return torch.bfloat16 if has_units else torch.float32
