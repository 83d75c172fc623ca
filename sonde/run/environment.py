"""What machine and software a run had, and what it can do with them."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sonde.core.findings import Finding
from sonde.engine.plan import cores, cxx_compiler


def describe(device: torch.device) -> dict[str, Any]:
    """The content of env.json."""
    from sonde import __version__

    return {
        "sonde": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
        "memory_bytes": _memory(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "git": _git(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": sys.argv,
    }


@contextmanager
def compiled(modules: nn.ModuleDict, device: torch.device) -> Iterator[list[Finding]]:
    """Each module's forward compiled for the body's duration; without a C++ compiler it stays eager, and the finding says so.

    A function of ours stands between, because torch.compile passes over a forward that is torch's own (nn.Sequential's).
    """
    if device.type == "cpu" and cxx_compiler() is None:
        yield [
            Finding(
                check="not compiled",
                severity="warning",
                evidence="--compile needs a C++ compiler on a CPU, and neither g++ nor clang++ is installed",
                action="install g++ (Debian: apt install g++); the run went on without compiling",
            )
        ]
        return
    before = [(module, vars(module).get("forward")) for module in modules.values()]
    try:
        for module in modules.values():
            module.forward = torch.compile(_calling(module.forward))
        yield []
    finally:
        for module, own in before:
            del module.forward
            if own is not None:
                module.forward = own


def _calling(forward: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return forward(*args, **kwargs)

    return call


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory() -> int | None:
    if not hasattr(os, "sysconf"):
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _git() -> dict[str, Any] | None:
    """Revision of the project the command was run in; None outside of one."""
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True
        ).stdout.strip()
        status = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return {"revision": head, "dirty": bool(status.strip())}
