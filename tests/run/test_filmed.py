"""Films of the episodes of a run."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sonde.acting.config import EnvironmentConfig
from sonde.acting.evaluation.episodes import Episodes
from sonde.acting.seeds import SeedRows
from sonde.core.files import read_json, write_json
from sonde.run import filmed


class Played(Episodes):
    """Two episodes that were played."""

    def __init__(self, taken: dict[int, np.ndarray]) -> None:
        self.taken = taken


def nothing(*_: Any) -> Any:
    """An environment that is not made here, and what it shows."""


@pytest.mark.parametrize(("kept", "actions"), [(True, 5), (False, 6)])
def test_films_of_validation_show_the_weights_that_are_kept(
    kept: bool, actions: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the best evaluation, and not of the last one that was played."""
    place = tmp_path / "validation"
    place.mkdir()
    write_json(place / "episodes.json", {"index": [2], "return": [3.0], "length": [1]})
    rows = SeedRows(make=nothing, encode=nothing, split="validation", number=3, rendered=nothing, first=10)
    attempt: Any = SimpleNamespace(
        assembly=SimpleNamespace(
            evaluation_sources={"validation": Played({2: np.array([6])})},
            dataset=SimpleNamespace(splits={"validation": rows}),
            config=SimpleNamespace(data=SimpleNamespace(of=lambda kind: EnvironmentConfig())),
        ),
        folder=SimpleNamespace(evaluation=tmp_path),
        job=SimpleNamespace(screen=SimpleNamespace(tick=lambda *_: None)),
        best_taken={2: np.array([5])},
        meter_of_kept=lambda step: object() if kept else None,
        steps=4,
        request=None,
    )
    found = []

    def film(make: Any, wanted: Any, path: Path, **_: Any) -> dict[str, Any]:
        found.append((wanted.seed, wanted.actions.tolist(), path.name))
        return {"name": wanted.name}

    monkeypatch.setattr(filmed, "film", film)
    filmed.make_films(attempt, "validation")
    assert found == [(12, [actions], "best.mp4")]
    told = read_json(place / "films.json")
    assert (told["episodes"], told["of"], told["why"]) == (1, 3, "")
    filmed.make_films(attempt, "validation", seconds=-1.0)
    assert "no time" in read_json(place / "films.json")["why"]
