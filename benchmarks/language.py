"""Characters of Shakespeare: what the recipe reaches in a quarter of an hour, and nanoGPT's CPU recipe in half of its time.

python -m benchmarks.language [--minutes 15] [--steps 2000]. nanoGPT trains first, by its own script with the settings of its
README, and is timed from the start of its process to the end. `sonde train tinyshakespeare` with a network of that size then
gets half of those seconds, its start included; and then the recipe as it comes the minutes asked for. All are judged on every
window of the last tenth of the text, which none has trained on. nanoGPT is looked for in .peers/nanogpt or SONDE_NANOGPT.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.peers.nanogpt import folder
from benchmarks.timing import data_folder, last_json, run, sonde_train, write

END_S = 2.0  # of a process after its run has ended; what comes before is inside the time limit
# the size and the context of nanoGPT's recipe, for the race
SMALL = "--width 128 --heads 4 --max-tokens 64 --batch-size 48 --dropout 0"


def nanogpt(text: Path, steps: int) -> dict[str, float]:
    script = Path(__file__).parent / "peers" / "nanogpt.py"
    with tempfile.TemporaryDirectory() as out:
        _, output = run([sys.executable, script, folder(), text, out, str(steps)])
    return last_json(output)


def ours(text: Path, seconds: float, *flags: str) -> dict[str, float]:
    wall, result = sonde_train(text, "--time-limit", f"{seconds:.0f}s", *flags)
    scores = result["metrics"]["validation"]
    return {
        "seconds": round(wall, 1),
        "limit": round(seconds, 1),
        "loss": round(scores["loss"], 4),
        "accuracy": round(scores["accuracy"], 4),
        "parameters": result["parameters"],
        "windows a second": result["samples_per_s"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--steps", type=int, default=2000, help="of nanoGPT, whole 250s; its README says 2000")
    chosen = parser.parse_args()
    text = data_folder() / "tinyshakespeare" / "input.txt"
    peer = nanogpt(text, chosen.steps)
    print(peer, flush=True)
    half = ours(text, 0.5 * peer["seconds"] - END_S, *SMALL.split())
    print(half, flush=True)
    whole = ours(text, 60 * chosen.minutes)
    print(whole, flush=True)
    write(
        "language",
        {
            "unit": "nats a character on the last tenth of the text",
            "nanogpt": {name: round(value, 4) for name, value in peer.items()},
            "half": {**half, "share of nanoGPT's time": round(half["seconds"] / peer["seconds"], 3)},
            "minutes": {**whole, "minutes": chosen.minutes},
        },
    )


if __name__ == "__main__":
    main()
