"""MAML: starting weights from which one gradient step on ten points fits a new sine (Finn et al. 2017)."""

import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import mse_loss

import sonde


class Maml(sonde.Task):
    def __init__(self, net, step=0.02):
        self.net, self.step = net, step

    def fit_loss(self, weights, x, y):
        return mse_loss(functional_call(self.net, weights, x), y)

    def adapted_loss(self, x, y, new_x, new_y):
        weights = dict(self.net.named_parameters())
        slopes = grad(self.fit_loss)(weights, x, y)
        return self.fit_loss({name: w - self.step * slopes[name] for name, w in weights.items()}, new_x, new_y)

    def loss(self, batch):
        return vmap(self.adapted_loss)(batch["x"], batch["y"], batch["new_x"], batch["new_y"]).mean()


def sines(count):
    height, shift = torch.rand(count, 1, 1) * 4 + 1, torch.rand(count, 1, 1) * 3
    x, new_x = torch.rand(2, count, 10, 1) * 10 - 5
    return {"x": x, "y": height * (x - shift).sin(), "new_x": new_x, "new_y": height * (new_x - shift).sin()}


torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
train, held_back = sines(3000), sines(500)
run = sonde.fit(Maml(net), train, validation=held_back, epochs=10, lr=4e-3, batch_size=50)

assert run.metrics["loss"] < 0.7 * held_back["new_y"].square().mean()
