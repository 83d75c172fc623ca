"""What an observer may do to the run it watches: the numbers are those of a plain loop that does the same at the same step."""

import copy
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, StepLR
from torch.utils.data import DataLoader, TensorDataset

import sonde
from sonde.core.errors import ConfigError, Interrupted
from sonde.core.files import read_json
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines
from sonde.optim.schedules import cosine
from sonde.report.events import Events

EPOCHS, BATCHES = 4, 5
X = torch.randn(20, 6, generator=torch.Generator().manual_seed(1))
Y = X[:, :2] @ torch.tensor([[1.0, -1.0], [0.5, 2.0]])
QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": EPOCHS, "lr": 0.01, "loss": nn.functional.mse_loss}


class Net(nn.Module):
    """A backbone that begins frozen, in evaluation mode, and a head."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.backbone = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 4))
        self.head = nn.Linear(4, 2)
        self.backbone.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x))


def loader() -> DataLoader[Any]:
    return DataLoader(TensorDataset(X, Y), batch_size=4)


def ends(record: Any, epoch: int) -> bool:
    return isinstance(record, sonde.EventRecord) and (record.event, record.details.get("epoch")) == (
        "epoch ends",
        epoch,
    )


def unfreezing(record: Any, live: sonde.Live) -> None:
    if ends(record, 1):
        live.unfreeze("backbone")


def plain_loop(net: Net, make: Callable[[Any], torch.optim.Optimizer], group: dict[str, Any]) -> None:
    """As one writes it without Sonde: a group is added after two epochs; the rate falls along a cosine."""
    optimizer, shape, step = make(net.head.parameters()), cosine(start=0, total=EPOCHS * BATCHES), 0
    for epoch in range(EPOCHS):
        if epoch == 2:
            net.backbone.requires_grad_(True)
            optimizer.add_param_group({"params": list(net.backbone.parameters()), **group})
        for x, y in loader():
            for each in optimizer.param_groups:
                each["lr"] = 0.01 * shape(step)
            optimizer.zero_grad()
            nn.functional.mse_loss(net(x), y).backward()
            optimizer.step()
            step += 1


@pytest.mark.parametrize("optimizer", ["adamw", "momentum"])
def test_unfreezing_is_adding_a_group_in_a_plain_loop(tmp_path: Path, optimizer: str) -> None:
    mine, plain = Net(), Net()
    settings = {**QUIET, "optimizer": optimizer, "schedule": "cosine"}
    sonde.fit(mine, loader(), observers=[unfreezing], out=tmp_path / "run", **settings)
    if optimizer == "adamw":
        plain_loop(plain, lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.0, fused=True), {"weight_decay": 0.0})
    else:
        plain_loop(plain, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, fused=True), {})
    for name, value in plain.state_dict().items():
        assert torch.equal(value, mine.state_dict()[name]), name
    assert not torch.equal(mine.get_parameter("backbone.0.weight"), Net().get_parameter("backbone.0.weight"))


def test_new_parameters_are_treated_as_if_they_had_been_there(tmp_path: Path) -> None:
    """Weight decay on matrices and on nothing else, also where none was trained at first."""
    seen: list[dict[str, Any]] = []

    def look(record: Any, live: sonde.Live) -> None:
        unfreezing(record, live)
        seen[:] = [{**group} for group in live.optimizers["model"].param_groups]

    net = Net()
    net.head.weight.requires_grad_(False)
    sonde.fit(net, loader(), observers=[look], out=tmp_path / "run", weight_decay=0.1, **QUIET)
    assert [(group["weight_decay"], len(group["params"]), group["lr"]) for group in seen] == [
        (0.0, 1, 0.01),
        (0.1, 2, 0.01),
        (0.0, 4, 0.01),
    ]


def interrupting(at: int) -> Callable[[Any], None]:
    def interrupt(record: Any) -> None:
        if isinstance(record, sonde.StepRecord) and record.step == at:
            os.kill(os.getpid(), signal.SIGINT)

    return interrupt


@pytest.mark.parametrize("same_network", [True, False])
@pytest.mark.parametrize("at", [7, 10, 13, 17])
def test_a_resume_before_at_and_after_it_is_exact(tmp_path: Path, at: int, same_network: bool) -> None:
    """Frozen after three epochs, the optimiser keeps what it knows of the parameters and leaves them alone."""

    def thaw_and_freeze(record: Any, live: sonde.Live) -> None:
        unfreezing(record, live)
        if isinstance(record, sonde.StepRecord) and record.step == 15:
            live.freeze("backbone.0", "backbone.1", live.model.get_parameter("backbone.3.bias"))

    def prepared() -> Net:
        net = Net()
        net.backbone.eval()
        return net

    whole, half = prepared(), prepared()
    settings = {**QUIET, "optimizer": "adamw", "weight_decay": 0.1, "schedule": "cosine", "ema": 0.9}
    sonde.fit(whole, loader(), observers=[thaw_and_freeze], out=tmp_path / "whole", **settings)
    with pytest.raises(Interrupted, match=f"stopped at step {at} as requested"):
        sonde.fit(half, loader(), observers=[thaw_and_freeze, interrupting(at)], out=tmp_path / "half", **settings)
    again = half if same_network else prepared()
    sonde.fit(again, loader(), observers=[thaw_and_freeze], out=tmp_path / "half", **settings)
    for run in ("whole", "half"):
        held, _ = checkpoint.read(tmp_path / run / "checkpoints" / "last")
        for name, value in checkpoint.read(tmp_path / "whole" / "checkpoints" / "last")[0].items():
            assert torch.equal(value, held[name]), name
    assert [p.requires_grad for p in again.parameters()] == [p.requires_grad for p in whole.parameters()]
    assert not again.get_parameter("backbone.0.weight").requires_grad
    assert again.get_parameter("backbone.3.weight").requires_grad


def test_what_is_frozen_stays_as_it_is(tmp_path: Path) -> None:
    held: dict[str, Tensor] = {}

    def freeze(record: Any, live: sonde.Live) -> None:
        if ends(record, 0):
            live.freeze(live.model.get_submodule("backbone"))
            held.update(copy.deepcopy(live.model.state_dict()))

    net = Net().requires_grad_(True)
    sonde.fit(net, loader(), observers=[freeze], out=tmp_path / "run", weight_decay=0.1, **QUIET)
    for name, value in net.state_dict().items():
        assert torch.equal(value, held[name]) == name.startswith("backbone"), name


def test_gradual_unfreezing_from_the_head_on(tmp_path: Path) -> None:
    """As Howard and Ruder (2018) train: one more layer an epoch."""
    layers = ["4", "2", "0"]
    counts: list[int] = []

    def gradually(record: Any, live: sonde.Live) -> None:
        if isinstance(record, sonde.EventRecord) and record.event == "epoch ends" and live.epoch + 1 < len(layers):
            live.unfreeze(layers[live.epoch + 1])
        if isinstance(record, sonde.StepRecord):
            counts.append(sum(len(group["params"]) for group in live.optimizers["model"].param_groups))

    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))
    net[0].requires_grad_(False)
    net[2].requires_grad_(False)
    before = copy.deepcopy(net.state_dict())
    sonde.fit(net, loader(), observers=[gradually], out=tmp_path / "run", **QUIET)
    assert counts == [2] * 5 + [4] * 5 + [6] * 10
    assert all(not torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_early_stopping_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values: list[float] = []

    def impatient(record: Any, live: sonde.Live) -> None:
        if ends(record, live.epoch):
            values.append(live.metrics["loss"])
            if live.epoch == 2:
                live.stop("three\nepochs are enough")

    settings = {**QUIET, "quiet": False}
    run = sonde.fit(Net(), loader(), validation=loader(), observers=[impatient], out=tmp_path / "run", **settings)
    assert (run.result["status"], run.result["steps"]) == ("stopped: three epochs are enough", 15)
    assert "stopped: three epochs are enough after 15 steps" in capsys.readouterr().out
    logged = read_lines(tmp_path / "run" / "metrics.jsonl")
    assert values == [line["metrics"]["loss"] for line in logged if line["kind"] == "evaluation"]
    further = sonde.fit(Net(), loader(), validation=loader(), out=tmp_path / "run", **dict(QUIET, epochs=5))
    assert (further.result["status"], further.result["steps"]) == ("finished", 25)


def test_a_stop_between_evaluations_is_evaluated(tmp_path: Path) -> None:
    def stop(record: Any, live: sonde.Live) -> None:
        if ends(record, 0):
            live.stop("enough")

    settings = {**QUIET, "evaluate_every": 2}
    run = sonde.fit(Net(), loader(), validation=loader(), observers=[stop], out=tmp_path / "run", **settings)
    assert run.result["steps"] == run.result["best"]["step"] == 5


def test_saving_is_a_checkpoint_of_that_very_step(tmp_path: Path) -> None:
    def save(record: Any, live: sonde.Live) -> None:
        if isinstance(record, sonde.StepRecord) and live.step == 7:
            live.save()
        if isinstance(record, sonde.StepRecord) and live.step == 12:
            raise RuntimeError("power cut")

    settings = {**QUIET, "checkpoint_every": "1000 steps"}
    with pytest.raises(RuntimeError, match="power cut"):
        sonde.fit(Net(), loader(), observers=[save], out=tmp_path / "run", **settings)
    state = checkpoint.read(tmp_path / "run" / "checkpoints" / "last")[1]
    assert (state["progress"]["step"], state["progress"]["save_asked"]) == (7, False)


def test_numbers_are_logged_at_their_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[int, dict[str, float]]] = []
    real = Events.add
    monkeypatch.setattr(
        Events, "add", lambda self, step, values: shown.append((step, dict(values))) or real(self, step, values)
    )

    def log(record: Any, live: sonde.Live) -> None:
        if isinstance(record, sonde.StepRecord) and live.step % 10 == 0:
            live.log(**{"norm/head": live.model.get_parameter("head.weight").sum() * 0 + 2, "odd": float("nan")})

    sonde.fit(Net(), loader(), observers=[log], out=tmp_path / "run", **QUIET)
    lines = [line for line in read_lines(tmp_path / "run" / "metrics.jsonl") if line["kind"] == "log"]
    assert lines == [{"kind": "log", "step": at, "values": {"norm/head": 2.0, "odd": None}} for at in (10, 20)]
    assert [(step, values["norm/head"]) for step, values in shown if "norm/head" in values] == [(10, 2.0), (20, 2.0)]


def test_the_run_is_as_it_is_after_the_record(tmp_path: Path) -> None:
    net, seen = Net(), []

    def look(record: Any, live: sonde.Live) -> None:
        if isinstance(record, sonde.StepRecord):
            assert (live.step, live.epoch, live.lr) == (record.step, record.epoch, record.lr)
            assert live.model is net
            assert list(live.modules) == list(live.optimizers) == ["model"]
            assert live.task.modules is live.modules
            assert live.folder == tmp_path / "run"
            assert [found.as_dict() for found in live.findings] == read_lines(live.folder / "findings.jsonl")
            seen.append(live.step)
        elif record.event == "run ends":
            assert record.details == read_json(tmp_path / "run" / "result.json")

    sonde.fit(net, loader(), observers=[look], out=tmp_path / "run", schedule="cosine", **QUIET)
    assert seen == list(range(1, 21))


MISTAKES: dict[str, tuple[Callable[[sonde.Live], Any], str]] = {
    "a name": (lambda live: live.unfreeze("backbon"), "unknown module 'backbon'; did you mean 'backbone'"),
    "no name": (
        lambda live: live.unfreeze(),
        "live.unfreeze takes a module or its name, such as live.unfreeze('backbone')",
    ),
    "another network": (
        lambda live: live.unfreeze(nn.Linear(2, 2)),
        "there is no parameter in a Linear among the task's",
    ),
    "no module": (lambda live: live.freeze(3), "live.freeze takes modules, parameters or their names, not a int"),  # type: ignore[arg-type]
    "everything": (lambda live: live.freeze("head"), "phase 'model' would have nothing left to train; to end the run"),
    "no reason": (lambda live: live.stop(""), "live.stop takes the reason as text"),
    "no number": (lambda live: live.log(name="ada"), "live.log takes numbers; name is a str: 'ada'"),
    "a tensor": (lambda live: live.log(grad=torch.ones(3)), "live.log takes numbers; grad is a Tensor"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(tmp_path: Path, mistake: str) -> None:
    call, text = MISTAKES[mistake]
    with pytest.raises(ConfigError) as caught:
        sonde.fit(Net(), loader(), observers=[lambda record, live: call(live)], out=tmp_path / "run", **QUIET)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_several_networks_are_asked_for_by_name(tmp_path: Path) -> None:
    from sample_tasks import Supervised, mlp

    class Two(Supervised):
        def __init__(self) -> None:
            super().__init__(mlp(6, 2))
            self.modules["teacher"] = nn.Linear(6, 2)
            self.modules["student"] = self.modules["model"]
            del self.modules["model"]

        def loss(self, batch: sonde.Batch) -> sonde.Loss:
            output = self.modules["student"](batch["input"])
            return sonde.Loss(nn.functional.cross_entropy(output, batch["target"]), len(batch))

    def look(record: Any, live: sonde.Live) -> None:
        assert isinstance(live.modules["teacher"], nn.Linear)
        with pytest.raises(ConfigError, match="this task has teacher, student: live.modules\\[name\\]"):
            _ = live.model
        with pytest.raises(ConfigError, match="no phase of the task trains teacher.weight; add its module"):
            live.unfreeze("teacher")

    settings = {name: value for name, value in QUIET.items() if name != "loss"}
    sonde.fit(Two(), (X, torch.arange(20) % 2), batch_size=5, observers=[look], out=tmp_path / "run", **settings)


class Transfer(sonde.Task):
    """A task of one's own whose one phase is the default, with a network that is wholly frozen at first."""

    def __init__(self) -> None:
        net = Net()
        self.backbone, self.head = net.backbone, net.head

    def loss(self, batch: sonde.Batch) -> Tensor:
        return nn.functional.mse_loss(self.head(self.backbone(batch["input"])), batch["target"])


def test_the_network_of_a_task_is_unfrozen_as_a_plain_loop_does(tmp_path: Path) -> None:
    task, plain = Transfer(), Net()
    settings = {name: value for name, value in QUIET.items() if name != "loss"}
    sonde.fit(
        task, loader(), observers=[unfreezing], optimizer="adamw", schedule="cosine", out=tmp_path / "run", **settings
    )
    plain_loop(plain, lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.0, fused=True), {"weight_decay": 0.0})
    for name, value in plain.state_dict().items():
        assert torch.equal(value, task.modules.state_dict()[name]), name


@pytest.mark.parametrize("how", ["live.lr", "groups"])
@pytest.mark.parametrize("at", [0, 8, 12])
def test_a_rate_that_is_set_holds_and_the_schedule_goes_on_from_there(tmp_path: Path, how: str, at: int) -> None:
    """As in a plain loop under the same shape; `at`: where the run is interrupted, 0 for not at all."""

    def halve(record: Any, live: sonde.Live) -> None:
        if ends(record, 1) and how == "live.lr":
            live.lr = live.lr / 2
        elif ends(record, 1):
            for group in live.optimizers["model"].param_groups:
                group["lr"] *= 0.5

    rates: dict[int, float] = {}

    def note(record: Any) -> None:
        if isinstance(record, sonde.StepRecord):
            rates[record.step] = record.lr

    net = Net()
    settings = {**QUIET, "schedule": "cosine"}
    if at:
        with pytest.raises(Interrupted):
            sonde.fit(net, loader(), observers=[halve, note, interrupting(at)], out=tmp_path / "run", **settings)
    sonde.fit(net, loader(), observers=[halve, note], out=tmp_path / "run", **settings)
    shape = cosine(start=0, total=EPOCHS * BATCHES)
    assert rates == {
        step: pytest.approx(0.01 * shape(step - 1) * (0.5 if step > 10 else 1), rel=1e-12) for step in range(1, 21)
    }


def test_a_rate_that_cannot_be_is_refused(tmp_path: Path) -> None:
    def zero(record: Any, live: sonde.Live) -> None:
        live.lr = 0.0

    with pytest.raises(ConfigError, match="live.lr takes a rate above 0, got 0.0"):
        sonde.fit(Net(), loader(), observers=[zero], out=tmp_path / "run", **QUIET)


@pytest.mark.parametrize("at", [0, 8, 13])
@pytest.mark.parametrize("optimizer", ["adamw", "momentum"])
@pytest.mark.parametrize("scheduler", [StepLR, LambdaLR])
def test_a_scheduler_of_torch_takes_up_what_is_unfrozen(
    tmp_path: Path, scheduler: Any, optimizer: str, at: int
) -> None:
    def made(over: Any) -> Any:
        return StepLR(over, 1, 0.5) if scheduler is StepLR else LambdaLR(over, lambda epoch: 0.5**epoch)

    net, plain = Net(), Net()
    settings = {**QUIET, "optimizer": optimizer, "schedule": made}
    if at:
        with pytest.raises(Interrupted):
            sonde.fit(net, loader(), observers=[unfreezing, interrupting(at)], out=tmp_path / "run", **settings)
    sonde.fit(net, loader(), observers=[unfreezing], out=tmp_path / "run", **settings)
    if optimizer == "adamw":
        own: Any = torch.optim.AdamW(plain.head.parameters(), weight_decay=0.0, fused=True)
    else:
        own = torch.optim.SGD(plain.head.parameters(), momentum=0.9, fused=True)
    for epoch in range(EPOCHS):
        if epoch == 2:
            plain.backbone.requires_grad_(True)
            own.add_param_group({"params": list(plain.backbone.parameters()), "weight_decay": 0.0})
        for group in own.param_groups:
            group["lr"] = 0.01 * 0.5**epoch
        for x, y in loader():
            own.zero_grad()
            nn.functional.mse_loss(plain(x), y).backward()
            own.step()
    for name, value in plain.state_dict().items():
        assert torch.equal(value, net.state_dict()[name]), name


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_frozen_backbone_of_ours_is_unfrozen_with_the_rates_of_its_layers(tmp_path: Path, optimizer: str) -> None:
    groups: list[tuple[str, int, float]] = []

    def thaw(record: Any, live: sonde.Live) -> None:
        if ends(record, 0):
            live.unfreeze("model")
            groups[:] = [
                (each["name"], len(each["params"]), each["lr"]) for each in live.optimizers["model"].param_groups
            ]

    settings: dict[str, Any] = {
        "model": "lenet5", "image_size": 12, "freeze": "backbone", "layer_decay": 0.5, "lr": 0.01, "weight_decay": 0.01,
        "optimizer": optimizer, "epochs": 2, "batch_size": 256, "threads": 1, "quiet": True, "schedule": "constant",
    }  # fmt: skip
    sonde.train("digits", observers=[thaw], out=tmp_path / "whole", **settings)
    whole = checkpoint.read(tmp_path / "whole" / "checkpoints" / "last")[0]
    kinds = {rate: {name: count for name, count, each in groups if each == rate} for rate in (0.01, 0.005, 0.000625)}
    assert all(sum(found.values()) == 2 for found in kinds.values())
    weight = "matrices" if optimizer == "muon" else "decayed"  # the head's too, which was the only matrix at first
    assert kinds[0.01] == kinds[0.000625] == {weight: 1, "plain": 1}
    with pytest.raises(Interrupted):
        sonde.train("digits", observers=[thaw, interrupting(8)], out=tmp_path / "half", **settings)
    sonde.resume(tmp_path / "half", observers=[thaw], quiet=True)
    for name, value in checkpoint.read(tmp_path / "half" / "checkpoints" / "last")[0].items():
        assert torch.equal(value, whole[name]), name
