"""CleanRL in an environment: one of its files as it is, timed from outside by what it prints of episodes.

python cleanrl_acting.py FOLDER ENVIRONMENT ALGORITHM STEPS SEED MARK -> a line of JSON, see benchmarks/acting.py
FOLDER is a checkout of github.com/vwxyzjn/cleanrl; its settings are its defaults. No greedy evaluation: its files save no policy
of PPO, so `return` is the mean of the last episodes of training: a tenth of them, at most 100.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FILES = {"ppo": "ppo.py", "dqn": "dqn.py", "sac": "sac_continuous_action.py"}
EPISODE = re.compile(r"global_step=(\d+), episodic_return=\[?\s*(-?[\d.]+(?:e[+-]?\d+)?)")
RENAMED = {"LunarLander-v3": "LunarLander-v2"}  # of the gymnasium that it is pinned to


def main():
    folder, name, algorithm = Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3]
    steps, seed, mark = int(sys.argv[4]), sys.argv[5], float(sys.argv[6])
    command = [sys.executable, "-u", folder / "cleanrl" / FILES[algorithm], "--env-id", RENAMED.get(name, name)]
    command += ["--total-timesteps", str(steps), "--seed", seed, "--no-cuda"]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "OMP_NUM_THREADS": "1",
    }
    returns, curve, reached, begun, first = [], [], None, time.perf_counter(), None
    with tempfile.TemporaryDirectory() as here:
        with subprocess.Popen(command, cwd=here, env=environment, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                found = EPISODE.search(line)
                if not found:
                    continue
                now, step = time.perf_counter(), int(found[1])
                first = first or (now, step)  # importing is over
                returns.append(float(found[2]))
                mean = mean_of_last(100, returns)
                if len(returns) >= 100 and reached is None and mean >= mark:
                    reached = {"seconds": now - begun, "steps": step}
                if step // 5000 > len(curve):
                    curve.append([step, mean])
        seconds, wrong = time.perf_counter() - begun, process.returncode
    if wrong or first is None:
        raise SystemExit(f"{command[2]} ended with {wrong}, after {len(returns)} episodes")
    speed = (step - first[1]) / (now - first[0])
    last = mean_of_last(min(100, max(10, len(returns) // 10)), returns)
    print(json.dumps({"seconds": seconds, "steps": steps, "to mark": reached, "return": last, "curve": curve,
                      "steps/s": speed}))  # fmt: skip


def mean_of_last(number, returns):
    return sum(returns[-number:]) / len(returns[-number:])


main()
