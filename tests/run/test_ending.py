"""What a run leaves in its folder when it is stopped or fails, and that it goes on all the same."""

import json
import signal

import pytest
import torch
from torch import nn

import sonde
from sonde.core.errors import Interrupted, NonFinite
from sonde.core.run_state import state_of

ROWS = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))


def trained(out, stop_at=0, trouble=None, **more):
    """A run that something ends after a step, in the same process: of its own code, or of a signal."""

    def end(record):
        if stop_at and getattr(record, "step", 0) == stop_at and type(record).__name__ == "StepRecord":
            if trouble is None:
                signal.raise_signal(signal.SIGINT)
            else:
                raise trouble

    torch.manual_seed(0)
    data = (ROWS, ROWS[:, :1])
    settings = {"epochs": 3, "batch_size": 16, "threads": 1, "log_every": 1, "quiet": True, "out": str(out)}
    return sonde.fit(nn.Linear(3, 1), data, loss=nn.MSELoss(), observers=[end], **settings, **more)


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_that_fails_says_so_in_its_last_line_and_on_its_page(tmp_path):
    with pytest.raises(ValueError, match="broke"):
        trained(tmp_path, stop_at=5, trouble=ValueError("my observer <b>broke</b>\nand more"))
    state = state_of(tmp_path)
    assert (state.condition, state.step, state.why) == ("failed", 5, "ValueError: my observer <b>broke</b>")
    page = (tmp_path / "report.html").read_text()
    assert "Failed after step 5" in page
    assert "ValueError: my observer &lt;b&gt;broke&lt;/b&gt;" in page
    assert "<b>broke" not in page


def test_a_run_that_is_stopped_says_so_and_goes_on_without_a_trace(tmp_path):
    with pytest.raises(Interrupted):
        trained(tmp_path / "a", stop_at=5)
    state = state_of(tmp_path / "a")
    assert (state.condition, state.step, state.signal) == ("interrupted", 5, 2)
    assert "Ctrl-C ended it after step 5 of 12" in (tmp_path / "a" / "report.html").read_text()
    trained(tmp_path / "a")
    trained(tmp_path / "b")
    assert state_of(tmp_path / "a").condition == "finished"
    kept = {folder: [line["loss"] for line in lines(tmp_path / folder) if line["kind"] == "step"] for folder in "ab"}
    assert kept["a"] == kept["b"]
    assert [line["event"] for line in lines(tmp_path / "a") if line["kind"] == "event"] == ["resumed"]


def test_what_is_refused_before_its_first_step_leaves_no_folder(tmp_path):
    with pytest.raises(sonde.SondeError):
        trained(tmp_path / "a", patience="2 epochs")  # without validation data
    assert not (tmp_path / "a").exists()


def test_a_refused_resume_leaves_how_the_run_ended(tmp_path):
    with pytest.raises(ValueError, match="broke"):
        trained(tmp_path, stop_at=5, trouble=ValueError("broke"))
    before = (tmp_path / "metrics.jsonl").read_bytes()
    with pytest.raises(sonde.SondeError):
        trained(tmp_path, lr=0.5)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before
    assert state_of(tmp_path).condition == "failed"


def test_the_page_names_the_step_that_the_error_names(tmp_path):
    calls = 0

    def broken(output, target):
        nonlocal calls
        calls += torch.is_grad_enabled()
        loss = nn.functional.mse_loss(output, target)
        return loss * float("nan") if calls > 6 else loss

    data = (ROWS, ROWS[:, :1])
    settings = {"epochs": 3, "batch_size": 16, "threads": 1, "precision": "fp32", "quiet": True, "out": str(tmp_path)}
    with pytest.raises(NonFinite) as error:
        sonde.fit(nn.Linear(3, 1), data, loss=broken, doctor=False, **settings)
    step = int(str(error.value).removeprefix("step ").split(",")[0])
    state = state_of(tmp_path)
    assert (state.condition, state.failed_at, state.step) == ("failed", step, step - 1)
    page = (tmp_path / "report.html").read_text()
    assert f"Failed at step {step}" in page
    assert f"An error ended it at step {step} of 12: step {step}, phase" in page
