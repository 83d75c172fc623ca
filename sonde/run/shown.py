"""What is looked at once a run has ended, for its report: columns that matter, embeddings, training inputs, features of images.

Each has some seconds and is cut to fit. Nothing of the run is changed: randomness is a stream apart, positions are put back.
"""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.core.batch import VIEWS, Batch
from sonde.core.dataset import Dataset, Rows, TargetSpec
from sonde.core.errors import first_line
from sonde.core.files import read_json, write_json
from sonde.core.findings import Finding
from sonde.core.reconstruction import Reconstruction
from sonde.core.run_folder import RunFolder
from sonde.core.run_lengths import encode
from sonde.core.seams import Source, abilities_of, rewinds
from sonde.core.units import share
from sonde.data.feed.normalise import Normalise
from sonde.engine import random_state
from sonde.engine.evaluate import checked_meter, evaluation_mode
from sonde.engine.execution.settings import StepSettings, autocast
from sonde.explain.columns import Importance, groups_of, moves, permutation_importance
from sonde.explain.embedding import FEW_ROWS, MOST_ROWS, WIDE, LastInput, principal_plane
from sonde.explain.features import Seen, write_features
from sonde.explain.hooks import as_used
from sonde.metrics.directions import higher_is_better
from sonde.modalities.catalogue import modality
from sonde.modalities.image.show import save_picture
from sonde.models.layers import followed
from sonde.run.build import Assembly
from sonde.run.reconstructed import write_reconstructions

FEATURES_S = 5.0  # seconds for feature visualisation; of a run with a time limit at most a hundredth of it
COLUMNS_S = 3.0  # for permutation importance, likewise
MOVED_S = 5.0  # for what moved the answers, likewise
EMBEDDING_S = 3.0  # for embeddings, likewise; then those that there are
MOST_COLUMNS = 200
IMPORTANT_ROWS = 2000
AT_ONCE = 64  # rows
PICTURES = 12
DIGITS = 4


@dataclass(frozen=True)
class Judged:
    """Rows of the split that the report speaks of, as the network is fed them."""

    split: str
    rows: Rows
    dataset: Dataset
    read: Callable[[Sequence[int] | np.ndarray], Batch]

    def batches(self, most: int) -> list[Batch]:
        """At most so many rows, in random order."""
        numbers = self.shuffled(most)
        return [self.read(numbers[begun : begun + AT_ONCE]) for begun in range(0, len(numbers), AT_ONCE)]

    def shuffled(self, most: int) -> np.ndarray:
        """Numbers of at most so many rows in random order: they may stand class by class."""
        return np.random.default_rng(0).permutation(len(self.rows))[:most]


def look(assembly: Assembly, folder: RunFolder, settings: StepSettings) -> list[Finding]:
    """Write evaluation/*.json and their pictures for a task of Sonde's with one network; nothing for others.

    settings: the precision that the run was trained in
    Returns: notes on what could not be made, for the training is done and its result stands
    """
    dataset = assembly.dataset
    if dataset is None or "model" not in assembly.task.modules or not assembly.evaluation_sources:
        return []
    judged, notes = _judged(assembly, dataset), list[Finding]()
    if (back := abilities_of(assembly.task).reconstruction) is not None:
        with random_state.apart(assembly.device), torch.inference_mode():
            notes += _harmless("the map of the latent", lambda: _embedding(assembly, folder, judged, settings, back))
            notes += _harmless("reconstructions", lambda: _given_back(assembly, folder, judged, settings, back))
    if (
        abilities_of(assembly.task).generation is not None or back is not None
    ):  # its network answers no row: it makes them
        if dataset.schema.input.has_planes:
            notes += _harmless("the training images as fed", lambda: _seen(assembly, folder, dataset))
        return notes
    with random_state.apart(assembly.device), torch.inference_mode():
        notes += _harmless("the map of embeddings", lambda: _embedding(assembly, folder, judged, settings))
        notes += _harmless("the importance of columns", lambda: _columns(assembly, folder, judged, settings))
    if dataset.schema.input.has_planes:
        with random_state.apart(assembly.device):
            notes += _harmless("the training images as fed", lambda: _seen(assembly, folder, dataset))
        notes += _harmless("what the layers respond to", lambda: _features(assembly, folder, judged))
    return notes


def _harmless(what: str, make: Callable[[], None]) -> list[Finding]:
    try:
        make()
    except Exception as trouble:  # a picture that fails is no reason to lose a run that has ended
        evidence = f"{what} could not be made ({first_line(trouble)[:200]})"
        action = "nothing: the result is not touched"
        return [Finding(check="report", severity="note", evidence=evidence, action=action)]
    return []


def _judged(assembly: Assembly, dataset: Dataset) -> Judged:
    split = next(name for name in ("test", "validation", "train") if name in dataset.splits)
    rows = dataset.splits["train" if assembly.config.data.overfit_batches else split]
    return Judged(split, rows, dataset, _reader(assembly, dataset, rows))


def _reader(assembly: Assembly, dataset: Dataset, rows: Rows) -> Callable[[Sequence[int] | np.ndarray], Batch]:
    """How rows are read as the network is fed them."""
    prepare = Normalise(dataset.schema.input, assembly.device, channels_last=assembly.channels_last)

    def read(numbers: Sequence[int] | np.ndarray) -> Batch:
        index = np.asarray(numbers)
        fields = {name: torch.from_numpy(field) for name, field in rows.read(index).items()}
        return Batch(prepare(fields), torch.from_numpy(index))

    return read


def _seconds(assembly: Assembly, most: float) -> float:
    limit = assembly.config.loop.limit_s
    return most if limit is None else min(most, 0.01 * limit)


def _features(assembly: Assembly, folder: RunFolder, judged: Judged) -> None:
    """Feature visualisations of an image network."""
    model, schema = assembly.task.modules["model"], judged.dataset.schema
    images = Seen(
        split=judged.split,
        rows=judged.rows,
        target=schema.target,
        read=lambda numbers: judged.read(numbers)["input"],
        shape=schema.input.shape,
    )
    seconds = _seconds(assembly, FEATURES_S)
    write_features(folder.evaluation, model, followed(model), images, seconds=seconds)


def _given_back(
    assembly: Assembly, folder: RunFolder, judged: Judged, settings: StepSettings, back: Reconstruction
) -> None:
    dataset = judged.dataset
    trained = replace(judged, rows=dataset.splits["train"], read=_reader(assembly, dataset, dataset.splits["train"]))

    with as_used(assembly.task.modules), autocast(settings):
        write_reconstructions(
            folder.evaluation,
            back,
            dataset.schema,
            judged.batches,
            split=judged.split,
            trained=trained.batches,
        )


def _embedding(
    assembly: Assembly,
    folder: RunFolder,
    judged: Judged,
    settings: StepSettings,
    back: Reconstruction | None = None,
) -> None:
    """embedding.json: where each of some rows lies before the last layer; of an autoencoder, in its latent space."""
    target = judged.dataset.schema.target
    if not (target.has_classes or target.has_values) or len(judged.rows) < 3:
        return
    numbers, found = judged.shuffled(MOST_ROWS), []
    until = time.perf_counter() + _seconds(assembly, EMBEDDING_S)
    last = LastInput(assembly.task.modules["model"])
    truths: list[Tensor] = []
    begun = 0
    with as_used(last.model), autocast(settings), last.watching():
        while begun < len(numbers):
            batch = judged.read(numbers[begun : begun + AT_ONCE])
            if back is None:
                last.value = None
                assembly.task.predict(batch)
            value = last.value if back is None else back.latent(batch).float()
            if value is None or value.shape[0] != len(batch) or (found and value.shape[1:] != found[0].shape[1:]):
                return
            found.append(value.cpu())
            truths.append(batch["target"].cpu())
            begun += len(batch)
            if value.shape[1] > WIDE:
                numbers = numbers[:FEW_ROWS]
            if time.perf_counter() > until:
                numbers = numbers[:begun]
    values = torch.cat(found)
    plane = principal_plane(values)
    if plane is None or len(plane.places) != len(values):
        return
    content = {
        "split": judged.split,
        "layer": "latent" if back is not None else last.name or "model",
        "of_latent": back is not None,
        "dimensions": values.shape[1],
        "explained": [round(part, DIGITS) for part in plane.explained],
        "x": _short(plane.places[:, 0]),
        "y": _short(plane.places[:, 1]),
        "index": numbers.tolist(),
        **_truth(torch.cat(truths), target),
    }
    write_json(folder.evaluation / "embedding.json", content)


def _truth(target: Tensor, spec: TargetSpec) -> dict[str, Any]:
    if spec.has_classes:
        return {"names": list(spec.names), "target": target.tolist()}
    mean, std = (spec.mean or (0.0,))[0], (spec.std or (1.0,))[0]
    return {
        "names": list(spec.names[:1]),
        "target": _short(target.double().reshape(len(target), -1)[:, 0] * std + mean),
    }


def _short(values: Tensor) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values.tolist()]


def _columns(assembly: Assembly, folder: RunFolder, judged: Judged, settings: StepSettings) -> None:
    """importance.json, and moved.json beside the rows that are shown, of inputs that are a row of numbers."""
    spec, task = judged.dataset.schema.input, assembly.task
    of_numbers = len(spec.shape) == 1 and not (spec.symbols or spec.rate or modality(spec.kind).unit)
    if not of_numbers or not 1 < len(groups_of(spec)) <= MOST_COLUMNS:
        return
    groups = groups_of(spec)
    whole = judged.read(np.sort(judged.shuffled(IMPORTANT_ROWS)))
    importance: list[Importance] = []
    with evaluation_mode(task.modules), as_used(task.modules["model"]), autocast(settings):
        metric, score = _scored(assembly, whole)
        larger = higher_is_better(metric)
        if larger is not None:
            seconds = _seconds(assembly, COLUMNS_S)
            importance = permutation_importance(score, whole["input"], groups, larger=larger, seconds=seconds)
            listed = [
                {"column": one.column, "drops": [float(f"{drop:.4g}") for drop in one.drops]} for one in importance
            ]
            content = {"split": judged.split, "rows": len(whole), "metric": metric, "larger": larger}
            write_json(folder.evaluation / "importance.json", {**content, "columns": listed})
        ordered = {one.column: groups[one.column] for one in importance} | groups  # where time ends, the first count
        _moved(assembly, folder, judged, whole, ordered)


def _scored(assembly: Assembly, whole: Batch) -> tuple[str, Callable[[Tensor], float]]:
    """(the metric that the result speaks of, inputs of the same rows -> its value)."""

    def scores(input: Tensor) -> Mapping[str, float]:
        meter = checked_meter(assembly.task)
        meter.update(assembly.task.evaluate(Batch({**whole.fields, "input": input}, whole.index)), whole.index)
        return meter.compute()

    metric = next(iter(scores(whole["input"])))
    return metric, lambda input: scores(input)[metric]


def _moved(assembly: Assembly, folder: RunFolder, judged: Judged, whole: Batch, groups: Mapping[str, Any]) -> None:
    """How far each column moved the answers to the rows that are shown: the probability of what was answered, or the value."""
    place, target = folder.evaluation / judged.split, judged.dataset.schema.target
    shown = [
        entry
        for stem in ("worst", "best")
        if (place / f"{stem}.json").exists()
        for entry in read_json(place / f"{stem}.json")
    ]
    if not shown or not (target.has_classes or (target.has_values and len(target.names) == 1)):
        return
    numbers = [int(entry["index"]) for entry in shown]
    chosen = [target.names.index(entry["prediction"]) for entry in shown] if target.has_classes else [0] * len(shown)
    places = torch.tensor(chosen, device=assembly.device)
    rows = judged.read(numbers)

    def answer(input: Tensor, of: Tensor) -> Tensor:
        found = assembly.task.predict(Batch({"input": input}, of))
        values = found.get("probs", found.get("values"))
        assert values is not None
        return values.gather(1, places[of][:, None])[:, 0].float()

    if target.has_classes and "probs" not in assembly.task.predict(Batch({"input": rows["input"]}, rows.index)):
        return
    found = moves(answer, rows["input"], whole["input"], groups, seconds=_seconds(assembly, MOVED_S))
    by_row = {
        str(number): {name: float(f"{float(values[n]):.4g}") for name, values in found.items()}
        for n, number in enumerate(numbers)
    }
    write_json(place / "moved.json", {"probability": target.has_classes, "rows": by_row})


def _seen(assembly: Assembly, folder: RunFolder, dataset: Dataset) -> None:
    """seen.json: the first rows of the first training batch, as the network was fed them."""
    source = assembly.train
    pictures = folder.evaluation / "seen"
    shutil.rmtree(pictures, ignore_errors=True)  # of a run that was trained further
    if not rewinds(source):
        return
    batch = _first(source)
    schema = dataset.schema
    prepare = Normalise(schema.input, torch.device("cpu"))
    pictures.mkdir(parents=True)
    rows = []
    for place in range(min(PICTURES, len(batch))):
        for view in [name for name in ("input", *VIEWS) if name in batch]:
            pixels = prepare.picture(batch[view][place].cpu())  # (H, W, C)
            path = save_picture(pictures / f"{len(rows)}.png", np.ascontiguousarray(pixels.transpose(2, 0, 1)))
            rows.append(
                {
                    "row": source.describe(int(batch.index[place])),
                    "label": _label(batch, place, schema.target) if view == "input" else view,
                    "picture": f"seen/{path.name}",
                    "size": list(pixels.shape[:2]),
                    **(
                        _drawn(batch["target"][place].cpu(), schema.target)
                        if view == "input" and "target" in batch
                        else {}
                    ),
                }
            )
    write_json(folder.evaluation / "seen.json", {"augment": assembly.config.feed.augment, "rows": rows[: 2 * PICTURES]})


def _first(source: Source) -> Batch:
    """The first batch of the first epoch; the source stands where it stood."""
    position = source.state_dict()
    try:
        source.load_state_dict({**position, "epoch": 0, "position": 0})
        return next(iter(source))
    finally:
        source.load_state_dict(position)


def _label(batch: Batch, place: int, target: TargetSpec) -> str:
    """The class; of a mixed image both, with their shares."""
    if "target" not in batch or not target.has_classes:
        return ""
    name = target.names[int(batch["target"][place])]
    if "mix_weight" not in batch:
        return name
    other, weight = target.names[int(batch["mix_target"][place])], float(batch["mix_weight"][place])
    return f"{name} {share(weight, 0)}, {other} {share(1 - weight, 0)}"


def _drawn(truth: Tensor, target: TargetSpec) -> dict[str, Any]:
    """What is drawn on the picture: boxes, or a class map."""
    if target.has_boxes:
        objects = [(int(kind), box) for kind, *box in truth.tolist() if kind >= 0]
        return {
            "truth": [{"name": target.names[kind], "box": [round(side, 1) for side in box]} for kind, box in objects]
        }
    return {"truth": encode(truth.numpy().astype(np.uint8))} if target.has_masks else {}
