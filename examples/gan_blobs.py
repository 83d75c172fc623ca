"""A custom task with two phases, each with its own optimiser: a GAN learns to generate four blobs (Goodfellow et al. 2014)."""

import torch
from torch import cdist, nn
from torch.nn.functional import softplus

import sonde


def net(in_dim: int, out_dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(in_dim, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, out_dim))


class Gan:
    """Generates points in the plane; the objective is the energy distance to real points (Székely 2003)."""

    objective, across_rows, meter = sonde.Objective("distance", "min"), (), sonde.MeanMeter

    def __init__(self) -> None:
        self.generator, self.discriminator = net(4, 2), net(2, 1)
        self.modules = nn.ModuleDict({"generator": self.generator, "discriminator": self.discriminator})
        self.phases = [
            sonde.Phase(name="discriminator", loss=self.discriminator_loss, trains=[self.discriminator]),
            sonde.Phase(name="generator", loss=self.generator_loss, trains=[self.generator]),
        ]

    def discriminator_loss(self, batch):
        real, fake = batch["input"], self.generator(torch.randn(len(batch), 4)).detach()
        return sonde.Loss((softplus(-self.discriminator(real)) + softplus(self.discriminator(fake))).mean(), len(batch))

    def generator_loss(self, batch):
        return sonde.Loss(softplus(-self.discriminator(self.generator(torch.randn(len(batch), 4)))).mean(), len(batch))

    def predict(self, batch):  # its own generator, so that evaluation does not change the training's random state
        return {"point": self.generator(torch.randn(len(batch), 4, generator=torch.Generator().manual_seed(1)))}

    def evaluate(self, batch):
        real, fake = batch["input"], self.predict(batch)["point"]
        return {"distance": 2 * cdist(real, fake).mean() - cdist(real, real).mean() - cdist(fake, fake).mean()}

    def format_predictions(self, outputs):
        return [{"point": point} for point in outputs["point"].tolist()]

    def after_step(self, record): ...

    def state_dict(self):
        return {}  # all that changes is in the modules

    def load_state_dict(self, state): ...


torch.manual_seed(0)
centres = torch.tensor([[2.0, 2.0], [2.0, -2.0], [-2.0, 2.0], [-2.0, -2.0]])
points = centres[torch.arange(1024) % 4] + 0.3 * torch.randn(1024, 2)
run = sonde.fit(Gan(), {"input": points[:512]}, validation={"input": points[512:]}, epochs=150, lr=1e-3, beta1=0.5)

near, blob = cdist(run.task.modules["generator"](torch.randn(1000, 4)), centres).min(1)
assert blob.bincount(minlength=4).min() > 100  # all four are generated
assert near.median() < 0.5
