"""One value in its type, from a word and from YAML."""

from typing import Any, Literal

import pytest

from sonde.cli.values import expected, fits, from_file, to_types
from sonde.core.errors import ConfigError

FLAGS = {
    "epochs": float | None,
    "steps": int | None,
    "lr": float | Literal["auto"],
    "target": tuple[str, ...],
    "hidden": tuple[int, ...],
    "balanced": bool,
    "out": str | None,
    "schedule": Literal["cosine", "step"],
}


def test_tyro_says_nothing_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError):
        to_types([("epochs", "x")], FLAGS)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "kind", "fit"),
    [("3", int, True), ("3.5", int, False), ("x", float | Literal["x"], True), ("", float, False), ("-1", float, True)],
)
def test_fits(text: str, kind: Any, fit: bool) -> None:
    assert fits(text, kind) is fit


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("epochs", 3, 3.0),
        ("epochs", 0.1, 0.1),
        ("lr", "auto", "auto"),
        ("lr", 1e-3, 1e-3),
        ("lr", 0.1 + 0.2, 0.1 + 0.2),
        ("target", ["a,b", "-c"], ("a,b", "-c")),
        ("hidden", [256, 128], (256, 128)),
        ("hidden", [], ()),
        ("balanced", False, False),
        ("out", 7, "7"),
    ],
)
def test_yaml_values_take_their_fields_type(name: str, value: Any, result: Any) -> None:
    found = from_file(name, value, FLAGS, "c.yaml")
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", "five", "c.yaml: --epochs expects a number, got 'five'"),
        ("epochs", True, "c.yaml: epochs expects a number, got True"),
        ("epochs", [1, 2], r"c.yaml: epochs expects a number, got [1, 2]"),
        ("target", "a", "c.yaml: target expects a list of names, got 'a'"),
        ("balanced", "yes", "c.yaml: balanced expects true or false, got 'yes'"),
        ("steps", 2.5, "c.yaml: --steps expects a whole number, got '2.5'"),
        ("schedule", "cosin", "c.yaml: --schedule expects one of cosine, step, got 'cosin'; did you mean cosine?"),
        ("epoch", 3, "c.yaml: unknown setting 'epoch'; did you mean 'epochs'"),
    ],
)
def test_yaml_values_that_do_not_fit_are_named_with_their_file(name: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_file(name, value, FLAGS, "c.yaml")
    assert str(caught.value).startswith(message)


def test_what_is_expected_reads_as_words() -> None:
    assert expected(tuple[Literal["a", "b"], ...]) == "any of one of a, b"
    assert expected(int | Literal["auto"] | None) == "a whole number or auto"
