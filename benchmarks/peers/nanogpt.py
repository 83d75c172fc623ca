"""nanoGPT from a folder of its own (SONDE_NANOGPT, else .peers/nanogpt): its network and the step of its training script.

python benchmarks/peers/nanogpt.py FOLDER TEXT OUT STEPS: its CPU recipe for Shakespeare as its README gives it, by its own
train.py, then its best checkpoint judged on every window of the last tenth of the text. The last line printed is JSON.
"""

import contextlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
HOME = "https://github.com/karpathy/nanoGPT"
CONTEXT = 64
RECIPE = [
    "config/train_shakespeare_char.py",
    "--device=cpu",
    "--compile=False",
    "--eval_iters=20",
    "--log_interval=100",
    "--block_size=64",
    "--batch_size=12",
    "--n_layer=4",
    "--n_head=4",
    "--n_embd=128",
    "--dropout=0.0",
]


def folder():
    """Where nanoGPT is. Raises: SystemExit with what to do."""
    found = Path(os.environ.get("SONDE_NANOGPT") or ROOT / ".peers" / "nanogpt")
    if not (found / "model.py").is_file():
        raise SystemExit(f"no nanoGPT at {found}; git clone {HOME} {found}, or set SONDE_NANOGPT")
    return found


def network(where, **sizes):
    """Its GPT, without biases and dropout as in its training script, at PyTorch's seed 0."""
    sys.path.insert(0, str(where))
    try:
        from model import GPT, GPTConfig
    finally:
        sys.path.remove(str(where))
    torch.manual_seed(0)
    with contextlib.redirect_stdout(None):
        return GPT(GPTConfig(bias=False, dropout=0.0, **sizes))


def steps(where, tokens, *, batch_size, precision="fp32", **sizes):
    """An endless loop that yields after each step of its training script: batch, forward, backward, clipping, AdamW."""
    model = network(where, **sizes)
    with contextlib.redirect_stdout(None):
        optimizer = model.configure_optimizers(1e-1, 1e-3, (0.9, 0.99), "cpu")
    context = sizes["block_size"]
    half = torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
    while True:
        places = torch.randint(len(tokens) - context, (batch_size,))
        x = torch.stack([torch.from_numpy(tokens[i : i + context].astype(np.int64)) for i in places])
        y = torch.stack([torch.from_numpy(tokens[i + 1 : i + 1 + context].astype(np.int64)) for i in places])
        with half:
            _, loss = model(x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        yield


def encoded(text):
    """(tokens of the first nine tenths, of the last, how many different) as its prepare.py makes them."""
    symbols = sorted(set(text))
    numbers = {symbol: number for number, symbol in enumerate(symbols)}
    tokens = np.array([numbers[symbol] for symbol in text], dtype=np.uint16)
    cut = int(len(text) * 0.9)
    return tokens[:cut], tokens[cut:], len(symbols)


def train(where, text, out, count):
    """Its script in a copy of its folder; returns the seconds of the whole process and what it said of its validation loss."""
    place = out / "nanogpt"
    shutil.copytree(where, place, ignore=shutil.ignore_patterns(".git", "*.ipynb"))
    train_tokens, held, symbols = encoded(text)
    data = place / "data" / "shakespeare_char"
    train_tokens.tofile(data / "train.bin")
    held.tofile(data / "val.bin")
    (data / "meta.pkl").write_bytes(pickle.dumps({"vocab_size": symbols}))
    command = [sys.executable, "train.py", *RECIPE, f"--max_iters={count}", f"--lr_decay_iters={count}"]
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-4000:], sep="\n")
        done.check_returncode()
    said = [float(value) for value in re.findall(r"val loss ([\d.]+)", done.stdout)]
    saved = torch.load(place / "out-shakespeare-char" / "ckpt.pt", map_location="cpu", weights_only=True)
    model = network(where, **{n: v for n, v in saved["model_args"].items() if n not in ("bias", "dropout")})
    model.load_state_dict(saved["model"])
    return {"seconds": seconds, "own estimate": min(said), "loss": judged(model.eval(), held)}


@torch.no_grad()
def judged(model, held):
    """Mean nats a token over windows that lie end to end, every token but the first a target once."""
    total, count = 0.0, 0
    for start in range(0, len(held) - 1, CONTEXT):
        window = torch.from_numpy(held[start : start + CONTEXT + 1].astype(np.int64))[None]
        _, loss = model(window[:, :-1], window[:, 1:])
        total += float(loss) * (window.shape[1] - 1)
        count += window.shape[1] - 1
    return total / count


if __name__ == "__main__":
    where, text, out, count = sys.argv[1:]
    print(json.dumps(train(Path(where), Path(text).read_text(), Path(out), int(count))))
