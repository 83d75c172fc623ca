"""Networks with several inputs and outputs through `sonde.fit`: trained as torch's own loop would, and used afterwards."""

from collections import UserDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, l1_loss, mse_loss
from torch.utils.data import DataLoader, Dataset, TensorDataset

import sonde
from sonde.core.errors import ConfigError, DataError
from sonde.core.files import read_json
from sonde.engine.json_lines import read_lines

ALWAYS: dict[str, Any] = {"threads": 1, "quiet": True, "batch_size": 64}
generator = torch.Generator().manual_seed(0)
IMAGE, META = torch.randn(64, 4, generator=generator), torch.randn(64, 3, generator=generator)
LABEL = (IMAGE[:, 0] + META[:, 0] > 0).long()
WEIGHT = torch.rand(64, generator=generator)
IDS = [f"row {number}" for number in range(64)]


class Two(nn.Module):
    """Two inputs, one output."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.head = nn.Linear(4, 8), nn.Linear(3, 8), nn.Linear(16, 2)

    def forward(self, image: Tensor, meta: Tensor) -> Tensor:
        return self.head(torch.cat([self.a(image).relu(), self.b(meta).relu()], 1))


@dataclass
class Sample:
    image: Any
    meta: Any
    label: Any


class Rows(Dataset[Any]):
    """Map-style rows made by a function."""

    def __init__(self, make: Any, rows: int = 64) -> None:
        self.make, self.rows = make, rows

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: int) -> Any:
        return self.make(index)


def row(index: int) -> dict[str, Any]:
    return {"image": IMAGE[index], "meta": META[index], "label": LABEL[index]}


def batches() -> Iterator[Any]:
    yield {"image": IMAGE, "meta": META, "label": LABEL}


def by_hand(steps: int, loss: Any = cross_entropy) -> dict[str, Tensor]:
    """Torch's own loop over whole batches with plain descent."""
    net = Two()
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(net(IMAGE, META), LABEL).backward()
        optimizer.step()
    return net.state_dict()


FORMS: dict[str, Any] = {
    "tuple": (IMAGE, META, LABEL),
    "nested": ((IMAGE, META), LABEL),
    "nested by name": ({"meta": META, "image": IMAGE}, LABEL),
    "dict": {"image": IMAGE, "meta": META, "label": LABEL},
    "dict of arrays with ids": {"id": IDS, "meta": META.double().numpy(), "image": IMAGE.numpy(), "label": LABEL},
    "dataclass": Sample(IMAGE, META, LABEL),
    "encoding": UserDict(image=IMAGE, meta=META, label=LABEL),
    "tensors": TensorDataset(IMAGE, META, LABEL),
    "loader": DataLoader(TensorDataset(IMAGE, META, LABEL), 64),
    "loader of nested rows": DataLoader(Rows(lambda i: ((IMAGE[i], META[i]), LABEL[i])), 64),
    "loader with ids": DataLoader(Rows(lambda i: {**row(i), "id": IDS[i]}), 64),
    "rows": [{**row(i), "id": IDS[i]} for i in range(64)],
    "dataclasses": [Sample(IMAGE[i], META[i], LABEL[i]) for i in range(64)],
    "list of batches": [(IMAGE, META, LABEL)],
    "generator": batches,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_fields_mean_the_same_in_every_form(form: str, tmp_path: Path) -> None:
    data = FORMS[form]
    settings = {
        "optimizer": "sgd",
        "schedule": "constant",
        "warmup": 0,
        "lr": 0.1,
        "weight_decay": 0,
        **ALWAYS,
    }
    if form in ("loader", "loader of nested rows", "loader with ids", "list of batches"):
        settings.pop("batch_size")
    net = Two()
    sonde.fit(net, data, loss=cross_entropy, epochs=5, clip=0, out=tmp_path / "run", **settings)
    for name, expected in by_hand(5).items():
        torch.testing.assert_close(net.state_dict()[name], expected, rtol=1e-5, atol=1e-6)


def test_weights_ride_along_into_the_loss_by_name_and_by_place(tmp_path: Path) -> None:
    def weighted(output: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        return (cross_entropy(output, target, reduction="none") * weight).mean()

    expected = by_hand(3, lambda output, target: weighted(output, target, WEIGHT))
    for number, data in enumerate(((IMAGE, META, LABEL, WEIGHT), {**FORMS["dict"], "weight": WEIGHT})):
        net = Two()
        records = sonde.steps(net, data, loss=weighted, lr=0.1, total=3, optimizer="sgd", schedule="constant",
                              warmup=0, weight_decay=0, clip=0, batch_size=64)  # fmt: skip
        assert len(list(records)) == 3, number
        for name, value in expected.items():
            torch.testing.assert_close(net.state_dict()[name], value, rtol=1e-5, atol=1e-6)


def test_what_goes_where_is_said_once_and_a_weight_that_nothing_takes_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = {**FORMS["dict"], "weight": WEIGHT, "id": IDS}
    run = sonde.fit(Two(), data, loss=cross_entropy, epochs=1, threads=1, out=tmp_path / "run")
    line = "image, meta → forward; label → the loss; weight, id unused"
    assert line in read_json(run.folder / "plan.json")["lines"]
    said = capsys.readouterr().out
    assert said.count(line) == 1
    assert "'weight', which neither the network nor the loss takes" in said
    assert [f["severity"] for f in read_lines(run.folder / "findings.jsonl") if "'weight'" in f["evidence"]] == [
        "warning"
    ]
    with pytest.warns(UserWarning, match="'weight', which neither the network nor the loss takes"):
        list(sonde.steps(Two(), data, loss=cross_entropy, total=1))
    metric = {"weighted": lambda output, target, weight: (output.argmax(1) == target).float().mul(weight).mean()}
    run = sonde.fit(
        Two(), data, validation=data, loss=cross_entropy, metrics=metric, epochs=1, out=tmp_path / "m", **ALWAYS
    )
    assert not any("nothing takes" in finding["check"] for finding in read_lines(run.folder / "findings.jsonl"))


class Many(nn.Module):
    """Outputs of several kinds."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.kind = nn.Linear(4, 3), kind

    def forward(self, x: Tensor) -> Any:
        logits = self.body(x)
        parts = {"logits": logits, "value": logits.sum(1), "nothing": None}
        if self.kind == "dataclass":
            return Output(logits, logits.sum(1))
        return parts if self.kind == "dict" else (logits, parts["value"])


@dataclass
class Output:
    logits: Tensor
    value: Tensor


PICK = {"dict": lambda o: o["logits"], "tuple": lambda o: o[0], "dataclass": lambda o: o.logits}


@pytest.mark.parametrize("kind", PICK)
def test_outputs_of_several_parts_go_to_the_loss_as_they_are(kind: str, tmp_path: Path) -> None:
    net = Many(kind)
    run = sonde.fit(
        net,
        (IMAGE, LABEL),
        loss=lambda output, target: cross_entropy(PICK[kind](output), target),
        epochs=2,
        out=tmp_path / "run",
        **ALWAYS,
    )
    found = run.predict(IMAGE[:2])
    first = "output_1" if kind == "tuple" else "logits"
    assert list(found[0]) == ["input", first, "output_2" if kind == "tuple" else "value"]
    assert found[1][first] == pytest.approx(net.body(IMAGE[:2])[1].tolist())
    assert isinstance(found[0]["output_2" if kind == "tuple" else "value"], float)
    told = {
        "dict": r"a dict of logits .*output\['logits'\]",
        "tuple": r"a tuple of 2: .*output\[0\]",
        "dataclass": r"a Output.*output\.logits",
    }
    with pytest.raises(ConfigError, match=f"the network returned {told[kind]}, target"):
        sonde.fit(Many(kind), (IMAGE, LABEL), loss=cross_entropy, epochs=1, out=tmp_path / "none", **ALWAYS)
    assert not (tmp_path / "none").exists()


class OwnLoss(nn.Module):
    """As Hugging Face's networks: the loss is computed where labels are given."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.head = nn.Embedding(10, 4), nn.Linear(4, 2)

    def forward(self, input_ids: Any = None, attention_mask: Any = None, labels: Any = None, **more: Any) -> Any:
        assert not more
        logits = self.head((self.embed(input_ids) * attention_mask[..., None]).mean(1))
        loss = None if labels is None else cross_entropy(logits, labels)
        return SimpleNamespace(loss=loss, logits=logits)


def test_a_network_with_its_own_loss_needs_no_other(tmp_path: Path) -> None:
    data = {"input_ids": torch.randint(10, (64, 5)), "attention_mask": torch.ones(64, 5), "labels": LABEL}
    outputs = sonde.fit(OwnLoss(), data, validation=data, epochs=2, out=tmp_path / "run", **ALWAYS)
    given = sonde.fit(
        OwnLoss(),
        data,
        validation=data,
        loss=lambda output, labels: cross_entropy(output.logits, labels),
        epochs=2,
        out=tmp_path / "given",
        **ALWAYS,
    )
    assert outputs.metrics["loss"] == pytest.approx(given.metrics["loss"])
    with pytest.raises(
        ConfigError, match=r"a plain module needs loss=\(output, target\) .*returned a tensor \(64, 1\) float32"
    ):
        sonde.fit(
            nn.Linear(4, 1), {"input": IMAGE, "target": LABEL, "id": IDS}, epochs=1, out=tmp_path / "none", **ALWAYS
        )


Y1 = IMAGE @ torch.tensor([1.0, -1.0, 0.5, 2.0])


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("loss", [mse_loss, l1_loss, nn.SmoothL1Loss(), lambda o, t: (o - t).square().mean()])
def test_outputs_and_targets_that_would_be_broadcast_are_refused(loss: Any, tmp_path: Path) -> None:
    said = r"the loss compares outputs \(64, 1\) with targets \(64,\), which are broadcast to \(64, 64\)"
    with pytest.raises(ConfigError, match=said):
        sonde.fit(nn.Linear(4, 1), (IMAGE, Y1), loss=loss, epochs=1, out=tmp_path / "run", **ALWAYS)
    assert not (tmp_path / "run").exists()
    for net in (nn.Linear(4, 1), nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))):  # zeros would hide it
        nn.init.zeros_(next(net.parameters()))
        target = Y1 if isinstance(net, nn.Linear) else Y1[:, None]
        with pytest.raises(ConfigError, match="broadcast to"):
            next(sonde.steps(net, (IMAGE, target), loss=loss, total=1, batch_size=64))


def test_a_metric_that_would_be_broadcast_is_refused_and_one_that_reshapes_is_not(tmp_path: Path) -> None:
    def fit(metric: Any) -> sonde.Run:
        return sonde.fit(
            nn.Linear(4, 1),
            (IMAGE, Y1),
            validation=(IMAGE, Y1),
            loss=lambda output, target: mse_loss(output.flatten(), target),
            metrics={"score": metric},
            epochs=1,
            out=tmp_path / "run",
            **ALWAYS,
        )

    with pytest.raises(ConfigError, match=r"metric 'score' compares outputs \(64, 1\) with targets \(64,\)"):
        fit(lambda output, target: (output - target).abs().mean())
    assert fit(lambda output, target: (output.flatten() - target).abs().mean()).metrics["score"] > 0


def test_predictions_take_what_training_took(tmp_path: Path) -> None:
    data = (IMAGE, META, LABEL)
    run = sonde.fit(Two(), data, loss=cross_entropy, epochs=1, out=tmp_path / "run", **ALWAYS)
    expected = run.model(IMAGE, META).tolist()
    loader = DataLoader(TensorDataset(IMAGE, META), 10)
    forms = (
        (IMAGE, META),
        {"image": IMAGE, "meta": META.numpy()},
        loader,
        loader.dataset,
        data,
        DataLoader(TensorDataset(*data), 9),
    )
    other = sonde.load(run.folder, model=Two())
    for given in forms:
        found = run.predict(given)
        assert [entry["input"] for entry in found] == IDS
        np.testing.assert_allclose([entry["output"] for entry in found], expected, rtol=1e-5, atol=1e-6)
    assert other.predict((IMAGE, META)) == run.predict((IMAGE, META))
    one = run.predict((IMAGE[5], META[5]))
    assert len(one) == 1
    np.testing.assert_allclose(one[0]["output"], expected[5], rtol=1e-5)
    with pytest.raises(ConfigError, match="the DataLoader shuffles"):
        run.predict(DataLoader(TensorDataset(IMAGE, META), 10, shuffle=True))


def test_a_single_row_is_never_read_as_many(tmp_path: Path) -> None:
    x = torch.randn(64, 3, 3)
    net = nn.Sequential(nn.Flatten(), nn.LazyLinear(2))
    net(x)
    run = sonde.fit(net, (x, LABEL), loss=cross_entropy, epochs=1, out=tmp_path / "run", **ALWAYS)
    net.eval()
    for used in (run, sonde.load(run.folder, model=net)):
        found = used.predict(x[0])
        assert len(found) == 1
        assert found[0]["output"] == pytest.approx(net(x[:1])[0].tolist())
        assert len(used.predict(x[:3])) == 3  # as many rows as a row has
        with pytest.raises(
            DataError, match=r"input has shape \(5, 3\), and a row had \(3, 3\) in training; give rows of"
        ):
            used.predict(x[0, :1].expand(5, 3))
        with pytest.raises(
            DataError, match=r"the batch cannot be computed: .*; the batch holds input \(2, 3, 7\) float32"
        ):
            used.predict(torch.zeros(2, 3, 7))


def test_test_data_are_evaluated_once_with_the_chosen_weights(tmp_path: Path) -> None:
    calls = []

    def accuracy(output: Tensor, target: Tensor) -> Tensor:
        if not bool(
            (output == output[0]).all()
        ):  # the network's answers, not the one answer to all that it stands beside
            calls.append(len(target))
        return (output.argmax(1) == target).float().mean()

    test = {"image": IMAGE[:40], "meta": META[:40], "label": LABEL[:40]}
    metrics = {"accuracy": accuracy}
    run = sonde.fit(
        Two(), FORMS["dict"], validation=FORMS["dict"], test=test, loss=cross_entropy, metrics=metrics, epochs=3,
        out=tmp_path / "run", **ALWAYS,
    )  # fmt: skip
    assert calls.count(40) == 2  # tried before the first step, and at the end
    assert list(run.result["metrics"]) == ["train", "validation", "test"]
    assert run.evaluated_on == "test"
    with torch.no_grad():
        expected = float((run.model(test["image"], test["meta"]).argmax(1) == test["label"]).float().mean())
    assert run.metrics["accuracy"] == pytest.approx(expected)
    assert run.evaluate(test) == pytest.approx(run.metrics)
    assert run.evaluate(DataLoader(TensorDataset(*test.values()), 7)) == pytest.approx(run.metrics, rel=1e-5)
    loaded = sonde.load(run.folder, model=Two(), loss=cross_entropy, metrics=metrics)
    assert loaded.evaluate(test) == pytest.approx(run.metrics)
    assert sonde.load(run.folder, model=Two()).predict((IMAGE, META)) == run.predict((IMAGE, META))
    with pytest.raises(ConfigError, match=r"loaded without its loss; give sonde.load\(folder, model=…, loss=…"):
        sonde.load(run.folder, model=Two()).evaluate(test)
    with pytest.raises(DataError, match="test image has changed since"):
        sonde.fit(Two(), FORMS["dict"], validation=FORMS["dict"], test={**test, "image": IMAGE[:40] + 1}, loss=cross_entropy,
                  metrics=metrics, epochs=4, out=tmp_path / "run", **ALWAYS)  # fmt: skip
    with pytest.raises(DataError, match="the first test batch cannot be computed"):
        sonde.fit(
            Two(), FORMS["dict"], test={**test, "image": META[:40]}, loss=cross_entropy, out=tmp_path / "x", **ALWAYS
        )


@pytest.mark.parametrize(
    "form", ["tuple", "nested", "dict of arrays with ids", "tensors", "rows", "dataclass"]
)  # fmt: skip
def test_a_share_of_the_rows_is_kept_for_validation(form: str, tmp_path: Path) -> None:
    def fit(out: str, **more: Any) -> sonde.Run:
        settings: dict[str, Any] = {
            "epochs": 2,
            "validation": 0.25,
            "batch_size": 16,
            "threads": 1,
            "quiet": True,
            **more,
        }
        return sonde.fit(Two(), FORMS[form], loss=cross_entropy, out=tmp_path / out, **settings)

    run = fit("run")
    assert "16 of the 64 training rows kept for validation (random)" in read_json(run.folder / "plan.json")["lines"]
    assert run.result["steps"] == 6
    assert "validation" in run.result["metrics"]
    assert fit("again").metrics == run.metrics
    assert fit("other", seed=1).metrics != run.metrics
    with pytest.raises(DataError, match="validation has changed since"):
        fit("run", validation=0.5, epochs=3)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"validation": 2}, ConfigError, "validation=2.0 is neither data nor a share of the rows between 0 and 1"),
        ({"train": FORMS["loader"], "validation": 0.2}, ConfigError, "keeps rows .* map-style Dataset, and the DataLoader"),
        ({"train": (IMAGE[:0], META[:0], LABEL[:0])}, DataError, "the training data hold no rows; give at least one"),
        ({"validation": TensorDataset(IMAGE[:0], META[:0], LABEL[:0])}, DataError, "the validation data hold no rows"),
        ({"test": 0.1}, ConfigError, "test=0.1 is a share, and a test set is data of its own"),
        ({"test": (IMAGE[:0], META[:0], LABEL[:0])}, DataError, "the test data hold no rows"),
        ({"loss": "loss.py"}, ConfigError, "loss='loss.py' is a str; give a function"),
        ({"loss": nn.MSELoss}, ConfigError, r"loss=MSELoss is a class; give an instance, such as MSELoss\(\)"),
        ({"train": (IMAGE, META[:60], LABEL)}, DataError, "fields differ in their number of rows: part_1 has 64, part_2 has 60"),
        ({"train": (IMAGE, LABEL, META, META)}, ConfigError, "samples have 4 parts"),
        ({"train": ["a.png", "b.png"]}, DataError, "give tensors, arrays or numbers"),
    ],
)  # fmt: skip
def test_an_ordinary_mistake_is_one_line(given: dict[str, Any], error: type, said: str, tmp_path: Path) -> None:
    call = {"train": FORMS["tuple"], "loss": cross_entropy, "epochs": 1, **given}
    settings = {"threads": 1, "quiet": True}
    with pytest.raises(error, match=said) as told:
        sonde.fit(Two(), call.pop("train"), out=tmp_path / "run", **call, **settings)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "run").exists()


def test_networks_of_doubles_and_of_complex_numbers_get_their_data(tmp_path: Path) -> None:
    seen = []

    class Doubles(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002
            seen.append(input.dtype)
            return super().forward(input)

    x = IMAGE.double().numpy()
    sonde.fit(
        Doubles(4, 1, dtype=torch.float64), (x, x[:, :1]), loss=mse_loss, epochs=1, out=tmp_path / "double", **ALWAYS
    )
    sonde.fit(Doubles(4, 1), (x, x[:, :1]), loss=mse_loss, epochs=1, out=tmp_path / "single", **ALWAYS)
    assert set(seen[: len(seen) // 2]) == {torch.float64}
    assert set(seen[len(seen) // 2 :]) == {torch.float32}


def test_own_tasks_read_batches_by_name_and_by_place(tmp_path: Path) -> None:
    class ByName(sonde.Task):
        def __init__(self) -> None:
            self.net = Two()

        def loss(self, batch: sonde.Batch) -> Tensor:
            return cross_entropy(self.net(batch["image"], batch["meta"]), batch["target"])

    class ByPlace(ByName):
        def loss(self, batch: sonde.Batch) -> Tensor:
            image, meta, label = batch
            return cross_entropy(self.net(image, meta), label)

    once = {"epochs": 3, **ALWAYS}
    named = sonde.fit(ByName(), FORMS["dict"], validation=FORMS["dict"], out=tmp_path / "name", **once)
    placed = sonde.fit(ByPlace(), FORMS["tuple"], validation=FORMS["tuple"], out=tmp_path / "place", **once)
    assert named.metrics == placed.metrics
    assert "samples" not in " ".join(read_json(named.folder / "plan.json")["lines"])


def test_micro_batches_of_nested_fields_have_the_gradient_of_the_whole(tmp_path: Path) -> None:
    losses = []
    for accumulate in (1, 4):
        net = Two()
        records = sonde.steps(
            net, ((IMAGE, META), LABEL), loss=cross_entropy, total=3, batch_size=64, accumulate=accumulate
        )
        losses.append([record.number("model/loss") for record in records])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_an_iterator_is_enough_to_predict_and_evaluate_on(tmp_path: Path) -> None:
    run = sonde.fit(Two(), FORMS["dict"], loss=cross_entropy, epochs=1, out=tmp_path / "run", **ALWAYS)
    pieces = [{name: field[start : start + 16] for name, field in FORMS["dict"].items()} for start in range(0, 64, 16)]
    assert run.predict(iter(pieces)) == [entry for entry in run.predict(DataLoader(TensorDataset(IMAGE, META), 16))]
    assert run.evaluate(iter(pieces)) == pytest.approx(run.evaluate(FORMS["dict"]))
    with pytest.raises(ConfigError, match="cannot evaluate on 'x.csv', which is a path or name"):
        run.evaluate("x.csv")


class Own(nn.Module):
    """Computes its loss where it is given labels, as networks of Hugging Face do."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Linear(4, 2)

    def forward(self, image: Tensor, labels: Tensor | None = None) -> SimpleNamespace:
        logits = self.net(image)
        return SimpleNamespace(loss=None if labels is None else cross_entropy(logits, labels), logits=logits)


@pytest.mark.parametrize("loss", [None, lambda output: output.loss, lambda output: cross_entropy(output.logits, LABEL)])
def test_a_network_that_returns_its_loss_is_evaluated_once_loaded(loss: Any, tmp_path: Path) -> None:
    rows = {"image": IMAGE, "labels": LABEL}

    def accuracy(output: Any, labels: Tensor) -> Tensor:
        return (output.logits.argmax(1) == labels).float().mean()

    run = sonde.fit(
        Own(),
        rows,
        validation=rows,
        loss=loss,
        metrics={"accuracy": accuracy},
        epochs=3,
        out=tmp_path / "run",
        **ALWAYS,
    )
    expected = cross_entropy(run.model(IMAGE).logits.detach(), LABEL)
    assert run.result["metrics"]["validation"]["loss"] == pytest.approx(float(expected))
    loaded = sonde.load(run.folder, model=Own(), loss=loss, metrics={"accuracy": accuracy})
    assert loaded.evaluate(rows) == pytest.approx(run.result["metrics"]["validation"])
    if loss is None:
        assert loaded.evaluate(DataLoader(ROWS_OF_OWN, 16)) == pytest.approx(loaded.evaluate(rows), rel=1e-5)  # type: ignore[arg-type]
        assert loaded.predict({"image": IMAGE[:2]})[0]["logits"] == pytest.approx(run.model(IMAGE).logits[0].tolist())


ROWS_OF_OWN = [{"image": image, "labels": label} for image, label in zip(IMAGE, LABEL, strict=True)]
