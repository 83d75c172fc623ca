"""Learning to act in gymnasium's environments: Sonde beside Stable-Baselines3 and CleanRL, for equal steps of the environment.

python -m benchmarks.acting [--only CartPole-v1/ppo …] [--programs sonde …] [--seeds 5] [--cleanrl FOLDER] [--again]

Programs run one after the other on one thread each: Sonde with its default recipes (its number of updates set so that the
environments take as many steps), Stable-Baselines3 with the settings that its authors tuned for each environment, CleanRL with
its defaults, from a checkout of github.com/vwxyzjn/cleanrl at FOLDER (left out without). The mark is reached when the mean
return of the last 100 episodes of training is, with actions as training draws them, the same for all; `return` is the mean of
100 episodes with the likeliest actions after training (CleanRL: of the last of training, a tenth of them and at most 100). Means
stand with an interval of 95 % (Student's t over seeds), of three seeds or more.

Each run is kept in .peers/acting.json as soon as it is done, and not repeated without --again: stop and start as you like, one
environment at a time with --only. For 5 seeds of all three on two quiet cores, estimated: CartPole-v1/ppo 60 minutes (Sonde 4),
CartPole-v1/dqn 15, Acrobot-v1 60, MountainCar-v0 30, LunarLander-v3 200 (Sonde 20), Pendulum-v1/sac 60, memory (Sonde only) 15,
Pendulum-v1/td3 40, CartPole-v1/a2c 30 (CleanRL beside neither).
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scipy import stats

from benchmarks.environments import python
from benchmarks.timing import RESULTS, ROOT, last_json, run, write
from sonde.engine.json_lines import read_lines

KEPT = ROOT / ".peers" / "acting.json"
PROGRAMS = ("sonde", "stable-baselines3", "cleanrl")
# environment/task: steps of the environment, the mean return at which it counts as solved
WORK: dict[str, tuple[int, float]] = {
    "CartPole-v1/ppo": (300_000, 475),
    "CartPole-v1/dqn": (50_000, 475),
    "Acrobot-v1/ppo": (300_000, -100),
    "MountainCar-v0/dqn": (120_000, -110),
    "LunarLander-v3/ppo": (1_000_000, 200),
    "Pendulum-v1/sac": (20_000, -200),
    "Pendulum-v1/td3": (20_000, -200),
    "CartPole-v1/a2c": (500_000, 475),
}
OF_CLEANRL = ("ppo", "dqn", "sac")
MEMORY = "memory"  # CartPole without velocities: with a GRU and without, by Sonde alone


def per_step(task: str, settings: Mapping[str, Any]) -> float:
    """Updates for a step of the environments, by the settings that a run chose."""
    if task == "ppo":
        return settings["reuse"] / settings["batch_size"]
    if task == "a2c":
        return 1 / (settings["rollout"] * settings["environments"])
    return 1 / settings["train_every"]


def settings_of(folder: Path) -> dict[str, Any]:
    """Every setting of a run by its leaf name."""
    import yaml

    found: dict[str, Any] = {}

    def walk(tree: Any) -> None:
        for name, value in tree.items() if isinstance(tree, dict) else ():
            if isinstance(value, dict):
                walk(value)
            found.setdefault(name, value["value"] if isinstance(value, dict) and "value" in value else value)

    walk(yaml.safe_load((folder / "config.yaml").read_text()))
    return found


def of_sonde(name: str, task: str, steps: int, seed: int, mark: float, *flags: str) -> dict[str, Any]:
    """What `sonde train` found. flags: besides its recipe"""
    common = ["--task", task, "--seed", str(seed), "--threads", "1", "--log-every", "10", *flags]
    with tempfile.TemporaryDirectory() as temporary:
        first, out = Path(temporary) / "first", Path(temporary) / "run"
        train = [sys.executable, "-m", "sonde", "train", f"gym:{name}"]
        run([*train, *common, "--steps", "1", "--test-episodes", "1", "--episodes", "1", "--out", first])
        updates = round(steps * per_step(task, settings_of(first)))
        rest = ["--steps", str(updates), "--evaluate-every", f"{updates} steps", "--episodes", "1"]
        run([*train, *common, *rest, "--out", out])
        lines = [line for line in read_lines(out / "metrics.jsonl") if line["kind"] == "step"]
        result = json.loads((out / "result.json").read_text())
    known = [line for line in lines if line.get("episodes", 0) >= 100]
    reached = next((line for line in known if line["train_return"] >= mark), None)
    last = lines[-1]
    return {
        "seconds": last["seconds"],
        "steps": last["environment_steps"],
        "to mark": reached and {"seconds": reached["seconds"], "steps": reached["environment_steps"]},
        "return": result["metrics"]["test"]["return"],
        "curve": [[line["environment_steps"], line["train_return"]] for line in known[:: max(1, len(known) // 50)]],
    }


def to_mark(name: str, task: str, steps: int, seed: int, mark: float) -> dict[str, Any]:
    """The whole command until an evaluation of 100 episodes with the likeliest actions reached the mark, with its report."""
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "run"
        flags = ["--task", task, "--seed", str(seed), "--episodes", "100", "--stop-at", f"{mark:g}"]
        flags += ["--environment-steps", str(steps)]
        seconds, _ = run([sys.executable, "-m", "sonde", "train", f"gym:{name}", *flags, "--out", out])
        result = json.loads((out / "result.json").read_text())
    found = {"whole command": round(seconds, 1), "return": result["metrics"]["test"]["return"]}
    return found | {"reached": result["status"] == "reached"}


def measured(program: str, work: str, seed: int, cleanrl: Path | None) -> dict[str, Any]:
    """One run."""
    if work.startswith(MEMORY):
        model = work.removeprefix(f"{MEMORY}/")
        return of_sonde(
            "benchmarks.peers.masked_cartpole:MaskedCartPole-v0", "ppo", 300_000, seed, 475, "--model", model
        )
    name, task = work.split("/")
    steps, mark = WORK[work]
    if program == "sonde":
        return of_sonde(name, task, steps, seed, mark) | {"stopping": to_mark(name, task, steps, seed, mark)}
    script = ROOT / "benchmarks" / "peers"
    asked = [name, task, str(steps), str(seed), str(mark)]
    if program == "stable-baselines3":
        command = [python("stable-baselines3"), script / "sb3_acting.py", *asked]
    else:
        assert cleanrl is not None
        command = [python("cleanrl"), script / "cleanrl_acting.py", cleanrl, *asked]
    return last_json(run(command)[1])


def told(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A program's runs of one work: over seeds."""
    reached = [row["to mark"] for row in rows if row["to mark"]]
    speeds = [row.get("steps/s") or row["steps"] / row["seconds"] for row in rows]
    found: dict[str, Any] = {
        "seeds": len(rows),
        "reached the mark": len(reached),
        "return": _with_interval([row["return"] for row in rows]),
        "returns": [round(row["return"], 1) for row in rows],
        "steps/s": round(statistics.median(speeds)),
    }
    if reached:
        found["median seconds to the mark"] = round(statistics.median(each["seconds"] for each in reached), 1)
        found["median steps to the mark"] = round(statistics.median(each["steps"] for each in reached))
    if "stopping" in rows[0]:
        stopped = [row["stopping"]["whole command"] for row in rows if row["stopping"]["reached"]]
        found["whole command until 100 episodes return it"] = stopped
    return found


def _with_interval(values: Sequence[float]) -> str:
    mean = statistics.mean(values)
    if len(values) < 3:  # of two the interval says nothing
        return f"{mean:.1f}"
    half = float(stats.t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:.1f} ± {half:.1f}"


def beside(work: str, programs: Sequence[str], cleanrl: Path | None) -> list[str]:
    """The programs that can do a work."""
    if work.startswith(MEMORY):
        return ["sonde"]
    there = cleanrl is not None and work.split("/")[1] in OF_CLEANRL
    return [each for each in programs if each != "cleanrl" or there]


def runs() -> dict[str, Any]:
    """Single runs that were measured, by "work program seed"."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    works = [*WORK, f"{MEMORY}/policy-gru", f"{MEMORY}/policy-mlp"]
    parser.add_argument("--only", nargs="+", choices=works, default=works, metavar="ENVIRONMENT/TASK")
    parser.add_argument("--programs", nargs="+", choices=PROGRAMS, default=list(PROGRAMS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cleanrl", type=Path, help="a checkout of github.com/vwxyzjn/cleanrl")
    parser.add_argument("--again", action="store_true", help="measure again what was measured")
    parser.add_argument("--print-only", action="store_true", help="leave benchmarks/results as it is")
    chosen = parser.parse_args()
    kept = runs()
    for work in chosen.only:
        for seed in range(1, chosen.seeds + 1):
            for program in beside(work, chosen.programs, chosen.cleanrl):
                key = f"{work} {program} {seed}"
                if key in kept and not chosen.again:
                    continue
                found = measured(program, work, seed, chosen.cleanrl)
                kept = runs() | {key: found}  # another of these may have measured meanwhile
                shown = {name: value for name, value in kept[key].items() if name != "curve"}
                print(key, json.dumps(shown), flush=True)
                KEPT.parent.mkdir(exist_ok=True)
                KEPT.write_text(json.dumps(kept))
    # what was measured elsewhere, whose single runs are not here, stays as it stands
    result = RESULTS / "acting.json"
    known: dict[str, Any] = json.loads(result.read_text()) if result.exists() else {}
    table: dict[str, Any] = known.get("table", {})
    for key in sorted(kept):
        work, program, _ = key.split(" ")
        rows = [kept[each] for each in sorted(kept) if each.startswith(f"{work} {program} ")]
        table.setdefault(work, {})[program] = told(rows)
    print(json.dumps(table, indent=2))
    if not chosen.print_only:
        curves = known.get("curves", {}) | {key: row["curve"] for key, row in kept.items()}
        write("acting", {"table": table, "curves": curves})


if __name__ == "__main__":
    main()
