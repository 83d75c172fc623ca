"""Scores of a run that is over, on any data: `Run.evaluation`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sonde.core.config import Precision
from sonde.core.config_file import read_config
from sonde.core.damaged import read_object
from sonde.core.progress import Tick
from sonde.core.run_folder import RunFolder
from sonde.engine.evaluate import evaluate
from sonde.engine.execution.settings import StepSettings
from sonde.run.build import changes
from sonde.run.custom_use import scores
from sonde.run.evaluated_in import or_in_fp32, precision_of
from sonde.run.evaluation import highlights
from sonde.run.judged_rows import ALL, Evaluation, caution_of_custom, judged, reading_of
from sonde.run.played import matches_in_words
from sonde.run.playing import check_same_game
from sonde.run.row_sources import source_of

if TYPE_CHECKING:
    from sonde.run.played import Play
    from sonde.run.run import Run


def of_rows(
    run: "Run",
    folder: RunFolder,
    data: Any,
    *,
    split: str | None,
    target: Sequence[str],
    play: "Play | None",
    tick: Tick,
) -> Evaluation:
    """See `Run.evaluation`."""
    task, schema, device = run.task, run.schema, run.device
    saved = read_config(folder.config).settings
    found = judged(
        folder,
        data,
        schema,
        reading_of(folder, schema, target),
        split=split,
        own_target=bool(target) and tuple(target) != tuple(saved.get("target") or ()),
        tick=tick,
    )
    check_same_game(found.rows, folder)
    rows = found.rows if play is None else play.rows(found.rows)
    views = None
    if run.spec.views:  # all others are evaluated on images as they are
        views = changes(schema, str(saved["augment"]), task=run.spec.name)

    def evaluated_in(precision: Precision) -> tuple[dict[str, float], list[str]]:
        if play is None:
            source = source_of(rows, schema, task, device, views, goes_on=bool(saved.get("carry")))
        else:
            source = play.source(rows, task, device)
        meter = evaluate(task, source, StepSettings(device=device, precision=precision), tick=tick)
        if play is not None:
            play.keep(source, data)
        return meter.compute(), highlights(run.spec, meter, rows)

    met = matches_in_words(rows, task, play)
    scored, said = or_in_fp32(evaluated_in, precision_of(_trained_in(folder, saved), device))
    return replace(found, rows=rows).evaluation(scored, schema, said, met)


def of_custom_data(run: "Run", folder: RunFolder, data: Any, *, tick: Tick) -> Evaluation:
    """The same of data of a program's own."""

    def evaluated_in(precision: Precision) -> dict[str, float]:
        return scores(run.task, data, StepSettings(device=run.device, precision=precision), tick)

    trained = _trained_in(folder, read_config(folder.config).settings)
    found = or_in_fp32(evaluated_in, precision_of(trained, run.device))
    return Evaluation(scores=found, split=ALL, rows=None, caution=caution_of_custom(folder, data))


def _trained_in(folder: RunFolder, settings: Mapping[str, Any]) -> Any:
    """The precision that was decided on, which may be another than a recipe advised."""
    plan = read_object(folder.plan, run=folder.path) if folder.plan.exists() else {}
    return plan.get("precision", settings.get("precision"))
