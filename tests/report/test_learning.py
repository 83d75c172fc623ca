import json
import time
from dataclasses import replace

from sonde.report.folder import read_folder
from sonde.report.learning import learning_figures, within


def titles(run):
    return [figure.title for figure in learning_figures(run)]


def test_whatever_was_logged_is_drawn(image_run):
    run = read_folder(image_run)
    always = ["Learning rate", "Gradient norm", "Throughput"]
    assert titles(run) == ["Loss", "Validation accuracy", *always, "Learning-rate range test"]
    without = replace(run, evaluations=[], lr_range={})
    assert titles(without) == ["Loss", *always]
    assert titles(replace(run, steps=[], evaluations=[], lr_range={})) == []


def test_the_mark_says_what_is_kept(image_run):
    run = read_folder(image_run)
    chosen, kept = (
        {each.title: each for each in learning_figures(run)}["Validation accuracy"]
        for run in (run, replace(run, result={**run.result, "objective": None}))
    )
    assert ">best checkpoint<" in chosen.svg
    assert "last weights" not in chosen.svg + chosen.caption
    assert ">kept: the last weights<" in kept.svg
    assert "best checkpoint" not in kept.svg
    assert kept.caption.endswith("The last weights are kept, whatever they score here.")


def test_epochs_are_the_measure_once_there_are_two(image_run):
    run = read_folder(image_run)
    early = replace(run, steps=run.steps[:50], evaluations=run.evaluations[:1])
    assert ">epoch</text>" in learning_figures(run)[0].svg
    assert ">step</text>" in learning_figures(early)[0].svg


def test_validation_loss_stands_beside_the_training_loss(image_run):
    run = read_folder(image_run)
    svg = learning_figures(run)[0].svg
    assert ">validation</text>" in svg
    assert ">train</text>" in svg
    alone = [{**line, "metrics": {"accuracy": 0.5}} for line in run.evaluations]
    figure = learning_figures(replace(run, evaluations=alone))[0]
    assert ">validation</text>" not in figure.svg
    assert figure.caption == "Training loss fell from 2.36 to 0.121."


def test_a_loss_that_falls_far_is_drawn_on_a_log_scale(image_run):
    run = read_folder(image_run)
    steps = [{**line, "loss": 10.0 ** -(line["step"] / 1000)} for line in run.steps]
    assert "log scale" in learning_figures(replace(run, steps=steps, evaluations=[]))[0].svg
    assert "log scale" not in learning_figures(run)[0].svg


def test_values_that_were_not_finite_are_counted(image_run):
    run = read_folder(image_run)
    steps = [dict(line) for line in run.steps]
    steps[100]["loss"] = steps[200]["loss"] = None
    assert "2 logged values were not finite" in learning_figures(replace(run, steps=steps))[0].caption


def test_further_losses_get_a_figure_of_their_own(image_run):
    run = read_folder(image_run)
    steps = [line | {"critic/loss": 1.0 / line["step"], "generator/loss": 2.0} for line in run.steps]
    figure = learning_figures(replace(run, steps=steps))[2]
    assert figure.title == "Loss terms"
    assert ">critic/loss</text>" in figure.svg


def test_captions_say_what_the_curves_did(image_run):
    run = read_folder(image_run)
    told = {figure.title: figure.caption for figure in learning_figures(run)}
    assert told == {
        "Loss": "Training loss fell from 2.36 to 0.121; validation loss was lowest (0.297) at epoch 8, the last evaluation.",
        "Validation accuracy": "Validation accuracy rose from 93.00 % to 99.28 %; it was highest (99.31 %) at epoch 7 and "
        "hardly changed since (99.28 %).",
        "Learning rate": "Rose to 0.00390 by epoch 0.8, then fell from 0.00390 to 0 by the end.",
        "Gradient norm": told["Gradient norm"],
        "Learning-rate range test": "As the rate was raised, the loss fell from 2.30 to 0.960 at 0.0791 and rose beyond; "
        "0.0120 was chosen.",
        "Throughput": "Rows trained on per second; evaluations are left out.",
    }


def test_a_validation_loss_that_rose_is_said_to_have_risen(image_run):
    run = read_folder(image_run)
    values = [0.5, 0.2, 0.12, 0.15, 0.2, 0.24, 0.28, 0.3]
    lines = [{**line, "metrics": {"log_loss": value}} for line, value in zip(run.evaluations, values, strict=True)]
    caption = learning_figures(replace(run, evaluations=lines))[0].caption
    assert caption.endswith("validation loss was lowest (0.120) at epoch 3 and rose to 0.300 since.")


def test_two_points_are_a_sentence(image_run):
    run = read_folder(image_run)
    figure = learning_figures(replace(run, evaluations=run.evaluations[:2]))[1]
    assert figure.svg == ""
    assert figure.caption == (
        "Validation accuracy rose from 93.00 % to 96.20 %; it was highest (96.20 %) at epoch 2, the last evaluation. "
        "Too few points for a curve."
    )


def test_the_range_test_hides_its_explosion_and_marks_the_choice(image_run):
    path = image_run / "lr_range.json"
    saved = json.loads(path.read_text())
    assert max(saved["loss"]) > 1000
    svg = learning_figures(read_folder(image_run))[-1].svg
    assert ">chosen 0.012</text>" in svg
    assert "1,000" not in svg


def test_a_long_run_is_drawn_in_time_and_space(image_run):
    run = read_folder(image_run)
    steps = [{**run.steps[i % 320], "step": 10 * (i + 1)} for i in range(30_000)]
    begun = time.perf_counter()
    figures = learning_figures(replace(run, steps=steps))
    assert time.perf_counter() - begun < 5  # measured 0.3 s; a scan per point would take minutes
    assert sum(len(figure.svg) for figure in figures) < 300_000


def test_a_part_that_stays_at_nothing_is_not_drawn(image_run):
    run = read_folder(image_run)
    silent = replace(run, steps=[{**line, "unreachable": 0.0} for line in run.steps])
    assert "Loss terms" not in titles(silent)
    assert "Loss terms" in titles(replace(run, steps=[{**line, "main": 0.5} for line in run.steps]))


def test_numbers_of_observers_are_drawn_each_by_itself(image_run):
    lines = [{"kind": "log", "step": step, "values": {"norm/<b>": 1.0 / step}} for step in (1, 2, 3)]
    lines += [{"kind": "log", "step": step, "values": {"gap": None, "odd": step}} for step in (2, 4)]
    log = image_run / "metrics.jsonl"
    log.write_text(log.read_text() + "".join(json.dumps(line) + "\n" for line in lines))
    run = read_folder(image_run)
    assert titles(run)[-2:] == ["norm/<b>", "odd"]  # of what was never finite there is no picture
    svg = learning_figures(run)[-2].svg
    assert "norm/&lt;b&gt;" in svg
    assert "<b>" not in svg


def test_further_metrics_show_train_beside_validation(image_run):
    run = read_folder(image_run)
    both = [
        {**line, "split": split, "metrics": {**line["metrics"], "macro_f1": value, "twin": line["metrics"]["accuracy"]}}
        for line, value in zip(run.evaluations, (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.8, 0.8), strict=True)
        for split in ("train", "validation")
    ]
    figures = {figure.title: figure for figure in learning_figures(replace(run, evaluations=both))}
    assert "Macro F1" in figures
    assert "Twin" not in figures  # it is the accuracy once more
    assert ">train</text>" in figures["Macro F1"].svg
    assert ">validation</text>" in figures["Macro F1"].svg
    assert figures["Macro F1"].caption == "On the train and the validation data, at each evaluation."
    assert "Macro F1" not in titles(replace(run, evaluations=both[:4]))  # two points are no curve


def test_throughput_leaves_evaluations_out(image_run):
    """64 rows in 0.5 s are 128 a second, though an evaluation of 2 s comes between two of the lines."""
    run = read_folder(image_run)
    steps = [
        {"kind": "step", "step": n, "rows": 64 * n, "seconds": 0.5 * n + (2.0 if n > 3 else 0.0), "loss": 1.0}
        for n in range(1, 8)
    ]
    evaluated = [{"kind": "evaluation", "step": 3, "split": "validation", "seconds": 2.0, "metrics": {}}]
    figure = learning_figures(replace(run, steps=steps, evaluations=evaluated, lr_range={}))[-1]
    assert figure.title == "Throughput"
    assert figure.svg.count("rows per second: 128.0") == 6


def test_a_resume_that_went_back_is_no_negative_throughput(image_run):
    run = read_folder(image_run)
    rows = [64, 128, 192, 128, 192, 256]
    steps = [{"kind": "step", "step": n + 1, "rows": r, "seconds": r / 64, "loss": 1.0} for n, r in enumerate(rows)]
    figure = learning_figures(replace(run, steps=steps, evaluations=[], lr_range={}))[-1]
    assert (figure.title, figure.svg.count("rows per second: 64.00")) == ("Throughput", 4)


def test_memory_is_drawn_beside_throughput_and_is_no_loss_term(image_run):
    run = read_folder(image_run)
    steps = [{"kind": "step", "step": n, "rows": 64 * n, "seconds": 0.5 * n, "loss": 1.0} for n in range(1, 8)]
    used = [{**line, "memory_bytes": 1e9 + 1e8 * line["step"]} if line["step"] % 2 else line for line in steps]
    figures = learning_figures(replace(run, steps=used, evaluations=[], lr_range={}))
    assert [figure.title for figure in figures][-2:] == ["Throughput", "Memory"]
    assert figures[-1].caption.startswith("Memory that was held, at most 1.7 GB of the process and workers;")
    assert "process and workers: 1.300" in figures[-1].svg
    assert "Loss terms" not in [figure.title for figure in figures]
    on_a_gpu = [{**line, "device_memory_bytes": 2e9} for line in used]
    both = learning_figures(replace(run, steps=on_a_gpu, evaluations=[], lr_range={}))[-1]
    assert "at most 1.7 GB of the process and workers and 2.0 GB of the device" in both.caption
    few = replace(run, steps=used[:4], evaluations=[], lr_range={})
    assert learning_figures(few)[-1].title == "Throughput"  # two points are no curve


def test_a_part_of_the_curves_is_drawn_on_its_own_axis(image_run):
    run = read_folder(image_run)
    part = within(run, 2.0, 4.0)
    assert [part.steps[0]["step"], part.steps[-1]["step"]] == [800, 1600]
    assert {line["step"] for line in part.evaluations} == {800, 1200, 1600}
    svg = learning_figures(part)[0].svg
    assert 'data-across="2 4 64 446"' in svg
    assert ">epoch</text>" in svg  # the unit of the whole run


def test_a_logarithmic_axis_does_not_tell_its_scale(image_run):
    figures = {figure.title: figure.svg for figure in learning_figures(read_folder(image_run))}
    assert "data-across" not in figures["Learning-rate range test"]
    assert "data-across" in figures["Loss"]
