"""Kill a run, resume it, and compare: its weights equal those of an uninterrupted run."""

import subprocess
import sys
import time
from pathlib import Path

import torch

import sonde

straight = sonde.train("digits", epochs=6, threads=1, out="straight")

train = "-m sonde train digits --epochs 6 --threads 1 --checkpoint-every 4steps --out killed"
with subprocess.Popen([sys.executable, *train.split()]) as process:
    while process.poll() is None and not Path("killed/checkpoints/last/state.json").exists():
        time.sleep(0.005)
    process.kill()
assert not Path("killed/result.json").exists(), "it was too quick to be killed"

resumed = sonde.resume("killed")

for name, weight in straight.model.state_dict().items():
    assert torch.equal(weight, resumed.model.state_dict()[name]), name
print(f"equal to the last bit after {resumed.result['steps']} steps")
