"""Of tasks that act: what their experience holds, and how it is used. Rules ask for numbers that are there, whatever the task.

Healthy runs that must stay silent: PPO, DQN and SAC on gymnasium's CartPole, Acrobot, MountainCar (which may not find its goal
for tens of thousands of steps) and Pendulum.
"""

import math
from collections.abc import Callable, Mapping

from sonde.core.findings import Severity
from sonde.core.units import count, number
from sonde.diagnose.acted import Course
from sonde.diagnose.seen import Seen
from sonde.diagnose.suspicion import Place, Suspicion

EARLY_STEPS, AT_END = 20_000, 2_000  # of the environments: before, a reward that is rare may not have been met
EARLY, HALF = 0.2, 0.5  # of the run
EPISODES = 50  # that returned the same
ENDLESS, NO_END = 30_000, 1_000  # steps of the first episode, while training and at the end; Atari's limit is 27,000
MOSTLY = 0.5  # of all steps of the environments, at random before the first update
STILL = 0.1  # share of random actions above the last one
HARDLY = 0.1  # of the replay that was ever filled
WAITED, LEARNING, WORTH_S = 0.8, 0.95, 20.0  # of the training time; seconds of it that are worth a word
TRIAL = 1_000  # updates: a run of fewer is a trial of what stands, whatever its settings


def reward_never_seen(seen: Seen) -> Suspicion | None:
    """Every reward so far was 0: whatever was done, nothing told good from bad."""
    course = seen.course
    if not course.now("reward_lowest") == course.now("reward_highest") == 0 or not _late(seen, EARLY):
        return None
    ended = course.now("episodes")
    return _fact(
        seen,
        "reward-never-seen",
        f"all {_steps(seen)} steps of the environments gave a reward of 0"
        + (f", in {count(ended)} episodes that ended" if ended else ""),
        f"{_explore(seen)}; begin nearer to what is rewarded, or give a reward for steps on the way; `sonde inspect` says "
        "whether random, constant and linear policies meet any",
        explains=frozenset({"entropy-collapsed", "learning-rate-too-low", "not-learning", "episodes-never-end"}),
    )


def returns_alike(seen: Seen) -> Suspicion | None:
    """Every episode so far returned the same: nothing that was done made a difference."""
    course = seen.course
    same, ended = course.now("return_lowest"), course.now("episodes")
    if not (same == course.now("return_highest") and ended >= EPISODES) or not _late(seen, HALF):
        return None
    if course.now("reward_lowest") == course.now("reward_highest") == 0:
        return None  # `reward_never_seen`
    return _fact(
        seen,
        "returns-alike",
        f"all {count(ended)} episodes of {_steps(seen)} steps returned {number(same)}: no action has made a difference yet",
        f"{_longer(seen)}; {_explore(seen)}; or give a reward that tells steps on the way apart",
        explains=frozenset({"entropy-collapsed", "learning-rate-too-low", "not-learning"}),
    )


def _longer(seen: Seen) -> str:
    """How episodes become longer: by the setting, unless it was no limit to them."""
    longest, given = seen.course.now("length_highest"), seen.context.settings.get("max_episode_steps")
    if isinstance(given, int) and longest < given:
        return (
            f"let an episode go on for longer: it ended after {count(longest)} steps at most, before --max-episode-steps "
            f"{given} came, so by the environment's own code"
        )
    own = "" if given else ", and where that changes nothing the limit in the environment's own code"
    return f"let an episode go on for longer: --max-episode-steps {_rounded(5 * longest)}{own}"


def observations_alike(seen: Seen) -> Suspicion | None:
    """All that was ever shown is the same."""
    if seen.course.now("observations_alike") != 1 or not seen.course.now("environment_steps") >= TRIAL:
        return None
    return _fact(
        seen,
        "inputs-constant",
        f"all observations of {_steps(seen)} steps are the same, so that actions cannot depend on them",
        "show in the observation what actions should depend on; `sonde inspect` lists each number of it",
    )


def one_step(seen: Seen) -> Suspicion | None:
    """Every episode is over after its first step."""
    course = seen.course
    ended = course.now("episodes")
    if not (course.now("length_highest") == 1 and ended >= EPISODES):
        return None
    dead = course.now("return_lowest") == course.now("return_highest")
    return Suspicion(
        name="episodes-of-one-step",
        evidence=f"all {count(ended)} episodes were over after one step"
        + (f" and returned {number(course.now('return_highest'))}" if dead else ""),
        action="check when the environment's step returns terminated; of a choice without consequences that is as it should be",
        place="data",
        certainty="certain" if dead else "suspected",
        step=seen.step,
        explains=frozenset({"returns-alike", "reward-never-seen"}),
    )


def never_end(seen: Seen) -> Suspicion | None:
    """No episode has ended, so that there are no returns, and an evaluation of whole episodes may never be over."""
    least = NO_END if seen.moment == "end" else ENDLESS
    if seen.course.now("episodes") > 0:  # since then `length_going` is told no more, and its last number is of before
        return None
    if not seen.course.now("length_going") >= least:
        return None
    return _fact(
        seen,
        "episodes-never-end",
        f"no episode has ended in {_steps(seen)} steps of the environments, so that there is no return to go by; one has gone on "
        f"for {count(seen.course.now('length_going'))} steps",
        "cut episodes off: --max-episode-steps 1000; what would have followed still counts",
    )


SINCE: Mapping[str, Callable[[Course], bool]] = {
    "episodes-never-end": lambda course: course.now("episodes") > 0,
    "reward-never-seen": lambda course: abs(course.now("reward_lowest")) > 0 or abs(course.now("reward_highest")) > 0,
    "returns-alike": lambda course: course.span() > 0,
    "inputs-constant": lambda course: course.now("observations_alike") == 0,
    "episodes-of-one-step": lambda course: course.now("length_highest") > 1,
}
"""What was never met when a fact was told -> whether it was since, so that the fact holds no more."""


def outlived(seen: Seen, name: str) -> bool:
    """Whether a fact about experience that was told at a step holds no more."""
    return seen.context.acts and bool(seen.course.entries) and name in SINCE and SINCE[name](seen.course)


def warmup_too_long(seen: Seen) -> Suspicion | None:
    """Most of the run acts at random, before the first update."""
    warmup, steps = seen.context.settings.get("warmup_steps"), seen.course.now("environment_steps")
    if seen.moment != "end" or not isinstance(warmup, int) or not warmup > MOSTLY * steps:
        return None
    fewer = _rounded(max(100, steps / 20))
    return _fact(
        seen,
        "warmup-too-long",
        f"{count(warmup)} of the {_steps(seen)} steps of the environment came before the first update, by random actions "
        "(--warmup-steps)",
        f"--warmup-steps {fewer}, or train longer: --steps" if float(fewer) < warmup else "train longer: --steps",
        place="optimiser",
        severity=_unless_trial(seen),
    )


def exploring_still(seen: Seen) -> Suspicion | None:
    """The run ended while its actions were still largely drawn at random."""
    share, last = seen.course.now("exploration"), seen.context.settings.get("explore_last")
    if seen.moment != "end" or not isinstance(last, float) or not share > last + STILL:
        return None
    steps = _rounded(max(1, seen.course.now("environment_steps") / 5))
    return _fact(
        seen,
        "exploration-not-ended",
        f"at the end {number(100 * share)} % of the actions were still drawn at random; that falls to {number(100 * last)} % "
        f"over {count(seen.context.settings.get('explore_steps', math.nan))} steps of the environment (--explore-steps)",
        f"--explore-steps {steps}, a fifth of this run, or train longer: --steps",
        place="optimiser",
        severity=_unless_trial(seen),
    )


def replay_never_full(seen: Seen) -> Suspicion | None:
    """A note: hardly any of the replay was used, which does no harm but takes memory."""
    capacity, held = seen.context.settings.get("replay"), seen.course.now("replayed")
    if seen.moment != "end" or not isinstance(capacity, int) or not held < HARDLY * capacity or seen.step < TRIAL:
        return None
    return _note(
        seen,
        "replay-never-full",
        f"the replay has room for {count(capacity)} transitions, and {count(held)} were met: none was ever forgotten",
        f"nothing has to be done; --replay {_rounded(1.2 * held + 100)} takes less memory",
    )


def pace(seen: Seen) -> Suspicion | None:
    """A note: either the environments or the learner take nearly all of the time."""
    spent = seen.spent
    environment, policy = spent.get("environment", math.nan), spent.get("policy", math.nan)
    learning = spent.get("step", math.nan) + spent.get("optimizer", math.nan)
    whole = environment + policy + learning
    if seen.moment != "end" or not whole > WORTH_S:
        return None
    parts = f"of {number(whole)} s the environments took {number(environment)} s, choosing actions {number(policy)} s, "
    parts += f"and learning {number(learning)} s"
    if environment > WAITED * whole:
        action = "--workers 2 or more steps the environments in other processes"
        return _note(seen, "environment-slower-than-learner", parts, action)
    if learning > LEARNING * whole:
        rollouts = "reuse" in seen.context.settings
        fewer = (
            "fewer passes over what was met (--reuse), larger batches"
            if rollouts
            else "fewer updates (--train-every 4)"
        )
        return _note(
            seen, "learner-slower-than-environment", parts, f"{fewer}, or more --environments take more steps a second"
        )
    return None


def _late(seen: Seen, share: float) -> bool:
    """Whether this part of the run, or all of it, and enough steps lie behind."""
    total, steps = seen.context.total, seen.course.now("environment_steps")
    if seen.moment == "end":
        return steps >= AT_END
    return steps >= EARLY_STEPS and total is not None and seen.step >= max(TRIAL, share * total)


def _explore(seen: Seen) -> str:
    """How to explore more, by the settings that the task has."""
    settings, steps = seen.context.settings, seen.course.now("environment_steps")
    if "explore_steps" in settings:
        longer = max(int(settings["explore_steps"]), round(steps) if math.isfinite(steps) else 0)
        return f"explore for longer: --explore-steps {_rounded(2 * longer)}, with as many --steps"
    if "entropy_weight" in settings:
        return f"explore more: --entropy-weight {max(0.01, 3 * float(settings['entropy_weight'])):g}"
    if "target_entropy" in settings:
        return "explore more: --target-entropy 0"
    return "explore more, or train longer: --steps"


def _rounded(value: float) -> str:
    """To two digits.

    >>> _rounded(31998), _rounded(150)
    ('32000', '150')
    """
    return f"{float(f'{value:.2g}'):.0f}"


def _steps(seen: Seen) -> str:
    return count(seen.course.now("environment_steps"))


def _unless_trial(seen: Seen) -> Severity:
    """How loudly it is said that most was done at random: of a run so short that this may well be known, by a note."""
    return "note" if seen.step < TRIAL else "warning"


def _fact(  # noqa: PLR0913
    seen: Seen,
    name: str,
    evidence: str,
    action: str,
    *,
    place: Place = "data",
    explains: frozenset[str] = frozenset(),
    severity: Severity = "warning",
) -> Suspicion:
    return Suspicion(
        name=name,
        evidence=evidence,
        action=action,
        place=place,
        certainty="certain",
        step=seen.step,
        explains=explains,
        severity=severity,
    )


def _note(seen: Seen, name: str, evidence: str, action: str) -> Suspicion:
    return Suspicion(
        name=name,
        evidence=evidence,
        action=action,
        place="system",
        certainty="certain",
        step=seen.step,
        severity="note",
    )
