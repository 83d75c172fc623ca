"""Programs as people write them elsewhere, with the values that they mean: small nets, short runs."""

import copy
import json
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as scores
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.nn.utils.rnn import PackedSequence, pack_sequence
from torch.utils.data import DataLoader

import sonde
from sonde.core.errors import ConfigError, DataError

X = torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()
Z = X.sum(1, keepdim=True)
TRAIN, VALIDATION = (X[:140], Y[:140]), (X[140:], Y[140:])
ONE: dict[str, Any] = {"epochs": 2, "threads": 1, "quiet": True}


def in_epochs(epochs: int) -> dict[str, Any]:
    return {**ONE, "epochs": epochs}


def checks(out: Path) -> list[str]:
    return [json.loads(line)["check"] for line in (out / "findings.jsonl").read_text().splitlines()]


def evidence(out: Path) -> str:
    return " ".join(json.loads(line)["evidence"] for line in (out / "findings.jsonl").read_text().splitlines())


def linear(seed: int = 0, outputs: int = 2) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(6, outputs)


def weight_of(net: nn.Module) -> Tensor:
    return next(net.parameters())


# a target that comes first


def test_a_loss_of_y_true_and_y_pred_gets_them_by_name(tmp_path: Path) -> None:
    def too_low_costs_more(y_true: Tensor, y_pred: Tensor) -> Tensor:
        short = y_true - y_pred
        return torch.where(short > 0, 9 * short, -short).mean()

    run = sonde.fit(linear(outputs=1), (X, Z), validation=(X, Z), loss=too_low_costs_more, out=tmp_path / "run", **ONE)
    with torch.no_grad():
        expected, swapped = too_low_costs_more(Z, run.model(X)), too_low_costs_more(run.model(X), Z)
    assert run.metrics["loss"] == pytest.approx(expected.item())
    assert abs(swapped - expected) > 0.5


def test_a_loss_module_of_y_and_y_hat_trains_its_own_parameters(tmp_path: Path) -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, y: Tensor, y_hat: Tensor) -> Tensor:
            return (y - self.scale * y_hat).square().mean()

    loss = Scaled()
    run = sonde.fit(linear(outputs=1), (X, Z), validation=(X, Z), loss=loss, lr=0.1, out=tmp_path / "run", **ONE)
    assert loss.scale.item() != 1
    with torch.no_grad():
        assert run.metrics["loss"] == pytest.approx(loss(Z, run.model(X)).item(), rel=1e-5)


def test_metrics_of_scikit_learn_as_they_are(tmp_path: Path) -> None:
    whole = sonde.Metric(scores.r2_score, whole=True)
    run = sonde.fit(
        linear(outputs=1), (X, Z), validation=(X, Z), loss=mse_loss, metrics=[whole], out=tmp_path / "run", **ONE
    )
    assert run.metrics["r2_score"] == pytest.approx(scores.r2_score(Z, run.model(X).detach()), abs=1e-5)


# what a loss or a network returns


@pytest.mark.parametrize("form", ["pair", "dict"])
def test_numbers_beside_the_loss_are_logged(tmp_path: Path, form: str) -> None:
    def loss(output: Tensor, target: Tensor) -> Any:
        value = cross_entropy(output, target)
        logs = {"accuracy": float((output.argmax(1) == target).float().mean()), "half": np.float32(0.5), "ce": value}
        return (value, logs) if form == "pair" else {"loss": value, **logs}

    run = sonde.fit(linear(), TRAIN, validation=VALIDATION, loss=loss, out=tmp_path / "run", **ONE)
    with torch.no_grad():
        output = run.model(VALIDATION[0])
    assert run.metrics["accuracy"] == pytest.approx(scores.accuracy_score(VALIDATION[1], output.argmax(1)))
    assert run.metrics["half"] == 0.5
    assert (
        run.metrics["ce"] == pytest.approx(run.metrics["loss"]) == pytest.approx(cross_entropy(output, VALIDATION[1]))
    )


def test_a_tensor_of_many_numbers_beside_the_loss_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the loss returned 'logits' beside its value, which is a tensor of shape"):
        sonde.fit(
            linear(),
            TRAIN,
            loss=lambda output, target: {"loss": cross_entropy(output, target), "logits": output},
            out=tmp_path / "run",
            **ONE,
        )


@pytest.mark.parametrize("loss", [cross_entropy, lambda output, target: cross_entropy(output, target)])
def test_a_forward_without_a_return_is_told_so(tmp_path: Path, loss: Any) -> None:
    class Forgets(nn.Linear):
        def forward(self, input: Tensor) -> Any:  # type: ignore[override]
            super().forward(input)

    with pytest.raises(ConfigError, match="the network returned None.*let its forward return its output"):
        sonde.fit(Forgets(6, 2), TRAIN, loss=loss, out=tmp_path / "run", **ONE)


def test_a_network_that_answers_otherwise_in_evaluation_is_named(tmp_path: Path) -> None:
    class Detector(nn.Linear):
        def forward(self, x: Tensor, y: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
            output = super().forward(x)
            return {"cls": cross_entropy(output, y)} if self.training else {"scores": output}

    with pytest.raises(ConfigError, match=r"the network returned in evaluation mode: a dict of scores \(60, 2\)"):
        sonde.fit(
            Detector(6, 2),
            TRAIN,
            validation=VALIDATION,
            loss=lambda found: sum(found.values()),
            out=tmp_path / "run",
            **ONE,
        )


# doubts


@pytest.mark.parametrize(
    ("end", "loss", "doubted"),
    [
        (nn.Softmax(1), cross_entropy, True),
        (nn.Softmax(1), lambda output, target: 2 * cross_entropy(output.view(-1, 2), target), True),
        (nn.Identity(), cross_entropy, False),
        (nn.LogSoftmax(1), nn.NLLLoss(), False),
    ],
)
def test_a_softmax_before_a_loss_that_applies_one_is_a_finding(
    tmp_path: Path, end: nn.Module, loss: Any, doubted: bool
) -> None:
    sonde.fit(nn.Sequential(linear(), end), TRAIN, loss=loss, out=tmp_path / "run", **ONE)
    assert ("probabilities instead of logits" in checks(tmp_path / "run")) == doubted


def test_a_metric_that_counts_rows_and_a_mode_against_its_name_are_findings(tmp_path: Path) -> None:
    def accuracy(output: Tensor, target: Tensor) -> Tensor:
        return (output.argmax(1) == target).sum()

    run = sonde.fit(
        linear(),
        TRAIN,
        validation=VALIDATION,
        loss=cross_entropy,
        metrics=[accuracy],
        monitor="accuracy",
        mode="min",
        out=tmp_path / "run",
        **ONE,
    )
    assert run.result["objective"]["mode"] == "min"  # as it was asked for
    assert {"metric that counts", "mode against the metric"} <= set(checks(tmp_path / "run"))


def test_the_form_of_the_trainer_is_refused_with_a_remedy_that_works(tmp_path: Path) -> None:
    def compute_metrics(eval_pred: Any) -> dict[str, float]:
        logits, labels = eval_pred
        return {"accuracy": float((logits.argmax(-1) == labels).mean())}

    def run_with(metrics: Any) -> sonde.Run:
        return sonde.fit(
            linear(), TRAIN, validation=VALIDATION, loss=cross_entropy, metrics=metrics, out=tmp_path / "run", **ONE
        )

    with pytest.raises(ConfigError, match=r"give (sonde.Metric\(.*\))$") as told:
        run_with(compute_metrics)
    remedy = str(told.value).split("; give ")[1]
    run = run_with(eval(remedy, {"sonde": sonde, "compute_metrics": compute_metrics}))
    with torch.no_grad():
        expected = (run.model(VALIDATION[0]).argmax(1) == VALIDATION[1]).float().mean().item()
    assert run.metrics["accuracy"] == pytest.approx(expected)


# gradients turned in an observer


def stacked() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))


def test_a_layer_that_an_observer_lets_require_gradients_is_trained(tmp_path: Path) -> None:
    net = stacked()
    net[0].requires_grad_(False)
    before = net[0].weight.clone()

    def turn_on(record: Any) -> None:
        if isinstance(record, sonde.EventRecord) and record.event == "epoch ends":
            net[0].requires_grad_(True)

    sonde.fit(net, TRAIN, loss=cross_entropy, observers=[turn_on], out=tmp_path / "run", **in_epochs(4))
    assert not torch.equal(net[0].weight, before)
    assert set(checks(tmp_path / "run")) - {"still improving"} == {"gradients turned on"}
    assert "0.weight" in evidence(tmp_path / "run")


def test_a_layer_that_an_observer_freezes_stays_as_it_is(tmp_path: Path) -> None:
    net, seen = stacked(), []

    def turn_off(record: Any) -> None:
        if isinstance(record, sonde.EventRecord) and record.event == "epoch ends":
            net[0].requires_grad_(False)
            seen.append((net[0].weight.clone(), net[2].weight.clone()))

    sonde.fit(net, TRAIN, loss=cross_entropy, observers=[turn_off], out=tmp_path / "run", **in_epochs(3))
    assert torch.equal(seen[0][0], seen[-1][0])
    assert not torch.equal(seen[0][1], seen[-1][1])
    assert checks(tmp_path / "run") == ["gradients turned off"]


# networks whose parameters have no values yet, and wrapped ones


def test_lazy_layers_are_initialised_saved_and_loaded(tmp_path: Path) -> None:
    def lazy() -> nn.Sequential:
        torch.manual_seed(0)
        return nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d(), nn.ReLU(), nn.LazyLinear(2))

    run = sonde.fit(lazy(), TRAIN, validation=VALIDATION, loss=cross_entropy, out=tmp_path / "run", **ONE)
    straight = sonde.fit(lazy(), TRAIN, loss=cross_entropy, out=tmp_path / "4", **in_epochs(4))
    resumed = sonde.fit(lazy(), TRAIN, loss=cross_entropy, out=tmp_path / "2", **ONE)
    resumed = sonde.fit(lazy(), TRAIN, loss=cross_entropy, out=tmp_path / "2", **in_epochs(4))
    for name, value in straight.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    loaded = sonde.load(tmp_path / "run", model=lazy())
    assert torch.equal(loaded.model(X), run.model(X))


def test_lazy_layers_are_refused_where_their_first_batch_would_be_lost(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="call the network on a batch before it is passed"):
        sonde.fit(nn.LazyLinear(2), iter([TRAIN]), loss=cross_entropy, out=tmp_path / "run", **in_epochs(1))


def test_a_network_on_the_meta_device_is_refused(tmp_path: Path) -> None:
    with torch.device("meta"):
        net = nn.Linear(6, 2)
    with pytest.raises(ConfigError, match="model.weight is on the meta device and has no values"):
        sonde.fit(net, TRAIN, loss=cross_entropy, out=tmp_path / "run", **ONE)
    assert not (tmp_path / "run").exists()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("wrap", [nn.DataParallel, torch.compile])
def test_weights_of_a_wrapped_network_load_into_the_plain_one(tmp_path: Path, wrap: Any) -> None:
    run = sonde.fit(nn.DataParallel(linear()), TRAIN, loss=cross_entropy, out=tmp_path / "run", **ONE)
    plain = sonde.load(tmp_path / "run", model=linear(1)).model
    assert torch.equal(weight_of(plain), weight_of(run.model))
    assert torch.equal(weight_of(sonde.load(tmp_path / "run", model=wrap(linear(1))).model), weight_of(plain))


# data


def test_frames_columns_and_lists_are_what_their_arrays_are(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X.numpy(), columns=list("abcdef")).assign(y=Y.numpy())
    forms = {
        "tensors": (X, Y),
        "frames": (frame[list("abcdef")], frame["y"]),
        "column": (X, frame["y"]),
        "lists": (X.tolist(), Y.tolist()),
        "rows": (list(X), Y),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = {
            name: sonde.fit(linear(), data, loss=cross_entropy, out=tmp_path / name, **ONE)
            for name, data in forms.items()
        }
    for name, run in found.items():
        assert torch.equal(weight_of(run.model), weight_of(found["tensors"].model)), name
    frames = found["frames"].predict(frame[list("abcdef")][:3])
    assert [row["output"] for row in frames] == [row["output"] for row in found["tensors"].predict(X[:3])]
    with pytest.raises(DataError, match=r"a data frame has columns \(a, b, c, d, e, f and 1 more\).*frame\[inputs\]"):
        sonde.fit(linear(), frame, loss=cross_entropy, out=tmp_path / "frame", **ONE)
    named = frame[["a"]].assign(name="x")
    with pytest.raises(DataError, match=r"columns of a data frame hold no numbers \(name\)"):
        sonde.fit(linear(), (named, frame["y"]), loss=cross_entropy, out=tmp_path / "frame", **ONE)


def test_other_frames_in_the_same_folder_are_other_data(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame, column = pandas.DataFrame(X.numpy()), pandas.Series(Y.numpy())
    sonde.fit(linear(), (frame, column), loss=cross_entropy, out=tmp_path / "run", **ONE)
    with pytest.raises(DataError, match="the training inputs have changed"):
        sonde.fit(linear(), (frame + 1, column), loss=cross_entropy, out=tmp_path / "run", **ONE)


def test_lists_of_rows_of_different_lengths_ride_along(tmp_path: Path) -> None:
    class Means(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(6, 2)

        def forward(self, rows: list[Tensor]) -> Tensor:
            return self.head(torch.stack([row.mean(0) for row in rows]))

    rows = [X[i : i + 1 + i % 3] for i in range(100)]
    run = sonde.fit(Means(), (rows, Y[:100]), loss=cross_entropy, out=tmp_path / "run", **ONE)
    means = torch.stack([row.mean(0) for row in rows])
    reference = Means()
    reference.load_state_dict(run.model.state_dict())
    assert torch.allclose(
        torch.tensor([row["output"] for row in run.predict({"rows": rows[:5]})]), reference.head(means[:5]), atol=1e-6
    )


def test_fewer_rows_than_the_usual_batch_are_one_batch(tmp_path: Path) -> None:
    few = (X[:10], Y[:10])
    run = sonde.fit(linear(), few, loss=cross_entropy, out=tmp_path / "run", **ONE)
    assert run.result["steps"] == 2
    with pytest.raises(ConfigError, match="64 is larger than the 10 training rows"):
        sonde.fit(linear(), few, loss=cross_entropy, out=tmp_path / "typed", batch_size=64, **ONE)


@pytest.mark.parametrize(
    ("net", "data", "loss", "says"),
    [
        (linear(), (X, Y + 1), cross_entropy, "classes are numbered from 0"),
        (linear(), (X, Y.int()), cross_entropy, r"target.long\(\)"),
        (nn.Sequential(linear(outputs=1), nn.Flatten(0)), (X, Y), nn.BCEWithLogitsLoss(), r"target.float\(\)"),
        (nn.Sequential(linear(outputs=1), nn.Flatten(0)), (X, Y == 1), nn.BCEWithLogitsLoss(), r"target.float\(\)"),
        (linear(), ((X * 9).long(), Y), cross_entropy, r"input.float\(\)"),
        (nn.Conv1d(1, 2, 6), ((X[:, None] * 9).byte(), Y), cross_entropy, r"input.float\(\)"),
        (nn.EmbeddingBag(5, 2), (Y[:, None] + 4, Y), cross_entropy, "an entry for each number"),
    ],
)
def test_types_and_ranges_that_do_not_fit_are_one_line_with_a_remedy(
    tmp_path: Path, net: nn.Module, data: Any, loss: Any, says: str
) -> None:
    with pytest.raises(DataError, match=f"^the first batch cannot be computed: [^\n]*{says}"):
        sonde.fit(net, data, loss=loss, out=tmp_path / "run", **ONE)


# batches that are objects


class Graphs:
    """Several graphs as one, as libraries for graphs make them."""

    def __init__(self, x: Tensor, y: Tensor, graph: Tensor) -> None:
        self.x, self.y, self.graph, self.num_graphs = x, y, graph, len(y)

    def to(self, device: torch.device) -> "Graphs":
        return Graphs(self.x.to(device), self.y.to(device), self.graph.to(device))


def graphs() -> DataLoader[Any]:
    def joined(rows: list[tuple[Tensor, Tensor]]) -> Graphs:
        counts = torch.tensor([len(x) for x, _ in rows])
        graph = torch.arange(len(rows)).repeat_interleave(counts)
        return Graphs(torch.cat([x for x, _ in rows]), torch.stack([y for _, y in rows]), graph)

    rows = [(X[i : i + 2 + i % 3], Y[i]) for i in range(90)]
    return DataLoader(rows, 20, collate_fn=joined)  # type: ignore[arg-type]


class OfGraphs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Linear(6, 2)

    def forward(self, data: Graphs) -> Tensor:
        return torch.zeros(data.num_graphs, 2).index_add(0, data.graph, self.head(data.x))


class ByAttributes(OfGraphs):
    def forward(self, x: Tensor, graph: Tensor) -> Tensor:  # type: ignore[override]
        return torch.zeros(int(graph.max()) + 1, 2).index_add(0, graph, self.head(x))


@pytest.mark.parametrize("kind", [OfGraphs, ByAttributes])
@pytest.mark.parametrize(
    "loss",
    [
        cross_entropy,
        lambda output, data: cross_entropy(output, data.y),
        lambda output, batch: cross_entropy(output, batch.y),
        lambda output, y: cross_entropy(output, y),
    ],
)
def test_a_batch_of_graphs_is_trained_on_as_in_a_loop_by_hand(tmp_path: Path, kind: Any, loss: Any) -> None:
    reference = OfGraphs()
    optimizer = torch.optim.SGD(reference.parameters(), lr=0.1)
    for _ in range(2):
        for batch in graphs():
            optimizer.zero_grad()
            cross_entropy(reference(batch), batch.y).backward()
            optimizer.step()
    by_y = sonde.Metric(lambda output, y: (output.argmax(1) == y).float().mean(), whole=True, name="accuracy")
    run = sonde.fit(
        kind(),
        graphs(),
        validation=graphs(),
        loss=loss,
        metrics=[by_y],
        optimizer=partial(torch.optim.SGD, lr=0.1),
        out=tmp_path / "run",
        **ONE,
    )
    last = sonde.fit(
        kind(), graphs(), loss=loss, optimizer=partial(torch.optim.SGD, lr=0.1), out=tmp_path / "last", **ONE
    )
    assert torch.equal(weight_of(last.model), reference.head.weight)
    right = [(run.model(b) if kind is OfGraphs else run.model(b.x, b.graph)).argmax(1) == b.y for b in graphs()]
    assert run.metrics["accuracy"] == pytest.approx(torch.cat(right).float().mean().item())
    assert run.evaluate(graphs()) == pytest.approx(run.metrics)
    assert len(run.predict(graphs())) == 90


def test_graphs_cannot_be_cut_and_fields_of_graphs_are_told_what_to_be(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a Graphs cannot be cut into rows, as accumulate="):
        sonde.fit(OfGraphs(), graphs(), loss=cross_entropy, accumulate=2, out=tmp_path / "run", **ONE)

    def fields() -> Any:
        yield {"x": X[:50], "edge_index": torch.zeros(2, 9).long(), "y": Y[:20]}

    with pytest.raises(DataError, match="or graphs as an object with .to"):
        sonde.fit(OfGraphs(), fields, loss=cross_entropy, out=tmp_path / "run", **ONE)


def test_packed_sequences_go_to_the_network_as_they_are(tmp_path: Path) -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells, self.head = nn.GRU(6, 4), nn.Linear(4, 2)

        def forward(self, sequences: PackedSequence) -> Tensor:
            return self.head(self.cells(sequences)[1][0])

    def packed(rows: list[tuple[Tensor, Tensor]]) -> Any:
        return pack_sequence([x for x, _ in rows], enforce_sorted=False), torch.stack([y for _, y in rows])

    rows = [(X[i : i + 1 + i % 4], Y[i]) for i in range(60)]
    loader = DataLoader(rows, 16, collate_fn=packed)  # type: ignore[arg-type]
    run = sonde.fit(
        Recurrent(), loader, validation=loader, loss=cross_entropy, metrics=["accuracy"], out=tmp_path / "run", **ONE
    )
    with torch.no_grad():
        right = torch.cat([run.model(x).argmax(1) == y for x, y in loader])
    assert run.metrics["accuracy"] == pytest.approx(right.float().mean().item())


# words


def test_what_other_libraries_call_it_is_named(tmp_path: Path) -> None:
    remedies: Mapping[str, str] = {
        "validation_split": "here it is called 'validation'",
        "per_device_train_batch_size": "here it is called 'batch_size'",
        "shuffle": "for another order give a DataLoader",
        "class_weight": "give them to the loss",
        "verbose": "quiet=True",
        "amp": "precision='bf16'",
    }
    for name, remedy in remedies.items():
        settings: dict[str, Any] = {**ONE, name: 1}
        with pytest.raises(ConfigError, match=remedy):
            sonde.fit(linear(), TRAIN, loss=cross_entropy, out=tmp_path / "run", **settings)


def test_an_autoencoder_on_bare_tensors_is_told_two_ways_that_work(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\(x, x\) or loss=lambda output, input: mse_loss\(output, input\)$"):
        sonde.fit(linear(outputs=6), X, loss=mse_loss, out=tmp_path / "run", **ONE)
    one = sonde.fit(linear(outputs=6), (X, X), loss=mse_loss, out=tmp_path / "one", **ONE)
    other = sonde.fit(
        linear(outputs=6), X, loss=lambda output, input: mse_loss(output, input), out=tmp_path / "b", **ONE
    )
    assert torch.equal(weight_of(one.model), weight_of(other.model))


def test_no_data_at_all_is_told_what_a_task_that_draws_its_own_takes(tmp_path: Path) -> None:
    class Draws(sonde.Task):
        def __init__(self) -> None:
            self.net = linear(outputs=1)

        def loss(self, batch: sonde.Batch) -> Tensor:
            points = torch.rand(64, 6)
            return (self.net(points) - points.sum(1, keepdim=True)).square().mean()

    with pytest.raises(ConfigError, match="itertools.repeat"):
        sonde.fit(Draws(), None, out=tmp_path / "run", **ONE)
    import itertools

    task = Draws()
    before = copy.deepcopy(task.net)
    run = sonde.fit(
        task, lambda: itertools.repeat(torch.zeros(64, 1)), steps=20, threads=1, quiet=True, out=tmp_path / "run"
    )
    assert run.result["steps"] == 20
    assert not torch.equal(before.weight, task.net.weight)


# what changes what is learned


def test_micro_batches_of_a_contrastive_loss_are_a_finding_and_those_of_a_mean_are_none(tmp_path: Path) -> None:
    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = linear()

        def forward(self, one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
            return self.embed(one), self.embed(other)

    def contrast(views: tuple[Tensor, Tensor]) -> Tensor:
        return cross_entropy(views[0] @ views[1].T, torch.arange(len(views[0])))

    sonde.fit(Views(), (X, X + 0.1), loss=contrast, accumulate=2, out=tmp_path / "pairs", **ONE)
    assert checks(tmp_path / "pairs") == ["gradient accumulation changes the loss"]
    sonde.fit(linear(), TRAIN, loss=cross_entropy, accumulate=2, out=tmp_path / "mean", **ONE)
    assert checks(tmp_path / "mean") == []
    sonde.fit(Views(), (X, X + 0.1), loss=contrast, out=tmp_path / "whole", **ONE)
    assert checks(tmp_path / "whole") == []


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(reduction="sum"), partial(cross_entropy, reduction="sum")])
def test_a_loss_that_sums_is_a_finding(tmp_path: Path, loss: Any) -> None:
    sonde.fit(linear(), TRAIN, loss=loss, out=tmp_path / "run", **ONE)
    assert checks(tmp_path / "run") == ["loss that sums"]


def test_a_hidden_state_that_keeps_its_graph_is_told_to_be_detached(tmp_path: Path) -> None:
    class Carries(nn.Module):
        def __init__(self, detached: bool) -> None:
            super().__init__()
            self.cells, self.state, self.detached = nn.GRU(6, 6), None, detached

        def forward(self, x: Tensor) -> Tensor:
            output, state = self.cells(x[None], self.state)
            self.state = state.detach() if self.detached else state
            return output[0]

    data = (X[:50], X[:50])
    with pytest.raises(ConfigError, match=r"must be kept as state.detach\(\)$"):
        sonde.fit(Carries(False), data, loss=mse_loss, batch_size=50, out=tmp_path / "run", **ONE)
    run = sonde.fit(Carries(True), data, loss=mse_loss, batch_size=50, out=tmp_path / "run", **ONE)
    assert run.result["steps"] == 2


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_networks_in_16_bits_are_told_what_is_meant(tmp_path: Path, kind: torch.dtype) -> None:
    with pytest.raises(DataError, match=r"net.float\(\); precision='bf16'"):
        sonde.fit(linear().to(kind), TRAIN, loss=cross_entropy, out=tmp_path / "run", **ONE)
    inputs = (X.to(torch.bfloat16), Y)
    run = sonde.fit(linear().bfloat16(), inputs, loss=cross_entropy, out=tmp_path / "same", **ONE)
    assert run.result["steps"] == 8
