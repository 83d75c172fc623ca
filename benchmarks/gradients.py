"""How far back a recurrent network's gradients reach, and what clipping does where they explode.

python -m benchmarks.gradients. Left, the norm of what a loss at step 200 says of the state t steps before (of an LSTM, of
its cell), in float64, on rows of noise: Elman's network with random weights of spectral radius 0.9 and 2, and LSTMs as they
start here, whose forget gates have bias 1, and with log(200), as Tallec and Ollivier 2018 (arXiv:1804.11188) choose it for so
long a memory.
After 199 steps 1 has become 9e-13 at radius 0.9 and 2e7 at radius 2; of the LSTMs 0.002 and 3e3: open gates keep it.
Right, networks of 64 units learn to add two marked numbers of 20 (Hochreiter and Schmidhuber 1997) by gradient descent with
momentum: Elman's as it is and with gradients clipped to a norm of 1 (Pascanu et al. 2013, arXiv:1211.5063), and an LSTM,
clipped too.
Without clipping the error passed 1e36 by update 329, where Sonde stops the run and names the step; clipped, it was 0.012 over
the last 50 of 1,200 updates, and 0.0004 with the LSTM (the mean alone gives 0.167).
Draws docs/pictures/gradients.svg.
"""

import math
import statistics
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import sonde
from benchmarks.depth import PANEL, STYLE, TITLE
from benchmarks.timing import ROOT, write
from sonde.core.dataset import InputSpec
from sonde.core.errors import NonFinite
from sonde.models.build import build
from sonde.models.recurrent import RecurrentConfig
from sonde.nn.recurrent import KERNELS, initialise
from sonde.nn.recurrent_cells import Kind, unrolled, weights_of
from sonde.report.figures import Axis, Series, curves

PICTURE = ROOT / "docs" / "pictures" / "gradients.svg"
STEPS, WIDTH, ROWS = 200, 64, 32
ADDED, UPDATES = 20, 1200  # steps of a row to be added, and updates of training
MEAN = 20  # updates that a point of a learning curve is the mean of
LOST = 10.0  # squared error at which a curve leaves the picture
CELLS: dict[str, tuple[Kind, float]] = {  # name -> kind, and its spectral radius or bias of the forget gates
    "Elman, 0.9": ("rnn", 0.9),
    "Elman, 2": ("rnn", 2.0),
    "LSTM, bias 1": ("lstm", 1.0),
    "LSTM, bias log 200": ("lstm", math.log(STEPS)),
}

LEARNERS = {
    "Elman, as it is": ("rnn", 0.0),
    "Elman, clipped": ("rnn", 1.0),
    "LSTM, clipped": ("lstm", 1.0),
}  # name, norm


def randomise(kernel: nn.RNNBase, radius: float) -> None:
    """Give the state's matrix independent normal entries, and this largest modulus of an eigenvalue."""
    weight = kernel.get_parameter("weight_hh_l0")
    nn.init.normal_(weight)
    with torch.no_grad():
        weight *= radius / torch.linalg.eigvals(weight.double()).abs().max().item()


def norms(kind: Kind, setting: float, seed: int) -> list[float]:
    """Of dL/ds by steps before the loss, s being the hidden state, of an LSTM its cell; means over rows."""
    torch.manual_seed(seed)
    kernel = KERNELS[kind](WIDTH, WIDTH, batch_first=True).double()
    initialise(kernel)
    if kind == "rnn":
        randomise(kernel, setting)
    else:
        kernel.get_parameter("bias_ih_l0").data[WIDTH : 2 * WIDTH] = setting
    values = 0.1 * torch.randn(ROWS, STEPS, WIDTH, dtype=torch.float64)
    states = [state[-1] for state in unrolled(kind, values, weights_of(kernel))]
    for state in states:
        state.retain_grad()
    direction = F.normalize(torch.randn(ROWS, WIDTH, dtype=torch.float64))
    (states[-1] * direction).sum().backward()  # so that the norm is 1 at the end
    return [_gradient(state).norm(dim=1).mean().item() for state in reversed(states)]


def _gradient(state: Tensor) -> Tensor:
    assert state.grad is not None
    return state.grad


def additions(rows: int) -> tuple[Tensor, Tensor]:
    """(rows, ADDED, 2) numbers in 0..1 with marks, one in each half, and (rows, 1) the sum of the two that are marked."""
    numbers, marks = torch.rand(rows, ADDED), torch.zeros(rows, ADDED)
    for half in range(2):
        marks.scatter_(1, torch.randint(ADDED // 2, (rows, 1)) + half * ADDED // 2, 1.0)
    return torch.stack([numbers, marks], 2), (numbers * marks).sum(1, keepdim=True)


def learning(name: str, clip: float) -> list[float]:
    """Mean squared errors, one an update, up to the first that is not finite."""
    torch.manual_seed(0)
    x, y = additions(ROWS * UPDATES)
    config = RecurrentConfig(embedding=WIDTH, width=WIDTH, pool="last")
    model = build(name, InputSpec(kind="series", shape=(ADDED, 2)), 1, config)
    losses: list[float] = []

    def loss(output: Tensor, target: Tensor) -> Tensor:
        found = F.mse_loss(output, target)
        losses.append(found.item())
        return found

    settings = {"optimizer": "momentum", "lr": 0.05, "clip": clip, "batch_size": ROWS, "seed": 0, "threads": 1}
    try:
        for _ in sonde.steps(model, (x, y), loss=loss, total=UPDATES, **settings):
            pass
    except NonFinite as lost:
        print(lost)  # what was to be seen: the curve ends here
    return [value for value in losses if math.isfinite(value)]


def smoothed(losses: list[float]) -> list[tuple[float, float]]:
    """Means over `MEAN` updates, up to the first above `LOST`, which is drawn there."""
    points = []
    for start in range(0, len(losses), MEAN):
        value = statistics.mean(losses[start : start + MEAN])
        points.append((float(start + MEAN), min(value, LOST)))
        if value > LOST:
            break
    return points


def panel(series: list[Series], x: Axis, y: Axis, title: str, number: int) -> str:
    drawn = curves(series, x, y, name=title)
    left, (width, height) = number * PANEL[0], PANEL
    place = f'<svg x="{left}" y="{TITLE}" width="{width}" height="{height}">{drawn}</svg>'
    return f'<text class="title" x="{left + 64}" y="20">{title}</text>{place}'


def draw(reach: dict[str, list[float]], learnt: dict[str, list[float]]) -> None:
    width, height = 2 * PANEL[0], PANEL[1] + TITLE
    back = [
        Series(name=name, points=[(float(t), v) for t, v in enumerate(values) if v > 0], colour=colour)
        for colour, (name, values) in enumerate(reach.items(), 1)
    ]
    by_update = [
        Series(name=name, points=smoothed(values), colour=colour)
        for colour, (name, values) in enumerate(learnt.items(), 1)
    ]
    panels = panel(back, Axis(label="steps before the loss"), Axis(label="norm of the gradient", log=True), "Reach", 0)
    panels += panel(
        by_update,
        Axis(label="update"),
        Axis(label="squared error", log=True),
        "Learning to add",
        1,
    )
    paper = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    PICTURE.write_text(f"{head}<style>{STYLE}</style>{paper}{panels}</svg>\n", encoding="utf-8")


def main() -> None:
    begun = time.perf_counter()
    reach = {name: norms(kind, setting, seed=0) for name, (kind, setting) in CELLS.items()}
    learnt = {name: learning(*settings) for name, settings in LEARNERS.items()}
    draw(reach, learnt)
    table = {
        "norm of the gradient, by steps before the loss": {
            name: {str(t): float(f"{values[t]:.3g}") for t in (0, 10, 50, 100, STEPS - 1)}
            for name, values in reach.items()
        },
        "squared error": {
            name: {
                "updates": len(values),
                "largest": float(f"{max(values):.3g}"),
                "mean of the last 50": float(f"{statistics.mean(values[-50:]):.3g}"),
            }
            for name, values in learnt.items()
        },
    }
    for name, rows in table.items():
        print(name, *(f"  {row}: {found}" for row, found in rows.items()), sep="\n")
    write("gradients", {"steps": STEPS, "width": WIDTH, "table": table, "seconds": round(time.perf_counter() - begun)})


if __name__ == "__main__":
    main()
