"""Rows of tables: each column by its own distribution, beside those of torch."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Bernoulli, Normal

import sonde
from sonde.core.dataset import Column, InputSpec
from sonde.nn.column_code import UNSEEN
from sonde.run import finish
from sonde.tasks.vae.column_likelihood import Columns

NUMBER = Column(name="x", kind="number", source="x")
GAP = Column(name="x missing", kind="number", source="x", part="missing")
FEW = Column(name="c", kind="category", source="c", categories=("a", "b", "c"), gaps=False)
MANY = Column(name="m", kind="category", source="m", categories=tuple(map(str, range(19))), gaps=True)  # in 5 bits
SPEC = InputSpec(kind="table", shape=(4,), columns=(NUMBER, GAP, FEW, MANY))


def output(likelihood: Columns, rows: int) -> Tensor:
    return torch.randn(rows, likelihood.code.width, generator=torch.Generator().manual_seed(0))


def test_each_column_has_its_own_distribution() -> None:
    likelihood = Columns(SPEC)
    rows = torch.tensor([[0.5, 0.0, 2.0, 7.0], [0.0, 1.0, 3.0, 0.0], [-1.0, 0.0, 0.0, 19.0]])
    said, target = output(likelihood, 3), likelihood.target(rows, None)
    found = likelihood.each(said, target)
    number, gap, few, bits = said[:, 0], said[:, 1], said[:, 2:5], said[:, 5:]
    expected = -Normal(number, 1.0).log_prob(rows[:, 0])
    expected[1] = 0  # a number that is missing says nothing
    torch.testing.assert_close(found[:, 0], expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[:, 1], -Bernoulli(logits=gap).log_prob(rows[:, 1]))
    category = F.cross_entropy(few, torch.tensor([1, 2, 0]), reduction="none")
    torch.testing.assert_close(found[:, 2], category - torch.tensor([0, 0, UNSEEN]))  # one that no training row had
    ones = torch.tensor([[7 >> bit & 1 for bit in range(5)], [0] * 5, [19 >> bit & 1 for bit in range(5)]]).float()
    torch.testing.assert_close(found[:, 3], -Bernoulli(logits=bits).log_prob(ones).sum(1))
    torch.testing.assert_close(likelihood.log_probability(said, target), -found.sum(1))


def test_without_rows_columns_are_normal_and_categories_alike() -> None:
    likelihood = Columns(SPEC)
    output, deviation = likelihood.alone([])
    found = likelihood.each(output[None], likelihood.target(torch.tensor([[0.5, 0.0, 2.0, 7.0]]), None), deviation)
    expected = float(Normal(0.0, 1.0).log_prob(torch.tensor(0.5))) - math.log(2) - math.log(3) - 5 * math.log(2)
    assert float(found.sum()) == pytest.approx(-expected, abs=1e-5)


def test_what_a_decoder_learns_alone_is_the_likeliest_that_is_one_for_all_rows() -> None:
    draw = torch.Generator().manual_seed(2)
    gap = (torch.rand(300, generator=draw) < 0.1).float()
    few = torch.multinomial(torch.tensor([0.0, 0.7, 0.2, 0.1]), 300, replacement=True, generator=draw).float()
    many = torch.randint(3, 9, (300,), generator=draw).float()
    rows = torch.stack([(1.5 + 0.3 * torch.randn(300, generator=draw)) * (1 - gap), gap, few, many], 1)
    likelihood = Columns(SPEC)
    target = likelihood.target(rows, None)
    output, deviation = likelihood.alone([target[:100], target[100:]])
    present = rows[gap == 0, 0]
    assert float(output[0]) == pytest.approx(float(present.mean()), abs=1e-5)
    assert float(deviation) == pytest.approx(float(present.std(correction=0)), abs=1e-5)
    learned = [output.clone().requires_grad_(), deviation.log().requires_grad_()]
    optimizer = torch.optim.LBFGS(learned, max_iter=60, line_search_fn="strong_wolfe")

    def nats() -> Tensor:
        optimizer.zero_grad()
        found = likelihood.each(learned[0].expand(300, -1), target, learned[1].exp()).sum(1).mean()
        found.backward()
        return found

    before = float(nats().detach())
    optimizer.step(nats)  # type: ignore[arg-type]
    assert 0 <= before - float(nats().detach()) < 0.02  # by the half rows that keep what was never seen possible


def test_the_density_of_a_bent_number_comes_to_one() -> None:
    skewed = tuple(float(each) for each in np.expm1(np.linspace(0, 2, 33)))
    likelihood = Columns(InputSpec(kind="table", shape=(1,), columns=(replace(NUMBER, quantiles=skewed),)))
    with torch.no_grad():
        likelihood.log_deviation.fill_(math.log(0.5))
    x = torch.linspace(-10, 40, 200_001, dtype=torch.float64)[:, None]
    nats = likelihood.log_probability(torch.full((len(x), 1), 0.3, dtype=torch.float64), likelihood.target(x, None))
    assert float(torch.trapezoid(nats.detach().exp(), x[:, 0])) == pytest.approx(1, abs=1e-3)


def test_samples_are_as_likely_as_said_and_rows_of_the_table() -> None:
    likelihood = Columns(SPEC)
    said = output(likelihood, 1).expand(20_000, -1)
    noise = torch.Generator().manual_seed(1)
    with torch.no_grad():
        found = likelihood.drawn(said, lambda shape: torch.randn(shape, generator=noise))
    gap, few, bits = said[0, 1], said[0, 2:5], said[0, 5:]
    assert float(found[:, 1].mean()) == pytest.approx(float(gap.sigmoid()), abs=0.02)
    shares = torch.bincount(found[:, 2].long(), minlength=4)[1:] / len(found)
    torch.testing.assert_close(shares, few.softmax(0), atol=0.02, rtol=0)
    assert found[:, 3].min() >= 0
    assert found[:, 3].max() <= 19
    odd = float((found[:, 3] % 2).mean())
    assert odd == pytest.approx(float(bits[0].sigmoid()), abs=0.08)  # patterns of no value become their nearest
    assert (found[found[:, 1] == 1, 0] == 0).all()


def test_a_mixed_table_comes_back_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finish, "look", lambda *given: [])
    drawn = np.random.default_rng(0)
    lines = ["day,age,sex,town,fare"]
    for n in range(160):
        age = "" if n % 4 == 0 else str(drawn.integers(1, 80))
        day = f"2024-{1 + n % 12:02}-{1 + n % 28:02}"
        lines.append(f"{day},{age},{'fm'[n % 2]},town{drawn.integers(0, 20)},{drawn.lognormal():.2f}")
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    run = sonde.train(
        str(tmp_path / "people.csv"), task="vae", steps=100, lr=0.02, hidden=(32,), latent=4, threads=1, quiet=True,
        out=str(tmp_path / "run"),
    )  # fmt: skip
    made = run.sample(300)
    assert isinstance(made, pa.Table)
    assert set(made["sex"].to_pylist()) == {"f", "m"}
    assert set(made["town"].to_pylist()) <= {f"town{n}" for n in range(20)} | {None}
    assert pa.types.is_integer(made["age"].type)
    assert 0.1 < made["age"].null_count / 300 < 0.45  # of the rows a quarter
    assert made["day"].to_pylist()[0].year == 2024
    assert min(made["fare"].to_pylist()) > 0
    given = run.predict(str(tmp_path / "people.csv"), what="reconstruction")
    assert {row["reconstruction"]["sex"] for row in given} <= {"f", "m"}
    again = run.predict(str(tmp_path / "people.csv"), what="anomaly")
    assert set(again[0]["error"]) >= {"age", "sex", "town", "fare"}


COUNT = Column(name="n", kind="number", source="n", mean=1.0, std=2.0, quantiles=(-0.5, 0.0, 0.5, 1.0, 1.5))  # 0 to 4
WHOLE = InputSpec(kind="table", shape=(1,), columns=(COUNT,))


def test_the_values_of_a_rounded_number_have_probabilities_that_come_to_one() -> None:
    likelihood = Columns(WHOLE)
    counts = torch.arange(0, 5, dtype=torch.float64)
    rows = ((counts - 1) / 2)[:, None]
    target = likelihood.target(rows, None)
    said = torch.full((5, 1), 0.4, dtype=torch.float64, requires_grad=True)
    nats = likelihood.each(said, target)
    nats.sum().backward()
    assert bool(torch.isfinite(torch.as_tensor(said.grad)).all())
    # a density in standard deviations, over the half of one that a whole number is wide
    assert float((-nats.detach()).exp().sum()) * 0.5 == pytest.approx(1, abs=1e-6)
    edges = likelihood.code.cells(rows)
    assert float(edges[1, 0, 0]) == pytest.approx(float(edges[0, 1, 0]))  # from 0 to 1 there is nothing between
    wanted = Normal(0.4, 1.0).cdf(edges[2, 1, 0]) - Normal(0.4, 1.0).cdf(edges[2, 0, 0])
    assert float((-nats[2]).exp().detach()) * 0.5 == pytest.approx(float(wanted), abs=1e-6)


def test_rounded_numbers_are_drawn_as_often_as_is_said() -> None:
    likelihood = Columns(WHOLE)
    counts = torch.arange(0, 5.0)
    said = torch.full((1, 1), -0.3)
    shares = (-likelihood.each(said.expand(5, 1), likelihood.target(((counts - 1) / 2)[:, None], None))).exp()[:, 0] / 2
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        found = likelihood.drawn(said.expand(40_000, 1), lambda shape: torch.randn(shape, generator=noise))
    often = (found[:, 0] * 2 + 1).round().long().bincount(minlength=5) / len(found)
    torch.testing.assert_close(often, shares.detach(), atol=0.01, rtol=0)


def test_finely_rounded_numbers_have_the_density_of_numbers_and_no_tail_is_lost() -> None:
    fine = replace(COUNT, std=2000.0, quantiles=tuple(n / 2000 for n in (-3000, -900, 0, 1200, 4000)), mean=0.0)
    likelihood = Columns(replace(WHOLE, columns=(fine,)))
    rows = torch.tensor([[-800 / 2000], [300 / 2000], [3000 / 2000]])
    said = torch.zeros(3, 1)
    bent = likelihood.code.encode(rows)
    expected = -Normal(0.0, 1.0).log_prob(bent) - likelihood.code.log_slopes(bent)
    torch.testing.assert_close(likelihood.each(said, likelihood.target(rows, None)), expected, atol=0.02, rtol=0)
    far = likelihood.each(torch.full((1, 1), 60.0), likelihood.target(rows[:1], None))
    assert 1000 < float(far.detach()) < 3000  # about 60 squared, halved


def test_the_baseline_of_rounded_numbers_is_the_likeliest() -> None:
    likelihood = Columns(WHOLE)
    counts = torch.multinomial(torch.tensor([0.5, 0.2, 0.15, 0.1, 0.05]), 400, replacement=True).float()
    target = likelihood.target(((counts - 1) / 2)[:, None], None)
    output, deviation = likelihood.alone([target])

    def nats(mean: Tensor, spread: Tensor) -> float:
        return float(likelihood.each(mean.expand(400, 1), target, spread).mean().detach())

    best = nats(output, deviation)
    assert all(nats(output + m, deviation * s) > best for m, s in ((0.05, 1.0), (-0.05, 1.0), (0.0, 1.05), (0.0, 0.95)))
