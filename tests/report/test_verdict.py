"""What a report says first, of runs in every state."""

import json
import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sonde.core.config import TrainConfig
from sonde.report.folder import Reading, read_folder
from sonde.report.learning import metric_of
from sonde.report.next_steps import CURABLE
from sonde.report.page import render
from sonde.report.verdict import verdict
from sonde.run.cure import remedies
from sonde.run.resolve import NoSettings

IMPROVING = {
    "check": "still improving", "name": "still-improving", "severity": "warning", "evidence": "the loss went from 1 to 0.5",
}  # fmt: skip


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def commands(found) -> list[str]:
    return [step.command for step in found.steps]


def quiet(run: Reading) -> Reading:
    return replace(run, findings=[])


def test_a_run_that_beats_its_baseline_worked(image_run):
    run = quiet(read_folder(image_run))
    found = verdict(run, ["sonde predict RUN x.png"])
    assert (found.tone, found.answer) == ("yes", "Yes")
    assert plain(found.because) == (
        "It is better than the baseline (always predicting the most frequent) by more than chance: 99 % fewer errors, "
        "and the checks found nothing wrong."
    )
    assert [question for question, _ in found.lines] == [
        "How well", "Over- or underfitted", "Weakest class", "Rows to check", "Long enough", "Cost",
    ]  # fmt: skip
    assert commands(found) == ["sonde predict RUN x.png"]


def test_what_the_checks_warn_of_makes_it_partly(image_run):
    run = quiet(read_folder(image_run))
    more = {"ended_by": "epochs", "lengths": {"epochs": "8"}}
    found = verdict(replace(run, findings=[IMPROVING], result={**run.result, **more}))
    assert (found.tone, found.answer) == ("partly", "Partly")
    assert found.because.endswith("but the checks warn: still improving (the loss went from 1 to 0.5).")
    assert commands(found) == [f"sonde resume {run.path} --epochs 16"]


def test_a_network_that_a_classical_model_beats_worked_partly(image_run):
    run = quiet(read_folder(image_run))
    classical = {"what": "gradient-boosted trees", "accuracy": 0.999, "difference": [-0.01, -0.002]}
    found = verdict(replace(run, result={**run.result, "classical": classical}))
    assert found.answer == "Partly"
    assert found.because.endswith("but gradient-boosted trees did better on the same rows.")


def test_a_run_that_is_slow_worked_all_the_same(image_run):
    slow = {**IMPROVING, "name": "slow-input", "check": "slow input"}
    found = verdict(replace(read_folder(image_run), findings=[slow]))
    assert found.answer == "Yes"
    assert "nothing wrong" not in found.because  # for a warning stands below


PARTIAL = {
    "check": "partial evaluation", "name": "partial-evaluation", "severity": "warning", "evidence": "on 90 of 600 rows",
}  # fmt: skip
NOTHING = {
    **PARTIAL,
    "name": "nothing-evaluated",
    "check": "no evaluation",
    "evidence": "test: not one of 600 rows was over",
}


def test_what_a_time_limit_left_unmeasured_is_no_reason_to_doubt_the_rest(image_run):
    run = read_folder(image_run)
    cut = replace(run, findings=[PARTIAL], result={**run.result, "evaluated": {"test": {"rows": 90, "of": 600}}})
    found = verdict(cut)
    assert (found.tone, found.answer) == ("yes", "Yes")
    assert found.because.endswith(
        "fewer errors. It was measured on 90 of its 600 test rows: the time limit left no time for more."
    )
    assert verdict(replace(cut, findings=[PARTIAL, IMPROVING])).answer == "Partly"


def test_a_split_that_a_time_limit_left_no_time_for_is_named(image_run):
    run = read_folder(image_run)
    result = {**run.result, "metrics": {"train": {"accuracy": 0.9}}, "evaluated": {"test": {"rows": 0, "of": 600}}}
    found = verdict(replace(run, findings=[NOTHING], result=result))
    assert found.answer == "Not evaluated"
    assert found.because.startswith("Nothing that was held out was evaluated")
    assert found.because.endswith("The time limit left no time for one of its test rows.")
    unscored = verdict(replace(run, findings=[NOTHING], result={**result, "metrics": {}}))
    assert unscored.because == "No score tells how well it does. The time limit left no time for one of its test rows."


@pytest.mark.parametrize(
    ("accuracy", "findings", "answer"),
    [(0.05, [], "No"), (0.1165, [], "Not clearly"), (0.1165, [IMPROVING], "No"), (0.1335, [], "Hardly")],
)
def test_a_run_that_does_not_beat_its_baseline_did_not_work(image_run, accuracy, findings, answer):
    run = read_folder(image_run)
    result = {**run.result, "metrics": {"test": {"accuracy": accuracy}}}
    found = verdict(replace(run, findings=findings, result=result), ["sonde predict RUN x"])
    assert found.answer == answer
    assert found.tone == ("partly" if answer == "Hardly" else "no")
    assert ("sonde predict RUN x" in commands(found)) == (answer == "Hardly")


def test_a_rate_that_is_too_high_has_commands_for_it(image_run):
    high = {**IMPROVING, "name": "learning-rate-too-high", "check": "learning rate too high"}
    run = replace(read_folder(image_run), findings=[high])
    place = shlex.quote(str(run.path))
    assert commands(verdict(run)) == [f"sonde doctor {place} --cure", f"sonde train --config {place} --lr 0.0004"]


def test_remedies_that_are_offered_are_tried():
    curable = {
        name
        for name in CURABLE
        if remedies(name, TrainConfig(model="mlp", task="x", model_config=NoSettings(), task_config=NoSettings()), 0.1)
    }
    assert CURABLE - curable <= {"dropout-too-strong"}  # which only some networks have


def test_without_a_baseline_the_curves_tell_whether_it_learned(image_run):
    run = quiet(read_folder(image_run))
    run = replace(run, result={**run.result, "baseline": {}})
    assert verdict(run).answer == "It learned"
    assert verdict(run).because == (
        "Validation loss fell from 1.96 to 0.297; there is no baseline to tell whether that is good."
    )
    lines = [{**line, "metrics": {"log_loss": 1.0 + place}} for place, line in enumerate(run.evaluations)]
    assert verdict(replace(run, evaluations=lines)).answer == "No"


def test_one_evaluation_alone_does_not_tell_whether_it_learned(image_run):
    run = quiet(read_folder(image_run))
    run = replace(run, result={**run.result, "baseline": {}}, evaluations=run.evaluations[:1])
    found = verdict(run)
    assert (found.answer, found.because) == (
        "It learned",
        "Training loss fell from 2.36 to 0.121, validation loss was 1.96 at the only evaluation; there is no baseline to tell "
        "whether that is good.",
    )
    found = verdict(replace(run, steps=run.steps[:1]))
    assert (found.tone, found.answer) == ("open", "Not known")
    assert found.because == (
        "Validation loss was 1.96; there is no baseline to tell whether that is good, and no earlier loss to compare it with."
    )


def test_a_loss_that_stayed_where_it_was_is_no_learning(image_run):
    run = quiet(read_folder(image_run))
    lines = [{**line, "metrics": {"log_loss": 0.69 - place / 1e4}} for place, line in enumerate(run.evaluations)]
    found = verdict(replace(run, result={**run.result, "baseline": {}}, evaluations=lines))
    assert (found.tone, found.answer) == ("no", "No")
    assert found.because.startswith("It did not learn: validation loss stayed at about 0.689;")


def test_how_data_were_read_is_told_and_no_reason_to_doubt(image_run):
    read = {**IMPROVING, "name": "data-read-otherwise", "check": "data", "evidence": "2 rows are dropped"}
    run = replace(read_folder(image_run), findings=[read])
    assert verdict(run).answer == "Yes"
    assert verdict(run).because.endswith("Only how the data were read is to be looked at: data (2 rows are dropped).")
    run = replace(run, findings=[read, IMPROVING])
    assert verdict(run).because.endswith("but the checks warn: still improving (the loss went from 1 to 0.5).")


def test_notes_are_named(image_run):
    run = replace(read_folder(image_run), findings=[{**IMPROVING, "severity": "note"}])
    assert verdict(run).because.endswith("fewer errors; the checks have only a note: still improving.")


def test_few_evaluations_ask_for_a_longer_run(image_run):
    run = quiet(read_folder(image_run))
    ended = {**run.result, "ended_by": "epochs", "lengths": {"epochs": "1"}}
    found = verdict(replace(run, result=ended, evaluations=run.evaluations[:1]))
    assert commands(found) == [f"sonde resume {run.path} --epochs 2"]
    losses = (0.5, 0.3, 0.2, 0.25, 0.3)
    enough = [
        {**line, "metrics": {**line["metrics"], "log_loss": loss}}
        for line, loss in zip(run.evaluations, losses, strict=False)
    ]
    assert commands(verdict(replace(run, result=ended, evaluations=enough))) == []


def test_data_that_are_gone_are_missed_before_one_trains(image_run, tmp_path):
    (image_run / "result.json").unlink()
    run = read_folder(image_run)
    gone = verdict(replace(run, config={**run.config, "data": str(tmp_path / "gone.csv")}))
    assert gone.steps[-1].why == (
        f"The data are no longer at {tmp_path}/gone.csv: put them back there before you train."
    )
    there = verdict(replace(run, config={**run.config, "data": str(tmp_path)}))
    assert "no longer" not in there.steps[-1].why


def test_a_network_of_ones_own_is_loaded_in_python(image_run):
    run = quiet(read_folder(image_run))
    found = verdict(replace(run, data={**run.data, "form": "custom data"}))
    assert found.steps[-1].why == (
        f"In Python, sonde.load({str(run.path)!r}, model=…).model is your network with its best weights."
    )


def test_nothing_to_judge_on(image_run):
    run = quiet(read_folder(image_run))
    assert verdict(replace(run, result={**run.result, "metrics": {}})).answer == "Not evaluated"
    alone = {**run.result, "metrics": {"train": {"loss": 0.1}}, "objective": {"metric": "loss", "mode": "min"}}
    assert verdict(replace(run, result=alone)).because.startswith("No rows were held out")


def test_the_folder_is_quoted_in_commands(make_images, tmp_path):
    run = read_folder(make_images(tmp_path / "my 'run'"))
    (run.path / "result.json").unlink()
    (command,) = commands(verdict(read_folder(run.path)))
    assert shlex.split(command) == ["sonde", "resume", str(run.path)]


def ended(folder, **event):
    (folder / "result.json").unlink()
    with (folder / "metrics.jsonl").open("a") as log:
        log.write(json.dumps({"kind": "event", "step": 3210, **event}) + "\n")
    saved = folder / "checkpoints" / "last"
    saved.mkdir(parents=True)
    (saved / "state.json").write_text('seal\n{"state": {"progress": {"step": 3000}}}\n')
    return verdict(read_folder(folder))


def test_a_run_that_was_stopped(image_run):
    found = ended(image_run, event="interrupted", details={"signal": 2})
    assert (found.answer, found.because) == (
        "Stopped on request", "Ctrl-C ended it after step 3,210 of 3,200; nothing was lost.",
    )  # fmt: skip
    assert dict(found.lines)["Last good checkpoint"] == "After step 3,000; 210 later steps will be done again."
    assert commands(found) == [f"sonde resume {image_run}"]


def test_a_run_that_failed_says_by_what(image_run):
    found = ended(image_run, event="failed", details={"why": "ValueError: <b>no room</b>"})
    assert (found.tone, found.because) == (
        "no",
        "An error ended it after step 3,210 of 3,200: ValueError: <b>no room</b>",
    )
    assert found.steps[0].why == "continues from step 3,000, once what stopped it is fixed"


def test_a_run_with_what_is_not_finite_is_to_be_trained_anew(image_run):
    line = {"check": "not finite", "severity": "error", "evidence": "step 9: loss is nan", "step": 9}
    (image_run / "findings.jsonl").write_text(json.dumps(line) + "\n")
    found = ended(image_run, event="failed", details={"why": "step 9: loss is nan"})
    assert commands(found)[0] == f"sonde train --config {image_run} --lr 0.0004 --clip 1"


def test_a_run_that_some_rows_stopped_is_trained_anew_on_mended_ones(image_run):
    line = {"check": "not finite inputs", "severity": "error", "evidence": "step 9: loss is nan", "step": 9}
    (image_run / "findings.jsonl").write_text(json.dumps(line) + "\n")
    found = ended(image_run, event="failed", details={"why": "step 9: loss is nan"})
    assert [(step.command, step.why) for step in found.steps] == [
        (f"sonde train --config {image_run}", "trains again, once these rows are fixed")
    ]


def test_an_overfitted_run_may_stop_earlier(image_run):
    over = {**IMPROVING, "name": "overfitting", "check": "overfitting"}
    run = replace(read_folder(image_run), findings=[over])
    assert commands(verdict(run)) == [f"sonde train --config {run.path} --patience 3"]


def test_a_run_that_was_killed_lost_no_more_than_since_its_checkpoint(image_run):
    (image_run / "result.json").unlink()
    found = verdict(read_folder(image_run))
    assert (found.answer, dict(found.lines)["Last good checkpoint"]) == (
        "Ended without an error message",
        "None was written yet.",
    )
    assert found.steps[0].why == (
        "continues from the beginning (no checkpoint was written yet), as if it had never stopped"
    )


def test_a_run_that_lives_is_not_said_to_have_stopped(image_run):
    (image_run / "result.json").unlink()
    run = read_folder(image_run)
    found = verdict(replace(run, state=replace(run.state, condition="running")))
    because = "It was at step 3,200 of 3,200 when this page was drawn."
    assert (found.answer, found.because) == ("Still running when drawn", because)
    assert dict(found.lines)["Is it still?"].startswith("This page does not know what came after it")
    assert "Last good checkpoint" not in dict(found.lines)


def test_a_page_drawn_by_the_run_says_when_and_until_when(image_run):
    (image_run / "result.json").unlink()
    run, at = read_folder(image_run), datetime(2026, 1, 31, 14, 2, 11, tzinfo=UTC)
    run = replace(
        run, state=replace(run.state, condition="running"), drawn=at, drawn_again_by=(by := at + timedelta(hours=1))
    )
    found = verdict(run)
    assert found.because.endswith("when this page was drawn, on 2026-01-31 at 14:02:11 (UTC).")
    assert dict(found.lines)["Is it still?"] == (
        "As long as it trains, this page is drawn anew before 2026-01-31 at 15:02:11 (UTC). If you read this later, it has "
        "ended, was killed or hangs: sonde report draws it anew, and tells."
    )
    assert f'data-due="{1000 * int(by.timestamp())}"' in render(run)


def test_a_callers_own_network_is_used_by_the_same_call(image_run):
    (image_run / "result.json").unlink()
    run = read_folder(image_run)
    run = replace(run, data={**run.data, "form": "custom data"}, saved=3000)
    (step,) = verdict(run).steps
    assert step.command == ""
    assert (
        step.why == f"The same call with out={str(run.path)!r} continues from step 3,000, as if it had never stopped."
    )


def test_what_chose_the_checkpoint_tells_where_no_validation_loss_does(image_run):
    """Of a generator and its critic, whose training losses rise while samples get better."""

    def evaluated(distances: list[float]) -> Reading:
        lines = [
            {"kind": "evaluation", "step": 10 * n, "epoch": n, "split": "validation", "metrics": {"kernel_distance": d}}
            for n, d in enumerate(distances, 1)
        ]
        result = {**run.result, "metrics": {"validation": {"kernel_distance": distances[-1]}}}
        objective = {"metric": "kernel_distance", "mode": "min"}
        return replace(
            run, evaluations=lines, result={**result, "objective": objective, "baseline": {}, "baselines": {}}
        )

    run = quiet(read_folder(image_run))
    better, worse = verdict(evaluated([0.5, 0.2, 0.1])), verdict(evaluated([0.5, 0.6, 0.7]))
    assert (better.answer, worse.answer) == ("It learned", "No")
    assert plain(better.because).startswith("Validation kernel distance fell from 0.500 to 0.100; there is no baseline")
    assert plain(worse.because).startswith("It did not learn: validation kernel distance rose from 0.500 to 0.700")


def test_an_evaluation_of_a_few_games_did_not_get_better_than_those_of_all(image_run):
    """As a time limit leaves it: four whole ones that stay, and one of fifteen games."""
    scores = [0.71, 0.705, 0.725, 0.71, 0.944]
    lines = [
        {"kind": "evaluation", "step": 10 * n, "epoch": n, "split": "validation", "metrics": {"score": score}}
        for n, score in enumerate(scores, 1)
    ]
    lines[-1]["part"] = {"rows": 15, "of": 100}
    run = quiet(read_folder(image_run))
    result = {
        **run.result,
        "metrics": {"validation": {"score": 0.944}},
        "objective": {"metric": "score", "mode": "max"},
    }
    run = replace(run, evaluations=lines, result={**result, "baseline": {}, "baselines": {}})
    assert "0.944" not in plain(verdict(run).because)
    assert "stayed at about 0.710" in plain(verdict(run).because)
    assert [y for _, y in metric_of(run, "score")] == scores[:-1]
    mostly = replace(run, evaluations=[lines[0], *({**line, "part": lines[-1]["part"]} for line in lines[1:])])
    assert [y for _, y in metric_of(mostly, "score")] == scores[1:]
    assert mostly.left_out("validation") == " 1 evaluation of all rows is left out."
    assert run.left_out("validation") == " 1 evaluation of a part of the rows is left out."
