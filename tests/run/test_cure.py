"""A remedy is tried beside an unchanged copy: what helps is told from what does not, and the run stays as it is."""

import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sample_examined import CLASSES, ROWS, content, trained
from torch import nn
from torch.nn.functional import cross_entropy

import sonde
from sonde.core.config import TrainConfig
from sonde.core.config_file import read_config
from sonde.core.errors import NonFinite
from sonde.core.findings import CAUSES, Finding
from sonde.run.cure import OF_TIME, OVER_A_RUN, Arm, Cure, by_chance, cause_of, remedies, settings_for, untried
from sonde.run.keywords import in_keywords
from sonde.run.reopened import with_settings
from sonde.run.resolve import NoSettings, settled


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    folder = trained(tmp_path_factory.mktemp("cure") / "run", epochs=1, weight_decay=10.0)
    return settled(read_config(folder / "config.yaml"))


def arm(said: str, *held: float) -> Arm:
    return Arm(said=said, steps=100, end=1.0, held=held)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("learning-rate-too-high", [{"lr": 0.1}, {"lr": 0.01}, {"lr": 0.001}]),
        ("learning-rate-too-low", [{"lr": 10.0}, {"lr": 100.0}, {"lr": 1000.0}]),
        ("weight-decay-too-strong", [{"weight_decay": 0.1}, {"weight_decay": 0.0}]),
        ("exploding-gradient", [{"clip": 1.0}, {"lr": 0.1}]),
        ("dropout-too-strong", [{"dropout": 0.2}, {"dropout": 0.0}]),
        ("labels-unrelated-to-inputs", []),
    ],
)
def test_what_is_tried_for_a_finding(name: str, expected: list[Any], config: TrainConfig) -> None:
    assert remedies(name, config, 1.0) == expected


def test_a_setting_that_the_network_does_not_have_is_not_tried(config: TrainConfig) -> None:
    assert remedies("dropout-too-strong", replace(config, model_config=NoSettings()), 1.0) == []


def test_settings_of_every_group(config: TrainConfig) -> None:
    changed = with_settings(config, {"lr": 0.5, "batch_size": 7, "dropout": 0.25})
    assert (changed.optim.lr, changed.feed.batch_size, changed.model_config.dropout) == (0.5, 7, 0.25)
    assert (config.optim.lr, config.feed.batch_size) != (0.5, 7)


def test_what_is_better_beyond_the_noise() -> None:
    """Standard error of the paired differences; a twin that came to no end is worse than any."""
    cure = Cure(
        finding="x",
        at="the start",
        untouched=arm("as it is", 2.0, 3.0, 4.0, 5.0),
        tried=[
            arm("--lr 1", 1.0, 2.1, 3.0, 3.9),
            arm("--lr 2", 2.5, 2.5, 4.5, 4.4),
            arm("--lr 3", 3.0, 4.1, 5.0, 6.0),
            arm("--lr 4", *[math.inf] * 4),
        ],
    )
    assert [row[-1] for row in cure.rows()] == ["", "better", "within the noise", "worse", "worse"]
    assert cure.rows()[1][4].startswith("-1.00 ± 0.0408")
    assert cure.best is cure.tried[0]
    broken = replace(cure, untouched=arm("as it is", *[math.inf] * 4))
    assert broken.best is cure.tried[0]


def test_a_twin_that_diverged_is_not_better_because_other_rows_happen_to_have_no_loss() -> None:
    wild = Arm(said="as it is", steps=100, end=1.7e8, held=(0.0,) * 4)
    tame = Arm(said="--lr 0.1", steps=100, end=0.6, held=(0.56, 0.55, 0.57, 0.58))
    best = Arm(said="--lr 0.01", steps=100, end=0.008, held=(0.004, 0.001, 0.009, 0.0))
    cure = Cure(finding="learning-rate-too-high", at="the start", untouched=wild, tried=[tame, best])
    assert [row[-1] for row in cure.rows()] == ["", *["better (by the training loss)"] * 2]
    assert cure.best is best
    assert cure.line == "train again with --lr 0.01; this run was not changed"
    turned = replace(cure, untouched=tame, tried=[wild])
    assert turned.rows()[1][-1] == "worse (by the training loss)"
    assert turned.best is None


def test_of_two_remedies_one_that_diverged_beside_the_other_is_not_the_best() -> None:
    tame = Arm(said="--lr 0.1", steps=100, end=0.6, held=(0.56, 0.55, 0.57, 0.58))
    wild = Arm(said="--clip 1", steps=100, end=1e7, held=(0.0,) * 4)
    cure = Cure(
        finding="x", at="the start", untouched=replace(wild, end=math.inf, held=(math.inf,) * 4), tried=[wild, tame]
    )
    assert cure.best is tame


def test_what_was_learnt_by_heart_alone_does_not_decide() -> None:
    """A training loss of next to nothing beside a usual one is what regularisation does."""
    known = Arm(said="as it is", steps=100, end=1e-6, held=(0.9, 0.8, 0.9, 1.0))
    loose = Arm(said="--dropout 0.2", steps=100, end=0.4, held=(0.5, 0.45, 0.52, 0.6))
    assert Cure(finding="x", at="the start", untouched=known, tried=[loose]).rows()[1][-1] == "better"


def test_no_number_that_is_none_is_shown() -> None:
    broken = Arm(said="as it is", steps=7, end=math.inf, held=(math.inf,) * 4)
    nothing = Arm(said="--clip 1", steps=0, end=math.nan, held=(0.0,) * 4)
    cells = [
        cell for row in Cure(finding="x", at="y", untouched=broken, tried=[broken, nothing]).rows() for cell in row
    ]
    assert not {"inf", "nan"} & {word for cell in cells for word in cell.split()}
    assert "not finite" in cells


@pytest.mark.parametrize(("lr", "name"), [(3.0, "learning-rate-too-high"), (1e-6, "learning-rate-too-low")])
def test_a_rate_is_cured_and_the_run_stays_as_it_is(lr: float, name: str, tmp_path: Path) -> None:
    folder = trained(tmp_path / "run", lr=lr, epochs=3)
    before = content(folder)
    cure = sonde.doctor(folder, data=(ROWS, CLASSES), cure=True, quiet=True).cure
    assert cure is not None
    assert (cure.finding, cure.at) == (name, "fresh weights, as at its start")
    assert cure.untouched is not None
    assert {each.steps for each in (cure.untouched, *cure.tried)} == {100}
    assert cure.best is not None
    assert cure.compared(cure.best).difference < -0.3
    assert content(folder) == before


def test_the_untouched_twin_takes_the_runs_own_steps(tmp_path: Path) -> None:
    """Its curve is the run's: the mean of its last ten steps is that of the line that the run wrote after step 100."""
    folder = trained(tmp_path / "run", lr=1e-6, epochs=3)
    cure = sonde.doctor(folder, data=(ROWS, CLASSES), cure=True, quiet=True).cure
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    expected = next(line["loss"] for line in lines if line.get("kind") == "step" and line["step"] == 100)
    assert cure is not None
    assert cure.untouched is not None
    assert cure.untouched.end == pytest.approx(expected, abs=1e-6)


def test_where_there_is_nothing_to_try(tmp_path: Path) -> None:
    healthy = sonde.doctor(trained(tmp_path / "run"), data=(ROWS, CLASSES), cure=True, quiet=True).cure
    assert healthy is not None
    assert healthy.why == "nothing was found that a setting could cure"
    assert healthy.rows() == []


def test_every_finding_that_something_is_tried_for_is_one_that_a_run_may_have(config: TrainConfig) -> None:
    assert set(settings_for(config, 1.0)) - {"not-finite"} <= CAUSES  # that is an error's
    assert OVER_A_RUN | OF_TIME <= CAUSES
    assert not (OVER_A_RUN | OF_TIME) & set(settings_for(config, 1.0))


def test_far_above_it_the_optimisers_usual_rate_is_tried_too(config: TrainConfig) -> None:
    adam = replace(config, optim=replace(config.optim, optimizer="adam"))
    assert remedies("not-finite", adam, 1e18) == [{"lr": 1e17}, {"lr": 1e-3}, {"clip": 1.0}]
    assert remedies("not-finite", adam, 0.01) == [{"lr": 1e-3}, {"clip": 1.0}]
    sgd = replace(config, optim=replace(config.optim, optimizer="sgd"))
    assert remedies("diverged", sgd, 1e6) == [{"lr": 1e5}, {"lr": 1e4}, {"lr": 0.3}, {"clip": 1.0}]


def test_a_few_rows_with_losses_that_drown_the_others_hide_no_remedy() -> None:
    """Lower on nine of nine pieces: 2^-9, where the mean's standard error is as large as the difference."""
    losses = [3.0, 3.1, 2.9, 3.2, 3.0, 3.1, 2.8, 3.0, 7e11]
    cure = Cure(
        finding="x",
        at="the start",
        untouched=arm("as it is", *losses),
        tried=[arm("--lr 1", *[0.3] * 9), arm("--lr 2", *losses[:4], *[0.3] * 5), arm("--lr 3", *[math.inf] * 9)],
    )
    assert not cure.compared(cure.tried[0]).beyond
    assert [row[-1] for row in cure.rows()] == ["", "better", "within the noise", "worse"]
    assert cure.best is cure.tried[0]
    assert by_chance(9, 9) == pytest.approx(1 / 512)


def test_where_all_twins_break_the_settings_are_not_to_blame() -> None:
    broken = replace(arm("as it is", *[math.inf] * 4), end=math.inf)
    cure = Cure(finding="not-finite", at="the start", untouched=broken, tried=[replace(broken, said="--clip 1")])
    assert [row[-1] for row in cure.rows()] == ["", "no better"]
    assert cure.line.startswith("the loss becomes non-finite with each of them: the cause is not a setting")


def finding(name: str, severity: str = "warning", **more: Any) -> Finding:
    return Finding(check=name.replace("-", " "), name=name, severity=severity, evidence="e", action="do this", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "labels-disagree",
            "labels disagree is not caused by a setting, so there is nothing that --cure can try; to do: do this",
        ),
        ("overfitting", "overfitting shows only over a whole run, and a trial takes 100 steps; to do: do this"),
        ("slow-input", "slow input costs time, and trials are compared by their loss; to do: do this"),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_says_why_and_what_to_do(name: str, said: str) -> None:
    assert untried(finding(name)) == said


def test_the_cause_is_what_is_wrong_with_the_training() -> None:
    """What is only said of how data are read, or of the rows that judge, is nothing to cure."""
    beside = [finding("data-read-otherwise"), finding("validation-rows-in-training"), finding("plateau", "note")]
    assert cause_of(beside) is None
    rate = finding("learning-rate-too-high")
    assert cause_of([*beside, rate]) is rate
    error = finding("not-finite", "error")
    assert cause_of([error, rate]) is error


def failed(net: nn.Module, out: Path, **settings: Any) -> Cure:
    """What --cure makes of a run that ended in NaN."""
    torch.manual_seed(0)
    net = net.apply(lambda part: part.reset_parameters() if isinstance(part, nn.Linear) else None)
    fresh = copy.deepcopy(net)
    with pytest.raises(NonFinite):
        sonde.fit(net, (ROWS, CLASSES), loss=cross_entropy, batch_size=16, threads=1, quiet=True, out=out, **settings)
    before = content(out)
    found = sonde.doctor(out, model=fresh, data=(ROWS, CLASSES), loss=cross_entropy, cure=True, quiet=True)
    assert content(out) == before
    assert found.findings[0].check == "not finite"
    assert found.cure is not None
    return found.cure


def mlp(*between: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(ROWS.shape[1], 16), nn.ReLU(), *between, nn.Linear(16, int(CLASSES.max()) + 1))


class Log(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.log()


def test_a_run_that_came_to_nan_by_its_rate_is_cured(tmp_path: Path) -> None:
    cure = failed(mlp(), tmp_path / "run", lr=1e30, optimizer="adam", steps=20)
    assert (cure.finding, cure.at) == ("not-finite", "fresh weights, as at its start")
    assert [(row[0], row[-1]) for row in cure.rows()] == [
        ("as it is", ""),
        ("lr=1e+29", "no better"),
        ("lr=0.001", "better"),
        ("clip=1", "no better"),
    ]
    assert cure.untouched is not None
    assert cure.untouched.end == math.inf
    assert cure.line == "train again with lr=0.001; this run was not changed"


def test_a_network_that_gives_nan_by_itself_has_no_setting_to_try(tmp_path: Path) -> None:
    cure = failed(mlp(Log()), tmp_path / "run", steps=20)
    assert (cure.finding, cure.tried, cure.untouched) == ("not-finite", (), None)
    assert cure.line == (
        "no remedy was tried: it was not finite at the first step, before any setting had moved a weight; to do: keep "
        "the input of log above 0, such as x.clamp_min(1e-6).log(): no weight had been changed yet"
    )


class Falling(nn.Module):
    """Gives NaN once its parameter, which the loss pulls down, is below 0: by steps that are too long."""

    def __init__(self) -> None:
        super().__init__()
        self.c = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.log(self.c + 0 * x[:, :1]), 0 * x[:, :1]], 1)


def test_what_begins_late_is_tried_from_the_last_checkpoint(tmp_path: Path) -> None:
    """The untouched twin breaks where the run did: nothing else would be an A/B."""
    rows, classes = torch.zeros(64, 2), torch.ones(64, dtype=torch.long)
    settings = {"lr": 0.005, "optimizer": "sgd", "schedule": "constant", "warmup": 0.0, "checkpoint_every": "50 steps"}
    with pytest.raises(NonFinite):
        sonde.fit(
            Falling(), (rows, classes), loss=cross_entropy, steps=5000, batch_size=16, threads=1, quiet=True,
            out=tmp_path / "run", **settings,
        )  # fmt: skip
    step = json.loads((tmp_path / "run" / "findings.jsonl").read_text().splitlines()[-1])["step"]
    assert step > 100
    found = sonde.doctor(
        tmp_path / "run", model=Falling(), data=(rows, classes), loss=cross_entropy, cure=True, quiet=True
    )
    cure, begun = found.cure, 50 * ((step - 1) // 50)
    assert cure is not None
    assert cure.at == f"its last checkpoint, step {begun:,}"
    assert cure.untouched is not None
    assert (cure.untouched.end, cure.untouched.steps) == (math.inf, step - 1 - begun)


def test_where_the_run_cannot_be_opened_it_is_said_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = trained(tmp_path / "run", lr=3.0, epochs=1)
    found = sonde.doctor(folder, cure=True)  # its data were in memory
    assert found.cure is not None
    out = capsys.readouterr().out
    assert "nothing could be tried: its data were in memory" in out
    assert "no remedy was tried: for the same reason; each finding says what to change" in out


def test_a_cure_in_the_spelling_of_a_call() -> None:
    cure = Cure(
        finding="plateau", untouched=arm("as it is", *[1.0] * 9), tried=[arm("--lr 0.01 --clip 1", *[0.3] * 9)]
    ).respelled(in_keywords)
    assert cure.rows()[1][0] == "lr=0.01 clip=1"
    assert cure.line == "train again with lr=0.01 clip=1; this run was not changed"
    assert in_keywords("there is nothing that --cure can try") == "there is nothing that cure=True can try"
