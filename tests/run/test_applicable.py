"""A setting is obeyed or refused: each rule fires where one would change nothing, its remedy works, and else it is silent."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sample_tasks
import torch
from sample_tasks import blobs, mlp
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

import sonde
from sonde.cli.main import main
from sonde.core.config import GROUPS, FeedConfig, OptimConfig
from sonde.core.config_file import read_config
from sonde.core.errors import ConfigError, DataError
from sonde.optim.build import USED
from sonde.run.applicable import OPTIMISERS, RULES, SHAPED
from tests.acting.small_environments import Walk

QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "device": "cpu"}
X = torch.linspace(-1, 1, 64).unsqueeze(1)
LINE = (X, 3 * X - 1)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    drawn = np.random.default_rng(0).normal(size=(60, 2))
    rows = "".join(f"{a:.3f},{b:.3f},{'yes' if a > b else 'no'}\n" for a, b in drawn)
    (tmp_path / "t.csv").write_text("a,b,larger\n" + rows)
    return tmp_path / "t.csv"


def train(table: Path, **more: Any) -> sonde.Run:
    given = {
        "target": "larger",
        "model": "mlp",
        "hidden": (4,),
        "epochs": 1,
        "out": table.parent / "run",
        **QUIET,
        **more,
    }
    return sonde.train(table, **given)


REFUSED = [
    ({"augment": "flip"}, "augment= flip has no effect: for tables there is no such augmentation; leave it out", {}),
    (
        {"momentum": 0.8, "optimizer": "adamw"},
        'momentum=0.8 has no effect: optimizer="adamw" does not read it; leave it out, or use optimizer="momentum" or',
        {"momentum": 0.8, "optimizer": "momentum"},
    ),
    (
        {"beta1": 0.8, "optimizer": "sgd"},
        'beta1=0.8 .* use optimizer="adam" or',
        {"beta1": 0.8, "optimizer": "adam"},
    ),
    (
        {"patience": 3, "validation": 0.0},
        "patience=3 has no effect: there are no validation rows; .* keep some with validation=0.2",
        {"patience": 3, "validation": 0.2, "epochs": 2},
    ),
    ({"patience": 3, "validation": 0.0, "folds": 3}, "patience=3 has no effect: there are no validation rows", {}),
    ({"monitor": "accuracy", "validation": 0.0}, "monitor= accuracy has no effect", {"monitor": "accuracy"}),
    ({"evaluate_every": "3 steps", "validation": 0.0}, "evaluate_every=3 steps has no effect", {}),
    (
        {"lr_floor": 0.1, "schedule": "constant"},
        'lr_floor=0.1 has no effect: schedule="constant" does not read it; .* use schedule="step" or',
        {"lr_floor": 0.1, "schedule": "cosine"},
    ),
    ({"decay": 0.3, "schedule": "linear"}, 'decay=0.3 .* use schedule="wsd"$', {"decay": 0.3, "schedule": "wsd"}),
    ({"step_size": 0.3, "schedule": "linear"}, 'step_size=0.3 .* use schedule="step"$', {}),
]


@pytest.mark.parametrize(("given", "told", "remedy"), REFUSED)
def test_what_would_change_nothing_is_refused_before_there_is_a_folder_and_the_remedy_works(
    given: dict[str, Any], told: str, remedy: dict[str, Any], table: Path
) -> None:
    with pytest.raises(ConfigError, match=told):
        train(table, **given)
    assert not (table.parent / "run").exists()
    assert train(table, **remedy).result["status"] in ("finished", "stopped early")


@pytest.mark.parametrize("given", [{"augment": "none"}, {"patience": 0, "validation": 0.0}, {"lr_floor": 0.0}])
def test_to_ask_for_nothing_is_never_refused(given: dict[str, Any], table: Path) -> None:
    assert train(table, **given, schedule="constant").result["status"] == "finished"


def test_freezing_weights_that_were_never_trained_is_obeyed_and_said(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(table, freeze="backbone", quiet=False)
    out = " ".join(capsys.readouterr().out.split())
    assert "frozen random weights" in out
    assert 'freeze="backbone" keeps weights as they were initialised' in out
    assert '"frozen random weights"' in (run.folder / "findings.jsonl").read_text()
    train(table, freeze="none", quiet=False, fresh=True)
    assert "frozen random weights" not in capsys.readouterr().out


def test_the_command_line_refuses_in_one_line(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", str(table), "--target", "larger", "--model", "mlp", "--augment", "flip"]
    assert main([*words, "--out", str(table.parent / "run")]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "sonde: error: --augment flip has no effect: for tables there is no such augmentation; leave it out"
    )


def test_a_setting_that_its_task_does_not_read_is_refused_also_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyspiel")
    words = ["train", "game:tic_tac_toe", "--steps", "2", "--out", str(tmp_path / "run")]
    assert main([*words, "--search", "puct", "--considered", "4"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "sonde: error: --considered 4 has no effect: --search puct looks at all moves; leave it out, or use --search gumbel"
    )
    assert not (tmp_path / "run").exists()


def test_what_is_given_on_resume_is_asked_too(table: Path) -> None:
    run = train(table, validation=0.0)
    with pytest.raises(ConfigError, match="patience=2 has no effect: there are no validation rows"):
        sonde.resume(run.folder, epochs=2, patience=2, quiet=True)
    assert sonde.resume(run.folder, epochs=2, quiet=True).result["epochs"] == 2


def test_a_typed_share_for_test_rows_that_the_data_bring_is_refused(table: Path) -> None:
    folder = table.parent / "splits"
    folder.mkdir()
    for name in ("train", "test"):
        (folder / f"{name}.csv").write_text(table.read_text())
    with pytest.raises(ConfigError, match="test=0.3 has no effect: the data have test rows of their own; leave it out"):
        train(folder, test=0.3)
    assert train(folder).result["status"] == "finished"


def fit(data: Any, out: Path, **more: Any) -> sonde.Run:
    settings: dict[str, Any] = {"loss": mse_loss, "epochs": 1, "out": out, **QUIET, **more}
    return sonde.fit(nn.Linear(1, 1), data, **settings)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"patience": 3},
            "patience=3 has no effect: there are no validation data; leave it out, or pass validation=",
        ),
        ({"evaluate_every": 2}, "evaluate_every=2 has no effect: there are no validation data"),
        ({"monitor": "loss"}, "monitor= loss has no effect: there are no validation data"),
        ({"augment": "flip"}, "augment= flip has no effect: .* augment in your Dataset"),
        ({"folds": 3}, "folds=3 has no effect: sonde.fit takes data as they are; leave it out, or use sonde.train"),
        ({"overfit_batches": 1}, "overfit_batches=1 has no effect"),
        ({"label_fraction": 0.5}, "label_fraction=0.5 has no effect"),
        ({"test": 0.1}, "test=0.1 is a share, and a test set is data of its own"),
        ({"image_size": 32}, "image_size=32 has no effect"),
    ],
)
def test_fit_refuses_what_it_would_ignore(given: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told):
        fit(LINE, tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


def test_a_batch_size_beside_a_loader_is_refused_unless_it_is_the_loaders(tmp_path: Path) -> None:
    loader = DataLoader(TensorDataset(*LINE), batch_size=16)
    with pytest.raises(ConfigError, match="batch_size=8 has no effect: the data come in batches already; set it where"):
        fit(loader, tmp_path / "run", batch_size=8)
    with pytest.raises(ConfigError, match="batch_size=8 has no effect"):
        fit([LINE, LINE], tmp_path / "run", batch_size=8)
    assert fit(loader, tmp_path / "run", batch_size=16).result["steps"] == 4


def test_monitor_chooses_among_the_metrics_or_is_refused(tmp_path: Path) -> None:
    def error(output: Tensor, target: Tensor) -> Tensor:
        return -(output - target).abs().mean()

    given: dict[str, Any] = {"validation": LINE, "metrics": {"closeness": error}}
    with pytest.raises(ConfigError, match="monitor='closenes': there is no such metric; .* closeness"):
        fit(LINE, tmp_path / "none", monitor="closenes", **given)
    by_loss = fit(LINE, tmp_path / "loss", monitor="loss", **given)
    assert by_loss.result["objective"] == {"metric": "loss", "mode": "min"}
    by_its_own = fit(LINE, tmp_path / "own", **given, monitor="closeness", mode="max")
    assert by_its_own.result["objective"] == {"metric": "closeness", "mode": "max"}


def test_settings_of_an_optimiser_that_every_phase_makes_itself_are_refused(tmp_path: Path) -> None:
    from sonde.tasks.custom.task import ModuleTask

    task = ModuleTask(nn.Linear(1, 1), mse_loss)
    phase = sonde.Phase(
        name="model",
        loss=task.loss,
        trains=[task.modules["model"]],
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        schedule=lambda step: 1.0,
    )
    task.phases = (phase,)
    for given in ({"lr": 0.1}, {"optimizer": "adam"}, {"schedule": "cosine"}):
        with pytest.raises(ConfigError, match="every phase of the task has its own"):
            sonde.fit(task, LINE, epochs=1, out=tmp_path / "run", **given, **QUIET)
    assert sonde.fit(task, LINE, epochs=1, clip=1.0, out=tmp_path / "run", **QUIET).result["epochs"] == 1


def test_steps_refuses_what_belongs_to_fit_and_obeys_threads() -> None:
    refused: list[dict[str, Any]] = [{"epochs": 3}, {"patience": 1}, {"out": "runs/x"}, {"compile": True}]
    for given in refused:
        (name,) = given
        with pytest.raises(ConfigError, match=f"{name}=.* has no effect: sonde.steps leaves that to your own loop"):
            sonde.steps(nn.Linear(1, 1), LINE, loss=mse_loss, total=2, **given)
    before = torch.get_num_threads()
    try:
        assert len(list(sonde.steps(nn.Linear(1, 1), LINE, loss=mse_loss, total=2, threads=1))) == 2
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_steps_says_what_this_machine_cannot_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sonde.run.computing.inability", lambda *_: "no such kernel")
    with pytest.raises(
        ConfigError, match=r'^precision="bf16": this machine .* \(no such kernel\); use precision="fp32"$'
    ):
        sonde.steps(nn.Linear(1, 1), LINE, loss=mse_loss, total=2, precision="bf16")
    assert len(list(sonde.steps(nn.Linear(1, 1), LINE, loss=mse_loss, total=2, precision="fp32"))) == 2


def short() -> Iterator[tuple[Tensor, Tensor]]:
    yield from [LINE] * 3


def test_shapes_that_do_not_fit_are_named_and_leave_no_folder(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"the first batch cannot be computed: mat1 and mat2 shapes .* \(64, 2\) float32"
    ):
        fit((torch.rand(64, 2), X), tmp_path / "run")
    rows = blobs(64)
    labels = (rows["input"], rows["target"].float())
    with pytest.raises(DataError, match=r"the batch holds input \(64, 2\) float32, target \(64,\) float32"):
        sonde.fit(mlp(2, 3), labels, loss=cross_entropy, epochs=1, out=tmp_path / "run", **QUIET)
    assert not (tmp_path / "run").exists()


def test_an_iterator_that_ends_too_soon_is_said_to_and_the_run_to_have_failed(tmp_path: Path) -> None:
    from sonde.cli.runs import read_line

    with pytest.raises(
        ConfigError, match="the iterator has ended after 3 batches, and an iterator can be read only once"
    ):
        fit(short(), tmp_path / "run", steps=20, epochs=None, schedule="constant", warmup=0)
    assert read_line(tmp_path / "run").status.startswith("failed, step ")
    run = fit(short, tmp_path / "again", steps=20, epochs=None)
    assert run.result["steps"] == 20


def test_every_general_setting_is_known_to_a_rule_or_always_has_an_effect() -> None:
    """A new setting is put into the table, or into this list."""
    always = {
        "memory", "accumulate", "pretrained", "freeze", "ema", "steps", "time_limit",
        "log_every", "doctor", "classical", "silence", "device", "precision", "compile", "threads", "deterministic", "seed",
        "out", "fresh",
        "quiet", "debug", "log", "trust_code", "given",
    }  # fmt: skip
    ruled = {name for rule in RULES for name in rule.names}
    for kind in GROUPS.values():
        for entry in fields(kind):
            assert (entry.name in always) != (entry.name in ruled) or entry.name == "given", entry.name
    assert set(OPTIMISERS) == {name for names in USED.values() for name in names}
    assert set(SHAPED) <= {entry.name for entry in fields(OptimConfig)}
    assert FeedConfig.augment == "auto"


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"augment": "flip"}, "augment= flip has no effect: sonde.fit takes data as they are; leave it out"),
        (
            {"balanced": True},
            "balanced=True has no effect: sonde.fit takes .*; give a DataLoader with a WeightedRandomSampler",
        ),
        ({"label_fraction": 0.1}, "label_fraction=0.1 has no effect"),
        ({"overfit_batches": 1}, "overfit_batches=1 has no effect"),
        ({"folds": 3}, "folds=3 has no effect"),
        ({"target": "y"}, "target= y has no effect"),
        ({"feed": "streaming"}, 'feed="streaming" has no effect'),
        ({"layer_decay": 0.5}, "layer_decay=0.5 has no effect: no network has more than one layer"),
        (
            {"test": 0.3},
            "test=0.3 is a share, and a test set is data of its own",
        ),
        ({"monitor": "nonsense"}, "monitor='nonsense'"),
        ({"model": "mlp"}, "model= is for sonde.train; here the network or task is the first argument"),
        ({"epohcs": 3}, "unknown setting 'epohcs'; did you mean 'epochs'"),
        ({"learning_rate": 0.1}, "unknown setting 'learning_rate'; here it is called 'lr'"),
        ({"max_epochs": 3}, "unknown setting 'max_epochs'; here it is called 'epochs'"),
        ({"pretrained": "x"}, "pretrained= is for sonde.train; load the weights into your modules"),
    ],
)
def test_fit_obeys_or_refuses_each_setting(tmp_path: Path, whole: bool, given: dict[str, Any], said: str) -> None:
    x = torch.randn(32, 4)
    data = (x, (x[:, 0] > 0).long())
    net = nn.Linear(4, 2)
    what = sample_tasks.Supervised(net) if whole else net
    loss = {} if whole else {"loss": nn.functional.cross_entropy}
    with pytest.raises(ConfigError, match=said):
        sonde.fit(what, data, validation=data, epochs=1, batch_size=8, quiet=True, threads=1,
                  out=str(tmp_path / "run"), **loss, **given)  # fmt: skip
    assert not (tmp_path / "run").exists()


def test_a_loss_beside_a_task_is_refused(tmp_path: Path) -> None:
    x = torch.randn(32, 4)
    task = sample_tasks.Supervised(nn.Linear(4, 2))
    with pytest.raises(
        ConfigError, match="loss= is for a plain module: Supervised has its own in its phases; leave it out"
    ):
        sonde.fit(task, (x, x), loss=nn.functional.mse_loss, epochs=1, quiet=True)


def test_a_weighted_sampler_is_what_balances(tmp_path: Path) -> None:
    """What the refusal of balanced= advises."""
    y = torch.tensor([0] * 60 + [1] * 4)
    seen: list[int] = []

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        seen.extend(target.tolist())
        return nn.functional.cross_entropy(output, target)

    sampler = WeightedRandomSampler((1.0 / torch.bincount(y)[y]).tolist(), 64)
    loader = DataLoader(TensorDataset(torch.randn(64, 4), y), 8, sampler=sampler)
    sonde.fit(nn.Linear(4, 2), loader, loss=loss, epochs=10, quiet=True, threads=1, out=str(tmp_path / "run"))
    assert 0.4 < sum(seen) / len(seen) < 0.6


def test_defaults_without_an_effect_are_left_out_of_the_config(tmp_path: Path, table: Path) -> None:
    given = fit(LINE, tmp_path / "fit", epochs=1)
    settings = read_config(given.folder).settings
    assert (
        not {"pages", "horizon", "augment", "pretrained", "momentum", "plateau_patience", "balanced"} & settings.keys()
    )
    assert {"lr", "beta1", "clip", "epochs", "memory"} <= settings.keys()
    train(table, out=str(tmp_path / "table"), epochs=1, optimizer="momentum")
    settings = read_config(tmp_path / "table").settings
    assert not {"pages", "horizon", "max_seconds", "beta1"} & settings.keys()
    assert {"columns", "target", "momentum"} <= settings.keys()
    further = sonde.resume(tmp_path / "table", epochs=2, **QUIET)
    assert further.result["epochs"] == 2
    assert "horizon" not in read_config(tmp_path / "table").settings


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"epochs": 3}, "epochs=3 has no effect: the training data are endless, so an epoch never ends; set .* steps"),
        ({"epochs": 3, "steps": 4}, "epochs=3 has no effect"),
        (
            {"batch_size": 33, "steps": 4},
            "batch_size=33 has no effect: a rollout holds 32 transitions, .* give at most 32",
        ),
        (
            {"batch_size": 33, "steps": 4, "task": "a2c"},
            "batch_size=33 has no effect: .* learns from all that it met at once",
        ),
    ],
)
def test_what_acts_refuses_epochs_and_batches_that_it_cannot_have(
    given: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=told):
        sonde.train(Walk, out=tmp_path / "run", environments=2, rollout=16, quiet=True, threads=1, **given)
    assert not (tmp_path / "run").exists()


def test_games_have_no_epochs_either(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="epochs=2 has no effect: the training data are endless"):
        sonde.train("game:tic_tac_toe", out=tmp_path / "run", epochs=2, quiet=True, threads=1)
