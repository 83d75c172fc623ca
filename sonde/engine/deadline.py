"""When training must end under a time limit, so that the evaluations after it fit: planned, and moved as they are measured."""

import math

EVALUATION_SHARE = 0.4  # of what is left: more is not kept back from training for evaluation
BESIDE, MORE = 0.1, 10.0  # of a limit, and seconds, that all but training and evaluation may take, on a busy machine
LOOK_AFTER, LOOK_KEPT, LOOK_COST = (
    0.5,
    0.15,
    0.25,
)  # an evaluation is made to learn how long they take: after this share of the time
# of training, where this share of all is kept by an estimate alone, and it costs no more than this share of what is kept
SLOWEST = 10.0  # times what an evaluation was expected to take, that one measurement is believed


class Deadline:
    """Second of a run's clock at which training must end.

    What evaluations are to take is estimated by a part of one, perhaps while others kept the processor busy, and with a policy
    whose episodes are short yet. So each whole evaluation measures it anew; and as the first update comes late, where its
    batch is played first, what is left then is divided as what was left when the run was planned.
    """

    def __init__(
        self, end_s: float, *, wanted_s: float, since_s: float, floor_s: float = 0.0, look_s: float | None = None
    ) -> None:
        """end_s: of all evaluations;  wanted_s: that those after training, and its last, would take;  since_s: from when on
        time is divided;  floor_s: kept for evaluations in any case
        look_s: that one on the way would take, made only to learn how long they take; None where none is to be"""
        self._end_s, self._wanted_s, self._since_s, self._floor_s = end_s, wanted_s, since_s, floor_s
        self._look_s = look_s
        self.given_up = False  # evaluations
        self.ratio = 1.0  # of what evaluations take to what was expected

    @property
    def kept_s(self) -> float:
        """Seconds kept for evaluations."""
        most_s = max(self._floor_s, EVALUATION_SHARE * (self._end_s - self._since_s))
        return min(self.ratio * self._wanted_s, most_s)

    @property
    def training_s(self) -> float:
        """Hard end of the training, whatever the schedule.

        >>> Deadline(100.0, wanted_s=30.0, since_s=0.0).training_s, Deadline(100.0, wanted_s=90.0, since_s=0.0).training_s
        (70.0, 60.0)
        """
        return self._end_s - self.kept_s

    @property
    def first_s(self) -> float:
        """The same before the first update: without one there is nothing to evaluate."""
        return max(self._end_s - self._floor_s, self.training_s)

    @property
    def share(self) -> float:
        """Of what evaluations are expected to take, how much is kept for them."""
        return self.kept_s / max(self.ratio * self._wanted_s, 1e-9)

    def looks(self, elapsed_s: float) -> bool:
        """Whether to evaluate now, unasked, to learn how long that takes: where much of the time is kept for evaluations by an
        estimate alone, the rest of it is better known before the schedule has come to its end.

        >>> kept = Deadline(100.0, wanted_s=30.0, since_s=0.0, look_s=5.0)
        >>> kept.looks(30.0), kept.looks(40.0), Deadline(100.0, wanted_s=10.0, since_s=0.0, look_s=1.0).looks(60.0)
        (False, True, False)
        """
        if self._look_s is None or self.given_up or elapsed_s < LOOK_AFTER * self.training_s:
            return False
        return self.kept_s >= LOOK_KEPT * self._end_s and self._look_s <= LOOK_COST * self.kept_s

    def begun(self, elapsed_s: float) -> None:
        """The first update is made: what is left is divided between training and evaluation."""
        self._since_s = max(self._since_s, elapsed_s)

    def give_up(self) -> None:
        """No evaluation that there is time for would come to anything: all of it is for training."""
        self._wanted_s, self._floor_s, self.given_up = 0.0, 0.0, True

    def measured(self, ratio: float, *, at_least: bool = False) -> None:
        """An evaluation took so many times what was expected; or more than that, where it was cut short (`at_least`)."""
        self._look_s = None
        found = min(max(ratio, 1 / SLOWEST), SLOWEST)
        self.ratio = max(self.ratio, found) if at_least else found


def longer(used_s: float, needed_s: float = 0.0) -> str:
    """A time limit, as it is typed, under which a run that has taken so long trains on for `needed_s` seconds at least.

    >>> longer(34.0), longer(102.0, 30.0)
    ('50s', '3m')
    """
    total = (1 + BESIDE) * used_s + MORE + needed_s / (1 - EVALUATION_SHARE)
    return f"{10 * math.ceil(total / 10)}s" if total <= 120 else f"{math.ceil(total / 60)}m"
