"""Running commands side by side and writing what was measured."""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.summary import renew

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def data_folder() -> Path:
    """SONDE_DATA, else ../shared/data beside the project."""
    folder = Path(os.environ.get("SONDE_DATA") or ROOT.parent / "shared" / "data").resolve()
    if not folder.is_dir():
        raise SystemExit(f"no data at {folder}; set SONDE_DATA")
    return folder


def tools_folder() -> Path:
    """Where torchvision_on_cpu.py stands, for machines whose torch has no torchvision build."""
    return Path(os.environ.get("SONDE_PARITY_TOOLS") or data_folder().parent / "tools").resolve()


def run(
    command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> tuple[float, str]:
    """(wall seconds of the whole process, its standard output). Raises: CalledProcessError, showing the error output."""
    begun = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True
    )
    seconds = time.perf_counter() - begun
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-4000:], sep="\n")
        done.check_returncode()
    return seconds, done.stdout


def sonde_train(data: Path, *flags: str) -> tuple[float, dict[str, Any]]:
    """`sonde train` as a process of its own: (wall seconds, its result.json)."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        seconds, output = run([sys.executable, "-m", "sonde", "train", data, "--out", out, *flags])
        print(output)
        result = json.loads((out / "result.json").read_text())
    return seconds, result


def last_json(output: str) -> dict[str, Any]:
    """The last line of a peer's output that is JSON."""
    return json.loads(next(line for line in reversed(output.splitlines()) if line.startswith("{")))


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }


def write(name: str, content: Mapping[str, Any]) -> None:
    """benchmarks/results/<name>.json, with the machine and the command that measures it; the table of docs/results.md with it."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    body = {"command": f"python -m benchmarks.{name}", "machine": machine(), **content}
    path.write_text(json.dumps(body, indent=2) + "\n")
    renew()
    print(f"wrote {path.relative_to(ROOT)}, and the table of docs/results.md anew")


def spread(values: Sequence[float]) -> dict[str, float | int]:
    """Mean, standard deviation, median, n."""
    return {
        "mean": round(statistics.mean(values), 5),
        "sd": round(statistics.stdev(values), 5) if len(values) > 1 else 0.0,
        "median": round(statistics.median(values), 5),
        "n": len(values),
    }
