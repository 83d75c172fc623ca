"""Tokens a second of a recurrent language model's training: two LSTM layers of 256, batches of 64 windows of 64 characters.

python -m benchmarks.sequence_speed [--threads N --rounds 7 --steps 5]. In one process, taking turns every few steps: Sonde's
whole steps on Shakespeare's plays (windows drawn, forward, loss, backward, guard, clipping, Adam) and a bare torch loop that
does the same, in float32 and bfloat16. Then Keras, with each of its backends that its environment holds, beside the same bare
loop in its own process. Medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.environments import python
from benchmarks.peers.bare_lstm import BATCH, CLIP, WINDOW, steps, text, tokens_per_s
from benchmarks.timing import data_folder, last_json, run, write
from sonde.core.config import FeedConfig, MachineConfig, OptimConfig, TrainConfig
from sonde.engine.clock import Clock
from sonde.engine.loop import batches_of
from sonde.engine.plan import Precision
from sonde.modalities.open import open_data
from sonde.modalities.settings import data_config
from sonde.models.recurrent_language import RecurrentLanguageConfig
from sonde.run.build import assemble
from sonde.tasks.language_model.config import LanguageModelConfig

HERE = Path(__file__).parent
BACKENDS = {"torch": "torch", "jax": "jax"}  # of Keras: name -> the package it needs
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")


def our_steps(data: Path, precision: Precision) -> Iterator[None]:
    """An endless loop that yields after each step of a run, its batch included."""
    config = TrainConfig(
        model="lstm-lm",
        task="language-model",
        data=data_config({"max_tokens": WINDOW}),
        feed=FeedConfig(batch_size=BATCH),
        optim=OptimConfig(optimizer="adam", lr=1e-3, clip=CLIP),
        machine=MachineConfig(device="cpu", precision=precision),
        model_config=RecurrentLanguageConfig(),
        task_config=LanguageModelConfig(),
    )
    assembly = assemble(open_data(str(data), config.data), config, clock=Clock())
    stepper = assembly.stepper(lr=1e-3, total=1_000_000)
    source = batches_of(assembly.train, stepper.settings)
    number = 0
    while True:
        number += 1
        stepper(next(source), step=number, epoch=0)
        yield


def ours(data: Path, rounds: int, count: int) -> dict[str, int]:
    """Tokens a second of Sonde and of the bare loop, in each precision."""
    tokens = text()
    loops: dict[str, Iterator[None]] = {}
    for precision in PRECISIONS:
        loops[f"bare, {precision}"] = steps(tokens, bfloat16=precision == "bf16")
        loops[f"sonde, {precision}"] = our_steps(data, precision)
    rates: dict[str, list[float]] = {name: [] for name in loops}
    for number in range(rounds + 1):
        for name, loop in loops.items():
            rate = tokens_per_s(loop, count)
            if number:  # the first warms up
                rates[name].append(rate)
    return {name: round(statistics.median(values)) for name, values in rates.items()}


def of_keras(backend: str, rounds: int, count: int, threads: int) -> dict[str, int] | None:
    """Tokens a second of Keras and of the bare loop beside it; None where the backend is not installed."""
    interpreter = python("keras")
    there = subprocess.run([interpreter, "-c", f"import {BACKENDS[backend]}"], capture_output=True, check=False)
    if there.returncode:
        return None
    env = {"KERAS_BACKEND": backend, "OMP_NUM_THREADS": str(threads)}
    _, output = run([interpreter, HERE / "peers" / "keras_lstm.py", str(count), str(rounds), str(threads)], env=env)
    return last_json(output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=5, help="of each turn")
    chosen = parser.parse_args()
    begun = time.perf_counter()
    torch.set_num_threads(chosen.threads)
    table: dict[str, dict[str, int]] = {
        "sonde": ours(data_folder() / "tinyshakespeare" / "input.txt", chosen.rounds, chosen.steps)
    }
    print(json.dumps(table, indent=2), flush=True)
    for backend in BACKENDS:
        found = of_keras(backend, max(1, chosen.rounds // 2), chosen.steps, chosen.threads)
        print(f"keras on {backend}", found or "is not installed", flush=True)
        if found:
            table[f"keras on {backend}"] = found
    settings = {"unit": "tokens a second", "threads": chosen.threads, "rounds": chosen.rounds}
    write("sequence_speed", {**settings, "table": table, "seconds": round(time.perf_counter() - begun)})


if __name__ == "__main__":
    main()
