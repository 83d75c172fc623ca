"""What an evaluation leaves in the run folder: numbers, tables and pictures of the rows with the highest and the lowest loss."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sonde.acting.evaluation.plain import PATIENCE, SECONDS
from sonde.acting.seeds import SeedRows
from sonde.acting.self_play.games.rows import GameRows
from sonde.core.batch import Batch
from sonde.core.catalogue import load
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError, NonFinite
from sonde.core.files import write_json
from sonde.core.findings import Finding
from sonde.core.pace import never
from sonde.core.seams import Meter, Source, abilities_of, extras_of, rewinds
from sonde.core.units import counted, metric_name
from sonde.core.vocabulary import read_vocabulary
from sonde.data.feed.normalise import Normalise
from sonde.data.rows import Labelled
from sonde.data.splits import truth_of
from sonde.engine import random_state
from sonde.engine.evaluate import WithoutGradients, checked_meter, evaluation_mode
from sonde.engine.execution.settings import autocast
from sonde.engine.met import note_batch
from sonde.engine.tree import copied
from sonde.modalities.catalogue import modality
from sonde.modalities.image.show import save_picture
from sonde.modalities.made import Made
from sonde.modalities.modality import Case
from sonde.run.build import Assembly
from sonde.run.constant_baseline import constant_baseline
from sonde.run.made_columns import together
from sonde.run.played import matched_baseline, played_baseline
from sonde.run.real_rows import real_rows
from sonde.run.resolve import CUSTOM_MODULE
from sonde.run.sampling import Drawn, Wanted, class_names, drawn, fitting, shares_among, with_names
from sonde.run.unfit import unfitting
from sonde.tasks.custom.metrics import Undefined
from sonde.tasks.spec import TaskSpec

ROWS = 500  # of a table that are made, beside as many real ones
MORE = 1000  # batches that are read before the first step, where a metric fails on the first
FEW = 4  # rows, of which reconstructions and answers while it trains are shown
LEAST_S = 1.0  # for a baseline that is played, in which short episodes are enough to be certain on a busy machine too
CASES = ("worst", "best", "examples")  # tables of rows that are shown


def write_evaluation(
    folder: Path, meter: Meter, source: Source, assembly: Assembly, *, sampling_s: float | None = None
) -> str:
    """Fill evaluation/<split>/ as docs/run-folder.md describes it.

    sampling_s: seconds that samples of a task that makes inputs may take; None for as many as it takes
    Returns: by how much there are fewer of them for that, in words; "" where there are not
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "metrics.json", meter.compute())
    for stem, content in meter.details().items():
        if stem in CASES:
            content = with_pictures(content, stem, folder, source, assembly)
        elif stem == "by_series":
            content = _labelled(content, _rows(folder, assembly))
        elif stem == "attention":
            content = [_with_source(entry, folder, assembly) for entry in content]
        write_json(folder / f"{stem}.json", content)
    if (samples := abilities_of(assembly.task).samples) is not None and assembly.dataset is not None:
        write_json(folder / "written.json", samples(assembly.dataset.schema.input.shape[0], None))
    if abilities_of(assembly.task).unmask is not None and (batch := few_rows(source)) is not None:
        with random_state.apart(assembly.device), evaluation_mode(assembly.task.modules), torch.no_grad():
            write_json(folder / "reconstructed.json", write_reconstructions(folder, batch, source, assembly))
    return _write_samples(folder, assembly, sampling_s)


def few_rows(source: Source) -> Batch | None:
    """Some rows of a source's first batch, spread over it; None of data that cannot be rewound. The source is put back."""
    if not rewinds(source):
        return None
    position = source.state_dict()
    try:
        batch = next(iter(source), None)
    finally:
        source.load_state_dict(position)
    if batch is None:
        return None
    count = min(FEW, len(batch))
    return batch.rows((torch.arange(count) * len(batch)) // count)


def write_reconstructions(folder: Path, batch: Batch, source: Source, assembly: Assembly) -> list[dict[str, Any]]:
    """Pictures of a batch's images, what the network saw of them and what it made of that: reconstructed/<row>-<which>.png.

    Returns: their entries of reconstructed.json
    """
    unmask = abilities_of(assembly.task).unmask
    assert unmask is not None
    assert assembly.dataset is not None
    prepare, places = Normalise(assembly.dataset.schema.input, torch.device("cpu")), folder / "reconstructed"
    places.mkdir(parents=True, exist_ok=True)
    made = {which: prepare.picture(images.float()) for which, images in unmask(batch)._asdict().items()}
    rows = []
    for place, index in enumerate(batch.index.tolist()):
        pictures = {}
        for which, pixels in made.items():
            path = places / f"{place}-{which}.png"
            kept = save_picture(path, np.ascontiguousarray(pixels[place].transpose(2, 0, 1)))
            pictures[which] = f"reconstructed/{kept.name}"
        rows.append({"index": index, "row": source.describe(index), "pictures": pictures})
    return rows


def _write_samples(folder: Path, assembly: Assembly, seconds: float | None) -> str:
    """New inputs, of a task that makes them, in pictures, texts or beside real rows: samples.json names or holds them, and
    says how they were made."""
    generation = abilities_of(assembly.task).generation
    if generation is None or assembly.dataset is None:
        return ""
    schema = assembly.dataset.schema
    about = modality(schema.input.kind)
    made = load(about.made) if about.made else None
    if made is None or not (made.picture or made.texts or made.compared or made.cards):
        return ""
    rows = _rows(folder, assembly)
    number = made.reported
    if made.compared is not None:
        number = min(ROWS, max(number, len(rows)))
    shares = shares_among(assembly.dataset.splits["train"], schema) if made.by_share and generation.classes else ()
    asked = wanted = Wanted(number=number, steps=generation.steps, shares=shares)
    if seconds is not None:
        wanted = fitting(assembly.task, schema, asked, assembly.device, seconds)
    found = drawn(assembly.task, schema, wanted, assembly.device)  # in fp32, as `sonde sample`
    number = wanted.number
    content: dict[str, Any] = {"number": number, "steps": wanted.steps, "seed": 0}
    places = {"picture": (made.picture, "samples"), "stills": (made.stills, "samples-frames")}
    content |= {
        name: draw(found.values, schema, folder / stem).name
        for name, (draw, stem) in places.items()
        if draw is not None
    }
    if made.texts is not None:
        content["texts"] = list(made.texts(found.values, schema))
    if made.cards is not None:
        names = class_names(found, schema) or [""] * number
        shown = made.cards(made.plain(found.values, schema), folder, "samples")
        content["cards"] = [{**card, "class": name} for card, name in zip(shown, names, strict=False)]
    content |= _beside_real(found, made, schema, rows, folder.name)
    if generation.samplers:
        content["sampler"] = generation.samplers[0]
    if found.labels is not None:
        content["classes"] = list(schema.target.names)
    write_json(folder / "samples.json", content)
    return _fewer(wanted, asked)


def _beside_real(found: Drawn, made: Made, schema: Schema, rows: Rows, split: str) -> dict[str, Any]:
    """Samples of a table beside as many real rows; nothing of other kinds of data."""
    if made.compared is None:
        return {}
    real = real_rows(rows, schema, made, most=len(found.values))
    plain = [
        with_names(*each, schema, made)
        for each in ((made.plain(found.values, schema), found.labels), (real.plain, real.labels))
    ]
    both = {} if made.columns is None else {"together": together(made.columns(*plain))}
    return {"real_rows": len(real.index), "split": split, "compared": made.compared(*plain), **both}


def _fewer(made: Wanted, asked: Wanted) -> str:
    """What was made where that is not what was asked for; "" where it is."""
    if made == asked:
        return ""
    few = counted(made.number, "sample", "samples")
    few += f" instead of {asked.number}" if made.number < asked.number else ""
    if made.steps == asked.steps:
        return few
    return f"{few} of {counted(made.steps, 'step', 'steps')} each instead of {asked.steps}"


def check_evaluation(assembly: Assembly) -> None:
    """Evaluate one batch of each of the caller's own sets, or by metrics of her own, before training, so that what is wrong with
    it shows then.

    Whatever that changes is put back. Nothing is read from data that cannot be rewound, and of what Sonde read itself.
    Raises: ConfigError for a metric that is no number, or an objective that is not reported; DataError for what does not fit
    """
    if assembly.dataset is None or abilities_of(assembly.task).notes is not None:
        for split, source in assembly.evaluation_sources.items():
            if rewinds(source):
                _check_split(assembly, split, source)


def _check_split(assembly: Assembly, split: str, source: Source) -> None:
    task = assembly.task
    position, task_state = source.state_dict(), copied(extras_of(task).state_dict())
    look, meter, batch = WithoutGradients(abilities_of(task).quick_evaluate or task.evaluate), checked_meter(task), None
    coming: Iterator[Batch] = iter(())

    def add(batch: Batch) -> None:
        outputs = look(batch)
        with look.mode():
            meter.update(outputs, batch.index)

    try:
        with (
            random_state.apart(assembly.device),
            evaluation_mode(task.modules),
            autocast(assembly.step_settings()),
            suppress(NonFinite),  # of rows, which an evaluation names
        ):
            coming = iter(source)
            batch = next(coming, None)
            if batch is None:
                raise DataError(f"the {split} data yielded no batch")
            add(batch)
            if split == "validation" or "validation" not in assembly.evaluation_sources:
                try:
                    _try_metrics(assembly, meter, split)
                except Undefined:  # of rows that may be too few, or all of one class: of all rows it would be a failure
                    for batch in itertools.islice(coming, MORE):
                        add(batch)
                    if next(coming, None) is None:
                        _try_metrics(assembly, meter, split)
    except (RuntimeError, ValueError, IndexError, TypeError, AttributeError, MemoryError) as trouble:
        if batch is not None:
            note_batch(trouble, batch, source)
        unfit = unfitting(trouble, batch, f"the first {split} batch", source.describe)
        if unfit is None:
            raise
        raise unfit from trouble
    finally:
        source.load_state_dict(position)
        extras_of(task).load_state_dict(task_state)


def _try_metrics(assembly: Assembly, meter: Meter, split: str) -> None:
    """Compute what the batches so far come to, which tells the task what its metrics report.

    Raises: Undefined for a metric of the caller's own that fails on them, ConfigError for another fault of hers
    """
    try:
        scores = meter.compute()
    except (
        ArithmeticError,
        ValueError,
        RuntimeError,
        IndexError,
    ):  # of a metric of the task's, which needs more batches
        return
    if split == "validation" and assembly.objective is not None:
        assembly.objective.value(scores)


def choosing(assembly: Assembly) -> list[str]:
    """Which metric of the caller's own, or beside hers, chooses the best checkpoint."""
    objective = assembly.objective
    own = assembly.config.model == CUSTOM_MODULE
    told = (own or abilities_of(assembly.task).notes is not None) and "validation" in assembly.evaluation_sources
    if objective is None or not told:
        return []
    best = "highest" if objective.mode == "max" else "lowest"
    return [f"best checkpoint: {best} validation {metric_name(objective.metric)}"]


def notes_on_metrics(assembly: Assembly) -> list[Finding]:
    """What is to be said of the task's metrics; from here on it is decided which of them chooses."""
    notes, source = abilities_of(assembly.task).notes, assembly.evaluation_sources.get("validation")
    if notes is None:
        return []
    if not assembly.evaluation_sources:
        return [
            Finding(
                check="metrics without data",
                severity="note",
                evidence="metrics= computes nothing: there are no validation and no test data",
                action="pass validation=, or leave metrics= out",
            )
        ]
    return [] if source is None else list(notes(source.batches))


def baseline(
    assembly: Assembly,
    split: str,
    folder: Path,
    *,
    seconds: float | None = None,
    leave_off: Callable[[], bool] = never,
) -> dict[str, Any]:
    """Metrics of a trivial baseline on a split (a prediction that ignores the input), and "what" it predicts.

    folder: of that split's evaluation, for what is kept of it beside
    seconds: that one which is played may take, None for as many as are usual;  leave_off: asked while it is played
    Empty where the task knows of none, and with --overfit-batches.
    """
    dataset, able = assembly.dataset, abilities_of(assembly.task)
    if assembly.config.data.overfit_batches:
        return {}
    if able.rule_baseline is not None:
        meter = checked_meter(assembly.task)
        for batch in assembly.evaluation_sources[split]:
            meter.update(able.rule_baseline.evaluate(batch), batch.index)
        return {**meter.compute(), "what": able.rule_baseline.name}
    if able.acting is not None and dataset is not None and isinstance(dataset.splits[split], SeedRows):
        most_s = SECONDS if seconds is None else min(SECONDS, max(LEAST_S, seconds) / PATIENCE)
        rows, seed = dataset.splits[split], assembly.config.machine.seed
        return played_baseline(rows, folder, seed=seed, seconds=most_s, leave_off=leave_off)
    if able.playing is not None and dataset is not None and isinstance(rows := dataset.splits[split], GameRows):
        given: dict[str, float] = {} if seconds is None else {"seconds": seconds, "longest": 1}
        return matched_baseline(rows, assembly.task, assembly.device, folder, **given, leave_off=leave_off)
    if dataset is None and able.constant_baselines is not None:
        return constant_baseline(assembly, split)
    if dataset is None or able.trivial_baseline is None:
        return {}
    target = dataset.schema.target
    known, evaluated = (
        {
            name: torch.as_tensor(values, dtype=torch.int64 if target.has_classes else torch.float32)
            for name, values in truth_of(dataset.splits[part], masked=target.masked).items()
        }
        for part in ("train", split)
    )
    what, metrics = able.trivial_baseline(known, evaluated)
    return {**metrics, "what": what}


def with_pictures(
    entries: Sequence[dict[str, Any]], stem: str, folder: Path, source: Source, assembly: Assembly
) -> list[dict[str, Any]]:
    """A table of rows, each with where it came from and what its kind of data shows of it, in files of a folder `stem`."""
    return [_with_picture(entry, f"{stem}/{number}", folder, source, assembly) for number, entry in enumerate(entries)]


def _with_picture(entry: dict[str, Any], stem: str, folder: Path, source: Source, assembly: Assembly) -> dict[str, Any]:
    """A case with where its row came from, and what its kind of data shows of it in files called `stem`."""
    index = int(entry["index"])
    named = {**entry, "row": source.describe(index), "picture": None}
    if assembly.dataset is None:
        return named
    spec = assembly.dataset.schema.input
    rows = _rows(folder, assembly)
    show = modality(spec.kind).show
    case = Case(rows=rows, index=index, spec=spec, folder=folder, stem=stem)
    return {**named, **(load(show)(case) if show else {})}


def highlights(task: TaskSpec, meter: Meter, rows: Rows) -> list[str]:
    """What a task says beside the scores of an evaluation, a line each; nothing of most."""
    if not task.highlights:
        return []
    details = meter.details()
    return load(task.highlights)({**details, "by_series": _labelled(details.get("by_series") or [], rows)})


def _labelled(entries: Sequence[dict[str, Any]], rows: Rows) -> list[dict[str, Any]]:
    """The scores of several series with their names, each by one of its rows."""
    return [
        {"name": rows.label_of(int(entry["index"])) if isinstance(rows, Labelled) else "", **entry} for entry in entries
    ]


def _rows(folder: Path, assembly: Assembly) -> Rows:
    """Those that were evaluated."""
    assert assembly.dataset is not None
    overfitting = bool(assembly.config.data.overfit_batches)  # then training rows are evaluated as validation
    return assembly.dataset.splits["train" if overfitting else folder.name]


def _with_source(entry: dict[str, Any], folder: Path, assembly: Assembly) -> dict[str, Any]:
    """A map of attention with the tokens that were looked at."""
    assert assembly.dataset is not None
    tokens = _rows(folder, assembly).read(np.array([entry["index"]]))["input"][0]
    vocabulary = read_vocabulary(assembly.dataset.schema.input.tokenizer)
    return {**entry, "source": [vocabulary.symbol(int(number)) for number in tokens]}
