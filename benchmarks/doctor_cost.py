"""What the doctor costs: the share of a run's time that looking on takes, on five workloads, three with steps below 1 ms.

python -m benchmarks.doctor_cost: in one process, runs of `sonde.fit` with the doctor and without take turns, equal in all else;
whole calls are timed, from the data to the report, by the processor's time of this process (one thread), which neighbours on
the machine disturb less than a clock. A round is one of each; the share is the median over rounds of what is more, of what is
without; beside it stands that of the fastest run of each, which a neighbour on the same core disturbs least. Short runs are of
so few steps that the first looks weigh most. Where another process keeps the machine busy, the file says so.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import sonde
from benchmarks.timing import write
from sonde.engine.json_lines import read_lines

BUSY = 1.3  # processes that want to run, on average over a minute, from which the machine is not quiet


@dataclass(frozen=True)
class Workload:
    """A network, rows for it, and how many steps a run takes."""

    net: Callable[[], nn.Module]
    rows: Callable[[], tuple[Tensor, Tensor]]
    batch: int
    steps: int
    short: int
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy


class Tabular(nn.Module):
    """Four columns of codes, embedded, beside eight numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.codes = nn.ModuleList(nn.Embedding(20, 6) for _ in range(4))
        self.body = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, x: Tensor) -> Tensor:
        embedded = [layer(x[:, place].long()) for place, layer in enumerate(self.codes)]
        return self.body(torch.cat([*embedded, x[:, 4:]], 1))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(4, 16, batch_first=True), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0][:, -1])


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        rows, length, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(rows, length, 3, 4, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(rows, length, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class GPT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(96, 128), nn.Embedding(64, 128)
        self.blocks, self.head = nn.Sequential(*(Block(128) for _ in range(4))), nn.Linear(128, 96)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.tokens(x) + self.places(torch.arange(x.shape[1]))))


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(512, 10),
    )


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def told(x: Tensor, classes: int) -> Tensor:
    """Classes that can be learned: which of the first numbers of a row is the largest."""
    return x.flatten(1)[:, :classes].argmax(1)


def tabular_rows() -> tuple[Tensor, Tensor]:
    x = torch.cat([drawn(8192, 4).abs().mul(6).floor().clamp(max=19), drawn(8192, 8)], 1)
    return x, (x[:, 4] > 0).long()


def of(*shape: int, classes: int) -> Callable[[], tuple[Tensor, Tensor]]:
    def rows() -> tuple[Tensor, Tensor]:
        x = drawn(*shape)
        return x, told(x, classes)

    return rows


def tokens() -> tuple[Tensor, Tensor]:
    text = drawn(512, 65).abs().mul(30).long().clamp(max=95)
    return text[:, :-1].contiguous(), text[:, 1:].contiguous()


def next_token(output: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(output.flatten(0, 1), target.flatten())


WORKLOADS = {
    "mlp, 20 columns": Workload(mlp, of(8192, 20, classes=3), 64, 30_000, 500),
    "tabular, embeddings": Workload(Tabular, tabular_rows, 64, 20_000, 500),
    "lstm, 8 steps of 4": Workload(Recurrent, of(8192, 8, 4, classes=3), 32, 12_000, 400),
    "cnn with batch norm, 28x28": Workload(cnn, of(2048, 1, 28, 28, classes=10), 64, 600, 40),
    "gpt, 4 layers of 128": Workload(GPT, tokens, 16, 300, 40, next_token),
}


def timed(work: Workload, steps: int, *, doctor: bool, folder: Path) -> dict[str, float]:
    """Seconds of a whole run, of the processor and of the clock; how many steps were looked at."""
    torch.manual_seed(0)
    net, rows = work.net(), work.rows()
    settings: dict[str, Any] = {"optimizer": "adam", "lr": 1e-3, "batch_size": work.batch, "steps": steps, "threads": 1}
    begun, clock = time.process_time(), time.perf_counter()
    sonde.fit(net, rows, loss=work.loss, out=folder, doctor=doctor, quiet=True, **settings)
    spent, took = time.process_time() - begun, time.perf_counter() - clock
    return {"processor": spent, "clock": took, "looks": len(read_lines(folder / "signals.jsonl"))}


def measured(work: Workload, steps: int, rounds: int) -> dict[str, Any]:
    """Of runs that take turns."""
    pairs = []
    for number in range(rounds + 1):  # the first warms up
        turn: dict[bool, dict[str, float]] = {}
        for doctor in (True, False) if number % 2 else (False, True):
            with tempfile.TemporaryDirectory() as folder:
                turn[doctor] = timed(work, steps, doctor=doctor, folder=Path(folder) / "run")
        pairs.append(turn)
    found: dict[str, Any] = {"steps": steps, "looks": int(statistics.median(p[True]["looks"] for p in pairs[1:]))}
    for kind in ("processor", "clock"):
        least = [min(p[doctor][kind] for p in pairs[1:]) for doctor in (True, False)]
        shares = sorted(100 * (p[True][kind] / p[False][kind] - 1) for p in pairs[1:])
        found |= {
            f"{kind}_s": round(statistics.median(p[False][kind] for p in pairs[1:]), 3),
            f"{kind}_more_percent": round(statistics.median(shares), 2),
            f"{kind}_least_more_percent": round(100 * (least[0] / least[1] - 1), 2),
            f"{kind}_quartiles": [round(each, 2) for each in statistics.quantiles(shares, n=4)[::2]],
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="*", default=list(WORKLOADS))
    parser.add_argument("--no-file", action="store_true", help="show the figures only")
    chosen = parser.parse_args()
    begun, load = time.perf_counter(), [os.getloadavg()[0]]
    table: dict[str, Any] = {}
    for name in chosen.only:
        work = WORKLOADS[name]
        table[name] = {
            "long": measured(work, work.steps, chosen.rounds),
            "short": measured(work, work.short, chosen.rounds),
        }
        load.append(os.getloadavg()[0])
        print(name, table[name], flush=True)
    entry = {
        "unit": "per cent of the time of a run without the doctor",
        "quiet": max(load) < BUSY,
        "load": [round(each, 2) for each in load],
        "rounds": chosen.rounds,
        "table": table,
        "seconds": round(time.perf_counter() - begun),
    }
    print(entry["load"], "quiet" if entry["quiet"] else "another process kept the machine busy")
    if not chosen.no_file:
        write("doctor_cost", entry)


if __name__ == "__main__":
    main()
