import pytest

from sonde.core.errors import ConfigError, DataError
from sonde.data.name_parts import check_known, choice, parts_of, spelled


def test_parts_are_told_by_what_stands_between_them() -> None:
    found = parts_of(["x/7_theo_0", "11_a-b_3"], "{label}_{speaker}_{take}")
    assert found[0] == {"label": "7", "speaker": "theo", "take": "0"}
    assert found[1] == {"label": "11", "speaker": "a-b", "take": "3"}


def test_a_pattern_with_folders_is_held_against_the_whole_path() -> None:
    assert parts_of(["train/yes/3"], "{split}/{label}/{take}") == [{"split": "train", "label": "yes", "take": "3"}]


def test_marks_in_a_pattern_are_no_expressions() -> None:
    assert parts_of(["a.b+c"], "{label}.{x}+{y}")[0]["label"] == "a"


def test_a_name_that_does_not_fit_is_named() -> None:
    with pytest.raises(DataError, match=r"the name x/noise does not fit --labels '\{label\}_\{take\}'; rename it"):
        parts_of(["a_1", "x/noise"], "{label}_{take}")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{speaker}_{take}", "has no \\{label\\}"),
        ("{label}_{label}", r"\{label\} is not a valid part name, or occurs twice"),
        ("{label}_{}", r"\{\} is not a valid part name"),
    ],
)
def test_patterns_that_are_none(pattern: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parts_of(["a_b"], pattern)


def test_choices_take_values_and_spans() -> None:
    takes = choice("take=0-2, 9")
    assert [number for number in range(12) if takes.takes({"take": str(number)}, "x")] == [0, 1, 2, 9]
    assert choice("speaker=theo").takes({"speaker": "theo"}, "x")


@pytest.mark.parametrize("text", ["take", "=3", "take=", "take=,"])
def test_choices_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a part and its values; write it like take=0-4"):
        choice(text)


def test_a_choice_by_a_part_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="--held-out tke=1: a.wav has no part 'tke'; there are label, take"):
        choice("tke=1").takes({"label": "a", "take": "1"}, "a.wav")


def test_labels_by_their_names() -> None:
    assert spelled(["1", "0", "2"], ["0=zero", "1=a=b"]) == ["a=b", "zero", "2"]
    with pytest.raises(ConfigError, match="'zero' is not a pair; write each once, like 0=zero"):
        spelled(["0"], ["zero"])
    with pytest.raises(ConfigError, match="a label has two names"):
        spelled(["0"], ["0=a", "0=b"])


def test_names_of_labels_that_are_not_there() -> None:
    check_known(["0", "1"], ["0=zero"])
    with pytest.raises(ConfigError, match="--label-names 3=three: nothing has the label '3'; there are 0, 1"):
        check_known(["1", "0"], ["3=three"])
