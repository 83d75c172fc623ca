from typing import Any

from sonde.report.column_pairs import MOST, detection_told, pairs_told, together_html


def pair(name: str, **more: Any) -> dict[str, Any]:
    values = {"made": 0.1, "real": 0.654, "distance": 0.31, "floor": 0.02, "p": 0.0033, "wrong": True}
    return {"first": name, "second": "<island>", "kind": "categories", **values, **more}


def test_pairs_stand_in_a_table_and_the_worst_in_a_sentence() -> None:
    detection = {"value": 0.71, "interval": [0.65, 0.77], "real": 0.49}
    pairs = [*(pair(f"c{n}") for n in range(MOST)), pair("last", kind="numbers", made=-0.2, wrong=False, p=0.8)]
    html = str(together_html({"detection": detection, "pairs": pairs}))
    assert '<td class="word">c0 and &lt;island&gt;</td><td class="n">0.10</td><td class="n">0.65</td>' in html
    assert "1 more pairs differ less" in html
    assert "last and" not in html
    assert (
        "AUROC of 0.71 (0.65 to 0.77), where 0.5 is chance and 1 is always; for two halves of the real rows 0.49"
        in html
    )
    assert pairs_told({"pairs": pairs}) == [
        "of 13 pairs of columns 12 go together otherwise than in real rows, most of all c0 and <island>, c1 and <island>, c2 and "
        "<island>"
    ]
    assert "-0.20" in str(together_html({"pairs": pairs[-1:]}))


def test_where_nothing_is_wrong_or_known() -> None:
    assert pairs_told({"pairs": [pair("a", wrong=False)]})[0].startswith(
        "of 1 pair of columns none goes together otherwise"
    )
    assert pairs_told({"pairs": []}) == []
    assert detection_told({"detection": {"value": None, "reason": "few"}}) == []
    assert str(together_html(None)) == ""
