"""`--compile`: what it costs, what a step gains or loses by it, and whether that pays within the run."""

from dataclasses import dataclass

from sonde.core.batch import Batch
from sonde.core.errors import NonFinite
from sonde.core.findings import Finding
from sonde.core.units import duration, number
from sonde.engine.execution.compiled import Compiled, why_not
from sonde.engine.step import Eager, Stepper
from sonde.engine.timing import first_steps, step_seconds, turns

ROUNDS = 2  # eager and compiled steps are timed in turns, and the better round counts: a neighbour's burst is shorter


@dataclass(frozen=True, kw_only=True)
class Compiling:
    """Seconds that compiling took, and those of a step compiled and eager."""

    compile_s: float
    compiled_s: float
    eager_s: float

    @property
    def pays_after(self) -> int | None:
        """Steps until compiling has paid for itself; None where a step is no faster for it."""
        gain = self.eager_s - self.compiled_s
        return None if gain <= 0 else round(self.compile_s / gain)

    def line(self, steps: int | None) -> str:
        """For the plan of a run that has `steps` steps to go; None where that is not yet known.

        >>> Compiling(compile_s=21.0, compiled_s=0.0021, eager_s=0.0034).line(40_000)
        'compiling took 21 s; a step takes 2.10 ms compiled, 3.40 ms eager: pays for itself after 16,154 of 40,000 steps'
        """
        both = f"{number(self.compiled_s * 1e3)} ms compiled, {number(self.eager_s * 1e3)} ms eager"
        took = f"compiling took {duration(self.compile_s)}; a step takes {both}"
        if self.pays_after is None:
            return f"{took}: not faster"
        pays = f"{took}: pays for itself after {self.pays_after:,}"
        if steps is None:
            return f"{pays} steps"
        return f"{pays} of {steps:,} steps" if self.pays_after <= steps else f"{pays} steps; this run has {steps:,}"

    def finding(self, steps: int | None) -> list[Finding]:
        """A note where the run would be shorter without compiling."""
        if self.pays_after is not None and (steps is None or self.pays_after <= steps):
            return []
        action = "leave --compile out" if self.pays_after is None else "leave --compile out of a run this short"
        return [Finding(check="compiling does not pay off", severity="note", evidence=self.line(steps), action=action)]


def compiled_execution(stepper: Stepper) -> tuple[Compiled | None, list[Finding]]:
    """Compiled execution of an eager stepper's phases; None, with the finding that says why, where it cannot be."""
    obstacle = why_not(stepper.settings.device)
    if obstacle:
        return None, [
            _not_compiled(obstacle, "install g++ (Debian: apt install g++); the run continued without compiling")
        ]
    return Compiled([update.phase for update in stepper.updates], Eager(stepper.settings)), []


def time_compiling(stepper: Stepper, batch: Batch, *, scale: float = 1.0) -> Compiling | None:
    """Compile the steps of a stepper whose execution is compiled, and time them beside eager ones. All steps are undone.

    scale: times as many rows a batch of the run has
    Returns None where a loss or gradient is not finite: if that is no fluke of trying, the first step will say so.
    """
    compiled = stepper.execution
    try:
        first_s = first_steps(stepper, batch)
        times: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(ROUNDS):
            for eager in (True, False):
                stepper.execution = compiled.eager if eager else compiled
                times[eager].append(step_seconds(stepper, batch, steps=3, at_least_s=0.1, warm_up=int(turn == 0)))
    except NonFinite:
        return None
    finally:
        stepper.execution = compiled
    compiled_s, eager_s = min(times[False]), min(times[True])
    compile_s = max(0.0, first_s - compiled_s * len(turns(stepper)))
    return Compiling(compile_s=compile_s, compiled_s=scale * compiled_s, eager_s=scale * eager_s)


def not_compilable(trouble: str) -> list[Finding]:
    """What torch.compile failed with, as a finding. trouble: its message, or nothing"""
    if not trouble:
        return []
    return [
        _not_compiled(f"torch.compile failed: {trouble}", "leave --compile out; the run continued without compiling")
    ]


def _not_compiled(evidence: str, action: str) -> Finding:
    return Finding(check="not compiled", name="not-compiled", severity="warning", evidence=evidence, action=action)
