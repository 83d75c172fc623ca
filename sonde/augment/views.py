"""Two views of every image, changed independently of each other: what contrastive tasks compare."""

from dataclasses import dataclass, replace

import torch

from sonde.augment.policy import Policy
from sonde.core.batch import VIEWS, Batch
from sonde.core.errors import ConfigError
from sonde.core.seeds import derive


@dataclass(frozen=True, kw_only=True)
class Views:
    """Adds the fields of `VIEWS`, `input` changed by `policy` twice over; `input` itself stays as it is.

    fixed: a batch has the same views whenever it comes, as evaluation needs; else they follow the generator that is given

    Raises: ConfigError for a policy that changes nothing or mixes rows
    """

    policy: Policy
    fixed: bool = False

    def __post_init__(self) -> None:
        if self.policy == Policy(fill=self.policy.fill):
            raise ConfigError(
                "this task compares two views of each image, and --augment leaves them the same; give changes such as "
                "--augment resized-crop=0.2,flip,colour=0.5"
            )
        if self.policy.mixup or self.policy.cutmix:
            raise ConfigError(
                "--augment: mixup and cutmix mix rows, and two views must show one image each; leave them out"
            )

    def filled_with(self, mean: tuple[float, ...]) -> "Views":
        """The same, cutting out to the data's mean."""
        return replace(self, policy=self.policy.filled_with(mean))

    def for_evaluation(self) -> "Views":
        """The same with views that do not change from one evaluation to the next, nor after a resume."""
        return replace(self, fixed=True)

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The batch with two more fields of `input`'s shape."""
        if self.fixed:
            generator.manual_seed(derive(0, "augment", int(batch.index[0])))
        image = Batch({"input": batch["input"]}, batch.index)
        views = {name: self.policy(image, generator)["input"] for name in VIEWS}
        return Batch({**batch.fields, **views}, batch.index)
