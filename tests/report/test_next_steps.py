"""The next steps of a run, as whoever began it writes them."""

from dataclasses import replace
from typing import Any

import pytest

from sonde.report.folder import Reading, read_folder, respelled
from sonde.report.next_steps import after_finishing, after_stopping
from sonde.report.page import context
from sonde.report.page import nothing as no_additions
from sonde.run.keywords import in_keywords

HIGH: dict[str, Any] = {
    "check": "learning rate too high", "name": "learning-rate-too-high", "severity": "warning",
    "evidence": "the loss rose at --lr 0.1", "action": "--lr 0.01, or --clip 1",
}  # fmt: skip


@pytest.fixture
def run(image_run) -> Reading:
    found = read_folder(image_run)
    return replace(
        found,
        findings=[HIGH],
        config={**found.config, "settings": {"lr": 0.1}},
        result={**found.result, "ended_by": "time_limit", "lengths": {"time_limit": "20s"}},
    )


def begun_in_program(run: Reading) -> Reading:
    return respelled(replace(run, env={**run.env, "in_program": True}), in_keywords)


def test_of_a_command_they_are_commands(run: Reading) -> None:
    place = str(run.path)
    assert [step.command for step in after_finishing(run, [], worked=False)] == [
        f"sonde doctor {place} --cure",
        f"sonde train --config {place} --lr 0.01",
    ]  # and not longer at the same rate


def test_what_fell_short_is_trained_further(run: Reading) -> None:
    """The losses of this run are lowest at its last evaluation."""
    commands = [step.command for step in after_finishing(replace(run, findings=[]), ["sonde predict"])]
    assert commands == [f"sonde resume {run.path} --time-limit 40s", "sonde predict"]
    longer = after_finishing(begun_in_program(replace(run, findings=[])), [])[0]
    assert longer.command == f'sonde.resume("{run.path}", time_limit="40s")'


def test_of_a_program_they_are_calls_with_keywords(run: Reading) -> None:
    place = str(run.path)
    cure, again = after_finishing(begun_in_program(run), [], worked=False)
    assert cure.command == f'sonde.doctor("{place}", cure=True)'
    assert (again.command, again.why) == (
        "",
        "The same call with lr=0.01, and out= another folder, trains again at a tenth of the rate.",
    )
    in_memory = begun_in_program(replace(run, config={**run.config, "data": "arrays in memory (80, 4)"}))
    assert after_finishing(in_memory, [])[0].command == f'sonde.doctor("{place}", data=..., cure=True)'


def test_a_program_that_stopped_goes_on_by_a_call(run: Reading) -> None:
    stopped = replace(run, result={}, state=replace(run.state, condition="interrupted"), saved=20)
    (flags,), (keywords,) = after_stopping(stopped), after_stopping(begun_in_program(stopped))
    assert flags.command == f"sonde resume {run.path}"
    assert keywords.command == f'sonde.resume("{run.path}")'


def test_findings_are_told_in_keywords_and_what_silences_them_too(run: Reading) -> None:
    (flags,) = context(run, lambda details: no_additions(details))["findings"]
    (keywords,) = context(begun_in_program(run), lambda details: no_additions(details))["findings"]
    assert (flags["action"], flags["silence"]) == (HIGH["action"], "--silence learning-rate-too-high")
    assert keywords["evidence"] == "the loss rose at lr=0.1"
    assert keywords["action"] == "lr=0.01, or clip=1"
    assert keywords["silence"] == 'silence="learning-rate-too-high"'
    assert begun_in_program(begun_in_program(run)).findings == begun_in_program(run).findings


def test_a_network_of_ones_own_is_trained_further_by_the_same_call_and_no_command_uses_it(run: Reading) -> None:
    own = begun_in_program(replace(run, findings=[], config={**run.config, "settings": {"lr": 0.1, "model": "custom"}}))
    longer, weights = after_finishing(own, ["sonde play RUN --page", "sonde predict RUN IMAGE"])
    assert (longer.command, weights.command) == ("", "")
    assert longer.why == f"The same call with out={str(run.path)!r} and time_limit='40s' trains it further."
    assert weights.why.startswith(f"In Python, sonde.load({str(run.path)!r}, model=…)")
    stopped = replace(own, result={}, state=replace(run.state, condition="interrupted"), saved=20)
    assert [step.command for step in after_stopping(stopped)] == [""]
    warned = replace(own, findings=[HIGH])
    assert all("sonde.doctor" not in step.command for step in after_finishing(warned, [], worked=False))


def test_with_a_loss_of_ones_own_only_the_call_trains_it_further(run: Reading) -> None:
    own = begun_in_program(replace(run, findings=[], config={**run.config, "own": {"loss": "def loss"}}))
    longer, predict = after_finishing(own, ["sonde predict RUN IMAGE"])
    assert longer.why.startswith("The same call with out=")
    assert predict.command == "sonde predict RUN IMAGE"
