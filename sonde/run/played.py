"""What a run that acted is compared with, and what it took: policies that know nothing; steps and seconds of environments."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sonde.acting.environments.own import importable
from sonde.acting.evaluation.episodes import Episodes, episodes_of, is_sampled
from sonde.acting.evaluation.plain import LONGEST, PATIENCE, SECONDS, STEPS, Plain, plain_policies
from sonde.acting.evaluation.recorder import Recorder, check_place
from sonde.acting.policy import Policy
from sonde.acting.seeds import LIMIT, TRAINED, SeedRows
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.matches import Matches
from sonde.acting.self_play.opponents import check_opponents
from sonde.acting.self_play.plain import LONGEST as MATCHES_LONGEST
from sonde.acting.self_play.plain import SECONDS as MATCHES_S
from sonde.acting.self_play.plain import plain_players
from sonde.acting.self_play.source import playing_of
from sonde.core.acting import Experience
from sonde.core.bounds import flag
from sonde.core.dataset import InputSpec, Rows
from sonde.core.errors import ConfigError, first_line
from sonde.core.files import read_json, write_json
from sonde.core.findings import Finding
from sonde.core.pace import never
from sonde.core.progress import Tick
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Source, Task, abilities_of
from sonde.core.units import count, counted, metric, number
from sonde.engine.clock import OF_TRAINING, Clock
from sonde.engine.signals import StopRequest
from sonde.metrics.intervals import Interval
from sonde.metrics.matches import MatchesMeter
from sonde.report.plain_policies import enough, pairs
from sonde.run.kept_games import BEFORE, kept, played_as
from sonde.run.matches_met import searching
from sonde.run.other_players import met_by, players


@dataclass(frozen=True, kw_only=True)
class Play:
    """How episodes of an evaluation, or games, are played.

    episodes: how many, against each opponent of a game; by default as many as at the end of training
    sampled:  whether actions are drawn as in training, or the likeliest taken; None as the run was evaluated
    log:      NPZ file that all transitions are written to
    first_seed: of the episodes, by default the first of those at the end of training; of a game that of the match
    simulations, opponents: of a game, leaves that are looked at for a move, and whom to play against, folders of runs too; by
        default as in training
    """

    episodes: int | None = None
    sampled: bool | None = None
    log: Path | None = None
    first_seed: int | None = None
    simulations: int | None = None
    opponents: tuple[str, ...] = ()

    def rows(self, rows: Rows) -> Rows:
        """As many episodes as are wanted. Raises: ConfigError for rows that are none, or a log that cannot be written there"""
        of_environments = {
            "sampled": self.sampled is not None,
            "log": self.log is not None,
        }
        if isinstance(rows, GameRows) and any(of_environments.values()):
            given = next(name for name, there in of_environments.items() if there)
            raise ConfigError(
                f"{flag(given)} is for an environment, and game:{rows.name} is a game for two; "
                f"leave it out ({flag('episodes')} says how many games are played against each opponent)"
            )
        if isinstance(rows, GameRows):
            return self._games(rows)
        if self.simulations is not None or self.opponents:
            raise ConfigError(
                f"{flag('opponents' if self.opponents else 'simulations')} is for a game for two (game:NAME); leave it out"
            )
        if not isinstance(rows, SeedRows):
            raise ConfigError(
                "--episodes, --first-seed, --sampled and --log are for an environment that is played (gym:NAME, "
                "env:MODULE:CLASS); leave them out"
            )
        if self.log is not None:
            check_place(self.log)
        found = rows if self.episodes is None else replace(rows, number=self.episodes)
        if self.first_seed is None or not isinstance(found, SeedRows):
            return found
        if not 0 <= self.first_seed <= TRAINED - len(found):
            raise ConfigError(
                f"{flag('first_seed')} {self.first_seed}: episodes that are trained on have seeds from {TRAINED:,} on; give a "
                f"number from 0 to {TRAINED - len(found)}"
            )
        return replace(found, first=self.first_seed)

    def _games(self, rows: GameRows) -> GameRows:
        """Those that are wanted. Raises: ConfigError for opponents that are not there, or cannot play this game"""
        names, runs = met_by(self.opponents, rows.name)
        check_opponents([name for name in names if name not in dict(runs)], rows.name, rows.rules.longest)
        if self.first_seed is not None and not 0 <= self.first_seed < LIMIT:
            raise ConfigError(f"{flag('first_seed')} {self.first_seed}: give a number from 0 to {LIMIT - 1}")
        seed = rows.seed if self.first_seed is None else self.first_seed
        return replace(
            rows, number=self.episodes or rows.number, opponents=names or rows.opponents, runs=runs, seed=seed
        )

    def source(self, rows: Rows, task: Task, *, seed: int, device: torch.device, trust_code: bool = False) -> Source:
        """The episodes, of which a record is kept where that is wanted; or the games.

        seed: of sampled actions;  trust_code: whether code is run that other runs' folders bring along
        """
        if isinstance(rows, GameRows):
            others = players(rows.runs, device, trust_code=trust_code)
            return Matches(rows, replace(searching(task, self.simulations), others=others), device)
        found = episodes_of(rows, task, seed=seed, device=device, sampled=self.sampled)
        if self.log is not None:
            found.recorder = Recorder()
        return found

    def keep(self, source: Source, environment: Any) -> None:
        """Write the log of what was played. environment: its name, or what makes it, which has one where it can be imported"""
        if self.log is None or not isinstance(source, Episodes) or source.recorder is None:
            return
        if not isinstance(environment, str | Path):
            place = importable(environment)
            environment = f"env:{place}" if place else ""
        source.recorder.write(self.log, str(environment))


def play_of(  # noqa: PLR0913 - one for each thing that can be asked
    *,
    episodes: int | None = None,
    sampled: bool | None = None,
    log: str | Path | None = None,
    first_seed: int | None = None,
    simulations: int | None = None,
    opponents: tuple[str, ...] = (),
) -> Play | None:
    """How an environment or a game is played, where that is said. Raises: ConfigError for fewer than one episode or simulation"""
    for name, value in (("episodes", episodes), ("simulations", simulations)):
        if value is not None and value < 1:
            raise ConfigError(f"{flag(name)} must be at least 1, got {value}")
    found = Play(
        episodes=episodes,
        sampled=sampled,
        log=None if log is None else Path(log).expanduser(),
        first_seed=first_seed,
        simulations=simulations,
        opponents=opponents,
    )
    return None if found == Play() else found


def policy_of(
    task: Task, input: InputSpec, folder: Path, *, sampled: bool | None, seed: int, device: torch.device
) -> Policy:
    """See `Run.policy`. Raises: ConfigError for a run that does not act, or plays a game"""
    found = abilities_of(task)
    if found.acting is None:
        raise ConfigError(f"{folder} was not trained to act in an environment, so it has no policy; use predict")
    if found.playing is not None:
        raise ConfigError(
            f"{folder} plays a game for two by searching among legal moves, which a position's numbers do not tell, so it has no "
            f"policy of one observation; ask run.player().think([[moves]]) in Python, or play it: sonde play {folder}"
        )
    drawn = is_sampled(found.acting, sampled)
    return Policy(found.acting, task.modules, input, sampled=drawn, seed=seed, device=device)


def seeds_in_words(rows: Rows) -> str:
    """Those that episodes begin from; "" of rows that are no episodes of an environment.

    >>> from sonde.acting.seeds import LIMIT, TRAINED, SeedRows
    >>> seeds_in_words(SeedRows(make=list, encode=abs, split="test", number=50))
    'seeds 2,000,000 to 2,000,049'
    """
    if not isinstance(rows, SeedRows):
        return ""
    first, *_, last = [*rows.seeds(), rows.seeds()[-1]]
    return f"seed {first:,}" if first == last else f"seeds {first:,} to {last:,}"


def while_played(request: StopRequest, tick: Tick) -> Callable[[], bool]:
    """Asked again and again while a baseline is played, whether to leave off; tells how often that was."""
    asked = itertools.count(1)

    def leave_off() -> bool:
        tick("playing the baseline, step", next(asked), 0)
        return request.number is not None

    return leave_off


def played_baseline(
    rows: Rows, folder: Path, *, seed: int, seconds: float = SECONDS, leave_off: Callable[[], bool] = never
) -> dict[str, Any]:
    """Metrics of the better of a random policy and the best constant action, and "what" it is, beside what the run returned of
    the same seeds where these are not all; all their episodes go to `folder`/baseline.json, with what was not played. Empty where
    none ends an episode in time, or the environment fails under them, which that file says.

    folder: of the evaluation, whose episodes.json is read;  seconds, leave_off: see `plain_policies`
    """
    if not isinstance(rows, SeedRows):
        return {}
    try:
        found = plain_policies(rows.make, rows.seeds(), seed=seed, seconds=seconds, leave_off=leave_off)
    except Exception as trouble:  # of the environment: what was trained is not to be lost for its baseline
        _write(
            folder,
            [],
            why=f"the environment failed under random actions: {type(trouble).__name__}: {first_line(trouble)}",
        )
        return {}
    if not found.played:
        limit = f"{count(LONGEST * STEPS)} steps or {number(PATIENCE * seconds)} s"
        _write(folder, [], why=f"not one episode of a random policy ended within {limit}")
        return {}
    held = [{"what": each.what, "return": each.returns, "length": each.lengths} for each in found.played]
    _write(folder, held, why=found.missing)
    best = max(found.played, key=lambda each: each.mean)
    return {
        "return": best.mean,
        "length": float(np.mean(best.lengths)),
        "policy": best.what,
        "what": _what(folder, best, len(rows), found.missing),
    }


def _what(folder: Path, best: Plain, episodes: int, missing: str) -> str:
    """The policy, where it has not played all episodes also how many, and what the run returned on these; and what is missing."""
    what, played = best.what, len(best.returns)
    if played < episodes:
        what += f", on the first {played:,} of {episodes:,} episodes"
        both = pairs(_details(folder))
        if both is not None and len(both.ours) < both.of:
            what += f", where this run returns {metric('return', float(both.ours.mean()))}"
    return "; ".join(each for each in (what, missing) if each)


def _details(folder: Path) -> dict[str, Any]:
    """What an evaluation left of the episodes that were played."""
    files = {stem: folder / f"{stem}.json" for stem in ("episodes", "matches", "baseline")}
    return {stem: read_json(file) for stem, file in files.items() if file.exists()}


def difference_of_returns(folder: RunFolder, split: str, result: Mapping[str, Any]) -> Interval | None:
    """The interval of a run's returns less its baseline's, of the same seeds, as the report has it; None where one of them is not
    known."""
    name = str(result["headline"])
    if name != "return" or result["baseline"].get(name) is None:
        return None
    both = pairs(_details(folder.evaluation / split))
    return None if both is None else both.difference


def sure_of(folder: RunFolder, split: str, name: str) -> bool:
    """Whether what a run and its baseline played is enough to be certain of a difference; also of what was not played.

    name: of the metric that is read first
    """
    return enough(_details(folder.evaluation / split), name)


def matched_baseline(
    rows: GameRows,
    task: Task,
    device: torch.device,
    folder: Path,
    *,
    seconds: float = MATCHES_S,
    longest: float = MATCHES_LONGEST,
    leave_off: Callable[[], bool] = never,
) -> dict[str, Any]:
    """Metrics of the better of a random player and the untrained network in the same matches, and "what" it is, with which of the
    two had no time for a game; all their games go to `folder`/baseline.json, and why one is missing. Of one that has
    time for fewer games now those of an earlier end of the run stand. Empty where none ends a game in time.

    seconds: that they may take, at most `MATCHES_S`;  longest, leave_off: see `plain_players`
    """
    limit, scored, missing, before = min(seconds, MATCHES_S), [], [], set[str]()
    playing = playing_of(task)
    for plain in plain_players(rows, playing, device, seconds=limit, longest=longest, leave_off=leave_off):
        meter = MatchesMeter()
        for batch in plain.batches:
            meter.update(batch.fields, batch.index)
        known = kept(folder, plain.what, rows, playing)
        if known is not None and len(known[1]["score"]) > sum(map(len, plain.batches)):
            scored.append(known)
            before.add(plain.what)
            continue
        if not plain.batches:
            missing.append(f"{plain.what} is left out: its first games do not end in {number(plain.seconds, 2)} s")
            continue
        columns = {
            name: [value for batch in plain.batches for value in batch[name].tolist()] for name in ("score", "length")
        }
        against = [name for batch in plain.batches for name in batch["opponent"]]
        scored.append(
            (meter.compute(), {"what": plain.what, **played_as(rows, playing), **columns, "opponent": against})
        )
    why = (
        "; ".join(missing)
        if scored
        else f"not one game of a player that has learned nothing ended in time ({limit:.3g} s for all)"
    )
    _write(folder, [held for _, held in scored], why)
    if not scored:
        return {}
    metrics, best = max(scored, key=lambda each: each[0]["score"])
    what = best["what"]
    if len(best["score"]) < len(rows):
        what += f", {counted(len(best['score']), 'game', 'games')}"
    if best["what"] in before:
        what += f", {BEFORE}"
    return {**metrics, "what": "; ".join([what, *missing])}


def without_baseline(place: Path, result: Mapping[str, Any]) -> list[Finding]:
    """Why the score of what was played stands beside no baseline, or beside a part of it. place: of the split's evaluation"""
    file = place / "baseline.json"
    if not file.exists() or not (why := read_json(file).get("why")):
        return []
    action = "give a longer --time-limit" if "time_limit" in (result.get("lengths") or {}) else ""
    if str(result["headline"]) not in result["baseline"]:
        return [Finding(check="no baseline", severity="note", evidence=str(why), action=action)]
    if not action and result["headline"] == "return":
        action = "`sonde inspect --play-seconds 60` plays simple policies for longer"
    return [Finding(check="baseline in part", severity="note", evidence=str(why), action=action)]


def _write(folder: Path, policies: list[dict[str, Any]], why: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "baseline.json", {"policies": policies, "why": why})


def experience_of(source: Source, clock: Clock) -> Experience | None:
    """How far a source's experience is; None of one that reads rows."""
    figures: Mapping[str, float] = getattr(source, "figures", {})
    games = figures.get("games")
    steps = figures.get("environment_steps" if games is None else "moves")
    if steps is None:
        return None
    spent = clock.inside()
    learning = clock.spent["step"] + clock.spent["optimizer"]
    return Experience(
        steps=int(steps),
        returned=figures.get("train_return"),
        seconds={**spent, "learning": learning},
        games=None if games is None else int(games),
    )


def experience_taken(source: Source, clock: Clock) -> dict[str, Any]:
    """ "experience" of result.json, of games "self_play"; empty of a source that reads rows."""
    found = experience_of(source, clock)
    if found is None:
        return {}
    working = sum(clock.spent[part] for part in OF_TRAINING)
    counted_as, what = ("environment_steps", "experience") if found.games is None else ("moves", "self_play")
    figures = {name: value for name, value in source.figures.items() if name != counted_as}  # type: ignore[attr-defined]
    return {
        what: {
            counted_as: found.steps,
            "per_s": round(found.steps / working, 1) if working else None,
            **figures,
            "seconds": {name: round(value, 3) for name, value in found.seconds.items()},
        }
    }
