"""Four programs, each as a bare loop, with Sonde and with Lightning: what is counted is the body of a function.

python own_code.py {sonde,lightning} JOB STEPS: microseconds a step of that trainer and of the bare loop, which take turns every
hundred steps in one process: the trainer's network calls `Turns` at each of its forwards, and there the bare loop runs.
Lightning gets whole batches from its loader, no progress bar, no checkpoints, and a CSV logger every ten steps.
"""

import inspect
import json
import statistics
import sys
import tempfile
import time
import warnings

import torch
from torch import nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax, softplus

SLICE, BATCH, ROWS = 100, 64, 6400


class Turns:
    """Times the trainer and the bare loop in turns."""

    def __init__(self, bare, calls_per_step):
        self.bare, self.every, self.calls = bare, SLICE * calls_per_step, 0
        self.since, self.slices = time.perf_counter(), []

    def __call__(self, *_):
        if self.calls % self.every == 0:
            mine, begun = time.perf_counter() - self.since, time.perf_counter()
            for _ in range(SLICE):
                next(self.bare)
            self.slices.append((mine, time.perf_counter() - begun))
            self.since = time.perf_counter()
        self.calls += 1

    def row(self):
        mine, bare = zip(*self.slices[3:], strict=True)
        scale = 1e6 / SLICE
        over = statistics.median(m - b for m, b in zip(mine, bare, strict=True)) * scale
        return {"trainer": statistics.median(mine) * scale, "bare": statistics.median(bare) * scale, "over bare": over}


class Batches(torch.utils.data.Dataset):
    """Whole batches by number, which spares Lightning the collating of rows."""

    def __init__(self, *parts):
        self.parts, self.order = parts, torch.randperm(ROWS)

    def __len__(self):
        return ROWS // BATCH

    def __getitem__(self, number):
        rows = self.order[number * BATCH : (number + 1) * BATCH]
        found = tuple(part[rows] for part in self.parts)
        return found if len(found) > 1 else found[0]


def batches(*parts):
    """The bare loops' batches, without end."""
    while True:
        order = torch.randperm(ROWS)
        for start in range(0, ROWS, BATCH):
            yield tuple(part[order[start : start + BATCH]] for part in parts)


def mlp(*sizes):
    parts = [part for i, o in zip(sizes, sizes[1:], strict=False) for part in (nn.Linear(i, o), nn.Tanh())]
    return nn.Sequential(*parts[:-1])


def slope(u, t):
    return torch.autograd.grad(u.sum(), t, create_graph=True)[0]


# a plain module


def plain_parts():
    return [mlp(64, 128, 10)], (torch.rand(ROWS, 64), torch.randint(0, 10, (ROWS,)))


def plain_bare(net, x, y):
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    for bx, by in batches(x, y):
        optimizer.zero_grad()
        cross_entropy(net(bx), by).backward()
        optimizer.step()
        yield


def plain_sonde(net, data, settings):
    sonde.fit(net, data, loss=cross_entropy, optimizer="adam", lr=1e-3, **settings)


def plain_lightning(net, data, trainer):
    class Plain(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = net

        def training_step(self, batch, number):
            x, y = batch
            loss = cross_entropy(self.net(x), y)
            self.log("loss", loss)
            return loss

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=1e-3, fused=True)

    trainer().fit(Plain(), data)


# a GAN: two networks, two optimisers


def gan_parts():
    return [mlp(4, 64, 2), mlp(2, 64, 1)], (torch.randn(ROWS, 2),)


def gan_bare(generator, critic, x):
    for_critic = torch.optim.Adam(critic.parameters(), lr=4e-4, betas=(0.5, 0.999), fused=True)
    for_generator = torch.optim.Adam(generator.parameters(), lr=1e-4, betas=(0.5, 0.999), fused=True)
    for (real,) in batches(x):
        for_critic.zero_grad()
        fake = generator(torch.randn(len(real), 4)).detach()
        (softplus(-critic(real)) + softplus(critic(fake))).mean().backward()
        for_critic.step()
        for_generator.zero_grad()
        softplus(-critic(generator(torch.randn(len(real), 4)))).mean().backward(inputs=list(generator.parameters()))
        for_generator.step()
        yield


def gan_sonde(generator, critic, data, settings):
    class Gan(sonde.Task):
        def __init__(self):
            self.generator, self.critic = generator, critic
            self.phases = [
                sonde.Phase(name="critic", loss=self.critic_loss, trains=[critic], optimizer={"lr": 4e-4}),
                sonde.Phase(name="generator", loss=self.generator_loss, trains=[generator]),
            ]

        def critic_loss(self, batch):
            real, fake = batch["input"], self.generator(torch.randn(len(batch), 4)).detach()
            return (softplus(-self.critic(real)) + softplus(self.critic(fake))).mean()

        def generator_loss(self, batch):
            return softplus(-self.critic(self.generator(torch.randn(len(batch), 4)))).mean()

    sonde.fit(Gan(), data, optimizer="adam", lr=1e-4, beta1=0.5, **settings)


def gan_lightning(generator, critic, data, trainer):
    class Gan(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.generator, self.critic = generator, critic
            self.automatic_optimization = False

        def training_step(self, real, number):
            for_critic, for_generator = self.optimizers()
            fake = self.generator(torch.randn(len(real), 4)).detach()
            critic_loss = (softplus(-self.critic(real)) + softplus(self.critic(fake))).mean()
            for_critic.zero_grad()
            self.manual_backward(critic_loss)
            for_critic.step()
            self.toggle_optimizer(for_generator)
            generator_loss = softplus(-self.critic(self.generator(torch.randn(len(real), 4)))).mean()
            for_generator.zero_grad()
            self.manual_backward(generator_loss)
            for_generator.step()
            self.untoggle_optimizer(for_generator)
            self.log_dict({"critic": critic_loss, "generator": generator_loss})

        def configure_optimizers(self):
            for_critic = torch.optim.Adam(self.critic.parameters(), lr=4e-4, betas=(0.5, 0.999), fused=True)
            for_generator = torch.optim.Adam(self.generator.parameters(), lr=1e-4, betas=(0.5, 0.999), fused=True)
            return [for_critic, for_generator]

    trainer().fit(Gan(), data)


# a physics-informed network: u'' + u = 0, u(0) = 0, u'(0) = 1


def physics_parts():
    return [mlp(1, 32, 32, 1)], (torch.rand(ROWS, 1) * 3,)


def physics_bare(net, x):
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    for (times,) in batches(x):
        optimizer.zero_grad()
        t, start = times.requires_grad_(), torch.zeros(1, 1, requires_grad=True)
        u, u0 = net(t), net(start)
        equation = (slope(slope(u, t), t) + u).square().mean()
        initial = u0.square().mean() + (slope(u0, start) - 1).square().mean()
        (equation + initial).backward(inputs=list(net.parameters()))
        optimizer.step()
        yield


def physics_sonde(net, data, settings):
    class Physics(sonde.Task):
        def __init__(self):
            self.net = net

        def loss(self, batch):
            t, start = batch["input"].requires_grad_(), torch.zeros(1, 1, requires_grad=True)
            u, u0 = self.net(t), self.net(start)
            equation = (slope(slope(u, t), t) + u).square().mean()
            initial = u0.square().mean() + (slope(u0, start) - 1).square().mean()
            return {"loss": equation + initial, "equation": equation, "initial": initial}

    sonde.fit(Physics(), data, optimizer="adam", lr=1e-3, **settings)


def physics_lightning(net, data, trainer):
    class Physics(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = net

        def training_step(self, times, number):
            t, start = times.requires_grad_(), torch.zeros(1, 1, requires_grad=True)
            u, u0 = self.net(t), self.net(start)
            equation = (slope(slope(u, t), t) + u).square().mean()
            initial = u0.square().mean() + (slope(u0, start) - 1).square().mean()
            self.log_dict({"equation": equation, "initial": initial})
            return equation + initial

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=1e-3, fused=True)

    trainer().fit(Physics(), data)


# distillation: a frozen teacher


def distillation_parts():
    return [mlp(64, 64, 10), mlp(64, 256, 10)], (torch.rand(ROWS, 64), torch.randint(0, 10, (ROWS,)))


def distillation_bare(student, teacher, x, y):
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-3, fused=True)
    teacher.eval().requires_grad_(False)
    for bx, by in batches(x, y):
        optimizer.zero_grad()
        known, logits = teacher(bx) / 4, student(bx)
        soft = kl_div(log_softmax(logits / 4, 1), softmax(known, 1), reduction="batchmean") * 16
        (soft + cross_entropy(logits, by)).backward()
        optimizer.step()
        yield


def distillation_sonde(student, teacher, data, settings):
    class Distillation(sonde.Task):
        def __init__(self):
            self.student, self.teacher = student, teacher.eval().requires_grad_(False)

        def loss(self, batch):
            known, logits = self.teacher(batch["input"]) / 4, self.student(batch["input"])
            soft = kl_div(log_softmax(logits / 4, 1), softmax(known, 1), reduction="batchmean") * 16
            return {"loss": soft + cross_entropy(logits, batch["target"]), "soft": soft}

    sonde.fit(Distillation(), data, optimizer="adam", lr=1e-3, **settings)


def distillation_lightning(student, teacher, data, trainer):
    class Distillation(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.student, self.teacher = student, teacher.eval().requires_grad_(False)

        def training_step(self, batch, number):
            x, y = batch
            known, logits = self.teacher(x) / 4, self.student(x)
            soft = kl_div(log_softmax(logits / 4, 1), softmax(known, 1), reduction="batchmean") * 16
            loss = soft + cross_entropy(logits, y)
            self.log_dict({"loss": loss, "soft": soft})
            return loss

        def configure_optimizers(self):
            return torch.optim.Adam(self.student.parameters(), lr=1e-3, fused=True)

    trainer().fit(Distillation(), data)


CALLS = {"plain": 1, "gan": 2, "physics": 2, "distillation": 1}  # forwards of the first network in a step


def lines(job, trainer):
    """Lines of the program's body."""
    source = inspect.getsource(globals()[f"{job}_{trainer}"]).splitlines()[1:]
    return sum(bool(line.strip()) for line in source)


def measured(name, job, steps):
    make, bare, program = (globals()[f"{job}_{part}"] for part in ("parts", "bare", name))
    torch.manual_seed(0)
    nets, parts = make()
    torch.manual_seed(0)
    others, _ = make()
    turns = Turns(bare(*others, *parts), CALLS[job])
    nets[0].register_forward_pre_hook(turns)
    others[0].register_forward_pre_hook(lambda *_: None)  # a hook costs both the same
    with tempfile.TemporaryDirectory() as folder:
        if name == "sonde":
            data = parts if len(parts) > 1 else parts[0]
            shared = {"steps": steps, "batch_size": BATCH, "threads": 1, "quiet": True, "out": f"{folder}/run"}
            program(*nets, data, shared)
        else:
            program(*nets, loader(parts), lambda: trainer(folder, steps, job))
    return {**turns.row(), "lines": lines(job, name)}


def loader(parts):
    return torch.utils.data.DataLoader(Batches(*parts), batch_size=None, shuffle=True)


def trainer(folder, steps, job):
    return lightning.Trainer(
        max_steps=steps * (2 if job == "gan" else 1),  # it counts the updates of all optimisers
        max_epochs=-1,
        accelerator="cpu",
        default_root_dir=folder,
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=lightning.pytorch.loggers.CSVLogger(folder),
        log_every_n_steps=10,
        enable_checkpointing=False,
    )


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    if sys.argv[1] == "sonde":
        import sonde
    else:
        import lightning
    print(json.dumps({job: measured(sys.argv[1], job, int(sys.argv[3])) for job in sys.argv[2].split(",")}))
