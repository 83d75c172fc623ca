from typing import Any

from sonde.core.findings import CAUSES
from sonde.diagnose.rules.column_pairs import pairs_unlike


def pair(first: str, second: str, *, wrong: bool, kind: str = "categories") -> dict[str, Any]:
    return {
        "first": first,
        "second": second,
        "kind": kind,
        "made": 0.06,
        "real": 0.66,
        "distance": 0.3,
        "floor": 0.05,
        "wrong": wrong,
    }


def samples(*pairs: dict[str, Any]) -> dict[str, Any]:
    return {"together": {"pairs": list(pairs), "test": {"level": 0.05, "permutations": 300}}}


def test_the_worst_pairs_are_named_with_what_to_do() -> None:
    pairs = [pair("species", "island", wrong=True), *(pair("x", f"y{n}", wrong=True, kind="numbers") for n in range(4))]
    (found,) = pairs_unlike(samples(*pairs, pair("a", "b", wrong=False)), "test")
    assert found.name in CAUSES
    assert (found.severity, found.check) == ("warning", "column pairs unlike real rows")
    assert found.evidence == (
        "5 of 6 pairs of columns go together otherwise in made rows than in test rows (permutation test of all pairs, "
        "p below 0.05): species and island (Cramér's V 0.060, in real rows 0.66); x and y0 (correlation 0.060, in real rows "
        "0.66); x and y1 (correlation 0.060, in real rows 0.66); and 2 more"
    )
    assert "--steps" in found.action


def test_where_no_pair_is_wrong_and_of_other_data_nothing_is_found() -> None:
    assert pairs_unlike(samples(pair("a", "b", wrong=False)), "test") == []
    assert pairs_unlike({"picture": "samples.png"}, "test") == []
