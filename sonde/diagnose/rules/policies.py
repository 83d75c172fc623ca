"""Of tasks that act: what becomes of the policy and of its values. Rules ask for numbers that are there, whatever the task.

A statistic alone is a note; it is a warning where the mean return has not risen either (`not_better`). Healthy runs that must
stay silent: see `experience`.
"""

import math
import statistics
from collections.abc import Sequence
from itertools import takewhile

from sonde.core.units import count, number
from sonde.diagnose.acted import RISEN, level
from sonde.diagnose.seen import Evaluated, Seen
from sonde.diagnose.suspicion import Certainty, Suspicion

TRIAL = 1_000  # updates
COLLAPSED = 0.02  # of the entropy at the beginning, of choices among several, and
EVEN = math.log(2)  # nats: the least that has where actions are drawn alike, as policies of choices begin
NARROW = 3.0  # nats of each number: its spread is a twentieth of what it was
PER_NUMBER = (1 + math.log(2 * math.pi)) / 2  # entropy of a Gaussian with spread 1, as policies of numbers begin
BEYOND = 3.0  # times what discounted rewards can come to; healthy networks overestimate by less than twice
PAID = 2.0  # times the entropy aimed at, below 0: a policy that is stuck at its bounds has hundreds of nats less
WRONG = 0.5  # of what they can come to: between what episodes are expected to return and what they do, at each of the evaluations
STUCK = 0.95  # of the actions
ALWAYS, LASTING = 0.995, 50  # of the actions, and updates over which all that was logged says so
FAR = 0.1  # KL divergence from the policy that acted; 0.01 to 0.02 is aimed at (Spinning Up stops at 0.015)
THROWN, MOST_CLIPPED = 10.0, 0.5  # times that, and of the ratios beyond the clip range, in one update
CLIPPED = 0.2  # of the probability ratios beyond the clip range; 0.1 to 0.2 are usual (Huang et al. 2022)
STILL = 1e-5  # KL divergence: nothing moves
USUAL_RATE = 1e-3  # of small networks that act: what the recipes take
UNDER_WAY = 0.3  # of the peak rate: below it, a schedule has taken the rate away
LOOKS = 3  # evaluations in a row
APART, NEAR = 0.3, 0.15  # of the range of all returns: of each evaluation alone, and of several together
SURE, TOGETHER = 4.0, 3.0  # standard errors: of an evaluation's mean, and of the mean of several less training's
OF_TRAINING = 100  # episodes of which training's mean is
UNSCALED = "--scale-observations where `sonde inspect` names their scale; "  # what comes first, where they are not


def not_better(seen: Seen, *, evaluated: bool = True) -> bool:
    """Whether the mean return of late, while training and when evaluated, is no better than that of the first episodes.

    Better is what is above it by a tenth of all that episodes ever returned. evaluated: whether evaluations count too
    """
    returns = seen.course.returns()
    if len(returns) < 5:
        return False
    first = statistics.median(value for _, value in returns[:3])
    held = [each.metrics.get("return", -math.inf) for each in seen.evaluations[-LOOKS:]] if evaluated else []
    best = max([level(returns), *held])
    return best <= first + RISEN * seen.course.span()


def entropy_collapsed(seen: Seen) -> Suspicion | None:
    """The policy always does the same, before it has come to anything."""
    course = seen.course
    entropy = course.of("entropy")
    if len(entropy) < 5 or course.of("temperature"):  # by which soft actor-critic holds it
        return None
    begun, now = statistics.fmean(value for _, value in entropy[:3]), level(entropy)
    numbers = bool(course.of("at_bound"))
    first = begun if numbers else max(begun, EVEN)  # the first that is logged may be of a policy that is thrown already
    narrow = begun - now > NARROW * begun / PER_NUMBER if numbers else now < COLLAPSED * first
    if not max(value for _, value in entropy) > 0 or not begun > 0 or not narrow or not not_better(seen):
        return None
    sure = _collapsed_surely(seen)
    if sure is None:
        return None
    since = next(step for step, value in entropy if value <= now or value < first / 2)
    fell = f"fell from {number(begun)} to {number(now)} nats, half of it by step {count(since)}"
    if begun < first / 2:
        fell = f"is {number(now)} nats, and was down to {number(entropy[0][1])} by step {count(entropy[0][0])}"
        fell += f" (at least {number(EVEN)} where actions are drawn alike)"
    weight = seen.context.settings.get("entropy_weight")
    more = max(0.01, 10 * weight) if isinstance(weight, float) else 0.01
    return Suspicion(
        name="entropy-collapsed",
        evidence=f"the policy's entropy {fell}, and {returned(seen)}: it hardly tries anything else any more",
        action=f"--entropy-weight {more:.3g}, or a lower --lr: {seen.peak() / 10:.3g}",
        place="outcome",
        certainty=sure,
        step=seen.step,
        explains=frozenset({"not-learning", "learning-rate-too-low", "actions-at-bounds"}),
    )


def _collapsed_surely(seen: Seen) -> Certainty | None:
    """How sure it is that a policy without entropy came to rest too early: in few updates it may have found all there is."""
    if seen.step >= TRIAL:
        return "likely"
    returns, span = seen.course.returns(), seen.course.span()
    if level(returns) >= seen.course.now("return_highest") - RISEN * span:
        return None
    risen = max([level(returns), *(score_of(each) for each in seen.evaluations[-LOOKS:])]) - returns[0][1]
    if risen > RISEN / 3 * span:  # of noisy returns, whose range is wide, that is well above what chance does
        return None
    return "likely" if risen <= 0 else "suspected"


def values_diverge(seen: Seen) -> Suspicion | None:
    """Values lie far beyond what discounted rewards can come to, or episodes return what is far from what was expected."""
    course, discount = seen.course, seen.context.settings.get("discount")
    if not isinstance(discount, float) or not discount < 1 or seen.step < TRIAL // 2:
        return None
    reward = max(abs(course.now("reward_lowest")), abs(course.now("reward_highest")))
    paid = bonus(seen)
    bound = (reward + paid) / (1 - discount)
    values = level(course.of("value") if "replayed" in _names(seen) else [], 0.0)  # elsewhere that is an error's name
    off = [score_of(each, "expected_return") - came_to(each) for each in seen.evaluations[-LOOKS:]]
    if not 0 < bound < math.inf:
        return None
    sure: Certainty = "likely"
    if abs(values) > BEYOND * bound:
        sure = "certain"
        how = f"values are {number(values)} in the mean"
    elif len(off) == LOOKS and all(abs(each) > WRONG * bound for each in off):
        expected, came = score_of(seen.evaluations[-1], "expected_return"), came_to(seen.evaluations[-1])
        how = f"episodes are expected to return {number(expected)}, discounted, and return {number(came)}"
    else:
        return None
    return Suspicion(
        name="values-diverge",
        evidence=f"{how}; rewards of at most {number(reward)} with a discount of {number(discount)} can come to "
        f"{number(reward / (1 - discount))}{f', and with entropy to {number(bound)}' if paid else ''}; {returned(seen)}",
        action=slower(seen),
        place="optimiser",
        certainty=sure,
        step=seen.step,
        explains=frozenset(
            {"not-learning", "actions-at-bounds", "evaluation-below-training", "training-below-evaluation"}
        ),
    )


def bonus(seen: Seen) -> float:
    """What a step is paid for the policy's entropy, beside its reward; 0 of a task that pays none."""
    temperature, entropy = (level(seen.course.of(name)) for name in ("temperature", "entropy"))
    if not math.isfinite(temperature + entropy):
        return 0.0
    aim = abs(seen.course.now("target_entropy"))  # nan of a run that an earlier version began
    return temperature * (min(-entropy, PAID * aim) if entropy < 0 and math.isfinite(aim) else abs(entropy))


def actions_at_bounds(seen: Seen) -> Suspicion | None:
    """A number of the actions is nearly always the same bound; or each action's is, which is seen at once."""
    shares = seen.course.of("at_bound")
    often = len(shares) >= 10 and seen.step >= TRIAL // 2 and level(shares, 0.3) > STUCK
    always = _always_at_bound(shares)
    if not often and not always:
        return None
    said, enough = level(shares, 0.3, 3), len(seen.course.returns()) >= 5
    sure: Certainty = "likely" if not_better(seen) or (always and not enough) else "suspected"
    first = UNSCALED if seen.context.settings.get("scale_observations") is False else ""
    return Suspicion(
        name="actions-at-bounds",
        evidence=f"{number(100 * said)} % of the actions have a number at one and the same of its bounds, and {returned(seen)}",
        action=f"{first}a lower --lr: {seen.peak() / 10:.3g}; check that the bounds of the action_space are those the "
        "environment works with",
        place="outcome",
        certainty=sure,
        step=seen.step,
        explains=frozenset({"not-learning", "entropy-collapsed"}),
    )


def _always_at_bound(shares: Sequence[tuple[int, float]]) -> bool:
    """Whether that has lasted, up to now and for half of the run."""
    lasting = [step for step, _ in takewhile(lambda each: each[1] >= ALWAYS, reversed(shares))]
    return len(lasting) >= 3 and lasting[0] - lasting[-1] >= max(LASTING, (shares[-1][0] - shares[0][0]) / 2)


def moves_too_far(seen: Seen) -> Suspicion | None:
    """Updates change the policy by more than its experience can answer for: each of them, or one of the first, at once."""
    found = _thrown(seen) or _far(seen)
    if found is None:
        return None
    how, sure = found
    reuse = seen.context.settings.get("reuse")
    fewer = (
        f", or fewer passes over each rollout: --reuse {max(1, reuse // 3)}"
        if isinstance(reuse, int) and reuse > 1
        else ""
    )
    return Suspicion(
        name="learning-rate-too-high",
        evidence=f"{how}; {returned(seen)}",
        action=f"--lr {min(USUAL_RATE, seen.peak() / 10):.3g}{fewer}",
        place="optimiser",
        certainty="likely" if sure else "suspected",
        step=seen.step,
        explains=frozenset(
            {
                "entropy-collapsed",
                "not-learning",
                "actions-at-bounds",
                "evaluation-below-training",
                "dead-units",
                "zero-gradient",
            }
        ),
    )


def _thrown(seen: Seen) -> tuple[str, bool] | None:
    """(in words, whether it is sure) that one of the first updates has thrown the policy to an end, where it may then rest."""
    kl, clipped = seen.course.of("kl"), dict(seen.course.of("clipped"))
    step, far = next((each for each in kl[:5] if each[1] > THROWN * FAR), (0, math.nan))
    beyond = clipped.get(step, math.nan)
    if len(kl) < 5 or not beyond > MOST_CLIPPED:
        return None
    how = f"update {count(step)} moved the policy by a KL divergence of {number(far)} (0.01 to 0.02 is usual), with "
    how += f"{number(100 * beyond)} % of the probability ratios beyond the clip range"
    return how, not_better(seen, evaluated=False)


def _far(seen: Seen) -> tuple[str, bool] | None:
    """The same of updates that go too far in the median: of late, or at first where the policy does not move any more."""
    kl, clipped = seen.course.of("kl"), seen.course.of("clipped")
    if len(kl) < 10 or seen.step < 100:
        return None
    under_way, theirs = ([each for each in some if seen.share(each[0]) > UNDER_WAY] for some in (kl, clipped))
    far, beyond, when = level(under_way, 0.5), level(theirs, 0.5), ""
    if not far > FAR:
        far, beyond, when = level(kl[:5]), level(clipped[:5]), "at first "
        if not far > FAR or not not_better(seen, evaluated=False):
            return None
    how = f"{when}updates move the policy by a KL divergence of {number(far)} in the median (0.01 to 0.02 is usual)"
    if math.isfinite(beyond):
        how += f", and {number(100 * beyond)} % of the ratios lie beyond the clip range"
    return how, far > 5 * FAR or beyond > CLIPPED or not_better(seen)


def moves_too_little(seen: Seen) -> Suspicion | None:
    """No update changes the policy, and the return stays what it was."""
    kl = seen.course.of("kl")
    if len(kl) < 20 or seen.step < TRIAL:
        return None
    moved = level([each for each in kl if seen.share(each[0]) > UNDER_WAY], 1.0, 10)
    if not moved < STILL or max(value for _, value in kl) > 10 * STILL or not not_better(seen, evaluated=False):
        return None
    return Suspicion(
        name="learning-rate-too-low",
        evidence=f"updates move the policy by a KL divergence of {number(moved)} in the median (0.01 to 0.02 is usual), and "
        f"{returned(seen)}",
        action=f"--lr {max(USUAL_RATE, 3 * seen.peak()):.3g}",
        place="optimiser",
        certainty="likely",
        step=seen.step,
        explains=frozenset({"not-learning"}),
    )


def evaluation_below(seen: Seen) -> Suspicion | None:
    """What the likeliest actions return is far below what drawn ones did, in several evaluations."""
    gap = _gap(seen)
    if gap is None or not gap < 0:
        return None
    sampled = seen.context.settings.get("act_sampled") is False
    return Suspicion(
        name="evaluation-below-training",
        evidence=_beside(seen),
        action="--act-sampled evaluates with drawn actions, as training acts; where that does not help, the policy has become "
        "worse of late, and the best checkpoint is the one that is kept"
        if sampled
        else "the policy has become worse of late, and the best checkpoint is the one that is kept; a lower --lr",
        place="outcome",
        certainty="likely",
        step=seen.step,
    )


def training_below(seen: Seen) -> Suspicion | None:
    """A note: what is drawn while training returns far less than the likeliest actions do, though exploring is over."""
    gap, share = _gap(seen), seen.course.now("exploration")
    last = seen.context.settings.get("explore_last")
    over = not isinstance(last, float) or share <= last + 0.01
    if gap is None or not gap > 0 or not over or seen.moment != "end":
        return None
    return Suspicion(
        name="training-below-evaluation",
        evidence=_beside(seen),
        action="explore less towards the end, where what is met while training has to be good: a lower --explore-last or "
        "--entropy-weight; else nothing has to be done",
        place="outcome",
        certainty="suspected",
        step=seen.step,
    )


def not_learning(seen: Seen) -> Suspicion | None:
    """A note: at the end the policy returns no more than it did at the beginning."""
    if seen.moment != "end" or seen.step < TRIAL or not not_better(seen):
        return None
    return Suspicion(
        name="not-learning",
        evidence=f"over {count(seen.step)} updates {returned(seen)}",
        action="train longer (--steps), or another --lr; `sonde inspect` says what random, constant and linear policies return",
        place="outcome",
        certainty="suspected",
        step=seen.step,
    )


def _gap(seen: Seen) -> float | None:
    """By how much the last evaluations lie above what training returned just before, where that is far and was so each time.

    Far is each of them alone, beyond the chance of its own episodes, or all of them by less, beyond the chance of all. Training's
    mean is of the last 100 episodes, and so of what was before: no verdict of evaluations between which fewer ended, nor where
    it went towards them meanwhile.
    """
    span, last = seen.course.span(), seen.evaluations[-LOOKS:]
    if len(last) < LOOKS or not span > 0 or seen.moment == "training" or seen.step < TRIAL:
        return None
    held, found, alone = max(1, seen.context.held or 1), [], True
    variances = []
    for each in last:
        near = [entry for entry in seen.course.entries if entry.step <= each.step]
        trained = near[-1].numbers.get("train_return", math.nan) if near else math.nan
        mean, deviation = score_of(each), each.metrics.get("return_std", math.nan)
        gap = mean - trained
        if not abs(gap) > NEAR * span:
            return None
        alone &= abs(gap) > max(APART * span, SURE * deviation / math.sqrt(held))
        variances.append(deviation**2 / held / LOOKS**2 + deviation**2 / OF_TRAINING / LOOKS)
        found.append((gap, near[-1].numbers.get("episodes", 0.0), trained))
    gaps = [gap for gap, _, _ in found]
    same, fresh = len({gap > 0 for gap in gaps}) == 1, found[-1][1] - found[0][1] >= OF_TRAINING
    towards = (found[-1][2] - found[0][2]) * (1 if gaps[-1] > 0 else -1)
    together = gaps[-1] < 0 and abs(statistics.fmean(gaps)) > TOGETHER * math.sqrt(sum(variances))
    return gaps[-1] if same and fresh and towards < APART * span and (alone or together) else None


def score_of(evaluated: Evaluated, name: str = "return") -> float:
    """nan where the evaluation has none of that name."""
    return evaluated.metrics.get(name, math.nan)


def came_to(evaluated: Evaluated) -> float:
    """What episodes came to, as values are: of runs that an earlier version began under its name there."""
    return score_of(
        evaluated, "bootstrapped_return" if "bootstrapped_return" in evaluated.metrics else "discounted_return"
    )


def _beside(seen: Seen) -> str:
    returns = ", ".join(number(score_of(each)) for each in seen.evaluations[-LOOKS:])
    return (
        f"the last {LOOKS} evaluations returned {returns} in the mean, and the last 100 episodes of training "
        f"{number(seen.course.now('train_return'))}"
    )


def returned(seen: Seen) -> str:
    """What became of the mean return, in words."""
    returns = seen.course.returns()
    if not returns:
        ended, mean = seen.course.now("episodes"), seen.course.now("train_return")
        if not ended > 0 or math.isnan(mean):
            return "no episode has ended"
        who = f"the {count(ended)} episodes that ended" if ended > 1 else "the only episode that ended"
        return f"{who} returned {number(mean)}{' in the mean' if ended > 1 else ''}"
    return f"the mean return is {number(returns[-1][1])}, after {number(returns[0][1])} at the beginning"


def slower(seen: Seen) -> str:
    """What lets values follow more slowly, of the settings that the task has."""
    settings, found = seen.context.settings, []
    every, share, discount = settings.get("target_every"), settings.get("follow_share"), settings.get("discount")
    if isinstance(every, int) and every < 100:
        found.append("--target-every 500")
    if isinstance(share, float) and share > 0.01:
        found.append("--follow-share 0.005")
    if isinstance(discount, float) and discount > 0.995:
        found.append("--discount 0.99")
    if settings.get("double") is False:
        found.append("--double")
    if not found or seen.peak() > 3e-3:
        found.append(f"--lr {min(USUAL_RATE, seen.peak() / 10):.3g}")
    unscaled = settings.get("scale_observations") is False
    first = UNSCALED if unscaled else ""
    return f"{first}{', '.join(found)}: values are learned from values, and what follows too quickly runs away"


def _names(seen: Seen) -> set[str]:
    return set(seen.course.entries[-1].numbers) if seen.course.entries else set()
