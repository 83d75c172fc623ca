"""Characters of Shakespeare: masked diffusion beside a language model, of the same blocks, time and held-out text.

python -m benchmarks.masked_diffusion [--minutes 10] [--texts 64]. Both train as their recipes have it, with networks of one size,
for the same time. Nats a character of the last tenth of the text: of the language model exact, of diffusion an upper bound. Then
texts are made in several numbers of steps, and the language model says how likely they are, as it does of held-out windows; the
entropy of their characters stands beside that, since texts that repeat themselves are likely too (Zheng et al. 2024,
arXiv:2409.02908).
"""

import argparse
import math
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sonde
from benchmarks.timing import data_folder, machine, write

SIZE: dict[str, Any] = {"width": 192, "layers": 4, "heads": 3, "max_tokens": 128}
STEPS = (8, 32, 128)
HELD_OUT = 0.1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0, help="of training, each")
    parser.add_argument("--texts", type=int, default=64, help="made for each number of steps")
    asked = parser.parse_args()
    text = data_folder() / "tinyshakespeare" / "input.txt"
    about = machine()
    with tempfile.TemporaryDirectory() as out:
        runs = {
            task: sonde.train(text, task=task, out=f"{out}/{task}", time_limit=f"{60 * asked.minutes:.0f}s", **SIZE)
            for task in ("language-model", "masked-diffusion")
        }
        judge, made = runs["language-model"], runs["masked-diffusion"]
        samples = {"held-out text": judged(judge, held_out(text, asked.texts))}
        for sampler in ("random-order", "ancestral", "confidence"):
            for steps in STEPS:
                began = time.perf_counter()
                texts = made.sample(asked.texts, steps=steps, sampler=sampler)
                seconds = time.perf_counter() - began
                samples[f"{sampler}, {steps} steps"] = {
                    **judged(judge, texts),
                    "texts a second": round(asked.texts / seconds, 2),
                }
        scores = {task: _rounded(run.metrics) for task, run in runs.items()}
    print(scores, samples, sep="\n")
    write(
        "masked_diffusion",
        {
            "machine": about,
            "unit": "nats a character on the last tenth of the text; of masked-diffusion an upper bound",
            "minutes": asked.minutes,
            "network": SIZE,
            "held out": scores,
            "texts": {"number": asked.texts, "judged by the language model": samples},
        },
    )


def held_out(text: Path, number: int) -> list[str]:
    """Windows spread evenly over the part that is validated."""
    whole = text.read_text(encoding="utf-8")
    rest, length = whole[round((1 - HELD_OUT) * len(whole)) :], SIZE["max_tokens"]
    apart = (len(rest) - length) // number
    return [rest[place * apart : place * apart + length] for place in range(number)]


def judged(run: sonde.Run, texts: Sequence[str]) -> dict[str, float]:
    """nats: of a character by the language model, the mean over texts;  entropy: of the characters of all texts together."""
    nats = [math.log(each["perplexity"]) for each in run.predict(list(texts))]
    counts = Counter("".join(texts))
    shares = [count / counts.total() for count in counts.values()]
    entropy = -sum(share * math.log(share) for share in shares)
    return {"nats": round(sum(nats) / len(nats), 3), "entropy": round(entropy, 3)}


def _rounded(metrics: dict[str, Any]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in metrics.items() if isinstance(value, float)}


if __name__ == "__main__":
    main()
