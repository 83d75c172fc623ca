"""Evaluation of predicted backbone torsion angles, residue by residue."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from sonde.core.units import number, share
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.mean import Mean

CASES = 8  # chains kept
PLACES = 1000  # residues whose angles are kept for a picture, those of the first chains
NEAR = 60.0  # degrees

# B proteins, R residues of the longest, A angles


class TorsionsMeter:
    """Adds up angles and truths; every known angle has the same weight.

    metrics: NAME_error of each angle, the mean over places of how many degrees it is off (0 to 180); near, the share of places
             of which all angles are known and none is more than 60 degrees off; loss (the task's own)
    """

    def __init__(self, names: Sequence[str]) -> None:
        """names: of the angles."""
        self.names = list(names)
        self.errors = [Mean() for _ in self.names]
        self.near, self.loss = Mean(), Mean()
        self.first_nan = FirstNaN()
        self.worst: list[dict[str, Any]] = []
        self.seen: dict[int, dict[str, Any]] = {}  # row -> angles, true and found (places, A), of the first rows

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add proteins: found and true (B, R, A) in degrees, known (B, R, A) 0 or 1, loss (B, R, A)."""
        self.first_nan.update(outputs["loss"], index)
        known, found, true = outputs["known"], outputs["found"], outputs["true"]
        off = apart(found, true)
        for place, error in enumerate(self.errors):
            error.update(off[..., place].flatten(), known[..., place].flatten())
        whole = known.bool().all(-1)
        self.near.update((off <= NEAR).all(-1).flatten(), whole.flatten())
        self.loss.update(outputs["loss"].flatten(), known.flatten())
        for row, number_ in enumerate(index.tolist()):
            there = whole[row]
            if bool(there.any()):
                cases = [angles[row][there].double().cpu() for angles in (true, found, off)]
                self._keep(number_, *cases)

    def merge(self, other: "TorsionsMeter") -> None:
        """Add another process's sums."""
        for mine, theirs in zip(
            (*self.errors, self.near, self.loss), (*other.errors, other.near, other.loss), strict=True
        ):
            mine.merge(theirs)
        self.first_nan.merge(other.first_nan)
        self.worst = _hardest([*self.worst, *other.worst])
        self.seen = _first({**self.seen, **other.seen})

    def compute(self) -> dict[str, float]:
        """All metrics over all places so far. Raises: NonFinite when an output was NaN."""
        self.first_nan.refuse()
        errors = {f"{name}_error": float(mean.value()) for name, mean in zip(self.names, self.errors, strict=True)}
        return {"near": float(self.near.value()), **errors, "loss": float(self.loss.value())}

    def details(self) -> dict[str, Any]:
        """torsions, angles of the first places in degrees, and the chains that are most off (docs/run-folder.md)."""
        rows = [self.seen[row] for row in sorted(self.seen)]
        both = {name: [angles for row in rows for angles in row[name]][:PLACES] for name in ("true", "found")}
        return {"torsions": {"names": self.names, **both}, "worst": self.worst}

    def _keep(self, index: int, true: Tensor, found: Tensor, off: Tensor) -> None:
        mean, near = float(off.mean()), float((off <= NEAR).all(-1).double().mean())
        case = {
            "index": index,
            "target": f"{len(true)} residues",
            "prediction": f"{number(mean, 3)} degrees mean error, {share(near, 0)} of residues within {NEAR:g} degrees",
            "confidence": None,
            "loss": mean / 180,
        }
        self.worst = _hardest([*self.worst, case])
        rounded = {name: angles.round().int().tolist() for name, angles in (("true", true), ("found", found))}
        self.seen = _first({**self.seen, index: rounded})


def apart(found: Tensor, true: Tensor) -> Tensor:
    """(…) degrees between angles in degrees, the short way round: 0 to 180.

    >>> apart(Tensor([170.0, -60.0]), Tensor([-170.0, 30.0])).tolist()
    [20.0, 90.0]
    """
    return ((found - true + 180) % 360 - 180).abs()


def _hardest(cases: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(cases, key=lambda case: (-case["loss"], case["index"]))[:CASES]


def _first(rows: Mapping[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Those of the first rows, as many as `PLACES` residues need."""
    cases: dict[int, dict[str, Any]] = {}
    places = 0
    for index in sorted(rows):
        if places >= PLACES:
            break
        cases[index] = rows[index]
        places += len(rows[index]["true"])
    return cases
