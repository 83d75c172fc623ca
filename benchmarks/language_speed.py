"""Tokens a second: training steps beside nanoGPT's, and generation with memory and without.

python -m benchmarks.language_speed [--threads 2] [--rounds 7]. In one process, taking turns every few steps: our GPT-2 and
nanoGPT's of the same size with their whole steps (batch, forward, backward, clipping, AdamW), each in float32 and bfloat16;
medians over slices. Then our generation of 256 characters with memory and without, which must give the same text, and
nanoGPT's, which has no memory. nanoGPT is looked for in .peers/nanogpt or SONDE_NANOGPT.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from itertools import islice

import torch

from benchmarks.peers.nanogpt import encoded, folder, network
from benchmarks.peers.nanogpt import steps as nanogpt_steps
from benchmarks.timing import data_folder, write
from sonde.core.config import FeedConfig, MachineConfig, OptimConfig, TrainConfig
from sonde.core.dataset import InputSpec
from sonde.engine.clock import Clock
from sonde.engine.loop import batches_of
from sonde.modalities.open import open_data
from sonde.modalities.settings import data_config
from sonde.models.build import build
from sonde.models.gpt import GPTConfig
from sonde.run.build import assemble
from sonde.tasks.decode.generation import continued
from sonde.tasks.decode.sampling import Sampling
from sonde.tasks.language_model.config import LanguageModelConfig

SIZES = {  # name -> (our model, context, batch, steps of a slice, nanoGPT's sizes): of its README's recipes for CPU and GPU
    "4 x 128, context 64": ("gpt-small", 64, 12, 20, {"n_layer": 4, "n_head": 4, "n_embd": 128}),
    "6 x 384, context 256": ("gpt-baby", 256, 8, 2, {"n_layer": 6, "n_head": 6, "n_embd": 384}),
}
LENGTH = 256  # characters that are generated


def our_steps(text: str, model: str, context: int, batch: int, precision: str) -> Iterator[None]:
    """An endless loop that yields after each step of a run, batch included."""
    config = TrainConfig(
        model=model,
        task="language-model",
        data=data_config({"max_tokens": context}),
        feed=FeedConfig(batch_size=batch),
        optim=OptimConfig(optimizer="adamw", lr=1e-3, weight_decay=0.1, beta2=0.99, clip=1.0),
        machine=MachineConfig(device="cpu", precision=precision),  # type: ignore[arg-type]
        model_config=GPTConfig(bias=False, activation="gelu"),  # as nanoGPT's script sets its own
        task_config=LanguageModelConfig(),
    )
    assembly = assemble(open_data(text, config.data), config, clock=Clock())
    stepper = assembly.stepper(lr=1e-3, total=1_000_000)
    source = batches_of(assembly.train, stepper.settings)
    number = 0
    while True:
        number += 1
        stepper(next(source), step=number, epoch=0)
        yield


def training(text: str, rounds: int) -> dict[str, dict[str, float]]:
    """Tokens a second of each program, precision and size."""
    with open(text, encoding="utf-8") as file:
        tokens, _, symbols = encoded(file.read())
    found: dict[str, dict[str, float]] = {}
    for name, (model, context, batch, steps, sizes) in SIZES.items():
        loops: dict[str, Iterator[None]] = {}
        for precision in ("fp32", "bf16"):
            more = {**sizes, "vocab_size": symbols, "block_size": context}
            loops[f"nanogpt {precision}"] = nanogpt_steps(
                folder(), tokens, batch_size=batch, precision=precision, **more
            )
            loops[f"sonde {precision}"] = our_steps(text, model, context, batch, precision)
        slices: dict[str, list[float]] = {program: [] for program in loops}
        for number in range(rounds + 1):
            for program, loop in loops.items():
                begun = time.perf_counter()
                for _ in range(steps):
                    next(loop)
                if number:  # the first warms up
                    slices[program].append(batch * context * steps / (time.perf_counter() - begun))
        found[name] = {program: round(statistics.median(rates)) for program, rates in slices.items()}
        print(name, found[name], flush=True)
    return found


def generation(rounds: int) -> dict[str, float | bool]:
    """Tokens a second of `LENGTH` tokens after one, of the larger size, on weights as drawn."""
    spec = InputSpec(kind="tokens", shape=(LENGTH,), symbols=69)
    torch.manual_seed(0)
    ours, theirs = (
        build("gpt-baby", spec, 69).eval(),
        network(folder(), n_layer=6, n_head=6, n_embd=384, block_size=LENGTH, vocab_size=69).eval(),
    )
    rates: dict[str, list[float]] = {"with memory": [], "without": [], "nanogpt": []}
    texts: dict[str, list[int]] = {}
    prompt = torch.full((1, 1), 9)
    for _ in range(rounds):
        for name in rates:
            begun = time.perf_counter()
            if name == "nanogpt":
                theirs.generate(prompt, LENGTH - 1, temperature=0.8)
            else:
                drawn = torch.Generator().manual_seed(0)
                following = continued(ours, prompt, Sampling(), drawn, context=LENGTH, memory=name == "with memory")
                texts[name] = [int(token) for token in islice(following, LENGTH - 1)]
            rates[name].append((LENGTH - 1) / (time.perf_counter() - begun))
    found: dict[str, float | bool] = {name: round(statistics.median(values), 1) for name, values in rates.items()}
    found["times as fast"] = round(float(found["with memory"]) / float(found["without"]), 2)
    found["same text"] = texts["with memory"] == texts["without"]
    print(found, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    text = str(data_folder() / "tinyshakespeare" / "input.txt")
    table = training(text, chosen.rounds)
    generated = generation(max(1, chosen.rounds // 2))
    write(
        "language_speed",
        {"unit": "tokens a second", "threads": chosen.threads, "training": table, "generation": generated},
    )


if __name__ == "__main__":
    main()
