"""A physics-informed network: u'' + u = 0, u(0) = 0, u'(0) = 1, whose solution is the sine (Raissi et al. 2019)."""

import torch
from torch import nn

import sonde


def slope(u, t):
    return torch.autograd.grad(u.sum(), t, create_graph=True)[0]


class Oscillator(sonde.Task):
    def __init__(self):
        self.net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))

    def loss(self, batch):
        t, start = batch["input"].requires_grad_(), torch.zeros(1, 1, requires_grad=True)
        u, u0 = self.net(t), self.net(start)
        residual = slope(slope(u, t), t) + u
        equation, initial = residual.square().mean(), u0.square().mean() + (slope(u0, start) - 1).square().mean()
        return {"loss": equation + initial, "equation": equation, "initial": initial}


torch.manual_seed(0)
times = torch.rand(512, 1) * 3
task = Oscillator()
run = sonde.fit(task, times[:448], validation=times[448:], epochs=150, lr=3e-3, schedule="cosine")

grid = torch.linspace(0, 3, 50)[:, None]
assert (task.net(grid) - grid.sin()).abs().max() < 0.02
assert run.metrics["loss"] < 1e-3
