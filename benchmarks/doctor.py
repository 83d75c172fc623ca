"""How often the doctor names the true cause first, and how often it cries wolf.

python -m benchmarks.doctor: faults in six families whose runs thresholds were chosen by, six they were not, three of which
nothing was seen before these had been, and three made after those, three seeds each; healthy runs of all families with other
rates, batch sizes, widths and seeds, and some that are unusual on purpose. Each takes a few seconds of one thread. A fault that
does no harm (no worse than twice the spread of its healthy twins) counts for neither side; certain faults must be named within
three steps. Peers' rules are asked of the same signals (`faults/peers.py`).
"""

import argparse
import contextlib
import io
import itertools
import json
import statistics
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from benchmarks.faults.faults import FAULTS, Fault
from benchmarks.faults.odd import ODD
from benchmarks.faults.peers import PEERS, alarmed
from benchmarks.faults.problems import FITTED, JUDGED, LATER, UNSEEN, Family, Problem
from benchmarks.timing import write

GROUPS = {"fitted": FITTED, "judged": JUDGED, "unseen": UNSEEN, "later": LATER}
SCALES, BATCHES, WIDTHS = (1 / 3, 1.0, 3.0), (0.5, 1.0, 2.0), (0.5, 1.0, 2.0)


@dataclass
class Outcome:
    """One run: what was found, warnings first, in the order in which a person is told."""

    family: str
    fault: str
    seed: int
    setting: str = ""
    found: list[str] = field(default_factory=list)
    steps: list[int | None] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: str = ""
    loss: float | None = None
    peers: list[str] = field(default_factory=list)  # others' rules that alarm
    seconds: float = 0.0


def names(findings: Sequence[dict[str, Any]]) -> Iterator[tuple[str, int | None]]:
    for each in findings:
        yield each.get("name") or each["check"].replace(" ", "-"), each.get("step")


def trained(problem: Problem, outcome: Outcome) -> Outcome:
    """Train, and keep what was found."""
    import sonde

    begun = time.perf_counter()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        out = Path(folder) / "run"
        try:
            sonde.fit(
                problem.net,
                problem.train if problem.data is None else problem.data,
                loss=problem.loss,
                validation=problem.validation,
                metrics=problem.metrics,
                out=out,
                quiet=True,
                threads=1,
                precision="fp32",
                evaluate_every=f"{max(1, problem.settings['steps'] // 8)} steps",
                seed=outcome.seed,
                **problem.settings,
            )
        except Exception as error:  # a refusal is an answer too, and is kept in words
            outcome.refused = f"{type(error).__name__}: {error}"
        lines = out / "findings.jsonl"
        findings = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
        sure = [each for each in findings if each["severity"] != "note"]
        found = list(names(sorted(sure, key=lambda each: order(out, each))))
        outcome.found, outcome.steps = [name for name, _ in found], [step for _, step in found]
        outcome.notes = [name for name, _ in names([each for each in findings if each["severity"] == "note"])]
        outcome.peers = alarmed(out)
        if (out / "result.json").exists():
            outcome.loss = json.loads((out / "result.json").read_text())["metrics"].get("validation", {}).get("loss")
    outcome.seconds = round(time.perf_counter() - begun, 2)
    return outcome


def order(out: Path, finding: dict[str, Any]) -> int:
    """Where the run's diagnosis puts a finding; those that it does not hold follow in the order in which they were said."""
    result = out / "result.json"
    diagnosis = json.loads(result.read_text()).get("diagnosis", []) if result.exists() else []
    name = finding.get("name") or finding["check"].replace(" ", "-")
    return diagnosis.index(name) if name in diagnosis else len(diagnosis)


def faulty(job: tuple[Family, int, int]) -> Outcome | None:
    """A run with a fault, by its number; None where the fault cannot be put into it."""
    torch.set_num_threads(1)
    family, number, seed = job
    fault = FAULTS[number]
    torch.manual_seed(seed)
    problem = family(seed)
    if not fault.applies(problem):
        return None
    fault.inject(problem)
    return trained(problem, Outcome(problem.family, fault.name, seed))


def healthy(job: tuple[Family, int, float, float, float]) -> Outcome:
    """A run without a fault."""
    torch.set_num_threads(1)
    family, seed, scale, batch, width = job
    torch.manual_seed(seed)
    problem = family(seed, scale, batch, width)
    return trained(
        problem, Outcome(problem.family, "", seed, f"rate x {scale:.2g}, batch x {batch:g}, width x {width:g}")
    )


def unusual(number: int) -> Outcome:
    """A run that is well, though something about it is unusual."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    problem = ODD[number](0)
    return trained(problem, Outcome(problem.family, "", 7, ODD[number].__name__))


def healthy_jobs(families: Sequence[Family], count: int) -> list[tuple[Family, int, float, float, float]]:
    """The first of: every family with its own settings and three seeds, then all combinations of settings."""
    jobs = [(family, seed, 1.0, 1.0, 1.0) for seed in range(3) for family in families]
    settings = [each for each in itertools.product(SCALES, BATCHES, WIDTHS) if each != (1.0, 1.0, 1.0)]
    jobs += [(family, 100 + number, *each) for number, each in enumerate(settings) for family in families]
    return jobs[:count]


def scored(outcomes: Sequence[Outcome], twins: dict[str, list[float]]) -> dict[str, Any]:
    """Shares over faults, then over families; every miss by name."""
    by_fault: dict[str, list[bool]] = defaultdict(list)
    by_family: dict[str, list[bool]] = defaultdict(list)
    misses, harmless, late, certain = [], 0, 0, 0
    faults = {fault.name: fault for fault in FAULTS}
    for each in outcomes:
        fault = faults[each.fault]
        right = bool(each.found) and each.found[0] in fault.right or refused_rightly(each, fault)
        if not right and not fault.certain and not harmful(each, twins):
            harmless += 1
            continue
        by_fault[each.fault].append(right)
        by_family[each.family].append(right)
        if fault.certain and right:
            certain += 1
            late += bool(each.found) and (each.steps[0] or 0) > 3
        if not right:
            said = f"refused: {each.refused[:80]}" if each.refused else ", ".join(each.found) or "nothing"
            misses.append(
                f"{each.fault} in {each.family}, seed {each.seed}: {said}; notes {', '.join(each.notes) or 'none'}"
            )
    share = {name: round(sum(right) / len(right), 3) for name, right in sorted(by_fault.items())}
    return {
        "runs": len(outcomes),
        "harmless": harmless,
        "true cause first": round(statistics.fmean(share.values()), 3) if share else None,
        "by fault": share,
        "by family": {name: round(sum(right) / len(right), 3) for name, right in sorted(by_family.items())},
        "certain ones named after step 3": f"{late} of {certain}",
        "misses": misses,
    }


def refused_rightly(outcome: Outcome, fault: Fault) -> bool:
    """Whether the run was refused, or stopped, by a line that names the fault."""
    return any(name.replace("-", " ") in outcome.refused or name in outcome.refused for name in fault.right)


def harmful(outcome: Outcome, twins: dict[str, list[float]]) -> bool:
    """Whether the validation loss is worse than its healthy twins' by more than twice their spread; what has none is."""
    losses = twins.get(outcome.family, [])
    if outcome.loss is None or len(losses) < 2 or outcome.fault in OTHER_SCALE:
        return True
    return outcome.loss > statistics.fmean(losses) + 2 * max(
        statistics.stdev(losses), 0.02 * abs(statistics.fmean(losses))
    )


OTHER_SCALE = {"loss with its sign turned", "loss that sums", "targets in other units", "slow rows", "softmax twice"}
"""Faults whose losses cannot be compared with those of a healthy run."""


def alarms(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    wrong = [each for each in outcomes if each.found or each.refused]
    return {
        "runs": len(outcomes),
        "with a warning": len(wrong),
        "share": round(len(wrong) / max(1, len(outcomes)), 4),
        "which": [
            f"{each.family}, seed {each.seed}, {each.setting}: {', '.join(each.found) or each.refused}"
            for each in wrong
        ],
    }


def compared(well: Sequence[Outcome], ill: Sequence[Outcome]) -> dict[str, str]:
    """Of each of others' rules, and of ours, in how many healthy runs and in how many with a fault there is an alarm."""
    found = {
        name: f"{sum(name in each.peers for each in well)} of {len(well)} healthy, "
        f"{sum(name in each.peers for each in ill)} of {len(ill)} with a fault"
        for name in PEERS
    }
    ours = [sum(bool(each.found or each.refused) for each in runs) for runs in (well, ill)]
    return found | {"ours": f"{ours[0]} of {len(well)} healthy, {ours[1]} of {len(ill)} with a fault"}


def trained_all(chosen: argparse.Namespace) -> list[Outcome]:
    """Healthy runs, unusual ones and those with a fault."""
    families = [each for name, group in GROUPS.items() if chosen.families in ("all", name) for each in group]
    faults = [number for number, fault in enumerate(FAULTS) if chosen.only in fault.name]
    jobs = [(family, fault, seed) for seed in range(chosen.seeds) for fault in faults for family in families]
    with ProcessPoolExecutor(chosen.processes, mp_context=get_context("spawn")) as pool:
        well = list(shown(pool.map(healthy, healthy_jobs(families, chosen.healthy)), chosen.healthy))
        odd = list(shown(pool.map(unusual, range(len(ODD))), len(ODD))) if chosen.families in ("all", "fitted") else []
        ill = [each for each in shown(pool.map(faulty, jobs), len(jobs)) if each is not None]
    return [*well, *odd, *ill]


def summed_up(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Shares and misses by families, false alarms, and others' rules beside."""
    odd_names = {each.__name__ for each in ODD}
    odd = [each for each in outcomes if not each.fault and each.setting in odd_names]
    well = [each for each in outcomes if not each.fault and each.setting not in odd_names]
    ill = [each for each in outcomes if each.fault]
    twins: dict[str, list[float]] = defaultdict(list)
    for each in well:
        if each.loss is not None and each.seed < 3:
            twins[each.family].append(each.loss)
    found: dict[str, Any] = {"minutes of training": round(sum(each.seconds for each in outcomes) / 60, 1)}
    for name, group in GROUPS.items():
        own = {family.__name__.replace("_", "-") for family in group}
        found[name] = scored([each for each in ill if each.family in own], twins)
        found[name]["false alarms"] = alarms([each for each in well if each.family in own])
    found["unusual but well"] = alarms(odd)
    found["others' rules"] = compared([*well, *odd], ill)
    return found


def kept(files: Sequence[str]) -> list[Outcome]:
    """Outcomes of `--out`."""
    return [Outcome(**json.loads(line)) for name in files for line in Path(name).read_text().splitlines()]


def shown(outcomes: Any, total: int) -> Iterator[Any]:
    """With a line of progress every twenty runs."""
    for number, each in enumerate(outcomes):
        if number % 20 == 19:
            print(f"{number + 1} of {total}", flush=True)
        yield each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--healthy", type=int, default=300)
    parser.add_argument("--families", choices=[*GROUPS, "all"], default="all")
    parser.add_argument("--only", default="", help="faults whose name holds this")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", help="file for the outcomes, a line each; results are written without it")
    parser.add_argument("--join", nargs="+", default=[], help="write results from such files, and train nothing")
    parser.add_argument("--again", nargs="+", default=[], help="with --join: files of the judged families, once mended")
    chosen = parser.parse_args()
    if chosen.join:
        found = summed_up(kept(chosen.join))
        if chosen.again:
            found["judged, once what it had shown was mended"] = summed_up(kept(chosen.again))["judged"]
        write("doctor", found)
        return
    outcomes = trained_all(chosen)
    if chosen.out:
        Path(chosen.out).write_text("".join(json.dumps(asdict(each)) + "\n" for each in outcomes))
    found = summed_up(outcomes)
    print(json.dumps(found, indent=2))
    if not chosen.out:
        write("doctor", found)


if __name__ == "__main__":
    main()
