"""SIGKILLs at random moments of real `sonde train` processes, each resumed until it ends: does anything differ?

python -m benchmarks.kill [--kills 100]: five configurations take turns. Each is first run straight through; then it is started,
killed after a random time, resumed, killed again, … until it finishes, and compared bit by bit with the straight run.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.timing import data_folder, write
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines
from sonde.engine.tree import same
from sonde.engine.used_memory import KEYS

COMMON = ["--threads", "1", "--quiet"]
MLP = (
    "digits --model mlp --hidden 128 --dropout 0.3 --batch-size 128 --accumulate 3 --ema 0.95 --optimizer adam "
    "--epochs 25 --checkpoint-every 5steps --patience 20 --evaluate-every 0.5"
)
CNN = "digits --epochs 6 --checkpoint-every 3steps --augment crop=1:zero,rotate=10,cutout=2"
STREAM = (
    "digits --feed streaming --workers 2 --optimizer nesterov --lr 0.05 --epochs 6 --checkpoint-every 4steps "
    "--augment crop=1"
)
VAE = "digits --task vae --ema 0.95 --epochs 25 --checkpoint-every 5steps"
VQ_VAE = "digits --task vq-vae --codes 64 --epochs 10 --checkpoint-every 5steps"
CONFIGS: Mapping[str, Sequence[str]] = {
    "mlp, pieces, average, patience": MLP.split(),
    "compact-cnn, fused AdamW, channels_last, augmented": CNN.split(),
    "streaming workers, Nesterov": STREAM.split(),
    "vae, average": VAE.split(),
    "vq-vae, codebook": VQ_VAE.split(),
}


def command(out: Path, flags: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "sonde", "train", *flags, *COMMON, "--out", str(out)]


def left(out: Path) -> dict[str, Any]:
    """Every tensor and decision of the last and best checkpoints, and every logged number but the seconds."""
    weights, state = checkpoint.read(out / "checkpoints" / "last")
    parts = ("progress", "stepper", "source", "task", "random", "buffers", "observers")
    lines = [line for line in read_lines(out / "metrics.jsonl") if line["kind"] != "event"]
    logged = [
        {name: value for name, value in line.items() if name not in ("seconds", "elapsed", *KEYS)} for line in lines
    ]
    best = checkpoint.read(out / "checkpoints" / "best")[0]
    return {"weights": weights, "best": best, "logged": logged, **{name: state[name] for name in parts}}


def unreadable(out: Path) -> int:
    """Checkpoints in place that cannot be read: there must be none, whatever the moment of the kill."""
    count = 0
    for name in ("last", "previous", "best"):
        folder = out / "checkpoints" / name
        if folder.is_dir():
            try:
                checkpoint.read(folder)
            except Exception as error:
                print(f"unreadable: {error}", flush=True)
                count += 1
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    drawn = random.Random(chosen.seed)
    data_folder()
    table = {name: {"kills": 0, "runs": 0, "differences": 0, "unreadable": 0} for name in CONFIGS}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        straight: dict[str, Any] = {}
        seconds: dict[str, float] = {}
        for number, (name, flags) in enumerate(CONFIGS.items()):
            begun = time.perf_counter()
            subprocess.run(command(root / f"straight-{number}", flags), check=True)
            seconds[name] = time.perf_counter() - begun
            straight[name] = left(root / f"straight-{number}")
        kills = run = 0
        while kills < chosen.kills:
            name = list(CONFIGS)[run % len(CONFIGS)]
            out = root / f"run-{run}"
            run += 1
            kills += until_it_ends(out, name, seconds[name], drawn, table[name], most=chosen.kills - kills)
            now = left(out)
            different = [part for part, value in straight[name].items() if not same(now[part], value)]
            table[name]["runs"] += 1
            table[name]["differences"] += bool(different)
            print(f"{kills} kills: {name}: {different or 'equal'}", flush=True)
    print(json.dumps(table, indent=2))
    total = {key: sum(row[key] for row in table.values()) for key in ("kills", "runs", "differences", "unreadable")}
    write("kill", {"total": total, "table": table})
    sys.exit(bool(total["differences"] or total["unreadable"]))


def until_it_ends(
    out: Path, name: str, straight_s: float, drawn: random.Random, row: dict[str, int], *, most: int
) -> int:
    """Start, kill, resume, … until the run has finished; how often it was killed."""
    kills = 0
    while True:
        process = subprocess.Popen(command(out, CONFIGS[name]), stdout=subprocess.DEVNULL)
        # never before the imports are done: there would be nothing to interrupt
        patience = drawn.uniform(0.5, 1.0) * straight_s if kills < most and kills < 8 else None
        try:
            code = process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            row["kills"] += 1
            row["unreadable"] += unreadable(out)
            continue
        if code:
            raise SystemExit(f"{name}: exit code {code}")
        return kills


if __name__ == "__main__":
    main()
