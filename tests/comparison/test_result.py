import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import sonde
from sonde.cli.main import main
from sonde.comparison.result import compare_runs
from sonde.core.errors import ConfigError, RunFolderError
from sonde.screen.screen import Screen


def test_one_run_is_nothing_to_compare(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    make_run(tmp_path / "a")
    with pytest.raises(ConfigError, match="a is one run; name another to compare it with, or a folder of runs"):
        compare_runs([tmp_path])


def test_a_run_and_its_repeat_are_refused_by_name(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    make_run(tmp_path / "a")
    make_run(tmp_path / "b")
    with pytest.raises(
        ConfigError, match="b is a once more: the same settings, code, data, seed and score; name a run"
    ):
        compare_runs([tmp_path])


def test_runs_of_a_seed_that_was_had_before_are_told_in_a_line(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    for name, wrong in (("a", 10), ("b", 10), ("c", 4)):
        make_classifier(tmp_path / name, wrong)
    shown = io.StringIO()
    compare_runs([tmp_path]).show(Screen(file=shown))
    told = " ".join(shown.getvalue().split())
    assert "Counted once, as a: b repeats what is counted there" in told
    assert "a: settings, code, data and seed are those of c and the score is not, so they stand apart" in told


def test_runs_of_different_tasks_alone_are_refused_with_a_remedy(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    make_run(tmp_path / "a")
    make_run(tmp_path / "b", task="regression", metric="rmse", mode="min")
    with pytest.raises(
        ConfigError, match="a is classification by accuracy, b is regression by RMSE; compare runs of one"
    ):
        compare_runs([tmp_path / "a", tmp_path / "b"])


def test_a_metric_that_no_run_has_is_refused_with_the_nearest(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    make_run(tmp_path / "a")
    make_run(tmp_path / "b", model="b")
    with pytest.raises(ConfigError, match="no run has a metric 'acuracy'; did you mean accuracy?"):
        compare_runs([tmp_path], metric="acuracy")


def test_the_command_writes_the_page_and_prints_the_table(
    tmp_path: Path, make_classifier: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = make_classifier(tmp_path / "a", 10), make_classifier(tmp_path / "b", 40, model="b")
    out = tmp_path / "deep" / "mine.html"
    assert main(["compare", str(a), str(b), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "verdict   a is best" in shown
    assert "accuracy on the test data, higher is better" in shown
    assert f"open {out}" in shown
    assert out.is_file()
    assert main(["compare", str(tmp_path), "--out", str(tmp_path), "--quiet"]) == 0
    assert (tmp_path / "compare.html").is_file()
    assert capsys.readouterr().out == ""


def test_sixty_columns_hold_a_narrower_table(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 40, model="b")
    shown = io.StringIO()
    compare_runs([tmp_path]).show(Screen(file=shown), columns=60)
    assert "a     95.00 %  91.04–97.26  highest" in shown.getvalue()
    table = shown.getvalue().partition("accuracy on")[2].splitlines()
    assert max(map(len, table)) <= 60


def test_from_python(
    tmp_path: Path,
    make_classifier: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a, b = make_classifier(tmp_path / "a", 10), make_classifier(tmp_path / "b", 40, model="b")
    monkeypatch.chdir(tmp_path)
    found = sonde.compare([a, str(b)], out=None)
    assert found.page is None
    assert found.differences[0]["b"].beyond
    assert "a is best" in capsys.readouterr().out
    assert sonde.compare(tmp_path, quiet=True).page == Path("compare.html")
    with pytest.raises(RunFolderError, match="there is no run folder"):
        sonde.compare([a, "nowhere"])


def test_a_program_reads_keywords_on_the_page_on_the_screen_and_in_errors(
    tmp_path: Path,
    make_classifier: Callable[..., Path],
    make_run: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    finding = {"check": "x", "severity": "warning", "evidence": "--lr 0.5 is high", "action": "lower --lr", "step": 1}
    more = {"settings": {"lr": 0.5}, "findings": [finding]}
    a, b = make_classifier(tmp_path / "a", 10), make_classifier(tmp_path / "b", 40, **more)
    sonde.compare([a, b], out=tmp_path / "c.html")
    page = (tmp_path / "c.html").read_text()
    assert "<button>lr</button>" in page
    assert "train each with seed=1, seed=2, seed=3;" in page
    assert "lr=0.5 is high" in page
    assert "lr: 0.001 (a); 0.5 (b)" in capsys.readouterr().out
    assert main(["compare", str(a), str(b), "--out", str(tmp_path / "c.html")]) == 0
    assert "<button>--lr</button>" in (tmp_path / "c.html").read_text()
    make_run(tmp_path / "d", task="regression", metric="rmse")
    with pytest.raises(ConfigError, match=r"compare runs of one task"):
        sonde.compare([a, tmp_path / "d"])


def test_runs_of_programs_are_told_in_keywords_on_the_command_line_too(
    tmp_path: Path, make_classifier: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for name, lr in (("a", 0.1), ("b", 0.5)):
        folder = make_classifier(tmp_path / name, 10, settings={"lr": lr})
        (folder / "env.json").write_text('{"in_program": true}')
    assert main(["compare", str(tmp_path), "--out", str(tmp_path / "c.html")]) == 0
    assert "differ    lr: 0.1 (a); 0.5 (b)" in capsys.readouterr().out
    assert "<button>lr</button>" in (tmp_path / "c.html").read_text()


def test_a_run_whose_files_are_damaged_is_named_and_the_others_are_compared(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 40, model="b")
    broken = make_classifier(tmp_path / "c", 40, model="c")
    (broken / "result.json").write_text('{"metrics": [1], "task": "classification"}')
    shown = io.StringIO()
    compare_runs([tmp_path]).show(Screen(file=shown))
    assert "c: its folder holds what no run writes there" in shown.getvalue()
    assert "verdict   a is best" in shown.getvalue()


def test_generators_of_the_same_data_are_to_be_judged_and_not_compared_by_unlike_losses(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    for name in ("vae", "flow"):
        run = make_run(tmp_path / name)
        result = json.loads((run / "result.json").read_text())
        result["task"] = name
        (run / "result.json").write_text(json.dumps(result))
        (run / "schema.json").write_text('{"input": {"kind": "table", "columns": [{"source": "city"}]}}')
        (run / "evaluation" / "test").mkdir(parents=True, exist_ok=True)
        (run / "evaluation" / "test" / "samples.json").write_text('{"number": 4}')
    with pytest.raises(ConfigError) as caught:
        compare_runs([tmp_path])
    assert "let one classifier judge the samples of each" in str(caught.value)
    assert " --judge CLASSIFIER_RUN" in str(caught.value)
    assert "--metric" not in str(caught.value)
