"""From a config to an optimiser: torch's own, fused where it can be, with decay where it belongs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from sonde.core.config import OptimConfig
from sonde.core.errors import ConfigError
from sonde.core.given_object import GivenObject
from sonde.optim.custom import OURS, arguments, called, class_of, made_by_itself, makes_its_own, reads
from sonde.optim.fused_adam import spare_the_compiler
from sonde.optim.groups import Groups, Named, grouped
from sonde.optim.muon import Muon

FUSED_DEVICES = ("cpu", "cuda")  # where torch has one kernel for a whole update of SGD, Adam and AdamW

USED = OURS


def build_optimizer(
    config: OptimConfig,
    parameters: Sequence[tuple[str, nn.Parameter]],
    *,
    lr: float,
    device_type: str,
    shares: Mapping[str, float] | None = None,
    sparse: bool = False,
    tables: Collection[int] = (),
) -> Optimizer:
    """The optimiser a config names or holds, over parameters with their names, at peak rate `lr`.

    The groups of one that is named carry a "name": decayed, plain (never decays) and, for Muon, matrices; those without
    parameters are left out. A class that was given is called as one would by hand: one group, all of it decays as the class says.
    shares: of the rate, for parameters that learn at less than all of it, by name; the groups with the highest come first
    tables: `id` of parameters that are embeddings, which never decay (`sonde.optim.groups.tables_in`)
    sparse: whether some gradients are, which the fused kernels do not take
    Raises: ConfigError for settings that exclude each other
    """
    if config.optimizer == "nesterov" and config.momentum == 0:
        raise ConfigError("--optimizer nesterov needs --momentum above 0; give one, or use --optimizer sgd")
    spare_the_compiler()
    choice = config.optimizer
    if isinstance(choice, GivenObject) and makes_its_own(choice):
        if shares:
            raise ConfigError(
                f"--layer-decay has no effect: optimizer={choice} has rates of its own; give its groups rates"
            )
        return made_by_itself(choice, [parameter for _, parameter in parameters])
    groups = groups_of(config, parameters, lr=lr, shares=shares, tables=tables)
    if (kind := class_of(choice)) is not None:
        rate = {"lr": lr} if "lr" in reads(choice) else {}
        return called(choice, kind, groups, **rate, **arguments(choice, config))
    real = not any(parameter.is_complex() for _, parameter in parameters)
    fused = device_type in FUSED_DEVICES and real and not sparse
    return _ours(config, groups, lr=lr, device_type=device_type, fused=fused)


def _ours(config: OptimConfig, groups: list[dict[str, Any]], *, lr: float, device_type: str, fused: bool) -> Optimizer:
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
            dtype = product_dtype(device_type)
            return Muon(groups, lr=lr, momentum=config.momentum, betas=betas, eps=config.eps, dtype=dtype)
    raise AssertionError(f"{config.optimizer} is not an optimiser of Sonde's")


def groups_of(
    config: OptimConfig,
    parameters: Sequence[Named],
    *,
    lr: float,
    shares: Mapping[str, float] | None = None,
    among: Sequence[nn.Parameter] | None = None,
    tables: Collection[int] = (),
) -> list[dict[str, Any]]:
    """The groups of `build_optimizer`. among: groups of these parameters alone, each treated as in the groups of all"""
    muon, choice = config.optimizer == "muon", config.optimizer
    decay = config.weight_decay if "weight_decay" in reads(choice) else 0.0  # the run's, where a phase's reads none
    # where all are treated alike their order stays that of names and shapes: a checkpoint knows them by their place
    split = grouped(parameters, muon=muon, tables=tables if muon or decay else ())
    if isinstance(choice, GivenObject):
        groups: list[dict[str, Any]] = [{"params": [parameter for _, parameter in parameters]}]
    else:
        groups = _groups(split, weight_decay=decay, muon=muon)
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
    return {name: getattr(config, name) for name in reads(config.optimizer)}


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
