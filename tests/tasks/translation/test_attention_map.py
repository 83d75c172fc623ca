from xml.etree import ElementTree as Xml

from sonde.tasks.translation.attention_map import attention_map


def test_tokens_stand_on_both_sides_and_weights_are_cells() -> None:
    page = attention_map(["▁A", "▁m<n", "<eos>"], ["Ein", "Mann"], [[0.9, 0.1, 0.001], [0.25, 0.75, 0.0]])
    drawn = Xml.fromstring(str(page))
    assert [text.text for text in drawn.iter("text")] == ["Ein", "Mann", "A", "m<n", "<eos>"]
    cells = [(cell.get("fill-opacity"), cell.findtext("title")) for cell in drawn.iter("rect")]
    assert cells == [
        ("0.90", "Ein attends to A: 90 %"),
        ("0.10", "Ein attends to m<n: 10 %"),
        ("0.25", "Mann attends to A: 25 %"),
        ("0.75", "Mann attends to m<n: 75 %"),
    ]
    places = {(cell.get("x"), cell.get("y")) for cell in drawn.iter("rect")}
    assert len(places) == 4
    assert len({x for x, _ in places}) == len({y for _, y in places}) == 2


def test_long_tokens_are_cut_and_empty_ones_seen() -> None:
    drawn = Xml.fromstring(str(attention_map(["▁"], ["Donaudampfschifffahrt"], [[1.0]])))
    assert [text.text for text in drawn.iter("text")] == ["Donaudampfsch…", "␣"]
