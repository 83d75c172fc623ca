"""Of competing causes the one is named that a probe speaks for; the run itself is as without."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from sample_tasks import CPU, Supervised, blobs, mlp, stepper
from torch import Tensor, nn
from torch.nn import functional as F

import sonde
from sonde.core.config import FeedConfig
from sonde.core.generation import Generation
from sonde.core.seams import Abilities
from sonde.data.feed.tensors import tensor_source
from sonde.diagnose import differential
from sonde.diagnose.differential import Probing, at_the_end, judged, told_apart
from sonde.diagnose.seen import Context, Seen
from sonde.diagnose.signals.sample import Trace
from sonde.diagnose.suspicion import Suspicion, ranked
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines
from sonde.engine.step import Stepper
from sonde.engine.tree import copied, same

CONTEXT = Context(own=True, task="", phases=1, optimizer="adam", rate=1e-2, rows=32, batches=8, total=100)
STANDING = Suspicion(name="not-learning", evidence="it stands", action="", place="outcome", certainty="likely")


def seen(rate: float = 1e-2) -> Seen:
    return Seen(context=Context(**{**vars(CONTEXT), "rate": rate}), trace=Trace(losses=[1.1] * 100))


def probing(net: nn.Module, data: dict[str, Tensor], *, lr: float = 1e-2, **more: Any) -> tuple[Stepper, Probing]:
    torch.manual_seed(1)
    steps = stepper(Supervised(net), lr=lr)
    source = tensor_source(data, FeedConfig(batch_size=32), training=True, seed=1, device=CPU)
    return steps, Probing(steps, source, peak=lr, **more)


def test_targets_that_were_dealt_out_anew() -> None:
    data = blobs(2048)
    data["target"] = data["target"][torch.randperm(2048, generator=torch.Generator().manual_seed(2))]
    torch.manual_seed(0)
    made = probing(mlp(2, 64, 64, 3), data)[1]
    made.batches[0] = made.batches[0].rows(slice(0, 6))  # of two inputs, few rows can be known by heart
    found = ranked(told_apart(seen(), [STANDING], made))
    again = told_apart(seen(), [STANDING, found[0]], made)  # as the run itself has said at its end
    assert [each.name for each in again] == ["labels-unrelated-to-inputs", "not-learning"]
    assert [(each.name, each.certainty) for each in found] == [
        ("labels-unrelated-to-inputs", "likely"),
        ("not-learning", "suspected"),
    ]
    assert [each.name for each in made.made] == ["by-heart", "related"]
    assert all(trial.said in found[0].evidence for trial in made.made)


def test_a_network_that_cannot_learn() -> None:
    class Bland(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x * 0)

    made = probing(Bland(), blobs(512))[1]
    found = ranked(told_apart(seen(), [STANDING], made))
    assert [each.name for each in found] == ["network-cannot-learn", "not-learning"]


@pytest.mark.parametrize(
    ("width", "others", "named"),
    [
        (64, ["plateau"], ["network-cannot-learn", "plateau"]),
        (64, [], []),  # of which nothing is suspected
        (4, ["plateau"], ["plateau"]),  # with fewer weights than are needed for rows that are noise
        (64, ["plateau", "vanishing-gradient"], ["vanishing-gradient", "plateau"]),  # which says more
    ],
)
def test_a_plateau_of_a_network_that_knows_no_batch_by_heart(width: int, others: list[str], named: list[str]) -> None:
    """Its scores lie within ± 0.1, by which no class can be told: the rows are used, and the loss stays near ln 3."""

    class Bounded(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 0.1 * x.tanh()

    torch.manual_seed(0)
    made = probing(nn.Sequential(mlp(2, width, 3), Bounded()), blobs(512))[1]
    held = [
        Suspicion(name=name, evidence="", action="", place=place, certainty=sure)  # type: ignore[arg-type]
        for name, place, sure in (("vanishing-gradient", "gradient", "likely"), ("plateau", "optimiser", "suspected"))
        if name in others
    ]
    found = ranked(judged(seen(), held, made))
    assert [each.name for each in found] == named


def test_a_rate_that_nobody_suspected() -> None:
    torch.manual_seed(0)
    made = probing(mlp(2, 64, 3), blobs(2048), lr=1e-5)[1]
    found = ranked(told_apart(seen(1e-5), [STANDING], made))
    assert found[0].name == "learning-rate-too-low"
    assert "--lr 0.000100" in found[0].action


def test_a_suspected_rate_gets_the_numbers_of_a_trial() -> None:
    torch.manual_seed(0)
    low = Suspicion(name="learning-rate-too-low", evidence="small", action="", place="optimiser", certainty="likely")
    made = probing(mlp(2, 64, 3), blobs(2048), lr=1e-5)[1]
    (found,) = told_apart(seen(1e-5), [low], made)
    assert found.evidence.startswith("small; after 25 steps at 1.00e-05 the loss on other rows is ")
    fine = probing(mlp(2, 64, 3), blobs(2048), lr=3.0)[1]
    assert told_apart(seen(3.0), [low], fine) == [low]


@pytest.mark.parametrize(
    "others",
    [
        [],
        [Suspicion(name="x", evidence="", action="", place="model", certainty="certain"), STANDING],
        [Suspicion(name="not-learning", evidence="", action="", place="outcome", certainty="suspected")],
        [Suspicion(name="overfitting", evidence="", action="", place="outcome", certainty="likely")],
        [Suspicion(name="underfitting", evidence="", action="", place="model", certainty="likely")],
    ],
)
def test_where_nothing_is_to_be_told_apart_nothing_is_tried(others: list[Suspicion]) -> None:
    made = probing(mlp(2, 8, 3), blobs(64))[1]
    assert told_apart(seen(), others, made) == others
    assert made.made == []


def test_without_time_nothing_is_tried() -> None:
    steps, _ = probing(mlp(2, 8, 3), blobs(64))
    source = tensor_source(blobs(64), FeedConfig(batch_size=32), training=True, seed=1, device=CPU)
    short = Probing(steps, source, peak=1e-2, seconds=0.0)
    assert not short.possible
    assert told_apart(seen(), [STANDING], short) == [STANDING]


def test_a_run_of_seconds_has_a_third_of_one_besides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its probes end at a deadline: 0.3 s and 1 % of what it took, 2 s at most."""
    steps, _ = probing(mlp(2, 8, 3), blobs(64))
    source = tensor_source(blobs(64), FeedConfig(batch_size=32), training=True, seed=1, device=CPU)
    monkeypatch.setattr(differential.time, "perf_counter", lambda: 100.0)
    ends = [at_the_end(steps, source, None, peak=1e-2, elapsed=each)._deadline - 100 for each in (0.0, 10.0, 1e4)]
    assert ends == pytest.approx([0.3, 0.4, 2.0])
    assert at_the_end(steps, source, None, peak=1e-2, elapsed=0.5).possible


def trained(folder: Path, **more: Any) -> Mapping[str, Any]:
    """A run on targets without a meaning, to its end, and a checkpoint from which it can be trained further."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(4)
    x, y = torch.randn(4096, 8, generator=generator), torch.randint(3, (4096,), generator=generator)
    net = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3))
    settings: dict[str, Any] = {"steps": 120, "batch_size": 32, "threads": 1, "quiet": True, "lr": 1e-3, **more}
    sonde.fit(net, (x, y), validation=0.25, loss=F.cross_entropy, out=folder, **settings)
    held, state = checkpoint.read(folder / "checkpoints" / "last")
    return {
        "weights": held,
        "optimizers": state["stepper"]["optimizers"],
        "random": state["random"],
        "source": state["source"],
        "buffers": state["buffers"],
    }


def test_a_run_is_bit_by_bit_the_same_with_its_probes_and_so_is_what_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    whole = Probing.possible

    def remembered(self: Probing) -> bool:
        made.append(self)
        return bool(whole.fget(self))  # type: ignore[misc]

    monkeypatch.setattr(differential, "SHARE", 100.0)
    monkeypatch.setattr(Probing, "possible", property(remembered))
    plain = (
        copied(trained(tmp_path / "plain", doctor=False)),
        copied(trained(tmp_path / "plain", doctor=False, steps=160)),
    )
    assert made == []
    probed = copied(trained(tmp_path / "probed")), copied(trained(tmp_path / "probed", steps=160))
    assert [trial.name for trial in made[0].made][:1] == ["by-heart"]
    assert same(plain[0], probed[0])
    assert same(plain[1], probed[1])
    names = [line["name"] for line in read_lines(tmp_path / "probed" / "findings.jsonl")]
    assert "labels-unrelated-to-inputs" in names


def test_of_rows_without_targets_and_of_answers_that_are_drawn_nothing_is_asked() -> None:
    steps, made = probing(mlp(2, 8, 3), blobs(64), targets=False)
    steps.task.abilities = Abilities(generation=Generation(draw=lambda request: request.start, latent=(2,)))  # type: ignore[attr-defined]
    assert judged(seen(), [], made) == []
    assert made.made == []
    _, asked = probing(mlp(2, 8, 3), blobs(64))
    judged(seen(), [], asked)
    assert [each.name for each in asked.made] == ["by-heart", "related", "inputs"]
