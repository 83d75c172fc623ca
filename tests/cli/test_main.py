"""The command as a shell sees it: exit codes, streams, what is loaded, how errors read."""

import io
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sonde.cli import main as command
from sonde.cli.main import main
from sonde.cli.verbs import VERBS
from sonde.core.errors import DataError, Interrupted

HEAVY = ("torch", "numpy", "tyro", "yaml", "rich", "dataclasses", "sonde.screen.screen")


def shell(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "sonde", *words], capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]


def verb_that_raises(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(words: list[str]) -> int:
        raise error

    monkeypatch.setattr(command, "_verb", lambda name: run)


@pytest.mark.parametrize(
    ("words", "title"), [(["--model", "compact-cnn"], "compact"), (["--task", "language-model"], "language")]
)
def test_help_of_names_with_hyphens(words: list[str], title: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help", *words]) == 0
    assert f"{title} " in capsys.readouterr().out.replace("-", " ").replace("_", " ")


def test_help_of_a_task_leaves_out_kinds_of_data_that_it_is_not_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help", "--task", "dqn"]) == 0
    shown = capsys.readouterr().out
    assert "environments options" in shown
    assert "--image-size" not in shown
    assert main(["train", "--help", "--task", "classification"]) == 0
    shown = capsys.readouterr().out
    assert "--image-size" in shown
    assert "environments options" not in shown


@pytest.mark.parametrize(
    ("words", "there", "absent"),
    [
        ("gym:CartPole-v1", "films frame-skip batch-size environment-steps", "folds augment epochs opponents noop-starts"),
        ("--task dqn", "films noop-starts batch-size discount", "folds augment epochs opponents environment memory"),
        ("atari:Pong --task ppo", "noop-starts clip-range", "environment-timeout opponents balanced"),
        ("game:connect_four", "opponents episodes", "films frame-skip environment-steps folds image-size workers"),
        ("--task reinforce", "environments discount", "batch-size environment-steps"),
        ("--task cloning", "environment folds epochs", "opponents environment-steps"),
        ("--task regression", "folds epochs target", "environment-steps episodes schedule-every"),
    ],
)  # fmt: skip
def test_help_lists_what_is_obeyed_there(
    words: str, there: str, absent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *words.split(), "--help"]) == 0
    lines = re.findall(r"^\W*(--[a-z].*)", capsys.readouterr().out, re.MULTILINE)
    shown = set(re.findall(r"--([a-z0-9-]+)", "\n".join(lines)))
    assert set(there.split()) <= shown
    assert not set(absent.split()) & shown


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; from sonde.cli.main import main; main(['--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.rpartition("[")[2]
    assert "'sonde.cli.verbs'" in loaded
    assert [name for name in HEAVY if f"'{name}'" in loaded] == []


def test_help_answers_in_half_a_second() -> None:
    def once() -> float:
        began = time.perf_counter()
        assert shell("--help").returncode == 0
        return time.perf_counter() - began

    assert min(once() for _ in range(3)) < 0.5


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["help"]])
def test_help_shows_every_verb_with_an_example(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out = capsys.readouterr().out
    for name, verb in VERBS.items():
        assert f"  {verb.usage}  " in out
        assert f"$ sonde {name}" in out
    assert max(len(line) for line in out.splitlines()) <= 100


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    from sonde import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"sonde {__version__}\n"


@pytest.mark.parametrize("name", list(VERBS))
def test_each_verb_explains_its_flags(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: sonde {VERBS[name].usage} ")
    assert f"  sonde {name}" in out  # an example
    assert "--debug" in out
    assert main(["help", name]) == 0
    assert capsys.readouterr().out == out


def test_flags_come_with_explanation_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    main(["inspect", "--help"])
    out = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "--image-size INTEGER Height and width that images are resized to, in pixels" in out
    assert "Share kept for testing when the data has no test split; by default 0.2, or 0 for language modelling." in out
    assert (
        "--target NAME … Target columns of a table; several give a model with several outputs. (default: unset)" in out
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "unknown command 'trian'; did you mean train? commands: train, resume, eval,"),
        (
            ["fly"],
            "unknown command 'fly'; commands: train, resume, eval, predict, generate, sample, chat, play, runs, compare, "
            "report, watch, doctor, check, inspect, models",
        ),
        (["--epochs", "3"], "the command comes first, then its flags, got --epochs; commands: train,"),
        (["eval"], "sonde eval needs RUN; usage: sonde eval RUN [DATA]"),
        (["report", "nowhere"], "there is no run folder nowhere; `sonde runs` lists existing runs"),
        (["resume", "nowhere"], "there is no run folder nowhere; `sonde runs` lists existing runs"),
        (["resume", "nowhere", "--epoch", "3"], "unknown flag --epoch; did you mean --epochs?"),
        (["datasets", "mnist", "kmnist"], "sonde datasets takes at most one WORD, got 'mnist' and 'kmnist'"),
        (["models", "--lr", "3"], "unknown flag --lr; `sonde models --help` lists all flags"),
    ],
)
def test_a_users_mistake_is_one_line_and_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"sonde: error: {message}")
    assert err.count("\n") == 1


def test_a_users_mistake_in_a_real_shell() -> None:
    done = shell("train", "digits", "--epochs", "x")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "sonde: error: --epochs expects a number, got 'x'\n")


def test_debug_adds_the_traceback() -> None:
    done = shell("train", "digits", "--epochs", "x", "--debug")
    assert done.returncode == 2
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert done.stderr.endswith("sonde: error: --epochs expects a number, got 'x'\n")


def test_an_error_of_many_lines_is_still_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verb_that_raises(monkeypatch, DataError("a.csv row 3\nhas four columns"))
    assert main(["train"]) == 2
    assert capsys.readouterr().err == "sonde: error: a.csv row 3 has four columns\n"


def test_a_fault_of_ours_keeps_its_traceback_and_code_1() -> None:
    code = (
        "import sys\nfrom sonde.cli import main as command\n"
        "def run(words): raise KeyError('planted')\n"
        "command._verb = lambda name: run\nsys.exit(command.main(['train']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "KeyError: 'planted'" in done.stderr
    assert "sonde: error" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143)])
def test_a_run_that_was_asked_to_stop_ends_with_the_signals_code(
    number: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verb_that_raises(monkeypatch, Interrupted("saved; resume with: sonde resume r", signal_number=number))
    assert main(["train"]) == code
    assert capsys.readouterr().err == "sonde: saved; resume with: sonde resume r\n"  # what was asked for is no error


def test_ctrl_c_outside_a_run_is_silent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    verb_that_raises(monkeypatch, KeyboardInterrupt())
    assert main(["models"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGPIPE code")
@pytest.mark.parametrize("words", [["--help"], ["train", "--help"]])
def test_a_reader_that_leaves_is_not_an_error(words: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sonde", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141
    assert errors == ""


def test_another_broken_pipe_is_not_hidden(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    verb_that_raises(monkeypatch, BrokenPipeError("a worker's"))
    with pytest.raises(BrokenPipeError, match="a worker's"):
        main(["models"])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "digits"], True),
        (["eval", "runs/a", "b"], True),
        (["train", "digits", "--quiet"], False),
        (["train", "--help"], False),
        (["models"], False),
    ],
)
def test_a_terminal_hears_at_once_that_something_is_loaded(
    words: list[str], said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal, heard = Terminal(), list[str]()

    def verb(name: str) -> Callable[..., int]:
        heard.append(terminal.getvalue())
        return lambda words, **more: 0

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(command, "_verb", verb)
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "argv", ["sonde", *words])
    assert main() == 0
    assert heard == ["loading\r" if said else ""]


def test_a_quiet_run_names_its_folder_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main(["train", "digits", "--model", "perceptron", "--steps", "2", "--quiet", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert main(["resume", str(out), "--steps", "3", "--quiet"]) == 0
    assert capsys.readouterr().out == f"{out}\n"
