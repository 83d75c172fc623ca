"""How a task plays games for two: what its network makes of positions, and how much it searches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

UNTRAINED = (
    "the untrained network with the same search"  # the baseline that tells what was learned from what a search sees
)


@dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """How a move is searched.

    kind:        "gumbel": moves drawn without replacement, sequential halving; "puct": upper confidence bounds
    simulations: leaves that are looked at for a move
    considered:  moves that are looked at in the root, of "gumbel"
    """

    kind: Literal["gumbel", "puct"]
    simulations: int
    considered: int


@dataclass(frozen=True, kw_only=True)
class Playing:
    """A task's ability to play.

    judge:   observations (n, *shape) -> logits (n, actions) of moves, legal or not, and (n,) values from -1 to 1 for the side to
             move, as the network stands
    plan:    how a move is searched where it counts
    earlier: as `judge`, of the network as it was before; None where there was none yet
    untrained: as `judge`, of the network as it was before the first update; None where that is not known
    shape:   of an observation that the network sees; None where that is not known
    others:  name of an opponent -> how it plays, of those that are other runs
    """

    judge: "Callable[[Tensor], tuple[Tensor, Tensor]]"
    plan: SearchPlan
    earlier: "Callable[[], Callable[[Tensor], tuple[Tensor, Tensor]] | None]"
    untrained: "Callable[[], Callable[[Tensor], tuple[Tensor, Tensor]]] | None" = None
    shape: tuple[int, ...] | None = None
    others: "Mapping[str, Playing]" = field(default_factory=dict)
