"""Which of a task's metrics chooses the best checkpoint."""

from sonde.core.findings import Finding
from sonde.core.seams import Objective
from sonde.tasks.custom.metrics import Measures


class BestMetric:
    """Which metric chooses the best checkpoint: decided once, when `notes` is called, which a trial evaluation comes before.

    Until then it is what can be said so far: what a function of the whole set reports is known once it was called.
    """

    def __init__(
        self, measures: Measures, monitor: str | None, mode: str | None, *, own: Objective | None = None
    ) -> None:
        """own: of a task with metrics of its own, what chooses where none is monitored"""
        self._measures, self._monitor, self._mode, self._own = measures, monitor, mode, own
        self._decided: Objective | None = None

    @property
    def objective(self) -> Objective:
        """Raises: ConfigError as `Measures.objective`"""
        own = self._own if self._monitor is None else None
        return self._decided or own or self._measures.objective(self._monitor, self._mode, final=False)

    def notes(self, batches: int | None) -> list[Finding]:
        """What is to be said before the first step. batches: of the validation rows, where known"""
        own = self._own if self._monitor is None else None
        self._decided = own or self._measures.objective(self._monitor, self._mode)
        quiet = self._monitor is not None or self._own is not None
        return self._measures.notes(self._decided, monitored=quiet, batches=batches)
