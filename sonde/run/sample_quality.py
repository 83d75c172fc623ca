"""How good the samples of a run are, beside real rows that nobody trained on: in the features of a classifier of Sonde's own, of
tables in their own columns.

Every number stands beside the same number of one half of the real rows and the other: what a perfect model would reach.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.core.config_file import in_memory, read_config
from sonde.core.dataset import Schema
from sonde.core.errors import ConfigError, DataError
from sonde.core.files import write_json
from sonde.core.progress import Tick, silent
from sonde.core.run_folder import RunFolder
from sonde.core.units import counted
from sonde.metrics.coverage import NEIGHBOURS, coverage
from sonde.metrics.frechet import frechet_distance, frechet_error
from sonde.metrics.intervals import wilson
from sonde.metrics.kernel_distance import FEWEST, SUBSETS, kernel_distance
from sonde.metrics.normal_scores import normal_scores
from sonde.modalities.catalogue import modality
from sonde.run.copies import copies
from sonde.run.judge import Seen, as_given, check_judge, seen_by, weights_hash
from sonde.run.judge_caution import better_than_real, no_better_than_guessing, saturated
from sonde.run.judged_rows import MAY_BE, parts_of, rows_trained_on
from sonde.run.made_columns import measures as measures_of
from sonde.run.made_columns import together
from sonde.run.motion import FEWEST as FEWEST_CLIPS
from sonde.run.motion import motion
from sonde.run.real_rows import Real, real_rows
from sonde.run.sampling import Drawn, Wanted, drawn, generation_of, made_of, shares_among, with_names
from sonde.run.trained_on_samples import trained_on_samples
from sonde.run.weaker import weaker_of

if TYPE_CHECKING:
    from sonde.modalities.made import Made
    from sonde.run.run import Run

NAME = "sample_quality"  # of the file and the folder of pictures in evaluation/
NUMBER = 2000  # samples
LEAST = FEWEST * SUBSETS  # rows on either side
MOST_FEATURES = 256  # of which a Fréchet distance is computed 20 times more, for its error

# M rows on either side


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which samples are judged; see `sonde.run.sampling.Wanted`."""

    number: int = NUMBER
    steps: int = 0
    sampler: str = ""
    guidance: float = 1.0
    weaker: str = ""
    seed: int = 0


def sample_quality(run: "Run", data: Any, judge: "Run | None", asked: Asked, tick: Tick = silent) -> dict[str, Any]:
    """Measure samples, and write evaluation/sample_quality.json and its pictures into the run's folder.

    data:  what the run was trained on; of other data there is no telling what was copied
    judge: None for what is measured without one: the motion of clips, the columns of tables, and copies
    Returns: what the file holds (docs/run-folder.md)
    Raises: ConfigError for a judge or samples that cannot be; DataError for data that cannot be read, or too few real rows
    """
    generation, schema, folder = generation_of(run), run.schema, RunFolder(run.folder)
    made = made_of(schema)
    if made is None or not modality(schema.input.kind).judged:
        raise ConfigError(f"samples of {modality(schema.input.kind).noun} cannot be judged yet")
    if made.to_judge is not None:
        made = replace(made, plain=made.to_judge)
    if judge is not None:
        check_judge(judge, run)
    elif not (made.in_time or made.columns):
        raise ConfigError("--number is for samples, which are measured with --judge CLASSIFIER_RUN")
    least = FEWEST_CLIPS if judge is None and made.in_time else LEAST
    if asked.number < least:
        raise ConfigError(f"--number must be at least {least} for samples to be measured, got {asked.number}")
    parts = parts_of(folder, data, schema, tick=tick)
    split = parts.held_out
    real = real_rows(parts.splits[split], schema, made, most=2 * asked.number)
    if len(real.index) < 2 * least:
        rows = counted(len(real.index), "row", "rows")
        raise DataError(f"{data} has {rows} to measure samples by, and {2 * least} are needed, in two halves")
    wanted = Wanted(
        number=asked.number,
        shares=shares_among(parts.splits.get("train", next(iter(parts.splits.values()))), schema)
        if generation.classes
        else (),
        steps=asked.steps,
        sampler=asked.sampler,
        guidance=asked.guidance,
        weaker=weaker_of(run, asked.weaker) if asked.weaker else None,
        seed=asked.seed,
    )
    found = drawn(run.task, schema, wanted, run.device, tick)
    plain = made.plain(found.values, schema)
    size = min(asked.number, len(real.index) // 2)
    measures: list[dict[str, Any]] = []
    if made.in_time:
        measures += motion(plain[:size], real.plain[:size], real.plain[size : 2 * size])
    both = None if made.columns is None else _together(found, plain, real, schema, made)
    if both is not None:
        measures += [*measures_of(both), *_distances(*_in_columns(found, plain, real, schema, made), size)]
    by_judge = None if judge is None else _judged(judge, run, data, found, plain, real, size, tick)
    place = folder.evaluation / NAME
    measures += [] if by_judge is None else by_judge.measures
    judge_told = [] if by_judge is None else by_judge.caution
    content = {
        "samples": {**vars(asked), "steps": asked.steps or generation.steps},
        "weights": weights_hash(run),
        "step": (run.result.get("best") or {}).get("step") if folder.result.exists() else None,
        "judge": None if by_judge is None else by_judge.about,
        "preprocessing": _preprocessing(schema, None if judge is None else judge.schema),
        "data": str(data),
        "split": split,
        "n": size,
        "k": NEIGHBOURS,
        "caution": [
            *_caution(parts.own, run, judge, data, real, split, tick),
            *judge_told,
            *better_than_real(measures),
        ],
        "measures": measures,
        **({} if both is None else {"together": both}),
        "memorisation": copies(parts, plain, real.plain, schema, made, place, tick) if parts.own else None,
    }
    write_json(folder.evaluation / f"{NAME}.json", content)
    return content


class _Judged(NamedTuple):
    """What a judge says: which it is, and measures; caution: what is to be said of the judge."""

    about: dict[str, Any]
    measures: list[dict[str, Any]]
    caution: list[str]


def _judged(
    judge: "Run",
    run: "Run",
    data: Any,
    found: Drawn,
    plain: Any,
    real: Real,
    size: int,
    tick: Tick,
) -> _Judged:
    schema, made = run.schema, made_of(run.schema)
    assert made is not None
    seen = seen_by(judge, as_given(plain, schema), made, tick, "judging samples")
    seen_real = seen_by(judge, as_given(real.plain, schema), made, tick, "judging real rows")
    whole = with_names(plain, found.labels, schema, made)
    about = {
        "run": str(judge.folder),
        "weights": weights_hash(judge),
        "layer": seen.layer,
        "features": seen.features.shape[1],
    }
    agreement, guessing = _agreement(seen, found.labels, seen_real, real.labels, run, judge)
    own = made.columns is None  # else distances are those of the columns, which no judge's certainty blurs
    measures = [
        *agreement,
        *(_distances(seen.features, seen_real.features, size) if own else []),
        *trained_on_samples(judge, data, whole, made, tick),
    ]
    return _Judged(about, measures, [*guessing, *(saturated(seen_real) if own else [])])


def _together(found: Drawn, plain: Any, real: Real, schema: Schema, made: "Made") -> dict[str, Any]:
    """What the columns of samples and of real rows say of one another, the class of each row among them."""
    assert made.columns is not None
    whole = (with_names(*each, schema, made) for each in ((plain, found.labels), (real.plain, real.labels)))
    return together(made.columns(*whole))


def _in_columns(found: Drawn, plain: Any, real: Real, schema: Schema, made: "Made") -> tuple[Tensor, Tensor]:
    """(samples (N, D), real rows (M, D)): numbers by their ranks among real rows, categories and classes one by one."""
    assert made.vectors is not None
    samples, rows = made.vectors(plain, schema), made.vectors(real.plain, schema)
    samples, rows = normal_scores(samples, rows), normal_scores(rows, rows)
    if found.labels is None or real.labels is None:
        return samples, rows
    hot = [F.one_hot(each, len(schema.target.names)) * 0.5**0.5 for each in (found.labels, real.labels)]
    return torch.cat([samples, hot[0]], 1), torch.cat([rows, hot[1]], 1)


def _distances(features: Tensor, of_real: Tensor, size: int) -> list[dict[str, Any]]:
    """Fréchet and kernel distance, precision, recall, density and coverage, each beside that of two halves of the real rows."""
    samples, half, other = features[:size], of_real[:size], of_real[size : 2 * size]
    kernel, floor = kernel_distance(samples, half), kernel_distance(other, half)
    found = [
        _frechet(samples, half, other),
        {
            "name": "kernel_distance",
            "better": "lower",
            "value": kernel.value,
            "error": kernel.error,
            "real": floor.value,
            "real_error": floor.error,
        },
    ]
    held, limit = coverage(samples, half)._asdict(), coverage(other, half)._asdict()
    return found + [
        {"name": name, "better": "higher", "value": value, "real": limit[name]} for name, value in held.items()
    ]


def _frechet(samples: Tensor, half: Tensor, other: Tensor) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": "frechet_distance", "better": "lower", "value": None, "real": None}
    size, features = samples.shape
    if size <= features:
        why = f"{size} rows are too few for the covariance of {features} features: more samples and more held-out rows are needed"
        return {**entry, "reason": why}
    entry |= {"value": frechet_distance(samples, half), "real": frechet_distance(other, half)}
    errors = [frechet_error(samples, half), frechet_error(other, half)] if features <= MOST_FEATURES else []
    return entry | dict(zip(("error", "real_error"), errors, strict=False))


def _agreement(
    seen: Seen, labels: Tensor | None, real: Seen, truth: Tensor | None, run: "Run", judge: "Run"
) -> tuple[list[dict[str, Any]], list[str]]:
    """In how many samples the judge sees the class that was asked for, beside how often it is right about real rows; cautions."""
    if labels is None or truth is None or not judge.schema.target.has_classes:
        return [], []
    names = list(judge.schema.target.names)
    absent = [name for name in run.schema.target.names if name not in names]
    entry: dict[str, Any] = {"name": "class_agreement", "better": "higher", "value": None, "real": None}
    if absent:
        return [{**entry, "reason": f"the judge knows no class {absent[0]!r}"}], []
    numbers = torch.tensor([names.index(name) for name in run.schema.target.names])
    hits = int((numbers[labels] == seen.classes).sum())
    right = int((numbers[truth] == real.classes).sum())
    around, of_real = wilson(hits, len(labels)), wilson(right, len(truth))
    told = {
        **entry,
        "value": hits / len(labels),
        "interval": [around.low, around.high],
        "real": right / len(truth),
        "real_interval": [of_real.low, of_real.high],
    }
    return [told], no_better_than_guessing(right, numbers[truth])


def _preprocessing(schema: Schema, judge: Schema | None) -> str:
    """In words; both samples and real rows go through it."""
    if judge is None and schema.input.has_frames:
        return "as the run makes them, rounded to 8 bits"
    if judge is None:
        return "rows as the run makes them"
    if schema.input.is_clip:
        return "waveforms at 16 bits, without the silence behind their end, resampled where the judge has another rate"
    if not schema.input.has_planes:
        return "rows as the run makes them, then encoded as the judge encodes its own"
    sizes = ["x".join(map(str, each.input.shape[1:])) for each in (schema, judge)]
    resized = f"resized to the judge's {sizes[1]}" if sizes[0] != sizes[1] else "not resized"
    return f"{sizes[0]} pixels as the run makes them, rounded to 8 bits, {resized}, normalised as the judge was trained"


def _caution(own: bool, run: "Run", judge: "Run | None", data: Any, real: Real, split: str, tick: Tick) -> list[str]:
    """Why the real rows may be no fair measure."""
    said = []
    if own and split == "train":
        said.append("nothing was held out of training, so samples are compared with the rows that were trained on")
    if not own and (told := rows_trained_on(RunFolder(run.folder), data, run.schema, real.rows, tick)):
        said.append(f"of the real rows: {told}")
    elif not own and in_memory(source := read_config(RunFolder(run.folder).config).data):
        said.append(f"the run was trained on {source}, {MAY_BE}")
    if judge and (told := rows_trained_on(RunFolder(judge.folder), data, judge.schema, real.rows, tick)):
        said.append(f"of the judge and the real rows: {told.replace('the run was', 'the judge was')}")
    return said
