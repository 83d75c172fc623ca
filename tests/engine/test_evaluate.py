"""Judging adds up every row once and leaves training as it was."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from sample_tasks import CPU, Denoising, Supervised, blobs, mlp
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.config import FeedConfig
from sonde.core.pace import never
from sonde.core.seams import Abilities
from sonde.data.feed.tensors import tensor_source
from sonde.engine import random_state
from sonde.engine.evaluate import EvaluationBudget, evaluate, evaluation_mode
from sonde.engine.execution.settings import StepSettings
from sonde.engine.signals import EvaluationStopped, StopRequest, stopping
from sonde.engine.tree import copied, same
from sonde.optim.ema import EMA

SETTINGS = StepSettings(device=CPU)


def source(rows: int = 100, batch_size: int = 32) -> Any:
    return tensor_source(blobs(rows), FeedConfig(batch_size=batch_size), training=False, seed=0, device=CPU)


def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(mlp(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))


def test_the_mean_over_all_rows_does_not_depend_on_the_batches() -> None:
    task = Supervised(model())
    found = [evaluate(task, source(batch_size=size), SETTINGS).compute()["loss"] for size in (7, 32, 100)]
    data = blobs(100)
    task.modules.eval()
    whole = nn.functional.cross_entropy(task.modules["model"](data["input"]), data["target"])
    assert found == pytest.approx([float(whole.detach())] * 3, rel=1e-6)


def test_modes_weights_buffers_gradients_and_streams_stay() -> None:
    task = Supervised(model())
    task.modules.train()
    task.modules["model"][1].eval()  # type: ignore[index]  # a frozen batch norm
    before = copied(
        [task.modules.state_dict(), random_state.capture(CPU), [m.training for m in task.modules.modules()]]
    )
    meter = evaluate(task, source(), SETTINGS)
    after = [task.modules.state_dict(), random_state.capture(CPU), [m.training for m in task.modules.modules()]]
    assert same(before, after)
    assert all(p.grad is None and not p.is_inference() for p in task.modules.parameters())
    assert meter.compute()["loss"] > 0


def test_what_a_task_draws_while_judging_is_not_missing_in_training() -> None:
    task = Denoising(mlp(3, 8, 2), 20)  # its loss draws levels and noise
    torch.manual_seed(4)
    expected = torch.rand(3), np.random.get_state(legacy=True)[1]  # type: ignore[index]
    torch.manual_seed(4)
    first = evaluate(task, source(), SETTINGS).compute()
    assert evaluate(task, source(), SETTINGS).compute() == first
    assert torch.equal(torch.rand(3), expected[0])


def test_everything_is_put_back_when_judging_fails() -> None:
    class Failing(Supervised):
        def evaluate(self, batch: Batch) -> dict[str, Tensor]:
            torch.rand(5)
            raise ZeroDivisionError

    task = Failing(model())
    task.modules.train()
    average = EMA(task.modules, 0.5)
    with torch.no_grad():
        for parameter in task.modules.parameters():
            parameter.add_(1.0)
    average.update()
    before = copied([task.modules.state_dict(), random_state.capture(CPU)])
    with pytest.raises(ZeroDivisionError):
        evaluate(task, source(), SETTINGS, average=average)
    assert same(before, [task.modules.state_dict(), random_state.capture(CPU)])
    assert task.modules.training
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


def test_the_averaged_weights_are_judged_where_there_are_any() -> None:
    task = Supervised(model())
    plain = evaluate(task, source(), SETTINGS).compute()
    average = EMA(task.modules, 0.5)
    with torch.no_grad():
        for parameter in task.modules.parameters():
            parameter.mul_(3.0)
    assert evaluate(task, source(), SETTINGS, average=average).compute() == plain
    assert evaluate(task, source(), SETTINGS).compute() != plain


def test_no_graph_is_kept_and_the_precision_is_that_of_training() -> None:
    seen: list[Mapping[str, Any]] = []

    class Spy(Supervised):
        def evaluate(self, batch: Batch) -> dict[str, Tensor]:
            logits = self.modules["model"](batch["input"])
            seen.append({"dtype": logits.dtype, "graph": logits.requires_grad, "training": self.modules.training})
            return super().evaluate(batch)

    evaluate(Spy(mlp(2, 3)), source(rows=8), StepSettings(device=CPU, precision="bf16"))
    assert seen == [{"dtype": torch.bfloat16, "graph": False, "training": False}]


def test_progress_is_told_batch_by_batch() -> None:
    told: list[tuple[str, int, int]] = []
    evaluate(Supervised(mlp(2, 3)), source(), SETTINGS, tick=lambda *words: told.append(words), label="judging")
    assert told == [("judging", n, 4) for n in (1, 2, 3, 4)]


def test_parameters_can_be_trained_after_they_were_judged() -> None:
    net = model()
    with evaluation_mode(net):
        net(torch.randn(4, 2))
    net(torch.randn(4, 2)).sum().backward()
    assert net[3].weight.grad is not None


def test_a_brief_look_is_taken_where_a_task_has_one() -> None:
    task: Any = Supervised(model())
    whole = evaluate(task, source(), SETTINGS).compute()
    assert evaluate(task, source(), SETTINGS, brief=True).compute() == whole
    seen: list[int] = []

    def quick(batch: Batch) -> Mapping[str, Tensor]:
        seen.append(len(batch))
        return {name: value + 1 for name, value in task.evaluate(batch).items()}

    task.quick_evaluate = quick  # a method of the user's own that happens to be called so
    evaluate(task, source(), SETTINGS, brief=True)
    assert not seen
    task.abilities = Abilities(quick_evaluate=quick)
    assert evaluate(task, source(), SETTINGS).compute() == whole
    assert not seen
    brief = evaluate(task, source(), SETTINGS, brief=True).compute()
    assert sum(seen) == 100
    assert brief["loss"] == pytest.approx(whole["loss"] + 1)


class Hands:
    """A clock that moves by `row_s` for each row that is evaluated."""

    def __init__(self, row_s: float) -> None:
        self.now, self.row_s = 0.0, row_s

    def __call__(self) -> float:
        return self.now


class Slow(Supervised):
    """Takes its time for each row, and keeps which it was asked for."""

    def __init__(self, hands: Hands) -> None:
        super().__init__(mlp(2, 3))
        self.hands, self.rows = hands, []

    def evaluate(self, batch: Batch) -> dict[str, Tensor]:
        self.rows += batch.index.tolist()
        self.hands.now += self.hands.row_s * len(batch)
        return super().evaluate(batch)


@pytest.mark.parametrize(("seconds", "most", "fewest"), [(1000, 100, 100), (50, 56, 40), (10, 16, 8), (0, 8, 8)])
@pytest.mark.parametrize("row_s", [1.0, None])
def test_a_budget_is_kept_and_says_how_many_rows_it_was(
    seconds: float, most: int, fewest: int, row_s: float | None
) -> None:
    hands = Hands(1.0)
    task, data = Slow(hands), source(rows=100, batch_size=8)
    budget = EvaluationBudget(seconds, rows=100, row_s=row_s, now=hands)
    meter = evaluate(task, data, SETTINGS, budget=budget)
    extra = 0 if row_s else 8  # without a word on how long a row takes, the first batch is evaluated whole
    assert fewest <= budget.evaluated == len(task.rows) <= most + extra
    assert budget.whole is (budget.evaluated == 100)
    assert meter.compute()["loss"] > 0
    task.rows.clear()
    evaluate(task, data, SETTINGS)  # the next evaluation begins at the beginning
    assert task.rows == list(range(100))


class Games:
    """Rows that take a second each to be played, ten in a group, of which none is given away before all are over."""

    batches, epoch, which = 10, 0, ""

    def __init__(self, hands: Hands) -> None:
        self.hands, self.leave_off, self.so_far = hands, never, (0, 100)
        self.within_s: float | None = None
        self.had_s: float | None = None  # when it was read last

    def expected_s(self, at_most_s: float) -> float:
        return 100.0

    def __iter__(self) -> Iterator[Batch]:
        self.had_s = self.within_s
        for group in range(10):
            for _ in range(10):
                if self.leave_off():
                    return
                self.hands.now += 1
                self.so_far = self.so_far[0] + 1, 100
            yield Batch({"input": torch.zeros(10, 2), "target": torch.zeros(10).long()}, torch.arange(10) + 10 * group)

    def describe(self, index: int) -> str:
        return f"game {index}"

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Any) -> None:
        pass


def test_progress_of_games_is_told_by_game_and_not_by_group() -> None:
    hands, told = Hands(0.0), []
    evaluate(Slow(hands), Games(hands), SETTINGS, tick=lambda label, done, of: told.append((done, of)))
    assert {of for _, of in told} == {100}
    assert sorted({done for done, _ in told}) == list(range(101))


@pytest.mark.parametrize(("seconds", "rows"), [(1000, 100), (24, 20), (3, 0)])
def test_games_leave_off_when_the_time_is_over_and_those_that_were_played_are_evaluated(
    seconds: float, rows: int
) -> None:
    hands = Hands(0.0)
    task, games = Slow(hands), Games(hands)
    budget = EvaluationBudget(seconds, rows=100, row_s=1.0, now=hands)
    evaluate(task, games, SETTINGS, budget=budget)
    assert task.rows == list(range(rows))
    assert hands.now <= seconds + 1
    assert budget.evaluated == rows
    assert budget.whole is (rows == 100)
    assert budget.nothing is (rows == 0)
    assert games.had_s == seconds
    evaluate(task, games, SETTINGS)
    assert games.had_s is None
    assert task.rows[rows:] == list(range(100))


def test_what_is_played_is_heeded_between_batches_too() -> None:
    """A tick that raises, as one does after a stop was asked for, ends an evaluation within its first batch."""
    hands, request = Hands(0.0), StopRequest()
    task, games = Slow(hands), Games(hands)

    def at_third(label: str, done: int, total: int) -> None:
        request.number = 15 if hands.now >= 3 else None

    with pytest.raises(EvaluationStopped):
        evaluate(task, games, SETTINGS, tick=stopping(request, at_third))
    assert hands.now == 3
    assert task.rows == []
    assert not games.leave_off()


def test_what_is_left_out_is_left_out_evenly() -> None:
    hands = Hands(1.0)
    task, budget = Slow(hands), EvaluationBudget(200, rows=400, row_s=1.0, now=hands)
    evaluate(task, source(rows=400, batch_size=20), SETTINGS, budget=budget)
    quarters = [sum(row // 100 == part for row in task.rows) for part in range(4)]
    assert sum(quarters) == budget.evaluated == pytest.approx(200, abs=20)
    assert min(quarters) >= 30
    assert len(set(task.rows)) == len(task.rows)


def test_a_search_is_asked_for_some_rows_at_a_time() -> None:
    """A second for each call, however many rows: taken one by one, only few would be evaluated."""
    hands, calls = Hands(0.0), []

    class Search(Slow):
        def evaluate(self, batch: Batch) -> dict[str, Tensor]:
            calls.append(len(batch))
            hands.now += 1.0
            return super().evaluate(batch)

    budget = EvaluationBudget(5.5, rows=1000, row_s=1.0, now=hands)
    evaluate(Search(hands), source(rows=1000, batch_size=100), SETTINGS, budget=budget)
    assert min(calls) >= 16
    assert budget.evaluated > 100
    assert hands.now <= 7


def test_rows_that_become_cheaper_are_no_reason_to_leave_any_out() -> None:
    """Sequences come from the longest to the shortest: the first ones take longer than the mean."""
    hands = Hands(1.5)

    class Shorter(Slow):
        def evaluate(self, batch: Batch) -> dict[str, Tensor]:
            hands.row_s = 1.5 - float(batch.index[0]) / 100
            return super().evaluate(batch)

    budget = EvaluationBudget(115, rows=100, row_s=1.0, now=hands)
    evaluate(Shorter(hands), source(rows=100, batch_size=10), SETTINGS, budget=budget)
    assert budget.whole


def test_games_that_end_of_themselves_before_all_are_played_are_a_part() -> None:
    class Fewer(Games):
        def __iter__(self) -> Iterator[Batch]:
            yield next(super().__iter__())

    hands = Hands(0.0)
    budget = EvaluationBudget(1000, rows=100, row_s=1.0, now=hands)
    evaluate(Slow(hands), Fewer(hands), SETTINGS, budget=budget)
    assert (budget.evaluated, budget.whole, budget.nothing) == (10, False, False)
