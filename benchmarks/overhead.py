"""What a training loop costs over a bare loop that does the same steps on resident tensors, in microseconds a step.

python -m benchmarks.overhead: Sonde with logging on beside the bare loop, in one process and interleaved; then Lightning,
Keras and fastai, each in its own environment beside the same bare loop in its own process. One thread, the introductory
network (784-256-128-10, dropout, fused Adam, batch 64).
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import torch

import sonde
from benchmarks.environments import PEERS, python
from benchmarks.peers.bare_loop import bare_loop, data, network
from benchmarks.timing import last_json, run, tools_folder, write
from sonde.core.findings import Finding  # noqa: F401 - import cost stays out of the timing

HERE = Path(__file__).parent


def fit_seconds(x: torch.Tensor, y: torch.Tensor, steps: int, out: Path) -> float:
    """Seconds that `sonde.fit` spends inside its loop: logging every 10 steps, no checkpoint but the last."""
    run = sonde.fit(
        network(),
        (x, y),
        loss=torch.nn.functional.cross_entropy,
        optimizer="adam",
        lr=1e-3,
        batch_size=64,
        steps=steps,
        threads=1,
        out=str(out),
        quiet=True,
    )
    spent = run.result["seconds"]
    return spent["input"] + spent["step"] + spent["optimizer"] + spent["other"]


def ours(steps: int, rounds: int) -> dict[str, float]:
    torch.set_num_threads(1)
    x, y = data()
    rows: dict[str, list[float]] = {"bare": [], "bare that records": [], "sonde": []}
    with tempfile.TemporaryDirectory() as temporary:
        for number in range(rounds):
            rows["bare"].append(bare_loop(x, y, steps, record=False))
            rows["bare that records"].append(bare_loop(x, y, steps, record=True))
            # the difference of two lengths leaves out what is done once per run (folder, evaluation, report)
            short = fit_seconds(x, y, steps // 4, Path(temporary) / f"short-{number}")
            long = fit_seconds(x, y, steps + steps // 4, Path(temporary) / f"long-{number}")
            rows["sonde"].append((long - short) / steps * 1e6)
    return {name: statistics.median(values) for name, values in rows.items()}


def peer(name: str, steps: int, rounds: int) -> dict[str, float]:
    env = {"SONDE_PARITY_TOOLS": str(tools_folder()), "KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    script = HERE / "peers" / f"{name}_loop.py"
    _, output = run([python(name), script, str(steps), str(rounds)], env=env, cwd=HERE.parent)
    return last_json(output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", nargs="*", default=[name for name in PEERS if name != "torchvision"])
    chosen = parser.parse_args()
    begun = time.perf_counter()
    table = {"sonde": ours(chosen.steps, chosen.rounds)}
    print(json.dumps(table, indent=2), flush=True)
    for name in chosen.peers:
        table[name] = peer(name, chosen.steps, chosen.rounds)
        print(name, table[name], flush=True)
    summary = {name: {**row, "over bare": round(row[name] - row["bare"], 1)} for name, row in table.items()}
    mine = summary["sonde"]
    mine["over bare that records"] = round(mine["sonde"] - mine["bare that records"], 1)
    print(json.dumps(summary, indent=2))
    write("overhead", {"unit": "microseconds a step", "table": summary, "seconds": round(time.perf_counter() - begun)})


if __name__ == "__main__":
    main()
