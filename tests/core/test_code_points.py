import numpy as np
import pytest

from sonde.core.code_points import code_points, of_several, text_of, texts_of


@pytest.mark.parametrize("text", ["", "plain", "naïve — 6½ “x” 漢字 🙂"])
def test_there_and_back(text: str) -> None:
    found = code_points(text)
    assert found.dtype == np.int32
    assert found.tolist() == [ord(character) for character in text]
    assert text_of([*found.tolist(), 0, 0]) == text


def test_several_texts_share_a_row() -> None:
    assert texts_of(of_several(["a", "b c", ""]).tolist()) == ["a", "b c", ""]
    assert texts_of(of_several(["a\x01b"]).tolist()) == ["a b"]
