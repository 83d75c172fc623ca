"""What runs took, beside one another."""

import json
from collections.abc import Callable
from pathlib import Path

from sonde.comparison.members import members_of
from sonde.comparison.rows import cost_columns, cost_rows
from sonde.comparison.units import families


def test_runs_that_play_games_have_games_and_moves_a_second_and_no_epochs(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    for name, games in (("a", 3000.0), ("b", 1200.0)):
        make_run(tmp_path / name, settings={"seed": int(games)})
        file = tmp_path / name / "result.json"
        result = {**json.loads(file.read_text()), "epochs": None, "self_play": {"games": games, "per_s": 70.0}}
        file.write_text(json.dumps(result))
    found = families(members_of([tmp_path]))
    assert {cost_columns(family)[3:7] for family in found} == {("games", "updates", "parameters", "moves per second")}
    rows = [(row[0], row[3], row[6]) for family in found for row in cost_rows(family)]
    assert sorted(rows) == [("a", "3,000", "70.0"), ("b", "1,200", "70.0")]
