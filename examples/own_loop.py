"""A custom training loop: `sonde.steps` does the updates, you decide when to stop."""

import torch
from torch import nn
from torch.nn.functional import mse_loss

import sonde

torch.manual_seed(0)
x = torch.linspace(-3, 3, 256).unsqueeze(1)
wave = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 1))

losses = []
for record in sonde.steps(wave, (x, x.sin()), loss=mse_loss, lr=1e-2, total=3000):
    losses.append(record.number("model/loss"))
    if max(losses[-4:]) < 1e-3:
        print(f"step {record.step}: good enough")
        break

assert losses[-1] < 1e-3 < losses[0]
assert len(losses) < 3000
