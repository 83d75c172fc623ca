"""Behaviour cloning: do what a logged policy did. The smallest way to learn to act, and the least to be better than."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.metrics.episodes import MODES as PLAYED
from sonde.metrics.episodes import played
from sonde.metrics.followed import MODES, FollowedMeter
from sonde.nn.actions import categories_log_prob, draw_categories, draw_gaussian, gaussian_log_prob, stretched
from sonde.nn.actor_critic import without_memory
from sonde.nn.body import features_of
from sonde.nn.scaled_observations import ScaledObservations
from sonde.tasks.cloning.config import CloningConfig
from sonde.tasks.supervised import objective

LEAST_LOG_STD = -5.0  # of numbers: a policy without chance would have a density without limit


class Cloning:
    """A policy that makes logged actions likely.

    Source: Pomerleau 1991, Efficient training of artificial neural networks for autonomous navigation; the Gaussian's deviations
    are free parameters, as in Schulman et al. 2017, arXiv:1707.06347, section 6.1
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: CloningConfig,
        *,
        input: InputSpec,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for a metric that is not there, or a loss with which these actions, or their drawing, do not go"""
        self.config, self._target, numbers = config, target, len(target.names)
        self._chosen, self._parts = target.kind != "logged-control", target.kind == "logged-actions"
        self._choices = target.shape if self._parts else (numbers,)
        if self._chosen and self._by_squares:
            raise ConfigError(
                "--cloning-loss mse is for actions that are numbers, and these are one of several; leave it out"
            )
        if self._by_squares and config.act_sampled:
            raise ConfigError(
                "--act-sampled draws actions, and --cloning-loss mse learns no spread to draw them from; leave one of the two out"
            )
        without_memory(model, "cloning")
        features = features_of(model, input)
        self.torso = ScaledObservations(model, input.shape)
        self.head = nn.Linear(features, sum(self._choices))
        self.modules = nn.ModuleDict({"torso": self.torso, "head": self.head})
        trains: list[nn.Module | nn.Parameter] = [self.torso, self.head]
        if not self._chosen:
            self.log_std = nn.Parameter(torch.zeros(numbers))
            self.modules["deviation"] = nn.ParameterDict({"log_std": self.log_std})
            if not self._by_squares:
                trains.append(self.log_std)
        self.phases: Sequence[Phase] = (Phase(name="policy", loss=self.loss, trains=trains),)
        followed = ("log_likelihood", "accuracy") if self._chosen else ("log_likelihood", "mae")
        followed = ("mse", "mae") if self._by_squares else followed
        modes: Mapping[str, Literal["max", "min"]] = {name: MODES[name] for name in followed}
        modes = PLAYED if input.extra else modes
        first = "return" if input.extra else followed[0]
        self.objective: Objective = objective(first, modes, monitor, latest=bool(input.extra))
        self.abilities = Abilities(
            acting=Acting(act=self.act, sent=self.sent, sampled=config.act_sampled, draws=not self._by_squares),
            know_rows=self._know,
            trivial_baseline=self.trivial_baseline,
        )

    @torch.no_grad()
    def _know(self, read: Callable[[], Iterable[Batch]]) -> None:
        """Numbers begin with their deviations in the log: a policy that is nearer than their mean is then likelier too."""
        self.torso.know(read)
        if not self._chosen and not self.log_std.any():
            taken = torch.cat([batch["target"] for batch in read()])
            self.log_std.copy_(_log_std(taken))

    def _answer(self, seen: Tensor) -> Tensor:
        """(n, actions of all parts) logits, or (n, numbers) means."""
        return self.head(self.torso(seen))

    def _log_prob(self, answer: Tensor, action: Tensor) -> Tensor:
        if self._chosen:
            return categories_log_prob(answer, self._choices, action if self._parts else action[:, None])
        return gaussian_log_prob(answer, self.log_std.clamp_min(LEAST_LOG_STD), action)

    def loss(self, batch: Batch) -> Loss:
        """The mean negative log-likelihood of the logged actions, or the mean squared error of their numbers."""
        answer, action = self._answer(batch["input"]), batch["target"]
        if self._by_squares:
            return Loss((answer - action).square().mean(), len(batch))
        return Loss(-self._log_prob(answer, action).mean(), len(batch))

    def act(self, seen: Tensor, random: torch.Generator | None) -> dict[str, Tensor]:
        """See `Acting`."""
        answer = self._answer(seen)
        if self._chosen:
            drawn = draw_categories(answer, self._choices, random)
            return {"action": drawn if self._parts else drawn[:, 0]}
        return {"action": draw_gaussian(answer, self.log_std.clamp_min(LEAST_LOG_STD), random)}

    def sent(self, action: Tensor) -> Tensor:
        """See `Acting`: numbers stretched to the bounds, and held within them."""
        if self._parts:
            return action + torch.as_tensor(self._target.mean, device=action.device).long()
        if self._chosen:
            return action + int(self._target.names[0])
        return stretched(action.clamp(-1, 1), self._target.mean, self._target.std)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """What episodes returned, which were played before; of logged steps how likely their actions were, and how near."""
        if "return" in batch.fields:
            return played(batch)
        answer, action = self._answer(batch["input"]), batch["target"]
        if self._chosen:
            same = self.act(batch["input"], None)["action"] == action
            near = {"accuracy": (same.all(-1) if self._parts else same).float()}
        else:
            near = self._apart(answer - action)
        return near if self._by_squares else {"log_likelihood": self._log_prob(answer, action), **near}

    @property
    def _by_squares(self) -> bool:
        """Whether a policy is trained by these alone, and so says nothing of how likely actions are."""
        return self.config.cloning_loss == "mse"

    def _apart(self, errors: Tensor) -> dict[str, Tensor]:
        """Of each row, over numbers that are scaled alike: from -1 to 1 within their bounds."""
        absolute = {"mae": errors.abs().mean(-1)}
        return {"mse": errors.square().mean(-1), **absolute} if self._by_squares else absolute

    def meter(self) -> Meter:
        """A fresh one."""
        return FollowedMeter()

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """Always the commonest action, of parts that of each, or the mean of the numbers."""
        if self._chosen:
            return self._commonest(*(each["target"].long().view(-1, len(self._choices)) for each in (known, evaluated)))
        mean, taken = known["target"].mean(0), evaluated["target"]
        found = self._apart(taken - mean)
        if not self._by_squares:
            found["log_likelihood"] = gaussian_log_prob(mean.expand_as(taken), _log_std(known["target"]), taken)
        return "always the mean action", {name: each.mean().item() for name, each in found.items()}

    def _commonest(self, known: Tensor, taken: Tensor) -> tuple[str, dict[str, float]]:
        """Of each part the commonest. known, taken: (n, parts)"""
        counts = [
            torch.bincount(each, minlength=size).double() for each, size in zip(known.T, self._choices, strict=True)
        ]
        logs = [((each + 1) / (each + 1).sum()).log()[part] for each, part in zip(counts, taken.T, strict=True)]
        most = torch.stack([each.argmax() for each in counts])
        sent = self.sent(most[None] if self._parts else most)[0].tolist()
        return f"always action {sent}", {
            "log_likelihood": torch.stack(logs).sum(0).mean().item(),
            "accuracy": (taken == most).all(-1).double().mean().item(),
        }

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"action": as the environment takes it} of observations."""
        return {"action": self.sent(self.act(batch["input"], None)["action"])}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"action"} per observation."""
        return [{"action": action} for action in outputs["action"].tolist()]


def _log_std(taken: Tensor) -> Tensor:
    """(n, numbers) logged -> (numbers,) log of their deviations, of which a policy has none that is smaller."""
    return taken.std(0, unbiased=False).log().clamp_min(LEAST_LOG_STD)
