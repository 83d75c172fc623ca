"""Parameters that move though they are frozen, that nobody moves, that have no gradient."""

from pathlib import Path
from typing import Any

import pytest
import sample_tasks
import torch
from other_findings import other_findings
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import sonde
from sonde.core.batch import Batch
from sonde.core.seams import Loss, Phase
from sonde.diagnose.parameters import leaves, names_of

SHORT: dict[str, Any] = {"threads": 1, "epochs": 2, "batch_size": 16}


class Net(nn.Module):
    def __init__(self, *, spare: bool = False) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8))
        self.head = nn.Linear(8, 3)
        if spare:
            self.spare = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x))


class Scaled(nn.Module):
    """A loss with a learned temperature."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(self.scale * output, target)


def found(run: sonde.Run) -> dict[str, tuple[str, str]]:
    """check -> (severity, evidence; action)"""
    lines = other_findings(run.folder)
    return {line["check"]: (line["severity"], f"{line['evidence']}; {line['action']}") for line in lines}


def fit(net: Any, out: Path, loss: Any = cross_entropy, **more: Any) -> sonde.Run:
    more = {"quiet": True, **more}
    return sonde.fit(net, sample_tasks.blobs(64), loss=loss, out=str(out / "run"), **{**SHORT, **more})


def test_an_ordinary_network_gives_no_finding(tmp_path: Path) -> None:
    assert found(fit(Net(), tmp_path)) == {}


def test_a_frozen_part_in_training_mode_is_named_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = Net()
    net.backbone.requires_grad_(False)
    severity, text = found(fit(net, tmp_path, quiet=False))["frozen part in training mode"]
    assert severity == "warning"
    assert "backbone: no parameter is trained, but the running statistics of its batch norms move" in text
    assert "call net.backbone.eval() before training" in text
    said = capsys.readouterr().out
    assert said.index("net.backbone.eval()") < said.index("epoch "), "before the first step"
    net.backbone.eval()
    assert found(fit(net, tmp_path / "after")) == {}


def test_the_mean_of_a_network_that_the_task_moves_itself_is_no_frozen_part(tmp_path: Path) -> None:
    class Averaged(sample_tasks.Supervised):
        def __init__(self) -> None:
            super().__init__(Net())
            self.modules["mean"] = Net().requires_grad_(False)

    run = sonde.fit(Averaged(), sample_tasks.blobs(64), out=str(tmp_path / "run"), quiet=True, **SHORT)
    assert found(run) == {}


def test_parameters_that_no_phase_trains_are_named(tmp_path: Path) -> None:
    task = sample_tasks.Supervised(Net())
    task.modules["teacher"] = nn.Linear(2, 3)
    run = sonde.fit(task, sample_tasks.blobs(64), out=str(tmp_path / "run"), quiet=True, **SHORT)
    severity, text = found(run)["parameters without an optimiser"]
    assert severity == "warning"
    assert text.startswith("teacher.weight, teacher.bias: they require a gradient, and no phase trains them")


def test_a_module_in_a_closure_is_named_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extra = nn.Linear(3, 3)

    def loss(output: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(extra(output), target)

    run = fit(Net(), tmp_path, loss, quiet=False)
    lines = other_findings(run.folder)
    assert [line["check"] for line in lines] == ["parameters without an optimiser"]
    assert lines[0]["evidence"].startswith("extra.weight, extra.bias: the loss has a gradient for them")
    said = capsys.readouterr().out
    assert said.index("extra.weight") < said.index("1/2"), "while it trains"
    assert "extra.weight" in (run.folder / "report.html").read_text()


def test_a_tensor_that_stays_is_a_note_and_a_point_that_is_made_anew_is_nothing(tmp_path: Path) -> None:
    """Physics-informed losses differentiate in points; those may be kept too."""
    log_variance = torch.zeros((), requires_grad=True)

    def weighted(output: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(output, target) * (-log_variance).exp() + log_variance

    severity, text = found(fit(Net(), tmp_path, weighted))["parameters without an optimiser"]
    assert severity == "note"
    assert text.startswith("log_variance: ")
    net = Net()

    def in_points(output: Tensor, target: Tensor) -> Tensor:
        points = torch.zeros(4, 2).requires_grad_()
        (slope,) = torch.autograd.grad(net(points).sum(), points, create_graph=True)
        return cross_entropy(output, target) + slope.square().mean()

    assert found(fit(net, tmp_path / "points", in_points)) == {}


def test_parameters_that_never_get_a_gradient_are_named(tmp_path: Path) -> None:
    severity, text = found(fit(Net(spare=True), tmp_path))["parameters without a gradient"]
    assert severity == "warning"
    assert text.startswith("spare.weight, spare.bias: unused parameters; the loss of the first 4 steps does not depend")


def test_a_part_that_is_used_in_some_steps_only_has_gradients(tmp_path: Path) -> None:
    class Late(Net):
        def __init__(self) -> None:
            super().__init__(spare=True)
            self.calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += self.training
            out = super().forward(x)
            return out + self.spare(out) if self.calls == 3 else out

    assert found(fit(Late(), tmp_path)) == {}


def test_a_run_shorter_than_the_look_says_it_at_its_end(tmp_path: Path) -> None:
    text = found(fit(Net(spare=True), tmp_path, epochs=None, steps=2))["parameters without a gradient"][1]
    assert "the loss of the first 2 steps" in text


def test_a_phase_looks_through_the_network_of_another(tmp_path: Path) -> None:
    """A generator's loss has a gradient for the discriminator, which has an optimiser of its own."""
    two = sample_tasks.Adversarial(sample_tasks.mlp(4, 8, 2), sample_tasks.mlp(2, 8, 1), 4, generator_every=3)
    run = sonde.fit(two, sample_tasks.blobs(64), out=str(tmp_path / "run"), quiet=True, **SHORT)
    assert found(run) == {}


def test_a_loss_with_parameters_is_trained_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    net, loss = Net(), Scaled()
    run = fit(net, tmp_path, loss, lr=0.05, quiet=False)
    assert loss.scale.item() != 1.0
    assert found(run) == {}
    assert "1 parameter of the loss is trained too" in capsys.readouterr().out
    assert set(run.model.state_dict()) == set(net.state_dict()), "the network's own names"
    again, fresh = Net(), Scaled()
    opened = sonde.load(run.folder, model=again)
    assert "loss= takes a loss that gets them" in capsys.readouterr().out
    torch.testing.assert_close(opened.model.state_dict(), net.state_dict(), rtol=0, atol=0)
    sonde.load(run.folder, model=Net(), loss=fresh)
    assert torch.equal(fresh.scale, loss.scale)


def test_a_loss_that_is_trained_moves_as_in_a_loop_by_hand(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net, loss = nn.Linear(2, 3), Scaled()
    by_hand, theirs = nn.Linear(2, 3), Scaled()
    by_hand.load_state_dict(net.state_dict())
    x, y = sample_tasks.blobs(64).values()
    sonde.fit(net, (x, y), loss=loss, optimizer="sgd", lr=0.1, epochs=4, batch_size=64, threads=1, quiet=True,
              out=str(tmp_path / "run"))  # fmt: skip
    optimizer = torch.optim.SGD([*by_hand.parameters(), *theirs.parameters()], lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        theirs(by_hand(x), y).backward()
        optimizer.step()
    torch.testing.assert_close(loss.scale, theirs.scale, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(net.weight, by_hand.weight, rtol=1e-5, atol=1e-6)


def test_class_weights_of_a_loss_are_saved_with_it(tmp_path: Path) -> None:
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0]))
    run = fit(Net(), tmp_path, loss)
    assert found(run) == {}
    assert torch.equal(run.task.modules["loss"].weight, loss.weight)  # type: ignore[arg-type]


def test_a_factory_that_leaves_parameters_out_is_told(tmp_path: Path) -> None:
    class Half(sample_tasks.Supervised):
        def __init__(self) -> None:
            super().__init__(nn.Linear(2, 3))
            self.phases = [
                Phase(
                    name="model",
                    loss=self.loss,
                    trains=[self.modules["model"]],
                    optimizer=lambda parameters: torch.optim.SGD(parameters[:1], lr=0.1),
                )
            ]

        def loss(self, batch: Batch) -> Loss:
            return super().loss(batch)

    run = sonde.fit(Half(), sample_tasks.blobs(64), out=str(tmp_path / "run"), quiet=True, **SHORT)
    assert found(run)["parameters without an optimiser"][1].startswith("bias: they require a gradient")


def test_leaves_are_what_a_gradient_arrives_at() -> None:
    a, b, c = (torch.ones(2, requires_grad=True) for _ in range(3))
    value = (a * b.exp()).sum() + (c.detach() * 2).sum()
    assert set(leaves(value)) == {id(a), id(b)}


def test_a_tensor_is_named_by_where_it_is_held() -> None:
    class Holder:
        def __init__(self) -> None:
            self.inner = {"net": nn.Linear(1, 1)}

    held = Holder()
    wanted = held.inner["net"].weight
    assert names_of([wanted], {"loss": held}) == {id(wanted): "inner['net'].weight"}


def test_ones_own_loop_is_told_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    net = Net(spare=True)
    net.backbone.requires_grad_(False)
    list(sonde.steps(net, sample_tasks.blobs(64), loss=cross_entropy, total=30, batch_size=16))
    said = capsys.readouterr().out
    assert said.count("call net.backbone.eval() before training") == 1
    assert said.count("spare.weight, spare.bias: unused parameters; the loss of the first 4 steps") == 1


@pytest.mark.parametrize(
    ("ends", "found"),
    [
        ([nn.Softmax(1)], "probabilities"),
        ([], "plain outputs"),
        ([nn.LogSoftmax(1)], ""),
    ],
)
def test_a_negative_log_likelihood_of_no_log_probabilities_is_named(
    ends: list[nn.Module], found: str, tmp_path: Path
) -> None:
    x, y = torch.linspace(-1, 1, 80).reshape(20, 4), torch.arange(20) % 2
    network = nn.Sequential(nn.Linear(4, 2), *ends)
    options: dict[str, Any] = {"epochs": 1, "batch_size": 10, "threads": 1, "quiet": True, "out": str(tmp_path / "run")}
    sonde.fit(network, (x, y), loss=nn.functional.nll_loss, **options)
    lines = other_findings(tmp_path / "run")
    said = [line for line in lines if line["check"] == "outputs that are no log probabilities"]
    assert [found in line["evidence"] for line in said] == ([True] if found else [])
