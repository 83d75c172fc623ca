"""A cross-validation's report: one of all folds."""

import json
import shutil

import pytest

from sonde.report.folder import read_folder
from sonde.report.folds import fits, fold_figures, folds_section
from sonde.report.judged import score_of
from sonde.report.page import render
from sonde.report.verdict import verdict
from sonde.run.folds import summary


@pytest.fixture
def whole(make_images, tmp_path):
    """Of three folds, which are alike."""
    folder = tmp_path / "run"
    make_images(folder / "fold-1")
    for number in (2, 3):
        shutil.copytree(folder / "fold-1", folder / f"fold-{number}")
    for number, accuracy in ((1, 0.98), (2, 0.99), (3, 0.97)):
        place = folder / f"fold-{number}" / "result.json"
        result = json.loads(place.read_text())
        place.write_text(
            json.dumps({**result, "metrics": {"validation": {"accuracy": 0.9}, "test": {"accuracy": accuracy}}})
        )
    results = [json.loads((folder / f"fold-{n}" / "result.json").read_text()) for n in (1, 2, 3)]
    shutil.copy(folder / "fold-1" / "config.yaml", folder)
    (folder / "result.json").write_text(json.dumps(summary(results)))
    return folder


def test_the_matrix_is_of_all_rows(whole):
    run = read_folder(whole)
    one = run.folds[0].evaluated["test"]["confusion"]["counts"]
    assert run.evaluated["test"]["confusion"]["counts"] == [[3 * cell for cell in row] for row in one]
    score = score_of(run)
    assert score is not None
    assert (score.rows, score.value) == (30_000, pytest.approx(0.98))


def test_each_fold_has_a_line_and_a_link(whole):
    (whole / "fold-2" / "report.html").write_text("")
    section = folds_section(read_folder(whole))
    assert section is not None
    assert section.html.count("<tr>") == 4
    assert '<td>2</td><td class="n">99.00 %</td><td class="n">10,000</td><td class="n">8</td>' in section.html
    assert section.html.count("<a ") == 1
    assert '<a href="fold-2/report.html">' in section.html


def test_curves_are_those_of_all_folds(whole):
    figures = fold_figures(read_folder(whole))
    assert [figure.title for figure in figures] == [
        "Validation accuracy of the folds",
        "Validation loss of the folds",
        "Training loss of the folds",
    ]
    assert figures[0].caption == "3 folds and their mean; at the end from 99.3 to 99.3; standard deviation 0."


def test_the_verdict_tells_the_spread(whole):
    run = read_folder(whole)
    told = dict(verdict(run).lines)
    assert told["Spread"] == "3 folds from 97.00 % to 99.00 %; standard deviation 1.00 %."
    assert fits(run) == "Somewhat overfitted in 3 of 3 folds."
    assert [step.command for step in verdict(run).steps] == [f"sonde train --config {whole} --folds 0"]


def test_pictures_come_from_the_folds(whole):
    page = render(read_folder(whole))
    assert page.count("data:image/png") == 24
    assert "On the test data of all folds" in page


def test_a_fold_that_was_stopped_says_so(whole):
    (whole / "result.json").unlink()
    (whole / "fold-3" / "result.json").unlink()
    run = read_folder(whole)
    assert verdict(run).because.startswith("Its process is gone after step 3,200 in fold 3 of several")
    assert dict(verdict(run).lines)["Last good checkpoint"].startswith("2 of several folds are done")
    assert dict(verdict(run).lines)["So far"].startswith(
        "Fold 1 reached 98.00 % accuracy on its test rows; fold 2 reached 99.00 % accuracy on its test rows; fold 3: "
    )
    section = folds_section(run)
    assert section is not None
    assert '<td>3</td><td class="n">killed</td>' in section.html


def test_another_run_has_no_folds(image_run):
    assert folds_section(read_folder(image_run)) is None
