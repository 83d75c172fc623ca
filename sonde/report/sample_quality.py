"""The part of a report that measures samples, and the same in a terminal: each number beside what real rows get."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sonde.core.config_file import in_memory
from sonde.core.marks import shell_quoted
from sonde.core.units import count, metric_name, number, share
from sonde.report.additions import Section
from sonde.report.column_pairs import together_html
from sonde.report.folder import Reading
from sonde.report.media import data_uri, picture_of

JUDGE = "CLASSIFIER_RUN"  # where there is none to name
FRAME = "frame.csv"  # where a data frame may be written to
TRAINED, TRAINED_R2, TRAINED_MAE = (f"trained_on_samples_{name}" for name in ("accuracy", "r2", "mae"))
SHARES = ("class_agreement", "precision", "recall", "coverage", TRAINED, "told_from_shuffled")
SURE = 0.01  # p below which samples are told to lie closer to the training rows
ABSENT = "not measured"
LIKELY = "copies of training rows are likely"
POSSIBLE = "some samples may be copies of training rows"
ONE_ROW = "no sign of copies, but many samples are nearest to one and the same training row, an outlier perhaps"
NEARLY_ALL = 0.9  # of the samples that are like copies, nearest to one row
TABLE = Markup(
    '<div class="scroll"><table><thead><tr><th>measure</th><th class="n">samples</th><th class="n">real rows</th>'
    "<th>better</th></tr></thead><tbody>\n{}</tbody></table></div>\n"
)
ROW = Markup('<tr><td class="word">{}</td><td class="n">{}</td><td class="n">{}</td><td class="word">{}</td></tr>\n')
COMMAND = Markup('<p class="scroll"><code>{}</code></p>\n')
PARAGRAPH = Markup('<p class="aside">{}</p>\n')
COPIES = Markup('<h3>Copies of training rows</h3>\n<p class="aside">{}</p>\n')
PAIRS = Markup('<h3>{}</h3>\n<p><img class="made" src="{}" alt="{}"></p>\n<p class="aside">{}</p>\n')
PAIR = Markup(
    '<tr><td class="word">the row</td>{}<td class="n" rowspan="2">{}</td></tr>\n'
    '<tr class="near"><td class="word">nearest training row</td>{}</tr>\n'
)
ROWS_IN_PAIRS = Markup(
    '<h3>{} and their nearest training rows</h3>\n<p class="aside">Those most like copies, and how far the '
    "nearest training row is beside the next nearest: below a third it may be a copy.</p>\n"
    '<div class="scroll"><table class="rows"><thead><tr><th></th>{}<th class="n">distance</th></tr></thead><tbody>\n'
    "{}</tbody></table></div>\n"
)
MEANING = (
    "Fréchet distance: between normal distributions fitted to features of samples and of real rows; it depends on the number of "
    "rows. Kernel distance: the same question without that assumption, unbiased, ± its standard error. Precision: share of "
    "samples that lie where real rows do. Recall: share of real rows that lie where samples do. Density and coverage: the same "
    "two, less led astray by outliers."
)
MOTION = (
    "Speed distance: how far apart, in pixels a frame, the speeds are at which the centre of what is seen moves in samples and "
    "in real clips; unsteadiness distance: the same of how much that changes from frame to frame. Time order: how unlike frames "
    "are that follow one another, in how unlike any two are; 1 of frames in any order. Told from shuffled: share of clips with "
    "more order in time than their own frames shuffled; 50 % where time means nothing."
)
IN_COLUMNS = (
    "Detection AUROC: of gradient-boosted trees that learn to tell samples from real rows, cross-validated; 0.5 where they "
    "cannot. Pair distance: how differently two columns go together in samples and in real rows, the mean over all pairs. The "
    "others are measured in the columns themselves: numbers by their ranks among real rows, categories one by one."
)
USE = (
    "Trained on samples accuracy: of gradient-boosted trees trained on samples, on real held-out rows; under real rows, of trees "
    "trained on as many real rows."
)

USE_OF_VALUES = (
    "Trained on samples R² and MAE: of gradient-boosted trees trained on samples, on real held-out rows, in the units of the "
    "column; under real rows, of trees trained on as many real rows."
)


def sample_quality_sections(run: Reading) -> list[Section]:
    """One section with what evaluation/sample_quality.json holds; where samples were not measured, how that is done."""
    found, folder = run.looked.get("sample_quality"), run.path / "evaluation"
    if not isinstance(found, Mapping) or not found.get("measures"):
        return _unmeasured(run)
    html = TABLE.format(Markup("").join(ROW.format(*row) for row in rows_of(found)))
    columns = [IN_COLUMNS] if found.get("together") else []
    judged = [MEANING] if found.get("judge") or columns else []
    meanings = [*([MOTION] if _moves(found) else []), *columns, *judged, *_use(found)]
    said = [*_outdated(found, run.result), *cautions(found), *meanings]
    html += Markup("").join(PARAGRAPH.format(line) for line in said) + together_html(found.get("together"))
    html += COPIES.format(_sentences([memorised(found)])) + _pairs(found.get("memorisation"), folder)
    return [
        Section(
            name="sample-quality",
            title="How good the samples are",
            html=html,
            note=f"{title(found)}. {_sentences(about(found))}",
        )
    ]


def _unmeasured(run: Reading) -> list[Section]:
    judged = run.makes is None or run.makes.judged
    samples = run.evaluated.get(run.split, {}).get("samples")
    if not run.done or not judged or not samples:
        return []
    data = str(run.config.get("data") or "DATA")
    command = measured_how(str(run.path), data)
    note = "Not measured yet. A classifier trained on the same data measures them:"
    if samples.get("stills"):  # of clips
        command = motion_command(str(run.path), data)
        note = "Not measured yet. Whether they move as real clips do, and whether they are copies:"
    elif samples.get("together"):
        command = columns_how(str(run.path), data)
        note = "Not measured yet, but for the columns of a few. More of them, and whether they are copies:"
    html = COMMAND.format(command)
    return [Section(name="sample-quality", title="How good the samples are", html=html, note=note)]


def measured_how(run: str, data: str, judge: str = JUDGE) -> str:
    """`eval_command`, and of data in memory what makes it possible: no call in a program judges.

    >>> measured_how("runs/a", "table (500 rows in memory)")
    'write the frame to a CSV first: sonde eval runs/a frame.csv --judge CLASSIFIER_RUN'
    """
    if not in_memory(data):
        return eval_command(run, data, judge)
    if is_table(data):
        return f"write the frame to a CSV first: {eval_command(run, FRAME, judge)}"
    return f"write the data to files first: {eval_command(run, 'FILES', judge)}"


def is_table(data: str) -> bool:
    """Whether what was in memory can stand in a CSV file, as its name in `config.yaml` tells: arrays and images cannot."""
    return " rows in memory)" in data and not data.startswith("a Hugging Face set")


def eval_command(run: str, data: str, judge: str = JUDGE) -> str:
    """
    >>> eval_command("runs/a b", "digits")
    "sonde eval 'runs/a b' digits --judge CLASSIFIER_RUN"
    """
    return f"sonde eval {shell_quoted(run)} {shell_quoted(data)} --judge {shell_quoted(judge)}"


def motion_command(run: str, data: str) -> str:
    """How clips are measured, which need no judge.

    >>> motion_command("runs/a b", "moving-digits")
    "sonde eval 'runs/a b' moving-digits --number 200"
    """
    return f"sonde eval {shell_quoted(run)} {shell_quoted(data)} --number 200"


def columns_command(run: str, data: str) -> str:
    """How rows of tables are measured, which need no judge.

    >>> columns_command("runs/a b", "titanic.csv")
    "sonde eval 'runs/a b' titanic.csv --number 2000"
    """
    return f"sonde eval {shell_quoted(run)} {shell_quoted(data)} --number 2000"


def columns_how(run: str, data: str) -> str:
    """The same, and of a table in memory what makes it possible.

    >>> columns_how("runs/a", "table (500 rows in memory)")
    'write the frame to a CSV first: sonde eval runs/a frame.csv --number 2000'
    """
    return (
        f"write the frame to a CSV first: {columns_command(run, FRAME)}"
        if in_memory(data)
        else columns_command(run, data)
    )


def title(found: Mapping[str, Any]) -> str:
    """What stands beside what."""
    return f"{count(found['samples']['number'])} samples beside {found['split']} rows of {found['data']}"


def about(found: Mapping[str, Any]) -> list[str]:
    """How the samples were made, which judge, how many rows, what was done to them: without these no number says anything."""
    judge, samples, rows = found["judge"], found["samples"], count(found["n"])
    made = f"samples: seed {samples['seed']}, guidance {samples['guidance']:g}"
    made += f" beside {samples['weaker']}" if samples.get("weaker") else ""
    made += f", {samples['steps']} steps" if samples.get("steps") else ""
    made += f", sampler {samples['sampler']}" if samples.get("sampler") else ""
    split = found["split"]
    said = [f"{made}; weights {found['weights']}"]
    if judge:
        features = "" if found.get("together") else f", {judge['features']} features before its layer {judge['layer']}"
        said.append(f"judge: {judge['run']} (weights {judge['weights']}){features}")
    return [
        *said,
        f"rows: {rows} samples against {rows} {split} rows; under real rows, {rows} other {split} rows against the same",
        f"inputs: {found['preprocessing']}",
    ]


def _moves(found: Mapping[str, Any]) -> bool:
    return any(each["name"] == "time_order" for each in found["measures"])


def _use(found: Mapping[str, Any]) -> list[str]:
    names = {each["name"] for each in found["measures"]}
    return [USE] * (TRAINED in names) + [USE_OF_VALUES] * bool({TRAINED_R2, TRAINED_MAE} & names)


def _sentences(lines: Sequence[str]) -> str:
    return " ".join(f"{line[0].upper()}{line[1:]}." for line in lines)


def rows_of(found: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """(measure, of samples, of real rows, which way is better)."""
    return [_row(each) for each in found["measures"]]


def _row(each: Mapping[str, Any]) -> tuple[str, str, str, str]:
    name = str(each["name"])
    if each.get("value") is None:
        return metric_name(name), ABSENT, "", str(each["better"])
    value, real = _value(name, each["value"], each.get("error")), _value(name, each["real"], each.get("real_error"))
    if "interval" in each:
        ends = [f"{100 * end:.1f}" if name in SHARES else f"{end:.3f}" for end in each["interval"]]
        value += f" ({' to '.join(ends)})"
    if name == "frechet_distance" and each["real"] > 0:
        value += f" ({number(each['value'] / each['real'], 2)} × real)"
    return metric_name(name), value, real, str(each["better"])


def _value(name: str, value: float, error: float | None) -> str:
    if name in SHARES:
        return share(value, 1)
    if error is None:
        return number(value)
    # as many digits as the error has
    digits = max(0, 1 - math.floor(math.log10(error))) if error > 0 else 3
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def cautions(found: Mapping[str, Any]) -> list[str]:
    """Why the numbers may flatter, or are not there."""
    absent = [f"{metric_name(str(each['name']))}: {each['reason']}" for each in found["measures"] if each.get("reason")]
    return [*absent, *(f"note: {line}" for line in found.get("caution") or [])]


def copies_told(found: Mapping[str, Any]) -> str:
    """What the test for copies comes to, in a few words."""
    test = found.get("memorisation")
    if not isinstance(test, Mapping):
        return "copies of training rows were not looked for"
    p, ratio = float(test["p_distance"]), float(test["p_ratio"])
    if p < SURE and ratio < SURE:
        return LIKELY
    if p < SURE:
        return "no sign of copies: samples are closer to training rows, but to several alike, as smooth inputs are"
    if ratio < SURE and test["copied"] > test["copied_held_out"]:
        if float(test.get("one_row") or 0) > NEARLY_ALL:
            return ONE_ROW
        if p <= 1 - SURE:  # else samples are farther from the training rows than others, which copies are not
            return POSSIBLE
    return "no sign of copies of training rows"


def memorised(found: Mapping[str, Any]) -> str:
    """What the test for copies says, in a sentence or two."""
    test = found.get("memorisation")
    if not isinstance(test, Mapping):
        return f"{copies_told(found)}: DATA are not what the run was trained on, or nothing was held out"
    p, ratio = float(test["p_distance"]), float(test["p_ratio"])
    numbers = (
        f"{count(test['samples'])} samples and {count(test['held_out'])} held-out rows, by the nearest of "
        f"{count(test['train'])} training rows in {test['in']}; one-sided Mann-Whitney test of distances p {_p(p)}, of distances "
        f"relative to the next nearest row p {_p(ratio)}; closer than a third of that: {share(test['copied'], 1)} of the "
        f"samples, {share(test['copied_held_out'], 1)} of the held-out rows"
    )
    return f"{copies_told(found)} ({numbers})"


def _p(value: float) -> str:
    return "below 0.0001" if value < 1e-4 else f"= {value:.2g}"


def _outdated(found: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    step, now = found.get("step"), (result.get("best") or {}).get("step")
    return [] if step == now else [f"measured at step {step}; the best checkpoint is now of step {now}: measure again"]


def _pairs(test: Any, folder: Path) -> Markup:
    """Pictures of the pairs that are most like copies, of samples and of held-out rows."""
    if not isinstance(test, Mapping):
        return Markup("")
    html = Markup("")
    for key, what in (("pairs", "Samples"), ("pairs_held_out", "Held-out rows")):
        pairs = test.get(key) or {}
        if pairs.get("names"):
            html += _rows_in_pairs(what, pairs)
            continue
        uri = data_uri(picture_of(folder, pairs.get("picture")))
        if not uri:
            continue
        heading = f"{what} above their nearest training rows"
        shown: Sequence[float] = pairs.get("ratio") or []
        told = f"The {len(shown)} most like copies: " if shown else ""
        told += (
            f"{number(min(shown), 2)} to {number(max(shown), 2)} times as far from the row below as from the next nearest."
            if shown
            else ""
        )
        html += PAIRS.format(heading, uri, heading, told)
    return html


def _rows_in_pairs(what: str, pairs: Mapping[str, Any]) -> Markup:
    """Rows of a table, below each the training row that is nearest, and how near beside the next nearest."""
    lines = Markup("")
    for made, near, ratio in zip(pairs["made"], pairs["near"], pairs["ratio"], strict=False):
        cells = [Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row) for row in (made, near)]
        lines += PAIR.format(cells[0], number(float(ratio), 2), cells[1])
    head = Markup("").join(Markup("<th>{}</th>").format(str(name)[:40]) for name in pairs["names"])
    return ROWS_IN_PAIRS.format(what, head, lines)
