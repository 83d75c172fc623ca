"""Metrics of one's own: how they are computed over batches of unequal size, and which of them chooses."""

import dataclasses
import functools
import types
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from sample_tasks import CPU
from sklearn.metrics import f1_score, roc_auc_score
from torch import Tensor, nn

import sonde
from sonde.core.config import FeedConfig
from sonde.core.errors import ConfigError
from sonde.data.feed.tensors import tensor_source
from sonde.engine.evaluate import evaluate
from sonde.engine.execution.settings import StepSettings
from sonde.tasks.custom.measure import qualified_name
from sonde.tasks.custom.metrics import Measures
from sonde.tasks.custom.task import ModuleTask

CE = nn.functional.cross_entropy


def mae(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).abs().mean()


def auroc(output: Tensor, target: Tensor) -> float:
    return float(roc_auc_score(target, output[:, 1]))


def data(rows: int = 300) -> dict[str, Tensor]:
    """Few of class 1, so that means over batches of 32 are not the metric of the whole."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 4, generator=generator)
    y = (x[:, 0] + 0.8 * torch.randn(rows, generator=generator) > 0.9).long()
    return {"input": x, "target": y, "weight": torch.arange(rows).float()}


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Linear(4, 2)


def judged(task: ModuleTask, fields: dict[str, Tensor] | None = None) -> dict[str, float]:
    source = tensor_source(fields or data(), FeedConfig(batch_size=32), training=False, seed=0, device=CPU)
    return evaluate(task, source, StepSettings(device=CPU)).compute()


class Counting:
    """As torchmetrics has them: a share of right answers, with a memory."""

    higher_is_better = True

    def __init__(self) -> None:
        self.right, self.rows = torch.tensor(0), 0

    def update(self, output: Tensor, target: Tensor) -> None:
        self.right += (output.argmax(1) == target).sum()
        self.rows += len(target)

    def compute(self) -> Tensor:
        self.right.add_(0)  # what was kept in an evaluation can be changed
        return self.right / self.rows

    def reset(self) -> None:
        self.right, self.rows = torch.tensor(0), 0


class Pair(NamedTuple):
    logits: Tensor
    scale: Tensor


def test_a_metric_of_the_whole_set_is_scikit_learns_on_all_rows() -> None:
    fields, net = data(), network()
    with torch.no_grad():
        output = net(fields["input"])
    truth = fields["target"].numpy()
    found = judged(ModuleTask(net, CE, {"whole": sonde.Metric(auroc, whole=True), "auroc": auroc}))
    assert found["whole"] == pytest.approx(roc_auc_score(truth, output[:, 1]))
    means = [
        (roc_auc_score(truth[n : n + 32], output[n : n + 32, 1]), len(truth[n : n + 32])) for n in range(0, 300, 32)
    ]
    assert found["auroc"] == pytest.approx(sum(value * rows for value, rows in means) / 300)
    assert abs(found["auroc"] - found["whole"]) > 1e-3


def test_names_functions_objects_and_dicts_of_numbers() -> None:
    def eval_metrics(output: Tensor, target: Tensor) -> dict[str, Any]:  # as Hugging Face's Trainer takes them
        called = output.argmax(1).numpy()
        return {"accuracy_again": (called == target.numpy()).mean(), "f1_again": f1_score(target, called)}

    def sizes(output: Tensor, target: Tensor) -> dict[str, Tensor]:
        return {"mean": output.mean(), "rows": torch.tensor(1.0)}

    task = ModuleTask(network(), CE, ["accuracy", "f1", sonde.Metric(eval_metrics, whole=True), Counting(), sizes])
    found = judged(task)
    assert list(found) == ["accuracy", "f1", "accuracy_again", "f1_again", "Counting", "mean", "rows", "loss"]
    assert found["accuracy"] == pytest.approx(found["accuracy_again"]) == pytest.approx(found["Counting"])
    assert found["f1"] == pytest.approx(found["f1_again"])
    assert found["rows"] == 1
    assert judged(task) == found  # nothing of the evaluation before is left


def test_the_callers_object_is_left_alone() -> None:
    one = Counting()
    one.update(torch.eye(2), torch.tensor([0, 1]))
    task = ModuleTask(network(), CE, {"acc": one})
    fresh = ModuleTask(network(), CE, {"acc": Counting()})
    assert judged(task) == judged(fresh)
    assert (int(one.right), one.rows) == (2, 2)


def test_further_fields_are_taken_by_name() -> None:
    def weighted(output: Tensor, target: Tensor, weight: Tensor, power: int = 1) -> Tensor:
        return (weight**power * (output.argmax(1) == target)).sum() / weight.sum().clamp(min=1)

    fields, net = data(), network()
    task = ModuleTask(net, CE, {"whole": sonde.Metric(weighted, whole=True), "part": weighted})
    with torch.no_grad():
        expected = float(weighted(net(fields["input"]), fields["target"], fields["weight"]))
    assert judged(task, fields)["whole"] == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ConfigError, match=r"metric 'whole'.* takes 'weight', which is not a field of the batch"):
        judged(task, {name: fields[name] for name in ("input", "target")})


@pytest.mark.parametrize(
    ("made", "read"),
    [
        (lambda logits: {"logits": logits, "scale": logits.mean()}, lambda o: (o["logits"], o["scale"])),
        (lambda logits: Pair(logits, logits.mean()), lambda o: (o.logits, o.scale)),
        (lambda logits: (logits, logits.mean()), lambda o: o),
        (lambda logits: logits.bfloat16(), lambda o: (o, o.new_zeros(10))),
    ],
    ids=["dict", "named tuple", "tuple", "bfloat16"],
)
def test_outputs_of_several_parts_are_joined_part_by_part(
    made: Callable[[Tensor], Any], read: Callable[[Any], Any]
) -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return made(x)

    def whole(output: Any, target: Tensor) -> float:
        logits, scale = read(output)
        assert logits.shape == (300, 4)
        assert scale.shape == (10,)  # one of each batch
        assert logits.numpy().dtype == np.float32
        assert not torch.is_inference(logits)
        return float(logits.sum())

    task = ModuleTask(Net(), lambda output, target: torch.tensor(0.0), {"sum": sonde.Metric(whole, whole=True)})
    assert judged(task)["sum"] == pytest.approx(float(data()["input"].sum()), rel=1e-2)


def test_the_first_metric_whose_direction_is_known_chooses() -> None:
    def objective(metrics: Any, **how: Any) -> tuple[str, str]:
        return ModuleTask(network(), CE, metrics, **how).objective[:2]

    assert objective(None) == ("loss", "min")
    assert objective({"mae": mae}) == ("mae", "min")
    assert objective({"acc": mae, "mae": mae}) == ("acc", "max")
    assert objective({"foo": mae, "mae": mae}) == ("mae", "min")
    assert objective({"foo": mae}) == ("loss", "min")
    assert objective({"foo": sonde.Metric(mae, True)}) == ("foo", "max")
    assert objective({"accuracy": sonde.Metric(mae, higher_is_better=False)}) == ("accuracy", "min")
    assert objective({"foo": Counting()}) == ("foo", "max")
    assert objective(["top5"]) == ("top5", "max")
    assert objective({"acc": mae}, monitor="loss") == ("loss", "min")
    assert objective({"foo": mae, "acc": mae}, monitor="foo", mode="min") == ("foo", "min")
    assert objective({"mae": mae}, monitor="mae", mode="max") == ("mae", "max")  # a name may mislead


def test_a_dict_of_numbers_chooses_once_it_is_known() -> None:
    def compute_metrics(output: Tensor, target: Tensor) -> dict[str, float]:
        return {"size": 1.0, "accuracy": 0.5, "f1": 0.4}

    task = ModuleTask(network(), CE, [sonde.Metric(compute_metrics, whole=True)])
    judged(task)
    assert task.objective[:2] == ("accuracy", "max")
    task = ModuleTask(network(), CE, [sonde.Metric(compute_metrics, whole=True)], monitor="f1")
    judged(task)
    assert task.objective[:2] == ("f1", "max")


@pytest.mark.parametrize(
    ("metrics", "how", "told"),
    [
        ({"foo": mae}, {"monitor": "foo"}, r"monitor='foo': it is not known whether higher is better; give mode='max' or"),
        ({"foo": sonde.Metric(mae, False)}, {"monitor": "foo", "mode": "max"}, "for foo lower is better; leave mode out"),
        ({"foo": mae}, {"monitor": "loss", "mode": "max"}, "the loss is what training makes smaller"),
        ({"loss": mae}, {}, "a metric cannot be called 'loss'"),
        ({1: mae}, {}, "metrics takes names and functions"),
        ([mae, mae], {}, "metrics holds 'mae' twice"),
        ([lambda output, target: 0.0], {}, "a lambda among metrics has no name"),
        (["auorc"], {}, "metric 'auorc' is not one that is known by name; there are accuracy, top5"),
        ([nn.L1Loss], {}, "metric 'L1Loss' is the class L1Loss, not an object: give L1Loss\\(\\)"),
        ({"a": None}, {}, "metric 'a' is not None; metrics takes"),
        ({"a": sonde.Metric(mae, name="b")}, {}, "gives one metric two names"),
        (3, {}, "metric 'int' is not a int"),
        ({"accuracy", "f1"}, {}, "metrics is a set, and the order says which one chooses"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(metrics: Any, how: Mapping[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        ModuleTask(network(), CE, metrics, **how).objective  # noqa: B018


def test_a_metric_takes_a_function() -> None:
    with pytest.raises(ConfigError, match=r"sonde.Metric takes a function\(output, target\), not a str"):
        sonde.Metric("accuracy")
    with pytest.raises(ConfigError, match="the class Counting, not an object: give Counting"):
        sonde.Metric(Counting)
    with pytest.raises(ConfigError, match="sees the whole set anyway"):
        sonde.Metric(Counting(), whole=True)
    with pytest.raises(ConfigError, match="metric 'Handle': a Handle cannot be copied"):
        Measures([Handle()])


class Handle(Counting):
    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("cannot pickle a file")


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        ({"none": lambda o, t: None}, "metric 'none' is None; it must be a scalar"),
        ({"text": lambda o, t: "0.5"}, "metric 'text' is a str; it must be a scalar"),
        ({"list": lambda o, t: [1.0, 2.0]}, "metric 'list' is a list; it must be a scalar"),
        ({"each": sonde.Metric(lambda o, t: t, whole=True)}, r"metric 'each' is a tensor of shape \(300,\)"),
        ({"empty": lambda o, t: {}}, "metric 'empty' is an empty dict"),
        ({"a": lambda o, t: {"b": 1}, "b": mae}, "metric 'a' reports 'b', which there is already"),
        ({"a": lambda o, t: {"loss": 1}}, "metric 'a' reports 'loss', which there is already"),
        ({"a": lambda o, t: {"x" if len(t) == 32 else "y": 1}}, "metric 'a' reports y, and it reported x before"),
        ({"f": lambda o, t: o + t}, r"failed on a batch of 32 rows \(output \(32, 2\) float32, target \(32,\) int64\): Runtime"),
        ({"f": lambda o, t: o + None}, "metric 'f' failed on a batch of 32 rows .* TypeError"),
        ({"f": sonde.Metric(lambda o, t: 1 / 0, whole=True)}, "metric 'f' failed on all 300 rows .*: ZeroDivisionError"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_one_line(metrics: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        judged(ModuleTask(network(), CE, metrics))
    assert "\n" not in str(caught.value)


def test_too_few_rows_in_a_batch_has_a_remedy() -> None:
    fields = data()
    order = fields["target"].argsort()  # a batch of one class
    fields = {name: field[order] for name, field in fields.items()}

    def jaccard(output: Tensor, target: Tensor) -> float:
        if len(target.unique()) < 2:
            raise ValueError("Only one class is present in y_true")
        return auroc(output, target)

    with pytest.raises(
        ConfigError,
        match=r"metric 'jaccard' failed on a batch of 32 rows .*Only one class.*give sonde.Metric\(function, whole=T",
    ):
        judged(ModuleTask(network(), CE, {"jaccard": jaccard}), fields)
    assert judged(ModuleTask(network(), CE, {"jaccard": sonde.Metric(jaccard, whole=True)}), fields)["jaccard"] > 0


def test_two_processes_merge_into_one() -> None:
    fields, measures = data(), Measures([sonde.Metric(auroc, whole=True), "accuracy"])
    output = network()(fields["input"]).detach()
    whole, one, other = (measures.meter() for _ in range(3))
    for meter, rows in ((whole, slice(0, 300)), (one, slice(0, 100)), (other, slice(100, 300))):
        batch = sonde.Batch({"target": fields["target"][rows]}, torch.arange(300)[rows])
        found = measures.of_batch(output[rows], batch, lambda *_, batch=batch: ([batch["target"]], {}))
        meter.update(found, batch.index)
    one.merge(other)
    assert one.compute() == pytest.approx(whole.compute())
    unmergeable = Measures([Counting()])
    with pytest.raises(ConfigError, match="a Counting has no merge_state"):
        unmergeable.meter().merge(unmergeable.meter())


def test_means_of_batches_are_told() -> None:
    named = {"auroc": auroc, "mae": mae, "f1": sonde.Metric(mae, whole=True), "rmse": mae, "r2": "r2"}
    assert ModuleTask(network(), CE, named).abilities.batch_means() == ["auroc", "rmse"]  # type: ignore[misc]


def test_what_is_said_before_the_first_step() -> None:
    def said(metrics: Any, batches: int | None = 2, **how: Any) -> list[str]:
        notes = ModuleTask(network(), CE, metrics, **how).abilities.notes
        assert notes is not None
        return [finding.evidence for finding in notes(batches)]

    assert said({"mae": mae}) == []
    assert said({"foo": mae}) == [
        "metric 'foo': it is not known whether higher is better, so the validation loss chooses the best checkpoint"
    ]
    assert said({"foo": mae, "acc": mae}) == [
        "metric 'foo': it is not known whether higher is better, so 'acc' chooses the best checkpoint"
    ]
    assert said({"acc": mae, "foo": mae}) == []  # which comes first in any case
    assert said({"foo": mae}, monitor="loss") == said({"foo": mae}, monitor="foo", mode="min") == []
    assert said({"auroc": auroc}) == [
        "metric 'auroc': the mean of its values on batches, which is not its value on the set"
    ]
    assert said({"auroc": auroc}, batches=1) == []


def test_qualified_names() -> None:
    assert qualified_name(mae).endswith("test_metrics.mae")
    assert (
        qualified_name(functools.partial(mae, target=torch.zeros(1)))
        == qualified_name(sonde.Metric(mae))
        == qualified_name(mae)
    )
    assert qualified_name(Counting()).endswith("test_metrics.Counting")


@dataclasses.dataclass(frozen=True)
class Scored:
    logits: Tensor
    temperature: float = 2.0


class Plain:
    def __init__(self, logits: Tensor) -> None:
        self.logits, self.parts = logits, [logits[:, :1], {"last": logits[:, 1:]}]


class Slotted:
    __slots__ = ("logits",)

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits


@pytest.mark.parametrize(
    "kind", [Scored, Plain, Slotted, lambda x: types.SimpleNamespace(logits=x, inner=Scored(x)), lambda x: [x, -x]]
)
def test_outputs_that_are_objects_are_joined_over_all_batches(kind: Callable[[Tensor], Any]) -> None:
    """A metric that got the first batch's outputs, or one row's, and all targets was wrong without a word."""
    net, fields = network(), data()

    def logits(output: Any) -> Tensor:
        return output[0] if isinstance(output, list) else output.logits

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, input: Tensor) -> Any:
            return kind(self.net(input))

    task = ModuleTask(
        Net(),
        lambda output, target: CE(logits(output), target),
        {"auroc": sonde.Metric(lambda output, target: roc_auc_score(target, logits(output)[:, 1]), whole=True)},
    )
    expected = roc_auc_score(fields["target"], net(fields["input"]).detach()[:, 1])
    assert judged(task, fields)["auroc"] == pytest.approx(expected)
    for rows in (1, 7):
        source = tensor_source(fields, FeedConfig(batch_size=rows), training=False, seed=0, device=CPU)
        assert evaluate(task, source, StepSettings(device=CPU)).compute()["auroc"] == pytest.approx(expected)


@pytest.mark.parametrize("rows", [300, 32])
def test_outputs_that_cannot_be_joined_are_refused_at_the_first_batch_too(rows: int) -> None:
    class Gaussian(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = network()

        def forward(self, input: Tensor) -> Any:
            return torch.distributions.Normal(self.net(input), 1.0)

    def nll(output: Any, target: Tensor) -> Tensor:
        return -output.log_prob(target[:, None]).mean()

    task = ModuleTask(Gaussian(), nll, {"nll": sonde.Metric(nll, whole=True)})
    with pytest.raises(
        ConfigError, match="metric 'nll', whole=True: outputs that hold a Normal cannot be joined; return"
    ):
        judged(task, data(rows))


def test_a_part_that_cannot_be_joined_troubles_only_who_reads_it() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = network()

        def forward(self, input: Tensor) -> Any:
            logits = self.net(input)
            return {"logits": logits, "law": torch.distributions.Normal(logits, 1.0)}

    def loss(output: Any, target: Tensor) -> Tensor:
        return CE(output["logits"], target)

    right = {"loss2": sonde.Metric(lambda output, target: loss(output, target), whole=True)}
    found = judged(ModuleTask(Net(), loss, right))
    assert found["loss2"] == pytest.approx(found["loss"])
    law = {"law": sonde.Metric(lambda output, target: output["law"].mean.mean(), whole=True)}
    with pytest.raises(ConfigError, match="outputs that hold a Normal cannot be joined"):
        judged(ModuleTask(Net(), loss, law))
