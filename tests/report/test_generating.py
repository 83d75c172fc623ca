"""What the verdict says of runs that make inputs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sonde.report.folder import Makes, Reading
from sonde.report.verdict import verdict

NOISE = Makes("how well noise is told from data, and little of samples")
DENSITY = Makes("", likelihood=True)
MEASURES = [
    {"name": "class_agreement", "better": "higher", "value": 0.94, "real": 0.95, "interval": [0.92, 0.96]},
    {"name": "frechet_distance", "better": "lower", "value": 6.0, "real": 4.0},
    {"name": "kernel_distance", "better": "lower", "value": 0.1, "error": 0.3, "real": -0.2, "real_error": 0.3},
    {"name": "precision", "better": "higher", "value": 0.9, "real": 0.95},
    {"name": "recall", "better": "higher", "value": 0.9, "real": 0.95},
]


def reading(path: Path, makes: Makes | None = NOISE, metric: str = "loss", **more: Any) -> Reading:
    empty: dict[str, Any] = {name: {} for name in ("config", "plan", "data", "env", "lr_range")}
    empty |= {name: () for name in ("steps", "events", "findings")}
    values = (1.75, 0.9, 0.7, 0.54)
    result = {
        "status": "finished",
        "headline": metric,
        "objective": {"metric": metric, "mode": "min"},
        "metrics": {"test": {metric: 0.55}},
        "baseline": {"loss": 1.5, "what": "white noise"},
        "best": {"step": 40, "epoch": 4},
    }
    given: dict[str, Any] = {
        "result": result,
        "config": {"data": "digits", "settings": {"seed": 3, "validation": 0.1}, "origin": {"seed": "typed"}},
        "schema": {"input": {"kind": "image"}, "target": {"kind": "class", "names": ["a", "b"]}},
        "evaluations": [
            {"step": 10 * n, "epoch": n - 1, "split": "validation", "metrics": {metric: value}}
            for n, value in enumerate(values, 1)
        ],
    }
    return Reading(path=path, makes=makes, evaluated={}, **{**empty, **given, **more})


def judged(path: Path, measures: list[dict[str, Any]], p: float = 0.5, **more: Any) -> Reading:
    copies = {"in": "pixels", "samples": 9, "held_out": 9, "train": 8, "p_distance": p, "p_ratio": p, "copied": 0.5}
    found = {"samples": {"number": 500}, "n": 250, "step": 40, "measures": measures, "memorisation": None}
    if p < 0.5:
        found["memorisation"] = {**copies, "copied_held_out": 0.0}
    return reading(path, looked={"sample_quality": found}, **more)


def plain(text: object) -> str:
    return str(text).replace("\u00a0", " ")


def test_a_low_loss_does_not_make_samples_good(tmp_path: Path) -> None:
    found = verdict(reading(tmp_path / "flow"), ["sonde sample RUN"])
    assert (found.tone, found.answer) == ("open", "Not judged yet")
    assert found.because == (
        "Validation loss at fixed noise fell from 1.75 to 0.540 (baseline, white noise: 1.500). That says how well noise is told "
        "from data, and little of samples; no judge has seen its samples yet."
    )
    judge = f"{tmp_path / 'flow'}-judge"
    assert [step.command for step in found.steps] == [
        f"sonde train digits --task classification --seed 3 --out {judge}",
        f"sonde eval {tmp_path / 'flow'} digits --judge {judge}",
        "sonde sample RUN",
    ]


def test_a_loss_worse_than_white_noise_did_not_learn(tmp_path: Path) -> None:
    run = reading(tmp_path)
    found = verdict(replace(run, result={**run.result, "metrics": {"test": {"loss": 1.6}}}))
    assert found.answer == "No"
    assert not [step for step in found.steps if "--judge" in step.command]


def test_what_the_checks_warn_of_makes_it_doubtful(tmp_path: Path) -> None:
    warned = {"check": "mode collapse", "name": "mode-collapse", "severity": "warning", "evidence": "few alike"}
    found = verdict(reading(tmp_path, findings=[warned]))
    assert (found.tone, found.answer) == ("partly", "Doubtful")
    assert found.because.endswith("the checks warn: mode collapse (few alike).")


def test_how_data_were_read_is_no_reason_for_doubt(tmp_path: Path) -> None:
    read = {"check": "data read otherwise", "name": "data-read-otherwise", "severity": "warning", "evidence": "as text"}
    assert verdict(reading(tmp_path, findings=[read])).answer == "Not judged yet"


def test_whether_the_loss_was_still_falling_is_said(tmp_path: Path) -> None:
    falling = {"check": "still improving", "name": "still-improving", "severity": "note", "evidence": "it fell"}
    assert (
        "0.540 (baseline, white noise: 1.500), and was still falling."
        in verdict(reading(tmp_path, findings=[falling])).because
    )
    risen = [1.7, 0.5, *(0.6 + 0.2 * n for n in range(6))]
    lines = [
        {"step": 10 * n, "epoch": n, "split": "validation", "metrics": {"loss": loss}} for n, loss in enumerate(risen)
    ]
    steps = [{"step": 10 * n, "epoch": n, "loss": 1.7 / (n + 1)} for n in range(8)]
    found = verdict(replace(reading(tmp_path), evaluations=lines, steps=steps))
    assert "; it overfits: validation rose since its best." in found.because


def test_a_judgement_leads(tmp_path: Path) -> None:
    found = verdict(judged(tmp_path, MEASURES))
    assert (found.tone, found.answer) == ("yes", "Yes")
    assert plain(found.because) == (
        "With 250 rows on either side the judge cannot tell its samples from real rows: the judge takes "
        "94.0 % (92.0 to 96.0) of 500 samples for the class that was asked for (of real rows 95.0 %); Fréchet distance 6.00, "
        "between halves of the real rows "
        "4.00; copies of training rows were not looked for."
    )
    assert plain(dict(found.lines)["Its samples"]).startswith("Precision 90 %, recall 90 % (real rows: 95 %, 95 %); <a")
    assert not [step for step in found.steps if "--judge" in step.command]


@pytest.mark.parametrize(
    ("change", "answer", "said"),
    [
        ({"kernel_distance": {"value": 3.0}}, "Partly", "The judge takes"),
        ({"class_agreement": {"interval": [0.45, 0.6]}}, "No", "no better than chance"),
        ({"precision": {"value": 0.01}, "recall": {"value": 0.02}}, "No", "Hardly a sample lies where real rows do"),
        ({"precision": {"value": 0.01}}, "Yes", ""),
    ],
)
def test_what_the_judge_sees_decides(tmp_path: Path, change: dict, answer: str, said: str) -> None:
    measures = [{**each, **change.get(each["name"], {})} for each in MEASURES]
    found = verdict(judged(tmp_path, measures))
    assert found.answer == answer
    assert said in plain(found.because)


def test_copies_are_no_success(tmp_path: Path) -> None:
    found = verdict(judged(tmp_path, MEASURES, p=1e-6))
    assert found.answer == "No"
    assert "copies of training rows are likely" in found.because


def test_a_judgement_of_other_weights_does_not_count(tmp_path: Path) -> None:
    run = judged(tmp_path, MEASURES)
    run = replace(run, result={**run.result, "best": {"step": 50}})
    found = verdict(run)
    assert found.answer == "Not judged yet"
    assert "judge them again" in dict(found.lines)["Its samples"]


def test_a_likelihood_is_told_in_nats_and_bits_beside_its_baseline(tmp_path: Path) -> None:
    run = reading(tmp_path, makes=DENSITY)
    result = {**run.result, "metrics": {"test": {"loss": -2.0, "bits_per_dim": 0.5}}}
    found = verdict(replace(run, result={**result, "baseline": {"loss": 1.5, "bits_per_dim": 1.25, "what": "columns"}}))
    assert found.answer == "Yes"
    assert found.because == (
        "Rows are 3.50 nats likelier to it than to the baseline (0.500 bits per dimension, the baseline 1.25). It is "
        "better than the baseline (columns), and the checks found nothing wrong. How good its samples are "
        "that does not say: no judge has seen "
        "them yet."
    )


def test_a_task_with_measures_of_its_own_goes_by_them(tmp_path: Path) -> None:
    run = reading(tmp_path, metric="kernel_distance")
    scores = {"kernel_distance": 0.55, "kernel_floor": 0.001, "recall": 0.72, "recall_real": 0.86, "precision": 0.8}
    found = verdict(replace(run, result={**run.result, "metrics": {"test": scores}}))
    assert found.answer == "Not judged yet"
    assert plain(found.because).startswith(
        "Validation kernel distance fell from 1.75 to 0.540 (two halves of the real rows: 0.0010); 72 % of the real rows "
        "lie among made ones, and 86 % of one half of them among the other."
    )
    none = {**scores, "recall": 0.0, "precision": 0.01}
    assert verdict(replace(run, result={**run.result, "metrics": {"test": none}})).answer == "No"


def test_rows_learned_whole_are_judged_by_one_of_their_columns(tmp_path: Path) -> None:
    columns = [
        {"kind": "number", "source": "age"},
        {"kind": "category", "source": "name", "categories": [str(n) for n in range(30)]},
        {"kind": "category", "source": "the sex", "categories": ["f", "m"]},
    ]
    schema = {"input": {"kind": "table", "columns": columns}, "target": {"kind": "none", "names": ["row"]}}
    first, *_ = verdict(reading(tmp_path, schema=schema)).steps
    assert "--target 'the sex' --out" in first.command
    unlabelled = {"input": {"kind": "image"}, "target": {"kind": "none", "names": ["row"]}}
    first, *_ = verdict(reading(tmp_path, schema=unlabelled)).steps
    assert first.command == f"sonde eval {tmp_path} digits --judge CLASSIFIER_RUN"


def test_where_no_judge_can_see_samples_none_is_named(tmp_path: Path) -> None:
    found = verdict(reading(tmp_path, makes=NOISE._replace(judged=False)))
    assert not [step for step in found.steps if "judge" in step.command]


def test_no_command_names_data_in_memory(tmp_path: Path) -> None:
    run = reading(tmp_path / "gan")
    column = {"kind": "category", "categories": ["Bergen", "Oslo"], "source": "city"}
    table = {"input": {"kind": "table", "columns": [column]}, "target": {"kind": "none"}}
    held = replace(run, config={**run.config, "data": "table (3,000 rows in memory)"}, schema=table)
    judge = f"{tmp_path / 'gan'}-judge"
    steps = verdict(held).steps
    assert [step.command for step in steps] == [
        f'sonde.train(frame, seed=3, target="city", task="classification", out="{judge}")',
        f"sonde eval {tmp_path / 'gan'} frame.csv --judge {judge}",
    ]
    assert 'frame.to_csv("frame.csv", index=False)' in steps[1].why
    arrays = replace(run, config={**run.config, "data": "arrays in memory (80, 4)"})
    assert [step.command for step in verdict(arrays).steps] == [""]
