"""CleanRL's PPO on Atari: its file as it is, timed from outside by what it prints of its speed.

python cleanrl_atari.py FOLDER GAME ROLLOUTS SEED THREADS -> a line of JSON, see benchmarks/atari.py
FOLDER is a checkout of github.com/vwxyzjn/cleanrl. Its settings are its defaults: 8 games, 128 steps, as published. It is stopped
after so many rollouts, the first of which is not timed.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEED = re.compile(r"SPS: (\d+)")
EPISODE = re.compile(r"global_step=(\d+), episodic_return=\[?\s*(-?[\d.]+)")
START = "import ale_py, runpy, sys; "  # gymnasium knows its games once ale-py is imported
ROLLOUT = 8 * 128


def main():
    folder, game, limit, seed, threads = Path(sys.argv[1]).resolve(), *sys.argv[2:6]
    file = str(folder / "cleanrl" / "ppo_atari.py")
    code = START + f"sys.argv[0] = {file!r}; runpy.run_path({file!r}, run_name='__main__')"
    command = [sys.executable, "-u", "-c", code, "--env-id", f"{game}NoFrameskip-v4", "--seed", seed, "--no-cuda"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": threads}
    returns, rollouts, begun, last = [], 0, None, None
    here = tempfile.mkdtemp()
    with subprocess.Popen(command, cwd=here, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            now = time.perf_counter()
            if found := EPISODE.search(line):
                returns.append([int(found[1]), float(found[2])])
            if not SPEED.search(line):
                continue
            if begun is None:
                begun = now
            else:
                rollouts, last = rollouts + 1, now
            if rollouts + 1 >= int(limit):
                process.terminate()
                break
    shutil.rmtree(here)
    if not rollouts:
        raise SystemExit(f"it ended before its second rollout, with {process.returncode}")
    per_s = rollouts * ROLLOUT / (last - begun)
    print(json.dumps({"steps/s": per_s, "frames/s": 4 * per_s, "steps": (rollouts + 1) * ROLLOUT, "returns": returns}))


main()
