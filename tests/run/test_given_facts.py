"""What `sonde.fit` says of its rows and network before the first step, and how to silence it."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import sonde
from sonde.core.errors import ConfigError, NonFinite
from sonde.engine.json_lines import read_lines

Rows = tuple[Tensor, Tensor]


def rows(count: int = 240, seed: int = 0) -> Rows:
    x = torch.randn(count, 5, generator=torch.Generator().manual_seed(seed))
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 1).long()


def said(out: Path, data: Any, net: nn.Module | None = None, **settings: Any) -> dict[str, dict[str, Any]]:
    """Name -> finding of a run of two steps, whether it comes to its end or not."""
    torch.manual_seed(0)
    net = net or nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 4))
    more = {} if isinstance(data, DataLoader) else {"batch_size": 32}
    given: dict[str, Any] = {
        "loss": cross_entropy,
        "steps": 2,
        **more,
        "threads": 1,
        "quiet": True,
        **settings,
    }
    with suppress(NonFinite):
        sonde.fit(net, data, out=out, **given)
    lines = read_lines(out / "findings.jsonl")
    return {line["name"]: line for line in lines if line["name"] and line["name"] != "still-improving"}


def holed() -> Rows:
    x, y = rows()
    x[7, 3] = torch.nan
    return x, y


def test_of_good_rows_nothing_is_said(tmp_path: Path) -> None:
    assert said(tmp_path / "run", rows(), validation=rows(100, 1)) == {}


def test_a_hole_is_said_before_the_first_step(tmp_path: Path) -> None:
    found = said(tmp_path / "run", holed())["not-finite-inputs"]
    assert (found["severity"], found["step"], found["where"]) == ("warning", 0, "row 7")
    assert found["evidence"] == "train: 1 of 240 rows of input hold NaN or infinity: nan in row 7, column 3"


def test_rows_kept_for_validation_are_named_by_their_number_in_all(tmp_path: Path) -> None:
    found = said(tmp_path / "run", holed(), validation=0.5)["not-finite-inputs"]
    assert "nan in row 7, column 3" in found["evidence"]


def test_a_network_that_copes_with_holes_is_left_alone(tmp_path: Path) -> None:
    class Filled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 4))

        def forward(self, x: Tensor) -> Tensor:
            return self.net(x.nan_to_num())

    assert said(tmp_path / "run", holed(), Filled()) == {}


def test_the_remedy_of_a_step_that_met_a_hole_is_the_row_and_not_the_rate(tmp_path: Path) -> None:
    with pytest.raises(NonFinite, match="fix these rows or leave them out") as told:
        sonde.fit(nn.Linear(5, 4), holed(), loss=cross_entropy, epochs=2, out=tmp_path / "run", quiet=True, threads=1)
    assert "lr" not in str(told.value)
    assert "rows with a non-finite input: row 7;" in str(told.value)


def test_rows_trained_on_and_judged(tmp_path: Path) -> None:
    (x, y), (vx, vy) = rows(), rows(100, 1)
    found = said(tmp_path / "run", (torch.cat([x, vx[:40]]), torch.cat([y, vy[:40]])), validation=(vx, vy))
    assert "40 of 100 validation rows (40 %)" in found["validation-rows-in-training"]["evidence"]


def test_the_same_of_loaders_and_of_arrays(tmp_path: Path) -> None:
    x, y = rows()
    loaders = [DataLoader(TensorDataset(x, y), 32, shuffle=shuffle) for shuffle in (True, False)]
    found = said(tmp_path / "run", loaders[0], validation=loaders[1])
    assert "240 of 240" in found["validation-rows-in-training"]["evidence"]
    arrays = x.double().numpy(), y.numpy()
    assert "validation-rows-in-training" in said(
        tmp_path / "other", arrays, validation=(arrays[0][:50], arrays[1][:50])
    )


def test_a_class_that_one_part_lacks(tmp_path: Path) -> None:
    (x, y), (vx, vy) = rows(), rows(100, 1)
    found = said(tmp_path / "run", (x, y), validation=(vx[vy != 1], vy[vy != 1]))
    assert set(found) == {"class-without-validation-rows"}
    found = said(tmp_path / "other", (x[y != 1], y[y != 1]), validation=(vx, vy))
    assert set(found) == {"class-without-training-rows"}


def test_counts_to_predict_are_no_classes(tmp_path: Path) -> None:
    (x, y), (vx, vy) = rows(), rows(100, 1)
    net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
    loss = nn.PoissonNLLLoss()
    assert said(tmp_path / "run", (x, y), net, validation=(vx, vy + 5), loss=loss) == {}


def test_a_column_with_minus_999(tmp_path: Path) -> None:
    x, y = rows()
    x[:40, 2] = -999
    assert said(tmp_path / "run", (x, y))["stand-in-values"]["where"] == "column 2"


def test_what_is_silenced_is_a_note_that_says_so(tmp_path: Path) -> None:
    deep = nn.Sequential(nn.Linear(5, 16), nn.Linear(16, 4))
    assert said(tmp_path / "run", rows(), deep)["no-nonlinearity"]["severity"] == "warning"
    found = said(tmp_path / "quiet", rows(), deep, silence=["no-nonlinearity"])["no-nonlinearity"]
    assert (found["severity"], found["action"].split(";")[0]) == ("note", "silenced")


def test_an_unknown_name_to_silence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown finding 'rows-mix'; did you mean 'rows-mixed'"):
        said(tmp_path / "run", rows(), silence=["rows-mix"])
    assert not (tmp_path / "run").exists()


def test_layers_in_a_plain_list_are_the_cause_of_what_follows(tmp_path: Path) -> None:
    class Loose(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers, self.head = [nn.Linear(5, 16), nn.BatchNorm1d(16), nn.ReLU()], nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x)
            return self.head(x)

    assert set(said(tmp_path / "run", rows(), Loose())) == {"parameters-without-an-optimiser"}


def test_weights_are_the_same_with_and_without_a_look(tmp_path: Path) -> None:
    class Dropping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(5, 16), nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            noise = float(np.random.rand()) if self.training else 0.0
            return self.two(nn.functional.dropout(self.one(x).relu(), 0.5, self.training)) + noise

    weights = []
    for doctor in (True, False):
        torch.manual_seed(0)
        net = Dropping()
        sonde.fit(
            net, rows(), loss=cross_entropy, validation=rows(100, 1), steps=6, out=tmp_path / str(doctor), quiet=True,
            threads=1, doctor=doctor,
        )  # fmt: skip
        weights.append(torch.cat([p.detach().flatten() for p in net.parameters()]))
    assert torch.equal(*weights)


def test_findings_of_test_rows_have_names_of_their_own(tmp_path: Path) -> None:
    (x, y), (vx, vy) = rows(), rows(100, 1)
    test = torch.cat([x[y != 1][:40], vx[vy != 1]]), torch.cat([y[y != 1][:40], vy[vy != 1]])
    found = said(tmp_path / "run", (x, y), validation=(vx, vy), test=test)
    of_rows = {name for name in found if "rows" in name}
    assert of_rows == {"class-without-test-rows", "test-rows-in-training"}
    assert found["class-without-test-rows"]["check"] == "class without test rows"
