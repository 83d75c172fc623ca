"""Distillation: a small network learns the soft answers of a large one that stays as it is (Hinton et al. 2015)."""

import copy

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

import sonde


def mlp(width):
    return nn.Sequential(nn.Linear(64, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 10))


class Distillation(sonde.Task):
    objective = sonde.Objective("accuracy", "max")

    def __init__(self, teacher, student, heat=4.0):
        self.teacher, self.student, self.heat = teacher.eval().requires_grad_(False), student, heat

    def loss(self, batch):
        known, logits = self.teacher(batch["input"]) / self.heat, self.student(batch["input"])
        soft = kl_div(log_softmax(logits / self.heat, 1), softmax(known, 1), reduction="batchmean") * self.heat**2
        return {"loss": soft + cross_entropy(logits, batch["target"]), "soft": soft}

    def evaluate(self, batch):
        return {"accuracy": (self.student(batch["input"]).argmax(1) == batch["target"]).float().mean()}


torch.manual_seed(0)
pixels, y = (torch.tensor(part) for part in load_digits(return_X_y=True))
x = pixels.float() / 16
train, held_back = (x[:1400], y[:1400]), (x[1400:], y[1400:])
teacher = sonde.fit(mlp(256), train, loss=cross_entropy, epochs=15, quiet=True).model  # back in evaluation mode
before = copy.deepcopy(teacher.state_dict())
task = Distillation(teacher, mlp(8))
run = sonde.fit(task, train, validation=held_back, epochs=30, lr=1e-2)

assert run.metrics["accuracy"] > 0.88
assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())  # batch norm and all
