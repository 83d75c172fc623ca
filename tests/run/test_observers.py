"""Observers: what is none is refused in one line, the others change nothing by being there, and their state resumes."""

import functools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from other_findings import other_findings
from torch import nn

import sonde
from sonde.core.errors import ConfigError, Interrupted
from sonde.core.records import StepRecord
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines
from sonde.run.live import Live
from sonde.run.observers import Watched, checked, takes_the_run

X = torch.randn(24, 4, generator=torch.Generator().manual_seed(0))
Y = X.sum(1, keepdim=True)
QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": 3, "batch_size": 6, "loss": nn.functional.mse_loss}


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 1))


def fitted(out: Path, **more: Any) -> sonde.Run:
    return sonde.fit(net(), (X, Y), out=out, **{**QUIET, **more})


class Smooth:
    """Keeps a mean of the losses, a list and a tensor."""

    def __init__(self) -> None:
        self.mean, self.seen, self.last = 0.0, list[int](), torch.zeros(1)

    def __call__(self, record: Any) -> None:
        if isinstance(record, sonde.StepRecord):
            self.mean += 0.1 * (record.number("model/loss") - self.mean)
            self.seen.append(record.step)
            self.last = record.losses["model/loss"].reshape(1).clone()

    def state_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class Patience:
    def __call__(self, record: Any, live: sonde.Live) -> str | None:
        return "stop" if live.step == 5 else None


class KerasLike:
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...
    def on_batch_end(self, batch: int, logs: Any = None) -> None: ...


class Half:
    def __call__(self, record: Any) -> None: ...
    def state_dict(self) -> dict[str, Any]:
        return {}


async def later(record: Any) -> None: ...


def none() -> None: ...


def three(record: Any, live: Any, extra: Any) -> None: ...


REFUSED: dict[str, tuple[Any, str]] = {
    "a function alone": (lambda record: None, "observers takes a list: give observers=[<lambda>]"),
    "a number": (3, "observers takes a list: give a list of functions, such as def watch(record, live): ..."),
    "a class": ([Patience], "observers[0] is the class Patience; give an instance: Patience(...)"),
    "a number in it": (
        [len, 3],
        "observers[1] is a int, which cannot be called; give a function, def watch(record, live): ...",
    ),
    "a callback of Keras": (
        [KerasLike()],
        "instead of on_epoch_end() write def watch(record, live): ... that checks `record`",
    ),
    "half a state": ([Half()], "observers[0] (Half) has one of state_dict and load_state_dict; give both or neither"),
    "a coroutine": ([later], "observers[0] (later) would never run: give a plain function"),
    "no record": ([none], "observers[0] (none) takes (); it is called with the record, or with (record, live)"),
    "three": (
        [three],
        "takes (record: Any, live: Any, extra: Any); it is called with the record, or with (record, live)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_observer_is_refused_before_the_data_are_read(case: str) -> None:
    observers, text = REFUSED[case]
    for call in (lambda: sonde.fit("a", "b", observers=observers), lambda: sonde.train("no-data", observers=observers)):
        with pytest.raises(ConfigError) as caught:
            call()
        assert text in str(caught.value)
        assert "\n" not in str(caught.value)


def test_words_of_elsewhere_are_answered_with_ours() -> None:
    for name in ("callbacks", "callback"):
        with pytest.raises(ConfigError, match=f"{name}= is observers= here: a list of functions that get each record"):
            sonde.fit(net(), (X, Y), loss=nn.functional.mse_loss, **{name: []})  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigError, match='logger= is log= here: log="wandb"'):
        sonde.train("digits", logger="wandb")  # pyright: ignore[reportCallIssue]
    with pytest.raises(ConfigError, match="sonde.steps yields each record to your own loop"):
        sonde.steps(net(), (X, Y), loss=nn.functional.mse_loss, total=3, observers=[print])  # pyright: ignore[reportCallIssue]
    with pytest.raises(ConfigError, match="observers= watches one run, and folds= makes several; give fold=1 too"):
        sonde.train("digits", folds=3, observers=[print])


def test_an_observer_takes_the_run_where_it_has_a_place_for_it() -> None:
    def named(record: Any, *, live: Any) -> None: ...
    def default(record: Any, live: Any = None) -> None: ...
    def bound(limit: float, record: Any, live: Any) -> None: ...

    forms: list[tuple[Callable[..., Any], str]] = [
        (lambda record: None, ""),
        (lambda record, run: None, "second"),
        (lambda record, seen=[]: None, ""),  # noqa: B006 - as people write it
        (lambda *records: None, ""),
        (named, "named"),
        (default, "second"),
        (functools.partial(bound, 0.1), "second"),
        (Patience(), "second"),
        (Smooth(), ""),
        ([].append, ""),
        (print, ""),
    ]
    assert [takes_the_run(function, "it") for function, _ in forms] == [how for _, how in forms]
    assert len(checked([function for function, _ in forms])) == len(forms)


def test_an_observer_changes_nothing_by_being_there(tmp_path: Path) -> None:
    alone = fitted(tmp_path / "alone")
    watched = fitted(tmp_path / "watched", observers=[lambda record: None, lambda record, live: None, Smooth()])
    for name, value in alone.model.state_dict().items():
        assert torch.equal(value, watched.model.state_dict()[name]), name
    lines = [read_lines(tmp_path / run / "metrics.jsonl") for run in ("alone", "watched")]
    assert [line["loss"] for line in lines[0]] == [line["loss"] for line in lines[1]]


def test_one_costs_less_than_a_microsecond(tmp_path: Path) -> None:
    held: list[Live] = []
    fitted(tmp_path / "run", observers=[lambda record, live: held.append(live)])
    held[0].modules.train()
    record = StepRecord(1, 0, 8, {}, {}, 0.1)
    for function in (lambda record: None, lambda record, live: None):
        watched, best = Watched(function, held[0]), float("inf")
        for _ in range(50):
            begun = time.perf_counter()
            for _ in range(1000):
                watched(record)
            best = min(best, time.perf_counter() - begun)
        assert best / 1000 < 1e-6


def test_a_network_that_is_left_in_evaluation_mode_is_trained_all_the_same(tmp_path: Path) -> None:
    """As who computes something of her own in between, and forgets `train()`: dropout and batch norm would be off."""
    network = net()

    def forgetful(record: Any) -> None:
        if isinstance(record, sonde.EventRecord):
            network.eval()

    whole = fitted(tmp_path / "whole")
    sonde.fit(network, (X, Y), out=tmp_path / "run", observers=[forgetful], **QUIET)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, network.state_dict()[name]), name
    assert not network.training
    (found,) = other_findings(tmp_path / "run")
    assert (found["severity"], found["evidence"]) == (
        "note", "the observer forgetful left model in evaluation mode; training mode was restored"
    )  # fmt: skip


def test_train_takes_them_too(tmp_path: Path) -> None:
    seen: list[str] = []
    run = sonde.train(
        "digits", model="mlp", hidden=(8,), steps=4, threads=1, quiet=True, out=tmp_path / "run",
        observers=[lambda record, live: seen.append(type(record).__name__), Patience()],
    )  # fmt: skip
    assert run.result["steps"] == 4
    assert seen == ["StepRecord"] * 4 + ["EvaluationRecord", "EventRecord"]


def test_a_verdict_stops_and_names_who_asked(tmp_path: Path) -> None:
    result = fitted(tmp_path / "run", observers=[Patience()]).result
    assert (result["status"], result["steps"]) == ("Patience asked to stop", 5)


@pytest.mark.parametrize(
    ("value", "shown"), [(0.5, "0.5"), (True, "True"), (torch.zeros(100), "a Tensor"), ("halt", "'halt'")]
)
def test_another_answer_is_one_line(tmp_path: Path, value: Any, shown: str) -> None:
    def answer(record: Any) -> Any:
        return value

    with pytest.raises(ConfigError) as caught:
        fitted(tmp_path / "run", observers=[answer])
    assert str(caught.value) == f'the observer answer returned {shown}; it may return "stop", "save" or nothing'


def test_epochs_end_after_their_evaluation(tmp_path: Path) -> None:
    seen: list[Any] = []

    def watch(record: Any) -> None:
        seen.append(record.event if isinstance(record, sonde.EventRecord) else (type(record).__name__, record.step))

    fitted(tmp_path / "run", observers=[watch], validation=(X, Y), epochs=2, evaluate_every="3 steps")
    steps = [("StepRecord", number) for number in range(1, 9)]
    evaluated = {at: ("EvaluationRecord", at) for at in (3, 6, 8)}
    expected: list[Any] = []
    for step in steps:
        expected += [
            step,
            *([evaluated[step[1]]] if step[1] in evaluated else []),
            *(["epoch ends"] * (step[1] in (4, 8))),
        ]
    assert seen == [*expected, "run ends"]


def test_epochs_of_data_without_a_length_end_too(tmp_path: Path) -> None:
    seen: list[Any] = []

    def rows() -> Any:
        yield from ((X[at : at + 6], Y[at : at + 6]) for at in range(0, 24, 6))

    def watch(record: Any) -> None:
        if isinstance(record, sonde.EventRecord) and record.event == "epoch ends":
            seen.append((record.step, record.details["epoch"]))

    settings = {name: value for name, value in QUIET.items() if name != "batch_size"}
    sonde.fit(net(), rows, out=tmp_path / "run", observers=[watch], **settings)
    assert seen == [(4, 0), (8, 1), (12, 2)]


def test_what_an_observer_raises_ends_the_run_as_it_is(tmp_path: Path) -> None:
    def faulty(record: Any) -> None:
        if isinstance(record, sonde.StepRecord) and record.step == 6:
            raise ValueError("sizes of tensors, dtypes and shapes\nin two lines")

    with pytest.raises(ValueError, match="sizes of tensors") as caught:
        fitted(tmp_path / "run", observers=[faulty], checkpoint_every="5 steps")
    assert caught.traceback[-1].name == "faulty"
    found = read_lines(tmp_path / "run" / "findings.jsonl")[-1]
    assert (found["check"], found["severity"]) == ("failed", "error")
    assert checkpoint.read(tmp_path / "run" / "checkpoints" / "last")[1]["progress"]["step"] == 5
    assert (
        fitted(tmp_path / "run", checkpoint_every="5 steps").result["status"] == "finished"
    )  # its state is lost, and it had none


@pytest.mark.parametrize("at", [3, 4, 8, 11])
def test_state_resumes_exactly(tmp_path: Path, at: int) -> None:
    """The order may be another, and there may be new ones among them."""

    def interrupt(record: Any) -> None:
        if isinstance(record, sonde.StepRecord) and record.step == at:
            os.kill(os.getpid(), signal.SIGINT)

    whole, half, again, second = Smooth(), Smooth(), Smooth(), Smooth()
    fitted(tmp_path / "whole", observers=[whole])
    with pytest.raises(Interrupted):
        fitted(tmp_path / "half", observers=[half, interrupt])
    assert half.seen == list(range(1, at + 1))
    fitted(tmp_path / "half", observers=[lambda record: None, again, second])
    assert again.seen == whole.seen == list(range(1, 13))
    assert again.mean == whole.mean
    assert torch.equal(again.last, whole.last)
    assert second.seen == list(range(at + 1, 13))


def test_an_observer_that_is_gone_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(record: Any) -> None:
        if isinstance(record, sonde.StepRecord) and record.step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        fitted(tmp_path / "run", observers=[interrupt, Smooth()])
    fitted(tmp_path / "run", quiet=False)
    text = "the observer Smooth kept a state and is not among the observers of this resume; its state is dropped"
    assert capsys.readouterr().out.count(text) == 1
    found = [line for line in read_lines(tmp_path / "run" / "findings.jsonl") if line["name"] == "observers-missing"]
    assert [(line["severity"], line["evidence"]) for line in found] == [("warning", text)]


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (
            {"seen": {1, 2}},
            "its state_dict() cannot be saved: state /seen holds a set, which a checkpoint cannot store; numbers",
        ),
        ([1], "its state_dict() cannot be saved: it is a list, not a dict"),
    ],
)
def test_a_state_that_cannot_be_saved_is_one_line(tmp_path: Path, state: Any, text: str) -> None:
    class Odd(Smooth):
        def state_dict(self) -> Any:
            return state

    with pytest.raises(ConfigError) as caught:
        fitted(tmp_path / "run", observers=[Odd()])
    assert f"the observer Odd: {text}" in str(caught.value)


def test_what_can_be_closed_is_closed_however_training_ends(tmp_path: Path) -> None:
    class Closing:
        closed = 0

        def __init__(self, fails: bool = False) -> None:
            self.fails = fails

        def __call__(self, record: Any) -> None:
            assert not self.closed
            if self.fails and isinstance(record, sonde.StepRecord):
                raise RuntimeError("broken")

        def close(self) -> None:
            self.closed += 1

    good, bad = Closing(), Closing(fails=True)
    fitted(tmp_path / "good", observers=[good])
    with pytest.raises(RuntimeError, match="broken"):
        fitted(tmp_path / "bad", observers=[bad])
    assert (good.closed, bad.closed) == (1, 1)


def test_a_resume_of_a_run_by_name_takes_them(tmp_path: Path) -> None:
    settings = {"model": "mlp", "hidden": (8,), "steps": 8, "threads": 1, "quiet": True, "out": tmp_path / "run"}

    def interrupt(record: Any) -> None:
        if isinstance(record, sonde.StepRecord) and record.step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    class Count(Smooth):
        def __call__(self, record: Any) -> None:
            self.seen += [record.step] if isinstance(record, sonde.StepRecord) else []

    with pytest.raises(Interrupted):
        sonde.train("digits", observers=[Count(), interrupt], **settings)
    again = Count()
    sonde.resume(tmp_path / "run", observers=[again], quiet=True)
    assert again.seen == list(range(1, 9))
