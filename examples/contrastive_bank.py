"""Contrastive learning with a bank of earlier keys, made by a slowly moving copy (momentum contrast, He et al. 2020)."""

import copy

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy, normalize

import sonde


class Contrast(sonde.Task):
    across_rows = ("loss",)

    def __init__(self, encoder, bank=1024, dim=32):
        self.encoder, self.slow = encoder, copy.deepcopy(encoder).requires_grad_(False)
        self.bank = normalize(torch.randn(bank, dim))

    def view(self, x):
        return (x + 0.1 * torch.randn_like(x)) * (torch.rand_like(x) > 0.2)

    def loss(self, batch):
        query, key = (normalize(net(self.view(batch["input"]))) for net in (self.encoder, self.slow))
        likeness = torch.cat([(query * key).sum(1, keepdim=True), query @ self.bank.T], 1)
        if self.training:
            self.bank = torch.cat([key, self.bank])[: len(self.bank)].detach()
        return cross_entropy(likeness / 0.2, torch.zeros(len(query), dtype=torch.long))

    def after_step(self, record):
        for slow, fast in zip(self.slow.parameters(), self.encoder.parameters(), strict=True):
            slow.lerp_(fast.detach(), 0.02)


torch.manual_seed(0)
pixels, y = (torch.tensor(part) for part in load_digits(return_X_y=True))
x = pixels.float() / 16
encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 32))
run = sonde.fit(Contrast(encoder), x[:1400], validation=x[1400:], epochs=20, lr=2e-3)

near = (normalize(encoder(x[1400:])) @ normalize(encoder(x[:1400])).T).argmax(1)  # without a label seen
assert (y[:1400][near] == y[1400:]).float().mean() > 0.88
