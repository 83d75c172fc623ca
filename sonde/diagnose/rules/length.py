"""Runs that are over before anything can have been learned."""

from sonde.core.units import number
from sonde.diagnose.seen import Seen
from sonde.diagnose.suspicion import Suspicion

FEW = 3  # steps


def few_steps(seen: Seen) -> Suspicion | None:
    """A run of a step or two though all rows were seen: batches as large as the data.

    Whoever asks for a part of an epoch knows.
    """
    if seen.moment != "end" or seen.trace.first != 1 or not seen.context.batches or seen.step > FEW:
        return None
    epochs = seen.step / seen.context.batches
    searches = seen.context.optimizer == "lbfgs"  # which takes many steps within one
    if epochs < 1 or searches or seen.context.pretrained or seen.context.phases > 1:
        return None
    passes = f"{number(epochs)} epochs" if epochs != 1 else "1 epoch"
    return Suspicion(
        name="few-steps",
        evidence=f"the weights were changed {'once' if seen.step == 1 else f'{seen.step} times'}: {passes} of "
        f"{seen.context.batches:,} {'batch' if seen.context.batches == 1 else 'batches'} of {seen.context.rows:,} rows",
        action="--epochs 20 or more, or a smaller --batch-size: a network learns in hundreds of steps",
        place="optimiser",
        certainty="certain",
        step=seen.step,
        explains=frozenset({"worse-than-guessing", "still-improving", "answers-alike", "not-learning"}),
    )
