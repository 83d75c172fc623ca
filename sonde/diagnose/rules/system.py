"""Where the time of a run goes."""

from sonde.core.units import number
from sonde.diagnose.seen import Seen
from sonde.diagnose.suspicion import Suspicion
from sonde.engine.clock import training_seconds

WAITING, MOSTLY = 0.3, 0.6  # of the training time (doctor.md S1); of a few seconds most of them
WORTH_S, MUCH_S = 1.0, 5.0  # seconds that waiting took


def slow_input(seen: Seen) -> Suspicion | None:
    """Much of the training time is spent waiting for rows."""
    working, waited = training_seconds(seen.spent), seen.spent.get("input", 0.0)
    much = waited > MUCH_S and waited > WAITING * working
    if seen.moment != "end" or seen.step < 10 or not (much or (waited > WORTH_S and waited > MOSTLY * working)):
        return None
    a, b = waited / seen.step * 1e3, (working - waited) / seen.step * 1e3
    return Suspicion(
        name="slow-input",
        evidence=f"{number(100 * waited / working)} % of the training time was spent waiting for rows: reading a batch takes "
        f"{number(a)} ms, computing with it {number(b)} ms",
        action="--workers 2 or more (num_workers of a DataLoader), or read and decode the rows once and keep them",
        place="system",
        certainty="likely",
        step=seen.step,
        explains=frozenset({"still-improving"}),
    )


def slow_evaluation(seen: Seen) -> Suspicion | None:
    """More of the run is spent on evaluating than on training."""
    working = training_seconds(seen.spent)
    evaluating = seen.spent.get("evaluation", 0.0)
    if seen.moment != "end" or evaluating < 5.0 or evaluating < working or len(seen.evaluations) < 3:
        return None
    return Suspicion(
        name="slow-evaluation",
        evidence=f"{len(seen.evaluations)} evaluations took {number(evaluating)} s, and training {number(working)} s",
        action="evaluate less often (--evaluate-every), or on fewer validation rows",
        place="system",
        certainty="likely",
        step=seen.step,
    )
