"""What a person asked for, before the recipe and the defaults have their say. Free of torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Settings that were typed or came from a `--config` file; nothing else.

    values:   leaf name -> value of its field's type
    origin:   leaf name -> "typed" or "file"
    leftover: words no general setting takes, flags of the model's and the task's own, to be parsed once both are known
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    task: str | None = None
    leftover: tuple[str, ...] = ()
