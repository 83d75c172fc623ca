"""A GAN: two phases, with a rate each, learn to generate four blobs (Goodfellow et al. 2014; Heusel et al. 2017)."""

import torch
from torch import nn
from torch.nn.functional import softplus

import sonde


def net(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, outputs))


class Gan(sonde.Task):
    def __init__(self):
        self.generator, self.critic = net(4, 2), net(2, 1)
        self.phases = [
            sonde.Phase(name="critic", loss=self.critic_loss, trains=[self.critic], optimizer={"lr": 1e-3}),
            sonde.Phase(name="generator", loss=self.generator_loss, trains=[self.generator]),
        ]

    def critic_loss(self, batch):
        fake = self.generator(torch.randn(len(batch), 4)).detach()
        return (softplus(-self.critic(batch["input"])) + softplus(self.critic(fake))).mean()

    def generator_loss(self, batch):
        return softplus(-self.critic(self.generator(torch.randn(len(batch), 4)))).mean()


torch.manual_seed(0)
centres = torch.tensor([[2.0, 2.0], [2.0, -2.0], [-2.0, 2.0], [-2.0, -2.0]])
points = centres[torch.arange(1024) % 4] + 0.3 * torch.randn(1024, 2)
gan = Gan()
sonde.fit(gan, points[:512], validation=points[512:], epochs=300, lr=7e-4, beta1=0.5)

near, blob = torch.cdist(gan.generator(torch.randn(1000, 4)), centres).min(1)
assert blob.bincount(minlength=4).min() > 100  # all four are generated
assert near.median() < 0.5
