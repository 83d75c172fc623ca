"""What `sonde inspect` says of an environment: what it shows and pays, what simple policies return, why nothing may be learned.

Nothing is learned here: it is played by random, constant and random linear actions, for a limited time.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from sonde.acting.environments.checked import Checked
from sonde.acting.environments.endless import cut_earlier, endless, limit_of
from sonde.acting.environments.making import Making
from sonde.acting.environments.reproducing import Differs, differs, heeds_actions
from sonde.acting.environments.spaces import space_of
from sonde.acting.environments.spaces_that_lie import OUTSIDE
from sonde.acting.environments.survey import FIRST_SEED, REWARD, Fault, Survey, Tried
from sonde.acting.evaluation.evaluated import is_acted, read_alone
from sonde.acting.seeds import SeedRows, action_seed
from sonde.acting.self_play.games.rows import GameRows
from sonde.core.dataset import Dataset, Fact, Rows
from sonde.core.errors import DataError
from sonde.core.findings import Finding
from sonde.core.progress import Tick
from sonde.core.units import ABSENT, count, number
from sonde.modalities.environment.dark_pictures import dark_pictures
from sonde.modalities.environment.many_choices import many_choices
from sonde.modalities.environment.unread_pictures import unread_pictures
from sonde.modalities.inspect import InfoTable, Parts, Played

FEW, MANY = 5, 100  # episodes: of fewer nothing is said of what all of them took, and of what none of them met
LISTED = 40  # numbers of an observation that are listed one by one
APART = 1e3  # times: between the numbers of an observation, above which those that are small are not heard
LARGE, SMALL = 100.0, 1e-3  # root mean square of the rewards that are not 0
WIDE = 1e6  # of an action's bounds: as good as none
NEVER_END = "episodes-never-end"
NO_END, NEVER = (
    1_000,
    50_000,
)  # steps of an episode, and no end of it; gymnasium's CliffWalking takes some ten thousand by chance

CERTAIN = {
    "not-finite-inputs": "mend the environment: training stops at such a number",
    "not-finite-rewards": "mend the environment: training stops at a reward that is no finite number",
    "outside-its-space": "mend the environment, or its observation_space; numbers are trained on as they are shown, and pictures "
    "whose bytes are scaled by their bound are cut off there",
}
UNUSABLE = "mend the environment, or its observation_space; training stops at it"
SAID = 20  # observations: of fewer nothing is said of their scales before training
SCALE = "--scale-observations scales them by their running mean and deviation, which are saved with the run"
SHORT, SHORT_S = 200, 0.2  # steps and seconds of a look before training, at `MANY` episodes at most


class Looked(NamedTuple):
    """After some short episodes.

    lies: what is wrong with observations, and does not stop training by itself
    unscaled: how their numbers differ in size, which is to be said where a task does not scale them
    """

    lies: list[Finding]
    unscaled: list[Finding]


def first_look(env: Any, encode: Callable[[Any], np.ndarray], source: str) -> Looked:
    """By random actions.

    Raises: DataError, of one line, for an environment that does not run
    """
    survey = Survey(env, encode, source=source, seconds=SHORT_S)
    env.action_space.seed(action_seed(FIRST_SEED))
    for seed in range(FIRST_SEED, FIRST_SEED + MANY):
        survey.play(lambda shown: env.action_space.sample(), seed, 1.0, SHORT - survey.steps)
        if survey.steps >= SHORT or not survey.left(1.0):
            break
    lies = [_certain(fault) for fault in survey.faults.values() if fault.name == OUTSIDE and fault.usable]
    lies += dark_pictures(survey.shown, source)
    seen = _numbers_shown(survey)
    unscaled = [] if len(seen) < SAID else _scales(seen, _still(seen))
    what = f"{source}: in {len(seen)} observations "
    return Looked(lies, [_warning("", what + each.evidence, SCALE, name="inputs-not-scaled") for each in unscaled])


def without_end(env: Checked, source: str, longest: int | None) -> list[Finding]:
    """That an episode of random actions does not come to an end, where nothing cuts it off; that it is cut off before `longest`,
    --max-episode-steps, came."""
    if longest is not None:
        return _cut_earlier(cut_earlier(env, longest), source, longest)
    said = endless(env)
    return [_warning("", f"{source}: {said}", CUT, name=NEVER_END)] if said else []


def _cut_earlier(found: int | None, source: str, longest: int) -> list[Finding]:
    if found is None:
        return []
    how = f"{source} itself cut an episode of random actions off after {found:,} steps, before --max-episode-steps {longest:,}"
    action = "that setting makes no episode longer: raise the limit in the environment's own code, or in what makes it"
    return [_warning("", how, action, name="cut-off-earlier")]


def _certain(fault: Fault) -> Finding:
    often = f" ({count(fault.times)} times in all)" if fault.times > 1 else ""
    action = CERTAIN[fault.name] if fault.usable else UNUSABLE
    return _warning(fault.name, f"{fault.said}{often}", action, name=fault.name)


def irreproducible(env: Any, make: Callable[[], Any], source: str, steps: int) -> list[Finding]:
    """That an episode is another one when it is played again. env: one that has played;  steps: of the episode, at most"""
    try:
        return _irreproducible(differs(env, make, source, steps=steps, seconds=SHORT_S))
    except DataError:  # a fault of the environment's, which inspection names, and training where it meets it
        return []


def _irreproducible(found: Differs | None) -> list[Finding]:
    return [] if found is None else [_warning("", found.how, found.remedy, name="seeds-do-not-reproduce")]


def _warning(check: str, evidence: str, action: str, *, name: str = "", severity: Any = "warning") -> Finding:
    return Finding(check=check or name, severity=severity, evidence=evidence, action=action, name=name)


def _read(dataset: Dataset) -> Mapping[str, Rows]:
    """Of a log its rows, without the episodes of the environment that it is evaluated in."""
    return read_alone(dataset).splits


def _played(dataset: Dataset, seconds: float, tick: Tick) -> Played | None:
    """Facts, findings and tables of an environment that was opened; None of a log.

    Raises: DataError, for an environment that does not run
    """
    rows = dataset.splits["train"]
    if not is_acted(rows):
        return None
    if isinstance(rows, GameRows):
        from sonde.modalities.environment.game_inspection import played_at_random

        return played_at_random(rows, seconds, tick)
    assert isinstance(rows, SeedRows)
    make, encode = rows.make, rows.encode
    if isinstance(make, Making):  # of which the environment itself is looked at, as it shows itself
        make, encode = make.make, make.encode
    survey = Survey(make(), encode, source=dataset.source, seconds=seconds)
    for part, (name, work) in enumerate(
        (
            ("random", lambda: survey.random(0.35)),
            ("constant", lambda: survey.constant(0.6)),
            ("linear", lambda: survey.linear(1.0)),
        )
    ):
        tick(f"playing by {name} actions", part, 3)
        work()
    tick("playing by linear actions", 3, 3)
    findings = [_certain(fault) for fault in survey.faults.values()]
    if not all(fault.usable for fault in survey.faults.values()):  # nothing else that was met means anything
        return Played(facts=_facts(survey), findings=findings, tables=[])
    findings += _irreproducible(differs(survey.env, make, dataset.source)) + _of_episodes(survey)
    if not heeds_actions(survey.env, dataset.source):
        findings.append(
            _warning(
                "actions without effect",
                "other actions from the same seed lead to the same observations and rewards",
                "check that step() uses its action",
            )
        )
    findings += [*_of_rewards(survey), *_of_observations(survey), *_of_actions(survey.env.action_space)]
    shown, taken = space_of(survey.env.observation_space), space_of(survey.env.action_space)
    findings += [*unread_pictures(shown), *many_choices(shown, taken)]
    findings += dark_pictures(survey.shown, dataset.source)
    facts, tables = _facts(survey), [_returns(survey), *_numbers(survey)]
    survey.env.close()
    return Played(facts=facts, findings=findings, tables=tables)


def _facts(survey: Survey) -> list[Fact]:
    paid, random = np.asarray(survey.rewards), survey.tried[0]
    found = []
    if len(paid):
        low, high = number(float(paid.min())), number(float(paid.max()))
        what = f"every reward is {low}" if low == high else f"rewards from {low} to {high}"
        found.append(
            Fact(what, f"other than 0 in {number(100 * float((paid != 0).mean()))} % of {count(len(paid))} steps")
        )
    if not random.lengths and random.left:
        how = f"the first of random actions, seed {FIRST_SEED:,}, was left after {random.left:,} steps"
        found.append(Fact("no episode ended in the time", how))
    if random.lengths:
        least, most = min(random.lengths), max(random.lengths)
        what = f"episodes of {least:,} to {most:,} steps, {statistics.median(random.lengths):g} in the median"
        what = f"every episode takes {least:,} steps" if least == most and len(random.lengths) > 1 else what
        left = f"; another was left before its end, after {random.left:,} steps" if random.left else ""
        found.append(Fact(what, f"{len(random.lengths)} of random actions, seeds from {FIRST_SEED:,} on{left}"))
    if survey.step_s > 0:
        speed = survey.steps / survey.step_s
        found.append(Fact(f"{count(speed)} steps a second", "of one environment alone, without a policy"))
    return found


def _returns(survey: Survey) -> InfoTable:
    columns = ("policy", "episodes", "mean return", "std", "worst", "best", "mean length")
    return InfoTable(
        "what simple policies return", columns, tuple(_row(each) for each in survey.tried if each.returns or each.left)
    )


def _row(tried: Tried) -> tuple[str, ...]:
    returns = tried.returns
    if not returns:
        return (tried.policy, "0", *[ABSENT] * 4, f"{count(tried.left)} or more")
    left = " or more" if tried.left > max(tried.lengths) else ""
    return (
        tried.policy,
        f"{len(returns)}" + (", one more unfinished" if tried.left else ""),
        number(statistics.fmean(returns), 4),
        number(statistics.pstdev(returns)),
        number(min(returns), 4),
        number(max(returns), 4),
        f"{number(statistics.fmean(tried.lengths))}{left}",
    )


def _numbers(survey: Survey) -> list[InfoTable]:
    """Each number of the observation, where they are few and declared as such."""
    from gymnasium import spaces

    space = survey.env.observation_space
    if not isinstance(space, spaces.Box) or not survey.shown or survey.shown[0].size > LISTED:
        return []
    seen = np.stack(survey.shown).reshape(len(survey.shown), -1)
    low, high = space.low.reshape(-1), space.high.reshape(-1)
    rows = tuple(
        (
            f"{place}",
            f"{number(float(low[place]))} to {number(float(high[place]))}",
            f"{number(float(column.min()))} to {number(float(column.max()))}",
            number(float(column.mean())),
            number(float(column.std())),
        )
        for place, column in enumerate(seen.T.astype(np.float64))
    )
    title = f"numbers of {len(seen):,} observations"
    return [InfoTable(title, ("number", "space", "met", "mean", "std"), rows)]


CUT = "--max-episode-steps 1000 cuts episodes off; what would have followed still counts"


def _of_episodes(survey: Survey) -> list[Finding]:
    """Episodes that do not end, or at once."""
    random, limit = survey.tried[0], limit_of(survey.env)
    endless = [each for each in survey.tried if each.left >= NO_END] if limit is None else []
    found = []
    if random in endless and not random.lengths:
        how = f"no episode of random actions ended within {random.left:,} steps, and nothing cuts one off: there is no "
        severity = "warning" if random.left >= NEVER else "note"
        how += "return to go by, and an evaluation is never over"
        found.append(_warning("", how, CUT, name=NEVER_END, severity=severity))
    elif endless:
        how = f"there is no limit of steps, and one by {endless[-1].policy} did not end within {endless[-1].left:,}: "
        how += "a policy that does so is evaluated without an end, at which training stops"
        found.append(_warning("", how, CUT, name=NEVER_END, severity="note"))
    lengths = [length for each in survey.tried for length in each.lengths]
    if len(lengths) >= FEW and max(lengths) == 1:
        same = len({total for each in survey.tried for total in each.returns}) == 1
        how = f"all {len(lengths):,} episodes were over after one step{', and returned the same' if same else ''}"
        action = "check when step() returns terminated; of a choice without consequences that is as it should be"
        found.append(_warning("", how, action, name="episodes-of-one-step", severity="warning" if same else "note"))
    return found


def _of_rewards(survey: Survey) -> list[Finding]:
    """Rewards that are never met, that tell nothing apart, or that are far from 1."""
    paid, returns = np.asarray(survey.rewards), survey.returns
    if not len(paid) or REWARD in survey.faults:
        return []
    enough = len(returns) >= MANY
    told = f"{len(returns):,} episodes of random, constant and linear policies"
    if enough and not paid.any():
        action = "check the reward; where it is that rare, give one for steps on the way, or begin nearer to it: until it is "
        how = f"no step of {told} gave a reward other than 0"
        return [_warning("", how, f"{action}met by chance, nothing is learned", name="reward-never-seen")]
    if enough and min(returns) == max(returns):
        action = "give a reward by which better actions return more, or let episodes go on (--max-episode-steps, or its own code)"
        how = f"all {told} returned {number(returns[0])}"
        return [_warning("", how, f"{action}: until returns differ, nothing is learned", name="returns-alike")]
    typical = float(np.sqrt(np.square(paid[paid != 0]).mean())) if paid.any() else 1.0
    if SMALL <= typical <= LARGE:
        return []
    far = "far from what a network answers at first" if typical > LARGE else "lost beside the noise of learning"
    how = f"rewards that are not 0 are {number(typical)} in the root mean square: values, which are sums of them, are {far}"
    action = f"gymnasium.wrappers.TransformReward(env, lambda reward: reward * {1 / typical:.0e}) brings them near 1; "
    return [_warning("scale of rewards", how, f"{action}ppo does so as it goes (--scale-rewards)")]


def _of_observations(survey: Survey) -> list[Finding]:
    """Of numbers: those that are always the same, those that are there twice, and those that are far larger than others."""
    from gymnasium import spaces

    space = survey.env.observation_space
    if not isinstance(space, spaces.Box) or len(survey.shown) < 2:
        return []
    seen = np.stack(survey.shown).reshape(len(survey.shown), -1).astype(np.float64)
    seen = seen[np.isfinite(seen).all(1)]
    if len(seen) < 2:
        return []
    still = _still(seen)
    if len(still) == seen.shape[1]:
        how = f"all {len(seen):,} observations are the same, so that actions cannot depend on them"
        action = "show what actions should depend on; of a choice among levers that is as it should be"
        return [_warning("", how, action, name="inputs-constant")]
    if space.dtype == np.uint8 and len(space.shape) >= 2:  # pixels
        return []
    found = []
    if len(still):
        how = f"{_places(still)} of {seen.shape[1]}: always the same ({number(float(seen[0, still[0]]))})"
        found.append(_note("constant numbers", how, "check whether the environment lost something; they do no harm"))
    if seen.shape[1] <= LISTED and (twice := _twice(seen, still)):
        how = f"{twice} in all {len(seen):,} observations"
        found.append(_note("repeated numbers", how, "check whether both are meant; they do no harm"))
    return [*found, *_scales(seen, still)]


def _numbers_shown(survey: Survey) -> np.ndarray:
    """(N, numbers) the finite observations of a Box that shows no pixels; none of other spaces."""
    from gymnasium import spaces

    space = survey.env.observation_space
    if not isinstance(space, spaces.Box) or not survey.shown or (space.dtype == np.uint8 and len(space.shape) >= 2):
        return np.empty((0, 0))
    seen = np.stack(survey.shown).reshape(len(survey.shown), -1).astype(np.float64)
    return seen[np.isfinite(seen).all(1)]


def _still(seen: np.ndarray) -> np.ndarray:
    """Columns that never change."""
    return np.flatnonzero(np.ptp(seen, 0) == 0)


def _note(check: str, evidence: str, action: str) -> Finding:
    return _warning(check, evidence, action, severity="note")


def _twice(seen: np.ndarray, still: np.ndarray) -> str:
    """Pairs of equal columns that change, in words."""
    moving = [place for place in range(seen.shape[1]) if place not in still]
    pairs = [(a, b) for a in moving for b in moving if a < b and np.array_equal(seen[:, a], seen[:, b])]
    return ", ".join(f"number {b} equals number {a}" for a, b in pairs[:5])


def _scales(seen: np.ndarray, still: np.ndarray) -> list[Finding]:
    sizes = np.sqrt(np.square(seen).mean(0))
    moving = [place for place in range(len(sizes)) if place not in still and sizes[place] > 0]
    if not moving:
        return []
    large, small = max(moving, key=sizes.__getitem__), min(moving, key=sizes.__getitem__)
    apart, away = sizes[large] >= APART * sizes[small], abs(seen[:, large].mean()) > APART * seen[:, large].std()
    if not (apart or away or sizes[large] >= APART):
        return []
    how = f"number {large} is {number(float(sizes[large]))} in the root mean square"
    how += f", and number {small} {number(float(sizes[small]))}" if apart else ""
    how += f", and varies by {number(float(seen[:, large].std()))}" if away else ""
    action = "ppo, a2c and reinforce scale observations as they go; dqn, sac and td3 do with --scale-observations"
    return [_warning("scale of observations", how, action)]


def _places(places: Iterable[int]) -> str:
    named = [f"{place}" for place in places]
    more = f" and {len(named) - 6} more" if len(named) > 6 else ""
    return f"number{'s' if len(named) > 1 else ''} {', '.join(named[:6])}{more}"


def _of_actions(space: Any) -> list[Finding]:
    """Actions among which there is no choice, and numbers without bounds."""
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete) and space.n == 1:
        return [
            _warning(
                "one action", "there is one action, so that there is nothing to choose", "give action_space the others"
            )
        ]
    if not isinstance(space, spaces.Box):
        return []
    low, high = space.low.reshape(-1).astype(np.float64), space.high.reshape(-1).astype(np.float64)
    unbounded = ~np.isfinite(low) | ~np.isfinite(high)
    wide = np.flatnonzero(unbounded | (np.where(unbounded, 0, high) - np.where(unbounded, 0, low) > WIDE))
    if not len(wide):
        return []
    first = wide[0]
    how = f"{_places(wide)} of the actions: from {low[first]:g} to {high[first]:g}, "
    how += (
        "of which -1 to 1 is sent" if unbounded[first] else "of which nearly all is beyond what the environment can use"
    )
    return [_warning("actions without bounds", how, "give action_space the bounds that the environment works with")]


PARTS = Parts(splits=_read, played=_played)
