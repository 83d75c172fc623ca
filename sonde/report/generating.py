"""What the verdict says of a run that makes inputs: what a judge measured of its samples; where none did, what its losses tell
and what they do not, and the commands that judge."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from markupsafe import Markup

from sonde.core.config_file import in_memory
from sonde.core.marks import shell_quoted
from sonde.core.units import count, metric, metric_name, number, share
from sonde.report.captions import course, moved
from sonde.report.column_pairs import detection_told, pairs_told
from sonde.report.fitted import fitted, still_improving
from sonde.report.folder import Reading
from sonde.report.judged import LITTLE, Score
from sonde.report.learning import metric_of, train_of, validation_of
from sonde.report.metric_words import direction
from sonde.report.next_steps import Step, keywords
from sonde.report.sample_quality import (
    FRAME,
    LIKELY,
    POSSIBLE,
    TRAINED,
    TRAINED_R2,
    columns_command,
    copies_told,
    eval_command,
    is_table,
    motion_command,
)

Tone = Literal["yes", "partly", "no", "open"]
UNJUDGED = "Not judged yet"
CHANCE = 0.5  # AUROC of a classifier that tells nothing
SURE = 2.0  # standard errors, within which a kernel distance is that of real rows
UNSEEN = "How good its samples are that does not say: no judge has seen them yet"
UNMEASURED = "How good its samples are that does not say: look at them"
KEPT = ("target", "columns", "image_size", "labels", "pages", "group", "validation", "test", "seed")
"""Settings of the data that a judge is to share, so that it is trained on the rows that the run was trained on."""
FRAMED = 4  # axes of a clip: frames, channels, height, width
CSV = f'frame.to_csv("{FRAME}", index=False)'
MOST_CLASSES = 20  # of a column that a judge may answer for

Told = tuple[Tone, str, str]
"""(tone, answer, why)"""


class _Judged(NamedTuple):
    """One entry of the measures: of samples and of real rows, with their standard errors or the interval of the first."""

    value: float
    real: float
    error: float = 0.0
    real_error: float = 0.0
    low: float = 0.0
    high: float = 1.0


def judgement(run: Reading) -> Mapping[str, Any] | None:
    """What a judge measured of the samples of the checkpoint that is kept; None where none did."""
    found = run.looked.get("sample_quality")
    if not isinstance(found, Mapping) or not found.get("measures"):
        return None
    return found if found.get("step") == (run.result.get("best") or {}).get("step") else None


def useless(run: Reading) -> str:
    """Why no sample of it is worth anything, as its judge has measured; "" where some are, and where none has."""
    found = judgement(run)
    classes = (run.schema.get("target") or {}).get("names") or []
    return "" if found is None else _useless(_measures(found), len(classes))


def of_samples(run: Reading, score: Score | None, told: Told, trouble: str) -> Told:
    """The verdict. told: what the losses alone come to;  trouble: what the checks warn of, "" for nothing"""
    found = judgement(run)
    if found is not None:
        return _of_judgement(found, len((run.schema.get("target") or {}).get("names") or []), trouble)
    tone, answer, because = told
    if run.makes is None or tone == "no" or score is None:
        return told
    if run.makes.likelihood:
        unseen = UNSEEN if run.makes.judged else UNMEASURED
        return tone, answer, f"{_likelier(run, score)}{because} {unseen}."
    if why := _useless({name: _Judged(*pair) for name, pair in _own(run, score).items()}, 0):
        return "no", "No", f"{why}: {_learned(run, score)}."
    learned = _learned(run, score)
    why = f"{learned[:1].upper()}{learned[1:]}. That says {run.makes.tells}; no judge has seen its samples yet"
    return ("partly", "Doubtful", f"{why}; {trouble}.") if trouble else ("open", UNJUDGED, f"{why}.")


def sample_lines(run: Reading) -> list[tuple[str, str]]:
    """(question, answer) on the samples, below the verdict's own sentence."""
    found = judgement(run)
    if found is None:
        if run.looked.get("sample_quality"):
            return [("Its samples", "Judged before it was trained further: judge them again.")]
        columns = _columns(run)
        told = [] if columns is None else [*detection_told(columns), *pairs_told(columns)]
        return [("Its samples", " ".join(f"{each[0].upper()}{each[1:]}." for each in told))] if told else []
    measures = _measures(found)
    names = [name for name in ("precision", "recall", "density", "coverage") if name in measures]
    parts = [f"{metric_name(name)} {_plain(name, measures[name].value)}" for name in names]
    beside = ", ".join(_plain(name, measures[name].real) for name in names)
    text = f"{', '.join(parts)} (real rows: {beside})" if names else "all measures"
    return [
        ("Its samples", Markup('{}; <a href="#sample-quality">all measures</a>').format(f"{text[0].upper()}{text[1:]}"))
    ]


def _columns(run: Reading) -> Mapping[str, Any] | None:
    """What was measured of a few made rows of a table as the run ended; None of other kinds of data."""
    samples = (run.evaluated.get(run.split) or {}).get("samples")
    found = samples.get("together") if isinstance(samples, Mapping) else None
    return found if isinstance(found, Mapping) else None


def judge_steps(run: Reading) -> list[Step]:
    """How the samples are judged: commands that train a judge and let it judge, of tables first what measures without one."""
    if run.makes is None or not run.makes.judged or judgement(run) is not None or run.own_network:
        return []
    if _columns(run) is None or in_memory(data := str(run.config.get("data") or "DATA")):
        return _judge_steps(run)
    why = "measures its samples without a judge: pairs of columns, whether trees tell them from real rows, copies"
    steps = [Step(command=columns_command(str(run.path), data), why=why)]
    return steps if _settings_of_judge(run) is None else [*steps, *_judge_steps(run)]


def _judge_steps(run: Reading) -> list[Step]:
    data, judge = str(run.config.get("data") or "DATA"), f"{run.path}-judge"
    held, settings = in_memory(data), _settings_of_judge(run)
    if held and (settings is None or not is_table(data)):
        return [
            Step(why="Samples of data that stand in files are judged by sonde eval RUN DATA --judge CLASSIFIER_RUN.")
        ]
    if len((run.schema.get("input") or {}).get("shape") or ()) == FRAMED:
        command = motion_command(str(run.path), data)
        return [Step(command=command, why="measures whether its clips move as real ones do, and looks for copies")]
    if held:
        call = f"sonde.train(frame, {keywords({**(settings or {}), 'task': 'classification', 'out': judge})})"
        why = f"lets it judge the samples: no call in Python does, so write the frame there first, {CSV}"
        return [
            Step(command=call, why="trains a judge: a classifier of the same data"),
            Step(command=eval_command(str(run.path), FRAME, judge), why=why),
        ]
    if settings is None:
        command = eval_command(str(run.path), data)
        return [
            Step(command=command, why="judges its samples by a classifier of others like these, which have no classes")
        ]
    train = f"sonde train {shell_quoted(data)} --task classification {_flags(settings)}--out {shell_quoted(judge)}"
    return [
        Step(command=train, why="trains a judge: a classifier of the same data"),
        Step(command=eval_command(str(run.path), data, judge), why="lets it judge the samples"),
    ]


def _settings_of_judge(run: Reading) -> dict[str, Any] | None:
    """What a judge shares with the run; None where there is nothing that it could answer for."""
    settings, origin = (run.config.get(name) or {} for name in ("settings", "origin"))
    given = {name: settings[name] for name in KEPT if origin.get(name) in ("typed", "file") and name in settings}
    if (run.schema.get("target") or {}).get("kind") != "class":
        column = _column_of_classes(run)
        if column is None:
            return None
        given["target"] = [column]
    return given


def _flags(given: Mapping[str, Any]) -> str:
    """With a space behind."""
    words = []
    for name, value in given.items():
        values = value if isinstance(value, list) else [value]
        words += [f"--{name.replace('_', '-')}", *(shell_quoted(str(each)) for each in values)]
    return "".join(f"{word} " for word in words)


def _column_of_classes(run: Reading) -> str | None:
    """A column of a table whose rows are learned whole that a classifier can answer for."""
    for column in (run.schema.get("input") or {}).get("columns") or []:
        if column.get("kind") == "category" and 2 <= len(column.get("categories") or ()) <= MOST_CLASSES:
            return str(column.get("source"))
    return None


def _likelier(run: Reading, score: Score) -> str:
    """By how much rows are likelier to it than to its baseline; "" where that is not known."""
    if score.baseline is None or score.name != "loss":
        return ""
    what = "Tokens" if "a token" in run.units.get("loss", "") else "Rows"
    text = f"{what} are {number(abs(score.baseline - score.value))} nats likelier to it than to the baseline"
    own, other = _scores(run, score).get("bits_per_dim"), (run.result.get("baseline") or {}).get("bits_per_dim")
    if own is not None and other is not None:
        text += f" ({number(own)} bits per dimension, the baseline {number(other)})"
    return f"{text}. " if score.value < score.baseline else ""


def _scores(run: Reading, score: Score) -> Mapping[str, Any]:
    return (run.result.get("metrics") or {}).get(score.split) or {}


def _own(run: Reading, score: Score) -> dict[str, tuple[float, float]]:
    """What a task measures of its own samples while it trains: of them and of real rows."""
    scores = _scores(run, score)
    real = scores.get("recall_real")
    if real is None or scores.get("precision") is None or scores.get("recall") is None:
        return {}
    return {name: (float(scores[name]), float(real)) for name in ("precision", "recall")}


def _learned(run: Reading, score: Score) -> str:
    """How its validation loss went, or what chose its checkpoint, beside what is known of real rows."""
    if score.name == "loss":
        validation = course(validation_of(run))
        found = validation or course(train_of(run))
        text = (
            "" if found is None else moved(f"{'validation' if validation else 'training'} loss at fixed noise", found)
        )
        if score.baseline is not None:
            text += f" (baseline, {score.what}: {metric(score.name, score.baseline)})"
    else:
        found = course(metric_of(run, score.name), higher=bool(direction(run, score.name)))
        text = "" if found is None else moved(f"validation {metric_name(score.name)}", found)
        floor = _scores(run, score).get("kernel_floor")
        text += f" (two halves of the real rows: {metric(score.name, floor)})" if floor is not None else ""
        if (recall := _own(run, score).get("recall")) is not None:
            made, real = (share(each, 0) for each in recall)
            text += f"; {made} of the real rows lie among made ones, and {real} of one half of them among the other"
    text = text or f"its {metric_name(score.name)} is {metric(score.name, score.value)}"
    if fitted(run).kind == "over":
        text += "; it overfits: validation rose since its best"
    elif still_improving(run):
        text += ", and was still falling"
    return text


def _measures(found: Mapping[str, Any]) -> dict[str, _Judged]:
    known = {}
    for each in found["measures"]:
        if each.get("value") is None or each.get("real") is None:
            continue
        low, high = each.get("interval") or (0.0, 1.0)
        errors = float(each.get("error") or 0), float(each.get("real_error") or 0)
        known[str(each["name"])] = _Judged(float(each["value"]), float(each["real"]), *errors, low, high)
    return known


def _of_judgement(found: Mapping[str, Any], classes: int, trouble: str) -> Told:
    measures, copied = _measures(found), copies_told(found)
    figures = _figures(found, measures)
    told = f"{figures}; {copied}"
    but = f"; {trouble}" if trouble else ""
    if copied == LIKELY:
        return "no", "No", f"{told}{but}."
    if why := _useless(measures, classes):
        return "no", "No", f"{why}: {told}{but}."
    wrong = any(pair["wrong"] for pair in (found.get("together") or {}).get("pairs") or ())
    if trouble or copied == POSSIBLE or wrong or not _alike(measures):
        return "partly", "Partly", f"{told[:1].upper()}{told[1:]}{but}."
    rows = f"With {count(found['n'])} rows on either side"
    who = "no measure of columns tells" if found.get("together") else "the judge cannot tell"
    return "yes", "Yes", f"{rows} {who} its samples from real rows: {told}."


def _figures(found: Mapping[str, Any], measures: Mapping[str, _Judged]) -> str:
    """Agreement, the Fréchet distance (of too few rows the kernel distance), what a model trained on samples reaches."""
    told, samples = [], count(found["samples"]["number"])
    if (agreed := measures.get("class_agreement")) is not None:
        around = f" ({100 * agreed.low:.1f} to {100 * agreed.high:.1f})"
        told.append(
            f"the judge takes {share(agreed.value, 1)}{around} of {samples} samples for the class that was asked for "
            f"(of real rows {share(agreed.real, 1)})"
        )
    if (trained := measures.get(TRAINED)) is not None:
        told.append(
            f"trees trained on samples are right about {share(trained.value, 1)} of the real rows (trained on real "
            f"ones {share(trained.real, 1)})"
        )
    if (trained := measures.get(TRAINED_R2)) is not None:
        told.append(
            f"trees trained on samples reach R² {number(trained.value)} on the real rows (trained on real ones "
            f"{number(trained.real)})"
        )
    if (together := found.get("together")) is not None:
        return "; ".join([*told, *detection_told(together), *pairs_told(together)])
    if (distance := measures.get("frechet_distance")) is not None:
        told.append(
            f"Fréchet distance {number(distance.value)}, between halves of the real rows {number(distance.real)}"
        )
    elif (kernel := measures.get("kernel_distance")) is not None:
        told.append(f"kernel distance {number(kernel.value)}, between halves of the real rows {number(kernel.real)}")
    if (speed := measures.get("speed_distance")) is not None:
        told.append(
            f"speeds {number(speed.value)} pixels a frame from real ones (halves of those {number(speed.real)})"
        )
    if (order := measures.get("time_order")) is not None:
        told.append(f"time order {number(order.value)} (real clips {number(order.real)}, shuffled frames 1)")
    return "; ".join(told)


def _useless(measures: Mapping[str, _Judged], classes: int) -> str:
    """Why no sample is worth anything; "" where some are."""
    agreed = measures.get("class_agreement")
    if agreed is not None and classes > 1 and agreed.low <= 1 / classes:
        return "The class of its samples is no better than chance"
    there = [measures[name] for name in ("precision", "recall") if name in measures]
    if there and all(each.value < LITTLE * each.real for each in there):
        return "Hardly a sample lies where real rows do"
    return ""


def _alike(measures: Mapping[str, _Judged]) -> bool:
    """Whether the judge sees no difference beyond chance between samples and real rows."""
    kernel, agreed, told = (measures.get(name) for name in ("kernel_distance", "class_agreement", "detection_auroc"))
    if kernel is None or (told is not None and told.low > CHANCE):
        return False
    same = kernel.value - kernel.real <= SURE * (kernel.error**2 + kernel.real_error**2) ** 0.5
    if agreed is None:
        return same
    return same and agreed.high + (agreed.high - agreed.low) / 2 >= agreed.real


def _plain(name: str, value: float) -> str:
    return number(value, 2) if name == "density" else share(value, 0)
