"""Flags of `sonde eval` that do not go together are refused, and none is taken for not given."""

from typing import Any

import pytest

from sonde.cli.evaluate import EvalOptions, _check
from sonde.cli.main import main
from sonde.cli.parse import convert, flags_of, split_line
from sonde.core.errors import ConfigError


def test_a_switch_without_a_default_is_on_off_or_not_given(capsys: pytest.CaptureFixture[str]) -> None:
    flags = flags_of(EvalOptions)
    for words, found in (
        (["--sampled"], {"sampled": True}),
        (["--no-sampled", "run"], {"sampled": False}),
        (["run"], {}),
    ):
        assert convert(split_line(words, flags).given, flags) == found
    with pytest.raises(ConfigError, match="--sampled takes no value; write --sampled or --no-sampled"):
        split_line(["--sampled=no"], flags)
    assert main(["eval", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--no-sampled" in shown
    assert "--sampled VALUE" not in shown


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"episodes": 3}, "--episodes is for what is played"),
        ({"first_seed": 0}, "--first-seed is for what is played"),
        ({"sampled": False}, "--sampled is for what is played"),
        ({"opponents": ("random",)}, "--opponents is for what is played"),
        ({"steps": 0}, "--steps must be at least 1, got 0"),
        ({"split": "test"}, "--split is for metrics of rows"),
    ],
)
def test_where_samples_are_measured_what_is_of_no_effect_is_refused(given: dict[str, Any], told: str) -> None:
    ways: list[dict[str, Any]] = [{"judge": "runs/judge"}, {"number": 100}]
    for by in ways:
        _check(EvalOptions(**by))
        with pytest.raises(ConfigError, match=told):
            _check(EvalOptions(**by, **given))


def test_without_a_judge_nothing_is_of_samples() -> None:
    _check(EvalOptions(episodes=3, sampled=False))
    with pytest.raises(ConfigError, match="--seed is for samples, which are measured with --judge CLASSIFIER_RUN"):
        _check(EvalOptions(seed=0))
