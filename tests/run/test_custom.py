"""A module or a task of one's own through `sonde.fit`, `sonde.steps` and `sonde.train`: what is kept, said and refused."""

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sample_tasks
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import sonde
from sonde.core.errors import ConfigError, DataError, Interrupted, RunFolderError
from sonde.core.files import read_json
from sonde.engine.json_lines import read_lines
from sonde.engine.step import Stepper
from sonde.run.custom import task_of
from sonde.screen.summary import result_lines

QUIET: dict[str, Any] = {"threads": 1, "quiet": True}


def line(rows: int = 64) -> tuple[Tensor, Tensor]:
    x = torch.linspace(-1, 1, rows).unsqueeze(1)
    return x, 3 * x - 1


def worst(output: Tensor, target: Tensor) -> Tensor:
    return -(output - target).abs().max()


def test_steps_of_a_plain_module_are_those_of_a_loop_by_hand() -> None:
    """Whole batches in any order have one gradient, so plain descent is the textbook's."""
    x, y = line()
    torch.manual_seed(0)
    by_hand, ours = nn.Linear(1, 1), nn.Linear(1, 1)
    ours.load_state_dict(by_hand.state_dict())
    for _ in range(5):
        gradients = torch.autograd.grad(mse_loss(by_hand(x), y), list(by_hand.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(by_hand.parameters(), gradients, strict=True):
                parameter -= 0.1 * gradient
    records = list(sonde.steps(ours, (x, y), loss=mse_loss, lr=0.1, total=5, optimizer="sgd", batch_size=64))
    assert [record.step for record in records] == [1, 2, 3, 4, 5]
    for a, b in zip(by_hand.parameters(), ours.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_a_plain_module_needs_its_loss() -> None:
    with pytest.raises(ConfigError, match=r"a plain module needs loss=\(output, target\)"):
        next(iter(sonde.steps(nn.Linear(1, 1), line(), total=1)))


def test_what_is_no_task_is_told_what_it_lacks() -> None:
    class Half:
        modules = nn.ModuleDict()
        phases = ()

    with pytest.raises(ConfigError, match="Half is neither an nn.Module nor a task: it lacks objective, evaluate, "):
        task_of(Half(), None)  # type: ignore[arg-type]


def test_a_whole_task_is_taken_as_it_is() -> None:
    task = sample_tasks.Supervised(nn.Linear(2, 3))
    assert task_of(task, None) is task


def test_the_metric_that_decides_is_the_one_to_read_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = sonde.fit(
        nn.Linear(1, 1),
        line(),
        validation=line(16),
        loss=mse_loss,
        metrics={"worst": sonde.Metric(worst, higher_is_better=True)},
        epochs=2,
        threads=1,
        out=str(tmp_path / "run"),
    )
    assert run.result["headline"] == run.result["objective"]["metric"] == "worst"
    assert list(run.metrics) == ["worst", "loss"]
    said = capsys.readouterr().out
    assert "validation worst (best checkpoint" in said
    assert f"open {tmp_path / 'run' / 'report.html'}" in said
    assert "sonde predict" not in said


def test_its_folder_is_named_after_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = sonde.fit(nn.Linear(1, 1), line(), loss=mse_loss, epochs=1, **QUIET)
    assert run.folder == Path("runs/custom-linear-1")


def test_what_is_found_before_the_run_is_said_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pieces of a batch are not the batch where batch norm sees them."""
    net = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1))
    run = sonde.fit(net, line(), loss=mse_loss, epochs=1, accumulate=4, threads=1, out=str(tmp_path / "run"))
    kept = (run.folder / "findings.jsonl").read_text()
    assert "accumul" in kept
    assert "checks    nothing found" not in capsys.readouterr().out


def test_the_same_call_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Overrides to stop at step 3, the run says how to go on; that gives the weights of a run that was not stopped."""

    def once(out: str) -> sonde.Run:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.Linear(8, 3))
        data = sample_tasks.blobs(64)
        return sonde.fit(net, data, loss=cross_entropy, epochs=4, batch_size=16, out=out, **QUIET)

    straight = once(str(tmp_path / "straight"))
    real = Stepper.__call__

    def stopped(self: Stepper, batch: Any, *, step: int, epoch: int) -> Any:
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(self, batch, step=step, epoch=epoch)

    out = str(tmp_path / "run")
    monkeypatch.setattr(Stepper, "__call__", stopped)
    with pytest.raises(Interrupted, match=f"resume with: the same call with out='{out}'"):
        once(out)
    monkeypatch.undo()
    gone_on = once(out)
    assert gone_on.result["steps"] == straight.result["steps"] == 16
    for name, weight in straight.model.state_dict().items():
        assert torch.equal(weight, gone_on.model.state_dict()[name]), name


@pytest.fixture
def own_network(tmp_path: Path) -> tuple[nn.Module, str]:
    net, out = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), str(tmp_path / "run")
    sonde.train("digits", model=net, epochs=1, out=out, **QUIET)
    return net, out


def test_only_the_users_program_opens_a_module_of_hers(own_network: tuple[nn.Module, str]) -> None:
    _, out = own_network
    expected = "the network of this run is a custom module, which only your program can build; make the same call"
    with pytest.raises(ConfigError, match=expected):
        sonde.resume(out, epochs=2)
    with pytest.raises(ConfigError, match=expected):
        _ = sonde.load(out).model


def test_the_same_call_gives_the_finished_run_with_its_network(own_network: tuple[nn.Module, str]) -> None:
    trained, out = own_network
    before = read_json(Path(out) / "result.json")
    other = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    again = sonde.train("digits", model=other, epochs=1, out=out, **QUIET)
    assert again.metrics == before["metrics"]["test"]
    assert again.result["steps"] == before["steps"]
    for a, b in zip(trained.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def fit(out: Path, data: Any = None, **settings: Any) -> sonde.Run:
    torch.manual_seed(0)
    return sonde.fit(
        nn.Linear(1, 1), data or line(), loss=mse_loss, out=out, **dict(QUIET, **{"epochs": 2, **settings})
    )


def test_a_finished_run_says_so_and_fills_the_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained = fit(tmp_path / "run").model
    other = sonde.fit(nn.Linear(1, 1), line(), loss=mse_loss, epochs=2, out=tmp_path / "run", threads=1)
    assert f"{tmp_path / 'run'} already holds this run, finished; give epochs=N" in capsys.readouterr().out
    for name, value in trained.state_dict().items():
        assert torch.equal(other.model.state_dict()[name], value)


def test_it_is_trained_further_and_held_to_what_it_was(tmp_path: Path) -> None:
    out = tmp_path / "run"
    fit(out)
    assert fit(out, epochs=4).result["epochs"] == 4
    assert fit(out, fresh=True).result["epochs"] == 2
    with pytest.raises(RunFolderError, match="holds a run with lr=0.001, and now it is 0.1"):
        fit(out, lr=0.1)
    with pytest.raises(DataError, match="the training targets have changed since"):
        fit(out, (line()[0], line()[1] + 1), epochs=4)
    with pytest.raises(ConfigError, match="has trained 2 steps already, and 1 epoch of 1 step are set"):
        fit(out, epochs=1)


def test_without_validation_the_network_is_the_last(tmp_path: Path) -> None:
    first = {name: value.clone() for name, value in fit(tmp_path / "run").model.state_dict().items()}
    longer = fit(tmp_path / "run", epochs=6).model.state_dict()
    assert all(not torch.equal(longer[name], value) for name, value in first.items())


def test_a_dataset_a_loader_and_named_tensors_are_the_same_rows(tmp_path: Path) -> None:
    x, y = line(64)
    given = {
        "tensors": (x, y),
        "named": {"input": x, "target": y},
        "arrays": (x.numpy(), y.numpy()),
        "dataset": TensorDataset(x, y),
        "loader": DataLoader(TensorDataset(x, y), batch_size=64),
    }
    found = {
        name: fit(tmp_path / name, data, batch_size=64, validation=data, epochs=3).metrics["loss"]
        for name, data in given.items()
    }
    assert len(set(found.values())) == 1, found  # whole batches: no order to differ in


def test_a_task_of_two_phases_leaves_a_run_like_any_other(tmp_path: Path) -> None:
    def once(epochs: int) -> sonde.Run:
        torch.manual_seed(0)
        task = sample_tasks.Adversarial(sample_tasks.mlp(4, 8, 2), sample_tasks.mlp(2, 8, 1), 4, generator_every=2)
        data = {"input": sample_tasks.blobs(64)["input"]}
        return sonde.fit(task, data, epochs=epochs, batch_size=16, log_every=1, out=tmp_path / "run", **QUIET)

    once(1)
    run = once(2)
    assert run.result["steps"] == 8
    lines = [line for line in read_lines(run.folder / "metrics.jsonl") if line["kind"] == "step"]
    assert [line["step"] for line in lines] == list(range(1, 9))
    assert [line["step"] for line in lines if "generator/loss" in line] == [2, 4, 6, 8]
    assert (run.folder / "report.html").exists()


def test_a_run_of_fit_explains_what_it_cannot_do(tmp_path: Path) -> None:
    out = fit(tmp_path / "run").folder
    for call in (lambda: sonde.resume(out, epochs=3), lambda: sonde.load(out).model):
        with pytest.raises(ConfigError, match="the network of this run is a custom module, which only your program"):
            call()
    assert sonde.load(out).metrics.keys() == {"loss"}
    with pytest.raises(
        RunFolderError, match="has no schema.json: it was trained on custom data; open it with sonde.load"
    ):
        sonde.load(out).predict(line()[0])


def test_a_custom_module_is_loaded_for_prediction(tmp_path: Path) -> None:
    run, inputs = fit(tmp_path / "run"), line()[0]
    other = nn.Linear(1, 1)
    loaded = sonde.load(run.folder, model=other)
    assert torch.equal(other.weight, next(run.model.parameters()))
    assert not other.training
    found = loaded.predict(inputs)
    assert found == run.predict(inputs) == sonde.load(run.folder, model=nn.Linear(1, 1)).predict(inputs.numpy())
    assert found[3] == {"input": "row 3", "output": pytest.approx(other(inputs)[3].tolist())}
    with pytest.raises(RunFolderError, match="the checkpoint does not fit this model: model.weight is"):
        sonde.load(run.folder, model=nn.Linear(2, 1))
    with pytest.raises(ConfigError, match="predicts on an array or tensor, a tuple or dict of them, .* not on a list"):
        loaded.predict(["a.png"])


def test_a_custom_task_is_loaded_as_one(tmp_path: Path) -> None:
    task = task_of(nn.Linear(1, 1), mse_loss)
    run = sonde.fit(task, line(), epochs=1, out=tmp_path / "run", **QUIET)
    again = sonde.load(run.folder, model=task_of(nn.Linear(1, 1), mse_loss))
    assert again.predict(line()[0]) == run.predict(line()[0])


def test_a_custom_module_on_data_that_sonde_described_predicts_as_others_do(
    own_network: tuple[nn.Module, str],
) -> None:
    _, out = own_network
    other = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    digits = np.zeros((2, 8, 8), np.uint8)
    found = sonde.load(out, model=other).predict(digits)
    assert {"input", "prediction"} <= found[0].keys()


def test_a_network_of_the_catalogue_is_not_given(tmp_path: Path) -> None:
    run = sonde.train("digits", model="mlp", epochs=1, out=tmp_path / "run", **QUIET)
    with pytest.raises(ConfigError, match=r"builds its network itself \(mlp\); leave model= out"):
        sonde.load(run.folder, model=nn.Linear(1, 1))


def test_a_module_of_ones_own_is_loaded_and_frozen_by_its_program(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pretrained= is for sonde.train; load the weights into your modules"):
        fit(tmp_path / "run", pretrained="weights.pth")
    with pytest.raises(ConfigError, match=r"freeze= is for sonde.train; call requires_grad_\(False\)"):
        fit(tmp_path / "run", freeze="backbone")
    assert not (tmp_path / "run").exists()


class Rows(IterableDataset[Any]):
    """`count` rows of a line, or no end of them."""

    def __init__(self, count: int | None) -> None:
        self.count, self.ends = count, count is not None

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for number in itertools.count() if self.count is None else range(self.count):
            x = torch.tensor([number % 50 / 25 - 1.0])
            yield x, 3 * x - 1


def rows() -> Iterator[tuple[Tensor, Tensor]]:
    yield from Rows(49)


def batches() -> Iterator[tuple[Tensor, Tensor]]:
    for _ in range(6):
        yield torch.rand(8, 1), torch.rand(8, 1)


@pytest.mark.parametrize(("data", "steps"), [(Rows(49), 6), (batches, 6), ([line(8)] * 6, 6)])
def test_an_epoch_of_an_iterable_is_a_pass(data: Any, steps: int, tmp_path: Path) -> None:
    rows_a_batch = {} if isinstance(data, list) else {"batch_size": 8}  # these are batches already
    given = {"epochs": 2, "out": str(tmp_path / "run"), **rows_a_batch, **QUIET}
    run = sonde.fit(nn.Linear(1, 1), data, loss=mse_loss, **given)
    result = read_json(run.folder / "result.json")
    assert (result["steps"], result["epochs"]) == (2 * steps, 2)


def test_data_without_end_need_steps(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the training data are endless"):
        sonde.fit(nn.Linear(1, 1), Rows(None), loss=mse_loss, epochs=2, out=str(tmp_path / "none"), **QUIET)
    run = sonde.fit(nn.Linear(1, 1), Rows(None), loss=mse_loss, steps=9, out=str(tmp_path / "run"), **QUIET)
    assert read_json(run.folder / "result.json")["steps"] == 9


def test_an_iterator_is_read_once(tmp_path: Path) -> None:
    settings = {"loss": mse_loss, "batch_size": 8, **QUIET}
    said = "10 epochs are 10 passes over the data, and an iterator can be read only once; give the DataLoader itself"
    with pytest.raises(ConfigError, match=said):
        sonde.fit(nn.Linear(1, 1), batches(), out=str(tmp_path / "none"), **settings)
    with pytest.raises(ConfigError, match="validation data are read more than once, and an iterator can be read"):
        sonde.fit(nn.Linear(1, 1), line(), validation=batches(), out=str(tmp_path / "none"), **settings)
    settings |= {"schedule": "constant", "warmup": 0}
    run = sonde.fit(nn.Linear(1, 1), batches(), epochs=1, out=str(tmp_path / "run"), **settings)
    assert read_json(run.folder / "result.json")["steps"] == 6  # the batch that was planned with is trained on
    with pytest.raises(ConfigError, match="an iterator can be read only once"):
        sonde.fit(nn.Linear(1, 1), batches(), steps=20, out=str(tmp_path / "longer"), **settings)


def test_how_samples_are_read_is_said(tmp_path: Path) -> None:
    data = [{"__key__": ["a"] * 8, "x": torch.rand(8, 1), "y": torch.rand(8, 1)}] * 3
    run = sonde.fit(nn.Linear(1, 1), data, loss=mse_loss, epochs=1, out=str(tmp_path / "run"), **QUIET)
    lines = read_json(run.folder / "plan.json")["lines"]
    assert "x → forward; y → the loss; __key__ unused" in lines


PAIRS = [(torch.rand(1), float(number)) for number in range(33)]


@pytest.mark.parametrize("data", [TensorDataset(*line(33)), Rows(33), line(33), PAIRS])
def test_a_single_row_left_over_joins_the_batch_before(data: Any, tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    loss = lambda output, target: mse_loss(output, target.view(-1, 1))  # noqa: E731
    run = sonde.fit(net, data, loss=loss, epochs=2, batch_size=16, out=str(tmp_path / "run"), **QUIET)
    assert read_json(run.folder / "result.json")["steps"] == 4
    assert net[1].num_batches_tracked == 4


def test_a_mapped_file_is_trained_on_where_it_is(tmp_path: Path) -> None:
    x, y = line(33)
    np.save(tmp_path / "x.npy", x.numpy())
    np.save(tmp_path / "y.npy", y.numpy())
    losses = []
    for name, data in (
        ("mapped", tuple(np.load(tmp_path / f"{part}.npy", mmap_mode="r") for part in "xy")),
        ("memory", (x, y)),
    ):
        torch.manual_seed(0)
        out = str(tmp_path / name)
        run = sonde.fit(nn.Linear(1, 1), data, loss=mse_loss, epochs=3, batch_size=16, memory="1kB", out=out, **QUIET)
        found = read_lines(run.folder / "metrics.jsonl")
        losses.append([entry["loss"] for entry in found if entry["kind"] == "step"])
    assert losses[0] == losses[1] != []


class TwoStages(sample_tasks.Sample):
    """An encoder learnt first, a head after it."""

    def __init__(self, first: sonde.Stage, second: sonde.Stage) -> None:
        torch.manual_seed(0)
        self.encoder, self.head = nn.Linear(2, 4), nn.Linear(4, 3)
        self.modules = nn.ModuleDict({"encoder": self.encoder, "head": self.head})
        self.objective = sonde.Objective("loss", "min")
        self.phases = [
            sonde.Phase(name="encoder", loss=self.loss, trains=[self.encoder], stage=first),
            sonde.Phase(name="head", loss=self.loss, trains=[self.head], stage=second),
        ]

    def loss(self, batch: sonde.Batch) -> sonde.Loss:
        return sonde.Loss(cross_entropy(self.head(self.encoder(batch["input"])), batch["target"]), len(batch))

    def evaluate(self, batch: sonde.Batch) -> dict[str, Tensor]:
        return {"loss": self.loss(batch).value}

    def meter(self) -> sonde.MeanMeter:
        return sonde.MeanMeter()

    def predict(self, batch: sonde.Batch) -> dict[str, Tensor]:
        return {"output": self.head(self.encoder(batch["input"]))}

    def format_predictions(self, outputs: Any) -> list[dict[str, Any]]:
        return [{"output": row.tolist()} for row in outputs["output"]]


def test_stages_with_steps_are_the_runs_length_and_are_told_as_they_begin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = TwoStages(sonde.Stage("warm", steps=3), sonde.Stage("fine", steps=4))
    data = sample_tasks.blobs(64)
    run = sonde.fit(task, data, batch_size=32, threads=1, out=tmp_path / "run")
    assert (run.result["steps"], run.result["ended_by"]) == (7, "steps")
    out = capsys.readouterr().out
    assert "  stage warm begins at step 1\n" in out
    assert "  stage fine begins at step 4\n" in out
    events = [line for line in read_lines(run.folder / "metrics.jsonl") if line["kind"] == "event"]
    assert [(line["step"], line["details"]) for line in events] == [(1, {"stage": "warm"}), (4, {"stage": "fine"})]
    told = r"the task's stages take 7 steps together \(warm 3, fine 4\), and the run has 6 steps; give steps=7 and no epochs"
    with pytest.raises(ConfigError, match=told):
        sonde.fit(task, data, batch_size=32, epochs=3, out=tmp_path / "other", **QUIET)
    assert not (tmp_path / "other").exists()
    with pytest.raises(ConfigError, match="and the run has total=9; give total=7, or leave"):
        sonde.steps(task, data, total=9)
    assert len(list(sonde.steps(task, data, total=7))) == 7
    limited = sonde.fit(task, data, batch_size=32, time_limit="10m", out=tmp_path / "limited", **QUIET)
    assert (limited.result["steps"], limited.result["ended_by"]) == (7, "steps")


def test_modules_that_no_phase_could_train_are_refused_by_fit_and_steps(tmp_path: Path) -> None:
    for call in (sonde.fit, lambda task, data, **more: sonde.steps(task, data, total=2)):
        task = TwoStages(sonde.Stage("a"), sonde.Stage("b"))
        task.modules = nn.ModuleDict({"encoder": task.encoder})
        with pytest.raises(ConfigError, match=r"phase 'head' trains 'head', which is not in task\.modules"):
            call(task, sample_tasks.blobs(64), out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()
    frozen = nn.Linear(1, 1).requires_grad_(False)
    for net in (frozen, nn.Flatten()):
        with pytest.raises(ConfigError, match="phase 'model' has nothing to train: "):
            sonde.fit(net, line(), loss=mse_loss, epochs=1, out=tmp_path / "run", **QUIET)


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (lambda o, t: (o - t) ** 2, r"phase 'model': the loss is a tensor of shape \(64, 1\); it must be a scalar"),
        (lambda o, t: None, "phase 'model': the loss is None; it must be a scalar"),
        (lambda o, t: (o.detach() - t).mean(), "phase 'model': the loss has no gradient; "),
    ],
)
@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_loss_without_a_gradient_is_one_line(loss: Any, told: str, accumulate: int, tmp_path: Path) -> None:
    told = told.replace("64", str(64 // accumulate))
    with pytest.raises(ConfigError, match=told):
        sonde.fit(nn.Linear(1, 1), line(), loss=loss, epochs=1, accumulate=accumulate, out=tmp_path / "run", **QUIET)
    with pytest.raises(ConfigError, match=told):
        next(sonde.steps(nn.Linear(1, 1), line(), loss=loss, total=1, accumulate=accumulate))
    assert not (tmp_path / "run").exists()


def test_a_phases_loss_that_is_no_loss_is_one_line() -> None:
    task = TwoStages(sonde.Stage("a"), sonde.Stage("b"))
    task.phases[0] = sonde.Phase(
        name="encoder", loss=lambda batch: task.loss(batch).value.expand(2), trains=[task.encoder]
    )  # type: ignore[arg-type, return-value]
    with pytest.raises(
        ConfigError, match=r"phase 'encoder': the loss is a tensor of shape \(2,\); it must be a scalar tensor"
    ):
        next(sonde.steps(task, sample_tasks.blobs(64), total=2))


def test_what_an_evaluation_would_stumble_over_is_found_before_the_first_step(tmp_path: Path) -> None:
    def fit(task: Any = None, validation: Any = None, **more: Any) -> None:
        steps = 0

        def loss(output: Tensor, target: Tensor) -> Tensor:
            nonlocal steps
            steps += torch.is_grad_enabled()
            return mse_loss(output, target)

        given = {} if task is not None else {"loss": loss, **more}
        data = line() if task is None else sample_tasks.blobs(64)
        try:
            sonde.fit(
                task or nn.Linear(1, 1),
                data,
                validation=validation or data,
                epochs=50,
                out=tmp_path / "run",
                **given,
                **QUIET,
            )
        finally:
            assert steps < 10
            assert not (tmp_path / "run").exists()

    with pytest.raises(
        DataError, match=r"the first validation batch cannot be computed: .*; the batch holds input \(64, 2\)"
    ):
        fit(validation=(torch.zeros(64, 2), torch.zeros(64, 1)))
    with pytest.raises(ConfigError, match=r"metric 'each' is a tensor of shape \(64, 1\); it must be a scalar"):
        fit(metrics={"each": lambda output, target: output - target})
    with pytest.raises(ConfigError, match="metric 'none' is None; it must be a scalar"):
        fit(metrics={"none": lambda output, target: None})
    with pytest.raises(ConfigError, match="metric '0' is not one that is known by name; there are accuracy"):
        fit(metrics=["0"])
    task = TwoStages(sonde.Stage("a"), sonde.Stage("b"))
    task.objective = sonde.Objective("acc", "max")
    with pytest.raises(
        ConfigError, match="the task's objective is 'acc', which its meter does not report; it reports loss"
    ):
        fit(task)


def test_steps_say_what_is_wrong_as_fit_does() -> None:
    with pytest.raises(ConfigError, match="lr= must be above 0, got -1"):
        sonde.steps(nn.Linear(1, 1), line(), loss=mse_loss, lr=-1, total=1)
    with pytest.raises(
        DataError, match=r"the first batch cannot be computed: .*; the batch holds input \(64, 1\) float32"
    ):
        next(sonde.steps(nn.Linear(3, 1), line(), loss=mse_loss, total=1))
    net = nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))

    def single() -> Iterator[tuple[Tensor, Tensor]]:
        yield torch.zeros(1, 1), torch.zeros(1, 1)

    with pytest.raises(
        ConfigError, match="the generator single yields a batch of one row, and batch norm needs at least two"
    ):
        next(sonde.steps(net, single(), loss=mse_loss, total=1))
    with pytest.raises(
        ConfigError, match="the function single yields a batch of one row, .*let it yield two rows or more"
    ):
        sonde.fit(net, single, loss=mse_loss, epochs=2, **QUIET)


def test_steps_take_what_can_be_read_once() -> None:
    def batches(count: int) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(count):
            yield line()

    assert len(list(sonde.steps(nn.Linear(1, 1), batches(5), loss=mse_loss, total=5))) == 5
    assert len(list(sonde.steps(nn.Linear(1, 1), itertools.repeat(line()), loss=mse_loss, total=30))) == 30
    taken = []
    with pytest.raises(
        ConfigError, match="the iterator has ended after 5 batches, .* or train for fewer steps"
    ) as caught:
        taken.extend(sonde.steps(nn.Linear(1, 1), batches(5), loss=mse_loss, total=50))
    assert "\n" not in str(caught.value)


def test_epochs_of_data_without_any_are_refused(tmp_path: Path) -> None:
    def fit(**more: Any) -> sonde.Run:
        data = itertools.repeat(line())
        return sonde.fit(
            nn.Linear(1, 1), data, validation=line(), loss=mse_loss, steps=40, out=tmp_path / "run", **more, **QUIET
        )

    for name in ("evaluate_every", "patience", "checkpoint_every"):
        with pytest.raises(ConfigError, match=f'has no effect: these data have no epochs; give {name}="500 steps"'):
            fit(**{name: "2 epochs"})
    with pytest.raises(ConfigError, match="evaluated at the end only; give evaluate_every="):
        fit(patience=2)
    with pytest.raises(ConfigError, match="the first evaluation falls due at the run's end, after 40 steps"):
        fit(patience=2, evaluate_every="40 steps")
    run = fit(patience=100, evaluate_every="10 steps")
    assert run.result["best"]["step"] > 0
    assert run.result["epochs"] is None
    assert f"(best checkpoint: step {run.result['best']['step']}" in "".join(result_lines(run.result))
