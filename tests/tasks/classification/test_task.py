from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sample_heads import Headed, check_heads_are_not_judged, check_heads_take_part
from sample_tasks import stepper
from sklearn import metrics as sk
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.models.perceptron import Perceptron, PerceptronConfig
from sonde.tasks.classification.config import ClassificationConfig, LossName
from sonde.tasks.classification.task import Classification

CLASSES = TargetSpec(kind="class", names=("ant", "bee", "cat"))
BINARY = TargetSpec(kind="class", names=("no", "yes"))
LABELS = TargetSpec(kind="labels", names=("red", "round", "ripe"))
TARGETS = {"classes": CLASSES, "binary": BINARY, "labels": LABELS}
LOSSES: list[LossName] = ["cross-entropy", "focal", "perceptron", "squared-error"]


class Members(nn.Module):
    """An ensemble's output (B, K, O) from linear members."""

    def __init__(self, out_dim: int, members: int = 4) -> None:
        super().__init__()
        self.members = nn.ModuleList(nn.Linear(5, out_dim) for _ in range(members))

    def forward(self, input: Tensor) -> Tensor:
        return torch.stack([member(input) for member in self.members], 1)


def rows(kind: str, count: int = 24, **more: Tensor) -> Batch:
    generator = torch.Generator().manual_seed(0)
    target = TARGETS[kind]
    if kind == "labels":
        answer = (torch.rand(count, 3, generator=generator) < 0.5).float()
    else:
        answer = torch.randint(len(target.names), (count,), generator=generator)
    fields = {"input": torch.randn(count, 5, generator=generator), "target": answer, **more}
    return Batch(fields, torch.arange(count))


def task(kind: str, *, members: bool = False, counts: list[int] | None = None, **settings: Any) -> Classification:
    torch.manual_seed(0)
    out_dim = TARGETS[kind].out_dim
    model = Members(out_dim) if members else nn.Linear(5, out_dim)
    return Classification(model, TARGETS[kind], ClassificationConfig(**settings), class_counts=counts)


def judged(made: Classification, batch: Batch) -> Any:
    meter = made.meter()
    with torch.inference_mode():
        meter.update(made.evaluate(batch), batch.index)
    return meter


def test_the_common_case_is_torchs_cross_entropy() -> None:
    made, batch = task("classes", label_smoothing=0.1), rows("classes")
    loss = made.loss(batch)
    logits = made.modules["model"](batch["input"])
    assert loss.value.item() == F.cross_entropy(logits, batch["target"], label_smoothing=0.1).item()
    assert loss.weight == 24
    assert loss.parts == {}


def test_class_weights_count_a_smoothed_row_by_its_own_class() -> None:
    """Keras's class_weight; torch's weighted smoothing is another loss, and the same without smoothing or with equal weights."""
    weights, batch = torch.tensor([1.0, 2.0, 5.0]), rows("classes")
    made = task("classes", label_smoothing=0.1, class_weights=(1.0, 2.0, 5.0))
    logits, target = made.modules["model"](batch["input"]).double(), batch["target"]
    logp = logits.log_softmax(1)
    soft = 0.9 * F.one_hot(target, 3) + 0.1 / 3
    w = weights.double()[target]
    keras = (w * -(soft * logp).sum(1)).sum() / w.sum()
    assert made.loss(batch).value.item() == pytest.approx(keras.item(), rel=1e-6)
    assert float(made.loss(batch).weight) == pytest.approx(w.sum().item())
    torchs = F.cross_entropy(logits, target, weight=weights.double(), label_smoothing=0.1)
    assert abs(torchs.item() - keras.item()) > 1e-3
    plain = task("classes", class_weights=(1.0, 2.0, 5.0)).loss(batch).value.item()
    assert plain == pytest.approx(F.cross_entropy(logits, target, weight=weights.double()).item(), rel=1e-6)
    equal = task("classes", label_smoothing=0.1, class_weights=(3.0, 3.0, 3.0)).loss(batch).value.item()
    threes = torch.full((3,), 3.0, dtype=torch.float64)
    assert equal == pytest.approx(F.cross_entropy(logits, target, weight=threes, label_smoothing=0.1).item(), rel=1e-6)


def test_one_logit_is_trained_as_two_classes_are() -> None:
    made, batch = task("binary"), rows("binary")
    z = made.modules["model"](batch["input"])
    pair = torch.cat([torch.zeros_like(z), z], 1)
    torch.testing.assert_close(made.loss(batch).value, F.cross_entropy(pair, batch["target"]))


def test_labels_are_a_yes_or_no_each() -> None:
    made, batch = task("labels"), rows("labels")
    logits = made.modules["model"](batch["input"])
    torch.testing.assert_close(made.loss(batch).value, F.binary_cross_entropy_with_logits(logits, batch["target"]))


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("members", [False, True])
def test_every_loss_learns_and_is_judged(kind: str, loss: LossName, members: bool) -> None:
    made, batch = task(kind, loss=loss, members=members), rows(kind)
    run = stepper(made, lr=0.05)
    values = [run(batch, step=step, epoch=0).number("model/loss") for step in range(1, 80)]
    assert values[-1] < 0.8 * values[0]
    found = judged(made, batch).compute()
    assert found[made.objective.metric] > 0.6
    with torch.no_grad():
        assert found["loss"] == pytest.approx(made.loss(batch).value.item(), rel=1e-5)
    assert ("log_loss" in found) == (loss != "perceptron")


VARIANTS = [(kind, variant) for kind in TARGETS for variant in ("plain", "weighted", "mixed", "weighted and mixed")]


def varied(kind: str, variant: str) -> Batch:
    """23 rows, with a mask or mixed targets where the variant says so."""
    generator = torch.Generator().manual_seed(5)
    batch = rows(kind, 23)
    fields = dict(batch.fields)
    if variant == "masked":
        fields["mask"] = (torch.rand(23, 3, generator=generator) < 0.4).float()
    if "mixed" in variant:
        fields["mix_target"] = fields["target"].flip(0)
        fields["mix_weight"] = torch.rand(23, generator=generator)
    return Batch(fields, batch.index)


def class_weights(kind: str, variant: str) -> tuple[float, ...]:
    return tuple([1.0, 5.0, 0.5][: len(TARGETS[kind].names)]) if "weighted" in variant else ()


@pytest.mark.parametrize(("kind", "variant"), [*VARIANTS, ("labels", "masked")])
@pytest.mark.parametrize("members", [False, True])
def test_pieces_of_a_batch_give_the_gradient_of_the_whole(kind: str, members: bool, variant: str) -> None:
    batch, weights = varied(kind, variant), class_weights(kind, variant)
    gradients = []
    for pieces in (1, 2, 5):
        made = task(kind, members=members, class_weights=weights)
        made.modules.double()
        run = stepper(made, accumulate=pieces)
        wider = Batch({n: f.double() if f.is_floating_point() else f for n, f in batch.fields.items()}, batch.index)
        optimizer, parameters = run.updates[0].optimizer, list(made.modules.parameters())
        run.execution.gradient(made.phases[0], optimizer, parameters, wider.split(pieces))
        gradients.append(torch.cat([p.grad.flatten() for p in made.modules.parameters() if p.grad is not None]))
    assert gradients[0].abs().max() > 1e-3
    for other in gradients[1:]:
        torch.testing.assert_close(other, gradients[0], rtol=0, atol=1e-7)  # weights are summed in float32


@pytest.mark.parametrize(("kind", "variant"), [*VARIANTS, ("labels", "masked")])
@pytest.mark.parametrize("members", [False, True])
def test_auxiliary_heads_are_trained_as_the_main_output_is(kind: str, members: bool, variant: str) -> None:
    torch.manual_seed(0)
    out_dim = TARGETS[kind].out_dim
    model = Headed(*(Members(out_dim) if members else nn.Linear(5, out_dim) for _ in range(3)))
    settings = ClassificationConfig(class_weights=class_weights(kind, variant))
    batch = varied(kind, variant)
    check_heads_take_part(lambda part: Classification(part, TARGETS[kind], settings), model, batch)


@pytest.mark.parametrize("kind", TARGETS)
def test_auxiliary_heads_are_not_judged(kind: str) -> None:
    model = Headed(nn.Linear(5, TARGETS[kind].out_dim), nn.Linear(5, TARGETS[kind].out_dim))
    check_heads_are_not_judged(
        lambda part: Classification(part, TARGETS[kind], ClassificationConfig()), model, rows(kind)
    )


def test_class_weights_are_torchs_weighted_mean() -> None:
    made, batch = task("classes", class_weights=(1.0, 2.0, 0.25)), rows("classes")
    logits = made.modules["model"](batch["input"])
    weights = torch.tensor([1.0, 2.0, 0.25])
    loss = made.loss(batch)
    torch.testing.assert_close(loss.value, F.cross_entropy(logits, batch["target"], weight=weights))
    assert float(loss.weight) == pytest.approx(weights[batch["target"]].sum().item())


def test_balanced_weights_come_from_the_training_rows() -> None:
    batch = rows("classes")
    counts = batch["target"].bincount().tolist()
    made = task("classes", class_weights="balanced", counts=counts)
    logits = made.modules["model"](batch["input"])
    each = F.cross_entropy(logits, batch["target"], reduction="none")
    expected = torch.stack([each[batch["target"] == c].mean() for c in range(3)]).mean()  # each class counts alike
    torch.testing.assert_close(made.loss(batch).value, expected)
    without = task("classes", class_weights="balanced")  # enough to predict, not to train
    assert without.predict(batch)["probs"].shape == (24, 3)
    with pytest.raises(ConfigError, match="--class-weights balanced needs the number of training rows of each class"):
        without.loss(batch)


def test_a_label_weighs_the_same_true_or_false() -> None:
    made, batch = task("labels", class_weights=(1.0, 0.0, 3.0)), rows("labels")
    each = F.binary_cross_entropy_with_logits(made.modules["model"](batch["input"]), batch["target"], reduction="none")
    torch.testing.assert_close(made.loss(batch).value, (each[:, 0].mean() + 3 * each[:, 2].mean()) / 4)


def test_masked_labels_count_for_nothing() -> None:
    mask = torch.zeros(24, 3)
    mask[:, 1] = 1
    batch = rows("labels", mask=mask)
    made = task("labels")
    logits = made.modules["model"](batch["input"])
    loss = made.loss(batch)
    torch.testing.assert_close(loss.value, F.binary_cross_entropy_with_logits(logits[:, 1], batch["target"][:, 1]))
    assert float(loss.weight) == 24
    assert judged(made, batch).compute()["loss"] == pytest.approx(loss.value.item(), rel=1e-6)


@pytest.mark.parametrize("kind", TARGETS)
def test_an_ensemble_is_judged_by_its_mean_probability(kind: str) -> None:
    made, batch = task(kind, members=True), rows(kind)
    logits = made.modules["model"](batch["input"])
    mean = (logits.softmax(-1) if kind == "classes" else logits.sigmoid()).mean(1)
    probs = made.predict(batch)["probs"]
    torch.testing.assert_close(probs if kind != "binary" else probs[:, 1:], mean)
    truth, scores = batch["target"].numpy(), mean.detach().numpy()
    expected = (
        sk.log_loss(truth, scores)
        if kind != "labels"
        else np.mean([sk.log_loss(truth[:, c], scores[:, c]) for c in range(3)])
    )
    assert judged(made, batch).compute()["log_loss"] == pytest.approx(expected, rel=1e-5)


def test_sixteen_bit_outputs_are_judged_in_thirty_two() -> None:
    made, batch = task("classes"), rows("classes")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert made.modules["model"](batch["input"]).dtype == torch.bfloat16
        assert made.loss(batch).value.dtype == torch.float32
        assert made.evaluate(batch)["logp"].dtype == torch.float32


def test_readable_names_classes() -> None:
    made = task("classes")
    said = made.format_predictions({"probs": torch.tensor([[0.1, 0.2, 0.7]], dtype=torch.float64)})
    assert said == [{"prediction": "cat", "probability": 0.7, "probabilities": {"ant": 0.1, "bee": 0.2, "cat": 0.7}}]


def test_readable_goes_by_the_threshold() -> None:
    probs = torch.tensor([[0.7, 0.3]], dtype=torch.float64)
    assert task("binary").format_predictions({"probs": probs})[0]["prediction"] == "no"
    lower = task("binary", threshold=0.25).format_predictions({"probs": probs})[0]
    assert (lower["prediction"], lower["probability"]) == ("yes", 0.3)
    labels = task("labels", threshold=0.4).format_predictions(
        {"probs": torch.tensor([[0.5, 0.3, 0.4]], dtype=torch.float64)}
    )
    assert labels == [{"prediction": ["red", "ripe"], "probabilities": {"red": 0.5, "round": 0.3, "ripe": 0.4}}]


def test_a_threshold_chosen_on_validation_is_kept_with_the_task() -> None:
    made, batch = task("binary", threshold="auto"), rows("binary", 200)
    assert made.state_dict() == {"thresholds": [0.5]}
    meter = judged(made, batch)
    made.tune_threshold(meter)
    chosen = made.state_dict()["thresholds"][0]
    assert chosen != 0.5
    scores = made.predict(batch)["probs"][:, 1].detach()
    best = max(sk.f1_score(batch["target"], scores >= limit) for limit in scores)
    assert meter.compute()["f1"] == pytest.approx(best)
    again = task("binary", threshold="auto")
    again.load_state_dict(made.state_dict())
    assert judged(again, batch).compute()["f1"] == pytest.approx(best)
    said = again.format_predictions(again.predict(batch))
    assert [entry["prediction"] == "yes" for entry in said] == (scores >= chosen).tolist()


def test_a_typed_threshold_is_never_replaced() -> None:
    made, batch = task("binary", threshold=0.3), rows("binary")
    made.tune_threshold(judged(made, batch))
    assert made.thresholds == [0.3]


def test_each_label_gets_a_threshold_of_its_own() -> None:
    made, batch = task("labels", threshold="auto"), rows("labels", 200)
    made.tune_threshold(judged(made, batch))
    assert len(set(made.thresholds)) == 3


def test_the_perceptron_is_rosenblatts_rule_to_the_bit() -> None:
    """At batch 1 and rate 1 from zero weights, through the engine's own step: w <- w + t x, b <- b + t on mistakes only."""
    pixels, written = (np.asarray(part) for part in load_digits(return_X_y=True))
    chosen = np.isin(written, (3, 8))
    inputs = torch.from_numpy(pixels[chosen] / 16).float()
    target = torch.from_numpy((written[chosen] == 8).astype(np.int64))
    model = Perceptron(InputSpec(kind="array", shape=(64,)), 1, PerceptronConfig())
    made = Classification(model, BINARY, ClassificationConfig(loss="perceptron"))
    run = stepper(made, lr=1.0, optimizer=torch.optim.SGD)
    w, b, mistakes = np.zeros(64, np.float32), np.float32(0), 0
    for step in range(200):
        row = Batch({"input": inputs[step : step + 1], "target": target[step : step + 1]}, torch.tensor([step]))
        x, t = inputs[step].numpy(), np.float32(2 * int(target[step]) - 1)
        score = model(row["input"]).item()  # the network's own sum: numpy adds in another order
        run(row, step=step + 1, epoch=0)
        if t * score <= 0:
            w, b, mistakes = w + t * x, b + t, mistakes + 1
        assert np.array_equal(model.linear.weight.detach().numpy()[0], w)  # type: ignore[union-attr, operator]
        assert model.linear.bias.item() == b  # type: ignore[union-attr, operator]
    assert 0 < mistakes < 60
    everything = Batch({"input": inputs, "target": target}, torch.arange(len(target)))
    assert judged(made, everything).compute()["accuracy"] > 0.9


def test_a_perceptron_of_several_classes_updates_each_output_that_errs() -> None:
    model = Perceptron(InputSpec(kind="array", shape=(5,)), 3, PerceptronConfig())
    made = Classification(model, CLASSES, ClassificationConfig(loss="perceptron"))
    batch = rows("classes", 1)
    made.loss(batch).value.backward()
    signs = F.one_hot(batch["target"], 3)[0] * 2.0 - 1
    torch.testing.assert_close(model.linear.weight.grad, -signs[:, None] * batch["input"], rtol=0, atol=0)  # type: ignore[union-attr, operator]


def test_a_perceptron_predicts_by_sign_and_says_scores() -> None:
    made = task("binary", loss="perceptron")
    said = made.format_predictions({"scores": torch.tensor([[-2.0], [3.0]])})
    assert said[0] == {"prediction": "no", "score": 2.0, "scores": {"no": 2.0, "yes": -2.0}}
    assert said[1]["prediction"] == "yes"
    assert made.predict(rows("binary"))["scores"].shape == (24, 1)


@pytest.mark.parametrize(
    ("kind", "monitor", "mode"),
    [
        ("classes", None, "max"),
        ("classes", "log_loss", "min"),
        ("binary", "f1", "max"),
        ("labels", "subset_accuracy", "max"),
    ],
)
def test_every_metric_that_can_be_monitored_is_reported(kind: str, monitor: str | None, mode: str) -> None:
    made = Classification(nn.Linear(5, TARGETS[kind].out_dim), TARGETS[kind], ClassificationConfig(), monitor=monitor)
    found = judged(made, rows(kind)).compute()
    assert made.objective[:2] == (monitor or "accuracy", mode)
    assert made.objective.metric in found


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label_smoothing": 1.0}, "--label-smoothing must be at least 0 and below 1, got 1"),
        ({"label_smoothing": 0.1, "loss": "focal"}, "--label-smoothing is for --loss cross-entropy, not focal"),
        ({"focal_gamma": -1.0}, "--focal-gamma must be at least 0, got -1"),
        ({"threshold": 1.5}, "--threshold must lie between 0 and 1, or be auto, got 1.5"),
        ({"class_weights": (-1.0, 1.0)}, "--class-weights must be at least 0 and not all 0, got -1.0 1.0"),
        ({"class_weights": ("balanced", 1.0)}, "--class-weights takes balanced, none, or one number per class"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ClassificationConfig(**settings)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("classes", {"threshold": 0.3}, "--threshold is for two classes or for labels, and there are 3 classes"),
        ("labels", {"class_weights": "balanced"}, "for labels give one number per label"),
        ("classes", {"class_weights": (1.0, 2.0)}, r"one number per class: 2 were given for 3 \(ant, bee, cat\)"),
    ],
)
def test_settings_that_do_not_suit_the_target_are_refused(kind: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        task(kind, **settings)


def test_class_weights_may_be_said_in_three_ways() -> None:
    assert ClassificationConfig(class_weights="none").class_weights == ()  # type: ignore[arg-type]
    assert ClassificationConfig(class_weights="balanced").class_weights == ("balanced",)  # type: ignore[arg-type]
    assert ClassificationConfig(class_weights=("balanced",)) == ClassificationConfig(class_weights="balanced")  # type: ignore[arg-type]


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs two classes or more, and there is only 'ant'"):
        Classification(nn.Linear(5, 1), TargetSpec(kind="class", names=("ant",)), ClassificationConfig())


@pytest.mark.parametrize("kind", ["classes", "binary"])
def test_the_trivial_answer_is_scikit_learns_prior(kind: str) -> None:
    names = TARGETS[kind].names
    known = torch.tensor([0] * 5 + [1] * 9 + [len(names) - 1] * 6)
    judged = torch.tensor([1, 0, 1, 1, len(names) - 1, 0, 1])
    what, metrics = task(kind).trivial_baseline({"target": known}, {"target": judged})
    dummy = DummyClassifier(strategy="prior").fit(np.zeros(len(known)), known)
    guess, probs = dummy.predict(np.zeros(len(judged))), dummy.predict_proba(np.zeros(len(judged)))
    assert what == f"always predicting {names[1]}"
    assert metrics["accuracy"] == pytest.approx(sk.accuracy_score(judged, guess))
    assert metrics["macro_f1"] == pytest.approx(sk.f1_score(judged, guess, average="macro"))
    assert metrics["log_loss"] == pytest.approx(sk.log_loss(judged, probs, labels=range(len(names))))
    assert metrics["auroc"] == 0.5
    assert "loss" not in metrics


def test_the_trivial_answer_names_what_it_says_where_two_classes_are_equally_frequent() -> None:
    even = {"target": torch.tensor([0, 1, 0, 1])}
    what, metrics = task("binary").trivial_baseline(even, {"target": torch.tensor([1, 1, 1, 0])})
    assert (what, metrics["accuracy"]) == ("always predicting yes", 0.75)


def test_the_trivial_answer_to_labels_leaves_gaps_out() -> None:
    truth = torch.tensor([[1.0, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 1]])
    mask = torch.tensor([[1.0, 1, 1], [1, 1, 0], [0, 1, 1], [1, 1, 1]])
    what, metrics = task("labels").trivial_baseline({"target": truth, "mask": mask}, {"target": truth, "mask": mask})
    assert what == "always predicting the most frequent value of each label"
    # red: 3 of 3 true; round: 0 of 4; ripe: 2 of the 3 that are known
    assert metrics["label_accuracy"] == pytest.approx((3 + 4 + 2) / 10)
    assert metrics["average_precision"] == pytest.approx((1 + 2 / 3) / 2)


def test_a_perceptrons_trivial_answer_has_no_probabilities() -> None:
    target = {"target": torch.tensor([0, 1, 1])}
    assert "log_loss" not in task("binary", loss="perceptron").trivial_baseline(target, target)[1]


@pytest.mark.parametrize("kind", ["classes", "binary", "labels"])
def test_mirrored_judging_is_the_mean_probability_of_both_views(kind: str) -> None:
    torch.manual_seed(0)
    outputs = 1 if kind == "binary" else 3
    network = nn.Sequential(nn.Flatten(), nn.Linear(2 * 4 * 4, outputs))
    target = TargetSpec(kind="labels" if kind == "labels" else "class", names=("a", "b", "c")[: max(outputs, 2)])
    plain, mirrored = (
        Classification(network, target, ClassificationConfig(mirrored=choice), class_counts=[1] * len(target.names))
        for choice in (False, True)
    )
    images = torch.randn(5, 2, 4, 4)
    both = [plain.predict(Batch({"input": view}, torch.arange(5)))["probs"] for view in (images, images.flip(-1))]
    found = mirrored.predict(Batch({"input": images}, torch.arange(5)))["probs"]
    assert torch.allclose(found, torch.stack(both).mean(0), atol=1e-6)
    assert not torch.allclose(found, both[0], atol=1e-3)


def test_mirrored_judging_is_for_images() -> None:
    made = task("classes", mirrored=True)
    with pytest.raises(ConfigError, match="--mirrored needs image inputs"):
        made.evaluate(rows("classes"))
