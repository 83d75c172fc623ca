"""What a training loop costs over a bare loop that does the same steps on resident tensors, in microseconds a step.

python -m benchmarks.overhead: Sonde with logging on beside the bare loop, in one process and taking turns every hundred
steps; then Lightning, Keras and fastai, each in its own environment beside the same bare loop in its own process. One
thread, the introductory network (784-256-128-10, dropout, fused Adam, batch 64).
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

import sonde
from benchmarks.environments import python
from benchmarks.peers.bare_loop import bare_steps, data, network
from benchmarks.timing import last_json, run, tools_folder, write

HERE = Path(__file__).parent
SLICE = 100  # steps that are timed together


def ours(steps: int) -> dict[str, float]:
    """Medians over slices of `SLICE` steps. Inside one run of `sonde.fit`, each of its slices is followed by one of either
    bare loop, so that a machine that gets slower or faster does so for all three alike."""
    torch.set_num_threads(1)
    x, y = data()
    bare, recording = bare_steps(x, y, record=False), bare_steps(x, y, record=True)
    slices: list[tuple[float, float, float]] = []
    calls, since = 0, time.perf_counter()

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        nonlocal calls, since
        if calls % SLICE == 0:
            mine = time.perf_counter() - since
            slices.append((mine, timed(bare), timed(recording)))
            since = time.perf_counter()
        calls += 1
        return torch.nn.functional.cross_entropy(output, target)

    with tempfile.TemporaryDirectory() as temporary:
        settings = {"optimizer": "adam", "lr": 1e-3, "batch_size": 64, "steps": steps, "threads": 1, "quiet": True}
        sonde.fit(network(), (x, y), loss=loss, out=f"{temporary}/run", **settings)
    mine, bare_s, recording_s = zip(*slices[2:], strict=True)  # the first hold the start of the run and warm up
    microseconds = 1e6 / SLICE
    return {
        "bare": statistics.median(bare_s) * microseconds,
        "bare that records": statistics.median(recording_s) * microseconds,
        "sonde": statistics.median(mine) * microseconds,
        "over bare": statistics.median(a - b for a, b in zip(mine, bare_s, strict=True)) * microseconds,
        "over bare that records": statistics.median(a - b for a, b in zip(mine, recording_s, strict=True))
        * microseconds,
        "slices": len(mine),
    }


def timed(loop: Iterator[None]) -> float:
    begun = time.perf_counter()
    for _ in range(SLICE):
        next(loop)
    return time.perf_counter() - begun


def peer(name: str, steps: int, rounds: int) -> dict[str, float]:
    env = {"SONDE_PARITY_TOOLS": str(tools_folder()), "KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    script = HERE / "peers" / f"{name}_loop.py"
    _, output = run([python(name), script, str(steps), str(rounds)], env=env, cwd=HERE.parent)
    return last_json(output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--steps", type=int, default=2000, help="of each peer and round; Sonde's run is five times as long"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", nargs="*", default=("lightning", "keras", "fastai"))
    chosen = parser.parse_args()
    begun = time.perf_counter()
    table = {"sonde": {name: round(value, 1) for name, value in ours(5 * chosen.steps).items()}}
    print(json.dumps(table, indent=2), flush=True)
    for name in chosen.peers:
        row = peer(name, chosen.steps, chosen.rounds)
        table[name] = {**row, "over bare": round(row[name] - row["bare"], 1)}
        print(name, table[name], flush=True)
    write("overhead", {"unit": "microseconds a step", "table": table, "seconds": round(time.perf_counter() - begun)})


if __name__ == "__main__":
    main()
