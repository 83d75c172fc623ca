"""What was asked for, before anything is known of the data."""

from pathlib import Path

from sonde.core.overrides import Overrides, from_keywords


def test_keyword_arguments_become_what_flags_would_have_been() -> None:
    found = from_keywords({"hidden": [8, 4], "out": Path("runs") / "mine", "lr": 0.1}, model="mlp")
    assert found.values == {"hidden": (8, 4), "out": str(Path("runs") / "mine"), "lr": 0.1}
    assert found.origin == dict.fromkeys(("hidden", "out", "lr", "model"), "typed")
    assert (found.model, found.task, found.leftover) == ("mlp", None, ())


def test_more_values_take_the_place_of_the_ones_before() -> None:
    before = Overrides(values={"lr": 0.1, "seed": 1}, origin={"lr": "file", "seed": "file"}, task="regression")
    after = before.having({"lr": 0.2, "fold": 3})
    assert after.values == {"lr": 0.2, "seed": 1, "fold": 3}
    assert after.origin == {"lr": "typed", "seed": "file", "fold": "typed"}
    assert (after.task, before.values["lr"]) == ("regression", 0.1)
    assert before.having({"lr": 0.3}, "file").origin["lr"] == "file"
