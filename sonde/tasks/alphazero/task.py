"""AlphaZero: a network learns what search by it has found, and how the games ended that it plays against itself."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.playing import Playing, SearchPlan
from sonde.core.records import StepRecord
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.losses.policy import explained_variance
from sonde.metrics.matches import MODES, MatchesMeter
from sonde.nn.body import is_own
from sonde.nn.position_heads import ENDS, answering
from sonde.tasks.alphazero.config import AlphaZeroConfig
from sonde.tasks.supervised import objective


class AlphaZero:
    """One network, trained in one phase on positions of self-play (`sonde.acting.self_play.source`).

    Source: Silver et al. 2018, A general reinforcement learning algorithm that masters chess, shogi and Go through self-play.
    The value is that of a game's end as a class (win, draw, loss), as Wu 2019, arXiv:1902.10565, has it; 1, 0 and -1 weigh them.
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: AlphaZeroConfig,
        *,
        input: InputSpec,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for a metric that is not there, and a network of somebody's own that does not fit"""
        self.config, self._names = config, target.names
        self.network = network = answering(model, input, len(target.names))
        self.modules = nn.ModuleDict({"network": network})
        self.phases: Sequence[Phase] = (Phase(name="network", loss=self.loss, trains=[network]),)
        # the last weights count: a score against a ladder is full long before a player is as good as it gets
        self.objective: Objective | None = objective(monitor, MODES, monitor, latest=True) if monitor else None
        plan = SearchPlan(kind=config.search, simulations=config.simulations, considered=config.considered)
        self.abilities = Abilities(
            acting=Acting(act=self.act, sent=lambda action: action),
            playing=Playing(
                judge=self.judge, plan=plan, earlier=self.earlier, untrained=self.untrained, shape=input.shape
            ),
        )
        # ours are built anew from the same seed where a run goes on; somebody's own came with weights that no seed gives
        self._kept = is_own(model)
        self._first = {name: value.clone() for name, value in network.state_dict().items()}
        self._snapshots: dict[
            int, dict[str, Tensor]
        ] = {}  # update -> weights, the latest two whose number is a power of 2

    def judge(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """See `Playing`."""
        return _judged(self.network, seen)

    def act(self, seen: Tensor, random: torch.Generator | None) -> dict[str, Tensor]:
        """The likeliest move by the network alone, without a search: legal or not, as positions alone do not tell."""
        return {"action": self.judge(seen)[0].argmax(-1)}

    def loss(self, batch: Batch) -> Loss:
        """Cross-entropy with the searches' policies among legal moves, and with the games' ends.

        Of positions: `observation`, `legal` and `policy` (B, actions), `value` (B,) from -1 to 1 for the side to move.
        """
        logits, ends = self.network(batch["observation"].float()).split([len(self._names), ENDS], 1)
        logits = logits.float().masked_fill(~batch["legal"], -1e9)
        policy = F.cross_entropy(logits, batch["policy"])
        value = F.cross_entropy(ends.float(), end_shares(batch["value"]))
        loss = policy + self.config.value_weight * value
        with torch.no_grad():
            entropy = -torch.special.xlogy(batch["policy"], batch["policy"]).sum(1).mean()
            parts = {
                "policy": policy,
                "value": value,
                "search_kl": policy - entropy,  # how far the network's policy is from that of the searches
                "search_entropy": entropy,
                "explained_variance": explained_variance(expected(ends.float()), batch["value"]),
            }
        return Loss(loss, len(batch), parts)

    def evaluate(self, batch: Batch) -> Mapping[str, Any]:
        """How games ended, which were played before."""
        return {name: batch[name] for name in ("opponent", "score", "length", "first")}

    def meter(self) -> Meter:
        """A fresh one."""
        return MatchesMeter()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"policy": (B, actions) probabilities by the network alone, "ends": (B, 3), "value": (B,)} of observations."""
        logits, ends = self.network(batch["input"].float()).split([len(self._names), ENDS], 1)
        return {"policy": logits.softmax(-1), "ends": ends.softmax(-1), "value": expected(ends)}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"move", "probability", "value", "win", "draw", "loss"} per position."""
        probability, move = outputs["policy"].max(-1)
        parts = (part.tolist() for part in (move, probability, outputs["value"], outputs["ends"]))
        return [
            {"move": self._names[move], "probability": likely, "value": value, "win": win, "draw": draw, "loss": loss}
            for move, likely, value, (win, draw, loss) in zip(*parts, strict=True)
        ]

    def after_step(self, record: StepRecord) -> None:
        """Keep the weights of updates whose number is a power of 2."""
        step = record.step
        if step & (step - 1) == 0:
            self._snapshots[step] = {name: value.clone() for name, value in self.network.state_dict().items()}
            for old in sorted(self._snapshots)[:-2]:
                del self._snapshots[old]

    def earlier(self) -> Callable[[Tensor], tuple[Tensor, Tensor]] | None:
        """See `Playing`: the network as it was between a quarter and half of the updates ago."""
        if not self._snapshots:
            return None
        return self._with(self._snapshots[min(self._snapshots)])

    def untrained(self) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """See `Playing`."""
        return self._with(self._first)

    def _with(self, weights: Mapping[str, Tensor]) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """A copy of the network with other weights, as `judge`."""
        before = copy.deepcopy(self.network)
        before.load_state_dict(weights)
        return lambda seen: _judged(before, seen)

    def state_dict(self) -> dict[str, Any]:
        """The network as it was before."""
        found: dict[str, Any] = {"snapshots": {str(step): dict(weights) for step, weights in self._snapshots.items()}}
        return {**found, "first": dict(self._first)} if self._kept else found

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        device = next(self.network.parameters()).device
        self._snapshots = {
            int(step): {name: value.to(device) for name, value in weights.items()}
            for step, weights in state["snapshots"].items()
        }
        if "first" in state:
            self._first = dict(state["first"])


def _judged(network: nn.Module, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of moves and values, by the network in evaluation mode."""
    was = network.training
    network.eval()
    found = network(seen)
    network.train(was)
    return found[:, :-ENDS], expected(found[:, -ENDS:])


def expected(ends: Tensor) -> Tensor:
    """(n, 3) logits of a win, a draw and a loss -> (n,) values from -1 to 1."""
    shares = ends.softmax(-1)
    return shares[:, 0] - shares[:, 2]


def end_shares(value: Tensor) -> Tensor:
    """(n,) values from -1 to 1 -> (n, 3) the likeliest shares of a win, a draw and a loss that have this mean.

    >>> end_shares(torch.tensor([1.0, -0.5, 0.25])).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.25, 0.75, 0.0]]
    """
    return torch.stack([value.clamp(min=0), 1 - value.abs(), (-value).clamp(min=0)], 1)
