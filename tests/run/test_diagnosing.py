"""The examination of runs: what is wrong is named, also of runs that were not examined while they trained; nothing is written."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from acted_runs import acted
from sample_examined import ANEW, CLASSES, QUIET, ROWS, content, trained
from torch import nn
from torch.nn import functional as F

import sonde
from sonde.core.errors import ConfigError, RunFolderError
from sonde.core.run_folder import open_run
from sonde.diagnose.recorded import whole_samples
from sonde.engine.json_lines import read_lines
from sonde.run.diagnosing import Examination, read_only, show
from sonde.screen.screen import Screen


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 4))


@pytest.fixture(scope="module")
def high(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run at a rate that is a thousand times too high."""
    return trained(tmp_path_factory.mktemp("high") / "run", lr=3.0, epochs=3)


@pytest.fixture
def copied(high: Path, tmp_path: Path) -> Path:
    return shutil.copytree(high, tmp_path / "run")


def names(found: Any) -> list[str]:
    return [each.name for each in found.findings if each.severity != "note" and each.name]


def test_a_healthy_run(tmp_path: Path) -> None:
    folder = trained(tmp_path / "run")
    before = content(folder)
    found = sonde.doctor(folder, data=(ROWS, CLASSES), quiet=True)
    assert names(found) == []
    assert {trial.name: trial.answer for trial in found.trials} == {"by-heart": True, "related": True, "inputs": True}
    assert content(folder) == before


def test_targets_that_do_not_belong_to_the_inputs(tmp_path: Path) -> None:
    found = sonde.doctor(trained(tmp_path / "run", ANEW, doctor=False), data=(ROWS, ANEW), quiet=True)
    assert names(found)[0] == "labels-unrelated-to-inputs"
    related = next(trial for trial in found.trials if trial.name == "related")
    assert abs(related.numbers["difference"]) < 0.05


@pytest.mark.parametrize(("lr", "name"), [(3.0, "learning-rate-too-high"), (1e-6, "learning-rate-too-low")])
@pytest.mark.parametrize("doctor", [True, False])
def test_rates_that_are_far_off(lr: float, name: str, doctor: bool, tmp_path: Path) -> None:
    """Of a run that was not examined while it trained there are no signals: its losses alone tell less, and alarm nobody."""
    found = sonde.doctor(trained(tmp_path / "run", lr=lr, doctor=doctor), data=(ROWS, CLASSES), quiet=True)
    if doctor:
        assert names(found)[0] == name
        assert "steps at" in found.findings[0].evidence  # the trial that agrees
    else:
        assert set(names(found)) <= {name, "loss-diverged"}


def test_a_run_of_fit_from_its_folder_and_with_its_network(tmp_path: Path) -> None:
    data = torch.from_numpy(ROWS), torch.from_numpy(ANEW)
    sonde.fit(net(), data, validation=0.2, loss=F.cross_entropy, out=tmp_path / "run", epochs=10, **QUIET)
    alone = sonde.doctor(tmp_path / "run", quiet=True)
    by_itself = (
        [],
        ["not-learning"],
        ["labels-unrelated-to-inputs"],
    )  # the last by its own probes, if they had the time
    assert names(alone)[:1] in by_itself
    assert "model=net" in alone.left
    given = net()
    before = [each.clone() for each in given.parameters()]
    found = sonde.doctor(tmp_path / "run", model=given, data=data, validation=0.2, loss=F.cross_entropy, quiet=True)
    assert names(found) == ["labels-unrelated-to-inputs"]
    assert all(torch.equal(a, b) for a, b in zip(before, given.parameters(), strict=True))


def test_the_callers_random_streams_and_threads_are_left_alone(high: Path) -> None:
    threads = torch.get_num_threads()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    sonde.doctor(high, data=(ROWS, CLASSES), quiet=True)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_other_data(high: Path) -> None:
    """Of the same form: fewer rows, whose targets are those of others."""
    found = sonde.doctor(high, data=(ROWS[:900], ANEW[:900]), quiet=True)
    assert next(trial for trial in found.trials if trial.name == "related").answer is not True


def test_a_run_that_was_stopped_and_one_that_has_no_checkpoint(tmp_path: Path) -> None:
    def stop(record: Any) -> None:
        if isinstance(record, sonde.StepRecord) and record.step == 150:
            raise KeyError("stopped")

    data = torch.from_numpy(ROWS), torch.from_numpy(CLASSES)
    how: dict[str, Any] = {"loss": F.cross_entropy, "epochs": 10, **QUIET}
    with pytest.raises(KeyError):
        sonde.fit(net(), data, out=tmp_path / "run", observers=[stop], checkpoint_every="50 steps", **how)
    found = sonde.doctor(tmp_path / "run", model=net(), data=data, loss=F.cross_entropy, quiet=True)
    assert names(found) == []
    assert [trial.name for trial in found.trials] == ["by-heart", "related", "inputs", "by-heart", "inputs"]
    with pytest.raises(KeyError):
        sonde.fit(net(), data, out=tmp_path / "none", observers=[stop], **how)
    found = sonde.doctor(tmp_path / "none", model=net(), data=data, loss=F.cross_entropy, quiet=True)
    assert [trial.name for trial in found.trials] == ["by-heart", "related", "inputs"]


def test_damaged_lines_are_passed_over(copied: Path) -> None:
    folder = copied
    whole = whole_samples(read_lines(folder / "signals.jsonl"))[0]
    with (folder / "signals.jsonl").open("ab") as file:
        file.write(b'{"step": 3, "phase": 7}\n\x00\xff\n{"torn": ')
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b'{"kind": "step", "step": []}\nnothing\n')
    assert whole_samples(read_lines(folder / "signals.jsonl"))[0] == whole
    assert names(sonde.doctor(folder, data=(ROWS, CLASSES), quiet=True))[0] == "learning-rate-too-high"


def test_silenced_findings_are_notes_at_the_end(high: Path) -> None:
    found = sonde.doctor(high, data=(ROWS, CLASSES), silence=["learning-rate-too-high"], quiet=True)
    assert "learning-rate-too-high" not in names(found)
    assert found.findings[-1].name == "learning-rate-too-high"
    assert found.findings[-1].severity == "note"


def test_warnings_of_other_checks_explain_nothing_and_come_last(copied: Path) -> None:
    folder = copied
    line = {"check": "data", "severity": "warning", "evidence": "a column is text", "action": "see", "step": None}
    with (folder / "findings.jsonl").open("a") as file:
        file.write(json.dumps({**line, "certainty": "certain", "name": "", "where": ""}) + "\n")
    found = sonde.doctor(folder, data=(ROWS, CLASSES), quiet=True)
    warnings = [each for each in found.findings if each.severity != "note"]
    assert (warnings[0].name, warnings[-1].evidence, warnings[-1].name) == (
        "learning-rate-too-high",
        "a column is text",
        "",
    )


def test_what_cannot_be_opened(high: Path, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no run folder"):
        sonde.doctor(tmp_path / "none", quiet=True)
    assert "were in memory" in sonde.doctor(high, quiet=True).left
    with pytest.raises(ConfigError, match="leave model= out"):
        sonde.doctor(high, model=net(), data=(ROWS, CLASSES), quiet=True)
    with pytest.raises(ConfigError, match="takes the network"):
        sonde.doctor(high, model="mlp", data=(ROWS, CLASSES), quiet=True)  # type: ignore[arg-type]


def test_a_cross_validation(tmp_path: Path) -> None:
    folder = trained(tmp_path / "run", folds=2, epochs=1)
    assert "fold-1" in sonde.doctor(folder, data=(ROWS, CLASSES), quiet=True).left


def test_an_examination_is_a_line(high: Path) -> None:
    found = sonde.doctor(high, data=(ROWS, CLASSES), quiet=True)
    assert repr(found) == str(found)
    assert repr(found).startswith("Examination(learning-rate-too-high")
    assert repr(found).endswith(f"; {len(found.trials)} trials)")
    assert "\n" not in repr(found)


def test_a_program_is_told_keywords_throughout(high: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = sonde.doctor(high, data=(ROWS, CLASSES), cure=True)
    out = capsys.readouterr().out
    assert "lr=0." in out
    assert "--" not in out
    assert found.findings[0].action.startswith("lr=0.")
    texts = [*(each.action + each.evidence for each in found.findings), *(each.said for each in found.trials)]
    assert not any("--" in text for text in texts)
    assert found.cure is not None
    assert all(arm.said.startswith("lr=") for arm in found.cure.tried)


def test_a_name_that_no_finding_has_is_refused(high: Path) -> None:
    with pytest.raises(ConfigError, match="unknown finding 'plateu'; did you mean 'plateau'"):
        read_only(open_run(high), silence=["plateu"])
    assert read_only(open_run(high), silence="plateau, diverged").findings


def test_of_a_policy_what_was_logged_is_shown_where_nothing_can_be_tried(capsys: pytest.CaptureFixture[str]) -> None:
    show(Examination(findings=[], left="a reason", seen=acted()), Screen())
    told = capsys.readouterr().out
    assert re.search(r"entropy of the policy, nats +0\.689 +0\.489 +0\.290", told)
    assert "nothing could be tried: a reason" in told
