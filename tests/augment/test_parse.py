import pytest

from sonde.augment.parse import number, read_parts
from sonde.core.errors import ConfigError

READERS = {"turn": (number("turn", float, 0, 1), "write turn=T"), "size": (number("side", int, 1, 9), "write size=N")}


@pytest.mark.parametrize(
    ("text", "fields"),
    [("", {}), ("none", {}), (" SIZE=3 , turn", {"side": 3, "turn": 0.5}), ("turn=1", {"turn": 1.0})],
)
def test_reads_the_parts_of_a_text(text: str, fields: dict[str, float]) -> None:
    assert read_parts(text, READERS, kind="change", defaults={"turn": "0.5"}) == fields


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("torn", "unknown change 'torn'; did you mean 'turn'"),
        ("size", "--augment 'size': write size=N"),
        ("size=10", "--augment 'size=10': write size=N"),
        ("size=", "--augment 'size=': write size=N"),
        ("size=2,size=3", "--augment 'size=2,size=3' gives size twice"),
    ],
)
def test_names_what_is_no_part(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_parts(text, READERS, kind="change")
    assert str(caught.value).startswith(message)
