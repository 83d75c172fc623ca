"""Every rule that is asked while a run trains and at its end."""

from collections.abc import Callable

from sonde.diagnose.rules import rate
from sonde.diagnose.seen import Seen
from sonde.diagnose.suspicion import Suspicion

RULES: tuple[Callable[[Seen], Suspicion | None], ...] = (
    rate.too_high,
    rate.too_low,
)
