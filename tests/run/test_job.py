"""A run's life from the outside: what `fit`, `train`, folds and `resume` have in common, whatever is trained."""

import errno
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

import sonde
from sonde.api import run_job
from sonde.core.errors import ConfigError, RunFolderError, SondeError
from sonde.core.files import read_json
from sonde.core.overrides import from_keywords
from sonde.core.run_folder import RunFolder
from sonde.engine import checkpoint
from sonde.run.data_job import Caller, data_job
from sonde.screen.screen import Screen

PACKAGE = Path(sonde.__file__).parent
X = torch.randn(96, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()
MOST_FRAMES, MOST_FILES = 3, 2  # of ours between `sonde.fit` and a user's loss, outside of the engine


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 2))


def fit(out: Path, *, loss: Any = cross_entropy, validation: Any = (X[64:], Y[64:]), **settings: Any) -> sonde.Run:
    given = {"epochs": 2, "threads": 1, "quiet": True, "batch_size": 16, **settings}
    return sonde.fit(net(), (X[:64], Y[:64]), validation=validation, loss=loss, out=out, **given)


def train(out: Path, **settings: Any) -> sonde.Run:
    given = {"epochs": 2, "threads": 1, "quiet": True, "batch_size": 16, "task": "classification", **settings}
    head = nn.Sequential(net(), nn.Linear(2, 1))
    splits = {"train": (X[:64].numpy(), Y[:64].numpy()), "validation": (X[64:].numpy(), Y[64:].numpy())}
    return sonde.train(splits, model=head, out=out, **given)


BOTH = pytest.mark.parametrize("begin", [fit, train])


def test_little_lies_between_fit_and_the_users_loss(tmp_path: Path) -> None:
    """What a person has to read past in a traceback out of her own loss."""
    stacks = []

    def loss(output: Tensor, target: Tensor) -> Tensor:
        if output.requires_grad:
            stacks.append([Path(frame.filename) for frame in traceback.extract_stack()])
        return cross_entropy(output, target)

    fit(tmp_path / "run", loss=loss)
    ours = [file.relative_to(PACKAGE) for file in stacks[-1] if file.is_relative_to(PACKAGE)]
    ours = [file for file in ours if file.parts[0] != "engine"]
    assert len(ours) <= MOST_FRAMES, ours
    assert len(set(ours)) <= MOST_FILES, ours


@BOTH
def test_the_network_is_left_with_its_best_weights_to_be_used(begin: Callable[..., sonde.Run], tmp_path: Path) -> None:
    for run in (begin(tmp_path / "run", lr=0.05, epochs=4), begin(tmp_path / "run", lr=0.05, epochs=4)):
        assert not any(module.training for module in run.model.modules())
        held, _ = checkpoint.read(tmp_path / "run" / "checkpoints" / "best")
        for name, value in run.task.modules.state_dict().items():
            assert torch.equal(value, held[name]), name
    with torch.no_grad():
        assert torch.equal(run.model(X), run.model(X))  # dropout is over


@BOTH
def test_a_finished_run_of_ones_own_network_says_how_it_is_trained_further(
    begin: Callable[..., sonde.Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(tmp_path / "run")
    begin(tmp_path / "run", quiet=False)
    told = capsys.readouterr().out
    assert (
        f"{tmp_path / 'run'} already holds this run, finished; give epochs=N to train it further, or fresh=True" in told
    )
    assert "sonde resume" not in told


@BOTH
def test_going_on_is_said(begin: Callable[..., sonde.Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begin(tmp_path / "run")
    begin(tmp_path / "run", epochs=3, quiet=False)
    assert f"resuming {tmp_path / 'run'} at step 8" in capsys.readouterr().out
    for name in ("last", "previous", "best"):
        (tmp_path / "run" / "checkpoints" / name / "state.json").unlink(missing_ok=True)
    (tmp_path / "run" / "result.json").unlink()
    again = begin(tmp_path / "run", quiet=False, epochs=None)
    assert f"{tmp_path / 'run'} has no checkpoint yet: starting from the beginning" in capsys.readouterr().out
    assert again.result["epochs"] == 3  # as long as it was to be
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["settings"]["epochs"] == 3


@BOTH
def test_another_setting_is_not_said_to_be_resumable_by_name(begin: Callable[..., sonde.Run], tmp_path: Path) -> None:
    begin(tmp_path / "run")
    with pytest.raises(RunFolderError, match="and now it is 0.5; resume with: the same call as before, start over"):
        begin(tmp_path / "run", lr=0.5)


@BOTH
def test_what_is_refused_leaves_no_folder_and_no_run_undone(begin: Callable[..., sonde.Run], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="batch_size=500 is larger than"):
        begin(tmp_path / "new", batch_size=500)
    assert not (tmp_path / "new").exists()
    begin(tmp_path / "run")
    with pytest.raises(ConfigError, match="batch_size=500 is larger than"):
        begin(tmp_path / "run", batch_size=500, fresh=True)
    assert RunFolder(tmp_path / "run").state() == "finished"


@BOTH
def test_a_folder_that_cannot_be_used_is_said_first(begin: Callable[..., sonde.Run], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="is a file; out= takes a folder"):
        begin(tmp_path / "file", batch_size=500)


def test_time_spent_on_the_users_own_data_is_counted_as_such(tmp_path: Path) -> None:
    x = torch.zeros(2_000_000, 4)  # whose hash takes a while
    run = sonde.fit(nn.Linear(4, 4), (x, x), loss=mse_loss, steps=1, threads=1, quiet=True, out=tmp_path / "run")
    assert run.result["seconds"]["data"] > 0.005


@BOTH
def test_the_settings_are_written_in_the_same_words(begin: Callable[..., sonde.Run], tmp_path: Path) -> None:
    begin(tmp_path / "run", lr=0.01)
    saved = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert saved["settings"]["model"] == "custom"
    assert (saved["settings"]["lr"], saved["origin"]["lr"], saved["origin"]["ema"]) == (0.01, "typed", "default")
    assert saved["settings"]["out"] == str(tmp_path / "run")


def test_a_full_disk_names_what_goes_on_with_such_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "config.yaml")

    monkeypatch.setattr("sonde.run.job.write_start", full)
    with pytest.raises(RunFolderError, match=r"free disk space, then resume with: the same call with out='.*run'"):
        fit(tmp_path / "run")


def test_a_folder_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    """It knows the task by its former name, and nothing of settings that came later."""
    fit(tmp_path / "run")
    file = tmp_path / "run" / "config.yaml"
    lines = file.read_text().replace("task: ModuleTask", "task: PlainTask").splitlines()
    file.write_text("\n".join(line for line in lines if "layer_decay" not in line))
    assert fit(tmp_path / "run", epochs=3).result["steps"] == 12
    with pytest.raises(RunFolderError, match="holds a run with layer_decay=1.0, and now it is 0.5"):
        fit(tmp_path / "run", epochs=3, layer_decay=0.5)


def test_folds_remember_how_far_they_were_trained(tmp_path: Path) -> None:
    rows = "".join(f"{n % 7},{n % 5},{'yes' if n % 7 > 3 else 'no'}\n" for n in range(48))
    (tmp_path / "rows.csv").write_text("a,b,t\n" + rows)
    given = {"target": "t", "model": "mlp", "hidden": (4,), "threads": 1, "quiet": True, "batch_size": 8}
    sonde.train(tmp_path / "rows.csv", epochs=1, folds=2, out=tmp_path / "run", **given)
    longer = sonde.resume(tmp_path / "run", epochs=2, quiet=True)
    assert longer.result["steps"] == 2 * sonde.load(tmp_path / "run" / "fold-1").result["steps"]
    assert sonde.resume(tmp_path / "run", quiet=True).result["steps"] == longer.result["steps"]
    before = longer.result["steps"]
    assert sonde.resume(tmp_path / "run", steps=before, quiet=True).result["steps"] == 2 * before


def test_a_job_is_looked_at_before_it_is_carried_out(tmp_path: Path) -> None:
    """Building one opens the data and settles everything, and writes nothing."""
    overrides = from_keywords({"hidden": [8], "epochs": 1, "threads": 1, "out": tmp_path / "run"}, model="mlp")
    job = data_job((X.numpy(), Y.numpy()), overrides, Caller(screen=Screen(quiet=True)))
    assert not (tmp_path / "run").exists()
    assert (job.config.model, job.config.model_config.hidden, job.config.loop.epochs) == ("mlp", (8,), 1)
    assert job.about["splits"]["train"] + job.about["splits"]["validation"] + job.about["splits"]["test"] == 96
    assert run_job(job).result["status"] == "finished"
    assert read_json(tmp_path / "run" / "data.json")["fingerprint"] == job.about["fingerprint"]


def test_resuming_elsewhere_is_not_starting_anew(tmp_path: Path) -> None:
    x, y = X.numpy(), Y.numpy()
    sonde.train((x, y), model="mlp", hidden=(4,), epochs=1, threads=1, quiet=True, out=tmp_path / "run")
    before = sonde.load(tmp_path / "run").result["steps"]
    with pytest.raises(ConfigError, match="fresh=True starts over, and resume continues"):
        sonde.resume(tmp_path / "run", data=(x, y), epochs=2, fresh=True, quiet=True)
    with pytest.raises(ConfigError, match="out="):
        sonde.resume(tmp_path / "run", data=(x, y), epochs=2, out=str(tmp_path / "other"), quiet=True)
    longer = sonde.resume(tmp_path / "run", data=(x, y), epochs=2, quiet=True)
    assert longer.folder == tmp_path / "run"
    assert longer.result["steps"] == 2 * before
    assert not (tmp_path / "other").exists()


def test_what_stops_a_job_is_the_callers_to_mend(tmp_path: Path) -> None:
    with pytest.raises(SondeError, match="unknown setting 'epoch'; did you mean 'epochs'"):
        fit(tmp_path / "run", epoch=3)
    assert np.isfinite(fit(tmp_path / "run").metrics["loss"])
