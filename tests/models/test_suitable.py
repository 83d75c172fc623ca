import pytest

from sonde.core.errors import ConfigError
from sonde.models.suitable import check_input, reads, suitable
from sonde.models.table import MODELS, Entry


def test_what_a_model_reads_is_known_of_libraries_too_and_not_of_ones_own() -> None:
    assert reads("mlp") == ("image", "array", "table")
    assert reads("timm:resnet18") == ("image",)
    assert reads("hf:gpt2") == ("tokens",)
    assert reads("net.py:Net") is None


def test_what_was_made_for_a_kind_comes_first() -> None:
    assert suitable("table", "row") == ["tabular", "perceptron", "mlp"]
    assert suitable("audio", "row")[:2] == ["audio-cnn", "rnn"]
    assert suitable("tokens", "span")[:2] == ["bert-tiny", "bert-mini"]
    assert suitable("array", "boxes") == []


@pytest.mark.parametrize(
    ("model", "kind", "message"),
    [
        (
            "resnet18",
            "table",
            "takes inputs of kind image, and this data is of kind table; take tabular, perceptron, mlp",
        ),
        (
            "lstm",
            "molecule",
            "takes inputs of kind tokens, series, audio or array, and this data is of kind molecule; take graph-net",
        ),
        (
            "tabular",
            "image",
            "takes inputs of kind table or array, and this data is of kind image; take perceptron, mlp, len",
        ),
        ("unet", "series", "takes inputs of kind image, and this data is of kind series; take dlinear, nlinear"),
    ],
)
def test_data_of_another_kind_are_refused_by_what_suits_them(model: str, kind: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_input(model, kind)
    assert str(caught.value).startswith(f"--model {model} {message}")


def test_what_the_task_needs_is_suggested() -> None:
    with pytest.raises(ConfigError, match="; take bert-tiny, bert-mini, bert-small, bert-base, bert-large … "):
        check_input("mlp", "tokens", "span")
    with pytest.raises(ConfigError, match="is of kind audio; no model of `sonde models` suits both$"):
        check_input("mlp", "audio", "boxes")
    check_input("bert-tiny", "tokens", "span")
    check_input("net.py:Net", "protein", "boxes")


def test_a_model_of_another_package_is_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry("sonde.models.lenet:lenet5", "their-net", "nobody 2026", (4,), reads=("table",), answers="row")
    monkeypatch.setitem(MODELS.own, "their-net", entry)
    assert "their-net" in suitable("table")
    with pytest.raises(
        ConfigError, match="^--model their-net takes inputs of kind table, and this data is of kind image"
    ):
        check_input("their-net", "image")


def test_inputs_that_are_read_as_another_kind_fit_its_models_too() -> None:
    assert "bert-tiny" in suitable("pair", "row", read_as="tokens")
    check_input("bert-tiny", "pair", read_as="tokens")
    with pytest.raises(
        ConfigError, match="--model resnet18 takes inputs of kind image, and this data is of kind pair; take rnn"
    ):
        check_input("resnet18", "pair", read_as="tokens")
