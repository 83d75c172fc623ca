"""What watching costs a training: seconds of runs beside which a page is open, and of runs beside which none is.

python -m benchmarks.watch_cost: trainings of one process each, on all cores, take turns in three ways: alone; with `sonde watch`
and a reader of its stream of events, as where the browser is on another machine; and with `sonde watch` and a page in a headless
Chromium, which works on the same cores. Server and page are there before the training begins, on the folder that it begins anew.
What is compared are the run's own seconds between its plan and its report, by the clock; a round is one of each. Beside them: the
processor's time of server and browser as a share of the training's clock. Where another process keeps the machine busy, the file
says so.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import torch

import sonde
from benchmarks.doctor_cost import BUSY, WORKLOADS
from benchmarks.timing import ROOT, write
from sonde.core.files import read_json
from sonde.core.memory import children_of

ALONE, STREAM, PAGE = "alone", "a stream is read", "a page is open"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-dev-shm-usage", "--window-size=1200,3000", "--remote-debugging-port=0",
)  # fmt: skip
SETTLED_S = 8.0  # after which a browser has drawn the page and rests
CHOSEN = ("mlp, 20 columns", "gpt, 4 layers of 128")  # very many short steps, and few long ones
SPENT = ("input", "step", "optimizer", "evaluation", "checkpoint", "other")  # of a run's seconds


def train(name: str, out: Path, steps: int) -> None:
    """One run, in this process."""
    work = WORKLOADS[name]
    torch.manual_seed(0)
    settings: dict[str, Any] = {"optimizer": "adam", "lr": 1e-3, "batch_size": work.batch, "steps": steps}
    settings |= {"threads": os.cpu_count() or 1, "precision": "fp32", "evaluate_every": f"{max(20, steps // 20)} steps"}
    inputs, targets = work.rows()
    held = len(inputs) // 10
    sonde.fit(
        work.net(),
        (inputs[held:], targets[held:]),
        validation=(inputs[:held], targets[:held]),
        loss=work.loss,
        out=out,
        fresh=True,
        quiet=True,
        **settings,
    )


def ran(name: str, out: Path, steps: int) -> float:
    """Seconds of a run in a process of its own, without what comes before its first step and after its last evaluation."""
    command = [sys.executable, "-m", "benchmarks.watch_cost", "--train", name, "--out", str(out), "--steps", str(steps)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    seconds = read_json(out / "result.json")["seconds"]
    return sum(seconds[part] for part in SPENT)


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, int]]:
    """`sonde watch` of a run: (process, port)."""
    command = [sys.executable, "-m", "sonde", "watch", str(folder), "--port", "0"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        line = ""
        while "http://" not in line:
            line = server.stdout.readline()
            if not line:
                raise SystemExit("sonde watch did not begin to serve")
        yield server.pid, int(line.rsplit(":", 1)[1])
    finally:
        server.terminate()
        server.communicate()


@contextmanager
def reader(port: int, key: str) -> Iterator[list[int]]:
    """Somebody who reads the stream of a run and does nothing with it; bytes that came."""
    came, over = [0], threading.Event()

    def read() -> None:
        with urlopen(f"http://127.0.0.1:{port}/events/{key}", timeout=60) as stream:
            while not over.is_set() and (piece := stream.readline()):
                came[0] += len(piece)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield came
    finally:
        over.set()  # at the next line, or with the server


@contextmanager
def browser(port: int, key: str) -> Iterator[int]:
    """The page of a run in a browser; its process."""
    program = next(path for name in BROWSERS if (path := shutil.which(name)))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [program, *FLAGS, f"--user-data-dir={profile}", f"http://127.0.0.1:{port}/run/{key}"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(SETTLED_S)
            yield process.pid
        finally:
            process.terminate()
            process.wait()


def busy_s(process: int) -> float:
    """Seconds of the processor that a process and those that it started have used; of those that are gone none."""
    total = 0.0
    for one in (process, *children_of(process)):
        try:
            fields = Path(f"/proc/{one}/stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        total += sum(busy_s(child) for child in children_of(one)) if one != process else 0.0
    return total


def measured_once(name: str, out: Path, steps: int, way: str) -> dict[str, float]:
    """A run, watched in one of the ways: its seconds, and those of the processor that watching used meanwhile."""
    if way == ALONE:
        return {"run": ran(name, out, steps)}
    with served(out) as (server, port):
        watching = reader(port, out.name) if way == STREAM else browser(port, out.name)
        with watching as seen:
            time.sleep(1.0)
            before = busy_s(server), busy_s(seen) if isinstance(seen, int) else 0.0
            begun = time.perf_counter()
            took = ran(name, out, steps)
            clock = time.perf_counter() - begun
            after = busy_s(server), busy_s(seen) if isinstance(seen, int) else 0.0
            if isinstance(seen, list) and seen[0] < 1000:
                raise SystemExit("nothing came over the stream")
    return {
        "run": took,
        "server_percent": 100 * (after[0] - before[0]) / clock,
        "browser_percent": 100 * (after[1] - before[1]) / clock,
    }


def measured(name: str, steps: int, rounds: int, ways: Sequence[str]) -> dict[str, Any]:
    """Of runs that take turns."""
    turns: list[dict[str, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        ran(name, out, max(20, steps // 20))  # warms up, and leaves a run to be looked at before the first begins
        for number in range(rounds):
            order = [*ways[number % len(ways) :], *ways[: number % len(ways)]]
            turns.append({way: measured_once(name, out, steps, way) for way in order})
    found: dict[str, Any] = {"steps": steps, "run_s": round(statistics.median(t[ALONE]["run"] for t in turns), 2)}
    for way in ways[1:]:
        shares = [100 * (turn[way]["run"] / turn[ALONE]["run"] - 1) for turn in turns]
        found[way] = {
            "more_percent": round(statistics.median(shares), 2),
            "each": [round(share, 2) for share in shares],
            "server_percent": round(statistics.median(turn[way]["server_percent"] for turn in turns), 2),
            "browser_percent": round(statistics.median(turn[way]["browser_percent"] for turn in turns), 2),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", default=list(CHOSEN))
    parser.add_argument("--times", type=float, default=2.0, help="length of the runs, of the doctor_cost's")
    parser.add_argument("--no-file", action="store_true", help="show the figures only")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.train:
        train(chosen.train, chosen.out, chosen.steps)
        return
    ways = [ALONE, STREAM, *([PAGE] if any(map(shutil.which, BROWSERS)) else [])]
    begun, load = time.perf_counter(), os.getloadavg()[0]  # later the runs themselves keep the cores busy
    table: dict[str, Any] = {}
    for name in chosen.only:
        table[name] = measured(name, round(chosen.times * WORKLOADS[name].steps), chosen.rounds, ways)
        print(name, json.dumps(table[name], indent=1), flush=True)
    entry = {
        "unit": "per cent of the time of a run that nobody watches; of one core for server and browser",
        "quiet": load < BUSY,
        "load_before": round(load, 2),
        "cores": os.cpu_count(),
        "rounds": chosen.rounds,
        "table": table,
        "seconds": round(time.perf_counter() - begun),
    }
    print("quiet" if entry["quiet"] else "another process kept the machine busy")
    if not chosen.no_file:
        write("watch_cost", entry)


if __name__ == "__main__":
    main()
