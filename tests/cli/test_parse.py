"""Taking a command line apart, against what a person meant by it."""

import shlex
from typing import Any, Literal

import pytest

from sonde.cli.parse import (
    as_words,
    convert,
    flags_of,
    refuse_unknown,
    split_line,
    take_data,
    take_words,
    unknown_flag,
    wants_help,
)
from sonde.core.config import FeedConfig
from sonde.core.errors import ConfigError
from sonde.modalities.settings import groups

FLAGS = flags_of(*groups().values()) | {"hidden": tuple[int, ...], "activation": Literal["relu", "tanh"]}


def parsed(text: str, *, optional: bool = False) -> tuple[str | None, dict[str, Any]]:
    line = split_line(shlex.split(text), FLAGS)
    refuse_unknown(line, FLAGS, verb="train")
    data, line = take_data(line, FLAGS, verb="train", optional=optional)
    return data, convert(line.given, FLAGS)


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("d", {}),
        ("d --epochs 3 --lr 1e-3", {"epochs": 3.0, "lr": 0.001}),
        ("d --epochs=3 --lr=auto", {"epochs": 3.0, "lr": "auto"}),
        ("--batch-size 8 d --weight_decay 0.1", {"batch_size": 8, "weight_decay": 0.1}),
        ("d --balanced --no-compile --no_fresh", {"balanced": True, "compile": False, "fresh": False}),
        ("--balanced d", {"balanced": True}),
        ("d --target a,b", {"target": ("a", "b")}),
        ("d --target a b", {"target": ("a", "b")}),
        ("d --target a --target b", {"target": ("a", "b")}),
        ("d --target=a --hidden 3", {"target": ("a",), "hidden": (3,)}),
        (r"d --target 'Price\, USD,b'", {"target": ("Price, USD", "b")}),
        ("d --target=-a,--b", {"target": ("-a", "--b")}),
        ("d --hidden=", {"hidden": ()}),
        ("d --lr -1 --clip -.5", {"lr": -1.0, "clip": -0.5}),
        ("d --out=--odd --monitor ''", {"out": "--odd", "monitor": ""}),
        ("d --epochs 3 --epochs 3", {"epochs": 3.0}),
        ("d --workers None", {"workers": None}),
        ("--epochs 3 -- d", {"epochs": 3.0}),
    ],
)
def test_what_was_meant_is_what_is_read(text: str, values: dict[str, Any]) -> None:
    data, found = parsed(text)
    assert data == "d"
    assert found == values
    assert [type(v) for v in found.values()] == [type(v) for v in values.values()]


@pytest.mark.parametrize(
    ("text", "data", "values"),
    [
        ("--hidden 256 128 digits", "digits", {"hidden": (256, 128)}),
        ("digits --hidden 256 128", "digits", {"hidden": (256, 128)}),
        ("--hidden 256 128 digits --epochs 3", "digits", {"hidden": (256, 128), "epochs": 3.0}),
        ("--hidden 256,128 digits", "digits", {"hidden": (256, 128)}),
        ("--target a b t.csv", "t.csv", {"target": ("a", "b")}),
        ("--target a t.csv --hidden 3 4", "t.csv", {"target": ("a",), "hidden": (3, 4)}),
        ("--target a b --hidden 3 t.csv", "t.csv", {"target": ("a", "b"), "hidden": (3,)}),
        ("--target=a,b t.csv", "t.csv", {"target": ("a", "b")}),
        ("-- --d", "--d", {}),
        ("--epochs 3 -", "-", {"epochs": 3.0}),
    ],
)
def test_data_are_found_wherever_they_stand(text: str, data: str, values: dict[str, Any]) -> None:
    assert parsed(text) == (data, values)


def test_a_list_keeps_its_last_word_where_the_data_are_known_otherwise() -> None:
    assert parsed("--target a b", optional=True) == (None, {"target": ("a", "b")})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("d --epoch 3", "unknown flag --epoch; did you mean --epochs?"),
        ("d --learning_rate 3", "unknown flag --learning_rate; did you mean --lr?"),
        ("d --use-sde", "there is no --use-sde; exploration that depends on the state"),
        ("d --tau 0.1", "unknown flag --tau; here it is called --follow-share, which this task or model has not"),
        ("d --no-balance", "unknown flag --no-balance; did you mean --balanced?"),
        ("d --no-epochs", "unknown flag --no-epochs; did you mean --epochs?"),
        ("d -epochs 3", "unknown flag -epochs; did you mean --epochs?"),
        ("d --Epochs 3", "unknown flag --Epochs; did you mean --epochs?"),
        ("d --zzz", "unknown flag --zzz; `sonde train --help` lists all flags"),
        ("d --epochs x", "--epochs expects a number, got 'x'"),
        ("d --epochs ''", "--epochs expects a number, got ''"),
        ("d --steps 2.5", "--steps expects a whole number, got '2.5'"),
        ("d --lr fast", "--lr expects a number or auto, got 'fast'"),
        ("d --hidden 3 x", "--hidden expects whole numbers, got 'x'"),
        ("d --precision bf61", "--precision expects one of fp32, bf16, fp16, got 'bf61'; did you mean bf16?"),
        ("d --seed 1 --steps x --epochs y", "--steps expects a whole number, got 'x'"),
        ("d --epochs", "--epochs needs a number"),
        ("d --epochs --lr 3", "--epochs needs a number"),
        ("d --target --lr 3", "--target needs names; write --target= for none"),
        ("d --balanced=yes", "--balanced takes no value; write --balanced or --no-balanced"),
        ("d --epochs 3 --epochs 4", "--epochs is given twice, as 3 and as 4; keep one"),
        ("d --balanced --no-balanced", "--balanced is given twice, as yes and as no; keep one"),
        (
            "d e",
            "sonde train takes one DATA argument, got 'd' and 'e'; put it right after the command: sonde train DATA",
        ),
        ("--hidden 3 4", "sonde train needs DATA: a path or a name such as digits; put it right after the command"),
        ("--target a b --columns c d", "sonde train needs DATA"),
        ("--target a", "sonde train needs DATA"),
        ("", "sonde train needs DATA"),
    ],
)
def test_each_slip_has_its_line(text: str, message: str) -> None:
    assert refusal(text).startswith(message)


def test_unknown_flags_keep_their_words_to_themselves() -> None:
    line = split_line(shlex.split("d --members 8 4 --width=3 e --lr 1"), FLAGS)
    assert line.unknown == ("--members", "--width")
    assert line.words == ("d", "e")
    assert [entry.name for entry in line.given] == ["lr"]


@pytest.mark.parametrize("text", ["--hidden 3 4 --no-balanced --fresh", r"--target=-a 'b\,c' --lr -1", "--hidden="])
def test_flags_survive_being_words_again(text: str) -> None:
    line = split_line(shlex.split(text), FLAGS)
    again = split_line(as_words(line.given, FLAGS), FLAGS)
    assert convert(again.given, FLAGS) == convert(line.given, FLAGS) != {}


def test_values_have_the_types_of_the_dataclass() -> None:
    values = convert(split_line(["--batch-size", "8", "--feed", "resident", "--workers", "2"], FLAGS).given, FLAGS)
    assert FeedConfig(**values) == FeedConfig(batch_size=8, feed="resident", workers=2)


def test_words_that_are_missing_or_too_many_are_named() -> None:
    assert take_words(["a", "b"], "eval RUN DATA") == ["a", "b"]
    with pytest.raises(ConfigError, match=r"^sonde eval needs DATA; usage: sonde eval RUN DATA$"):
        take_words(["a"], "eval RUN DATA")
    with pytest.raises(ConfigError, match=r"^sonde eval: unexpected argument 'c'; usage: sonde eval"):
        take_words(["a", "b", "c"], "eval RUN DATA")


def test_a_word_may_be_left_out_and_the_last_may_come_several_times() -> None:
    assert (take_words([], "models [WORD]"), take_words(["a"], "models [WORD]")) == ([""], ["a"])
    with pytest.raises(ConfigError, match="sonde models takes at most one WORD, got 'a' and 'b'"):
        take_words(["a", "b"], "models [WORD]")
    assert take_words(["a", "b", "c"], "predict RUN INPUT …") == ["a", "b", "c"]
    for words, missing in (([], "RUN"), (["a"], "INPUT")):
        with pytest.raises(ConfigError, match=f"^sonde predict needs {missing}; usage: sonde predict RUN INPUT …$"):
            take_words(words, "predict RUN INPUT …")


def test_help_is_wanted_only_before_a_double_dash() -> None:
    assert wants_help(["d", "-h"])
    assert wants_help(["--help", "--", "d"])
    assert not wants_help(["--", "--help"])


def test_a_synonym_is_suggested_only_where_the_verb_has_it() -> None:
    assert "--lr?" in str(unknown_flag("--learning-rate", ["lr"], verb="train"))
    assert "--lr" not in str(unknown_flag("--learning-rate", ["split"], verb="eval"))
