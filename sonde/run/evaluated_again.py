"""Scores of a run that is over, on any data: `Run.evaluation`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sonde.acting.evaluation.evaluated import is_acted
from sonde.acting.seeds import FIRST, SeedRows
from sonde.acting.self_play.games.rows import GameRows
from sonde.core.bounds import flag
from sonde.core.config import Precision
from sonde.core.config_file import read_config
from sonde.core.damaged import read_object
from sonde.core.dataset import Rows
from sonde.core.errors import ConfigError, RunFolderError
from sonde.core.progress import Tick
from sonde.core.run_folder import RunFolder
from sonde.engine.evaluate import evaluate
from sonde.engine.execution.settings import StepSettings
from sonde.modalities.catalogue import modality
from sonde.run.build import changes
from sonde.run.custom_use import scores
from sonde.run.decided import played_in_words
from sonde.run.evaluated_in import or_in_fp32, precision_of
from sonde.run.evaluation import highlights
from sonde.run.judged_rows import ALL, CHOSE, Evaluation, caution_of_custom, judged, reading_of
from sonde.run.matches_met import games_met
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
    trust_code: bool = False,
) -> Evaluation:
    """See `Run.evaluation`. Raises: ConfigError where no data are given, and the run did not act in what is known by a name"""
    if data is None and not (data := environment_of(run)):
        own = made_by_a_program(run)
        raise ConfigError(
            f"{run.folder} acted in {own}; give what makes it: evaluate(MAKE), such as evaluate(lambda: MyEnv())"
            if own
            else f"{run.folder} is evaluated on data; give them: evaluate(DATA)"
        )
    check_same_game(data, folder)
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
    _refuse_training_episodes(found.rows, found.split)
    rows = found.rows if play is None else play.rows(found.rows)
    caution = _caution_of_seeds(rows, saved.get("episodes"), chose=task.objective is not None) or found.caution
    views = None
    if run.spec.views:  # all others are evaluated on images as they are
        views = changes(schema, str(saved["augment"]), task=run.spec.name)

    seed = int(saved.get("seed") or 0)  # so that what is drawn is what the run drew

    def evaluated_in(precision: Precision) -> tuple[dict[str, float], list[str]]:
        if play is None:
            source = source_of(rows, schema, task, device, views, seed=seed, goes_on=bool(saved.get("carry")))
        else:
            source = play.source(rows, task, seed=seed, device=device, trust_code=trust_code)
        meter = evaluate(task, source, StepSettings(device=device, precision=precision), tick=tick)
        if play is not None:
            play.keep(source, data)
        return meter.compute(), highlights(run.spec, meter, rows)

    told = played_in_words(rows, task, play)
    scored, said = or_in_fp32(evaluated_in, precision_of(_trained_in(folder, saved), device))
    evaluation = replace(found, rows=rows, caution=caution).evaluation(scored, schema, said, told)
    return replace(evaluation, rows=games_met(rows, task)) if isinstance(rows, GameRows) else evaluation


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


def _refuse_training_episodes(rows: Rows, split: str) -> None:
    """Raises: ConfigError for a split of training that is no rows, but episodes without end"""
    if split == "train" and is_acted(rows):
        raise ConfigError(
            f"{flag('split')} train: training has no rows here, but episodes without end; leave it out, for as many as at the "
            f"end of training, or choose others by {flag('first_seed')} and {flag('episodes')}"
        )


def _caution_of_seeds(rows: Rows, episodes: Any, *, chose: bool) -> str:
    """`CHOSE` where some are those by which the best checkpoint was chosen. episodes: of an evaluation while it trained;
    chose: whether any choose, and not the last weights are kept"""
    if not chose:
        return ""
    if isinstance(rows, GameRows):
        return CHOSE if rows.seed == FIRST["validation"] else ""
    if not isinstance(rows, SeedRows) or rows.first is None or not isinstance(episodes, int):
        return ""
    begin = FIRST["validation"]
    return CHOSE if rows.first < begin + episodes and begin < rows.first + len(rows) else ""


def environment_of(run: "Run") -> str:
    """The environment or game that a run acted in, as it is opened again; "" where it is not known by a name."""
    try:
        acts, schema = bool(run.spec.experience), run.schema
    except (ConfigError, RunFolderError):  # of a program's own data, or of several folds
        return ""
    known = (read_config(run.folder / "config.yaml").data or "") if acts else schema.input.extra
    return known if known.partition(":")[0] in modality(schema.input.kind).schemes else ""


def made_by_a_program(run: "Run") -> str:
    """What a run acted in that a program made and that has no name, in words; "" of all other runs."""
    try:
        acts = bool(run.spec.experience)
    except (ConfigError, RunFolderError):
        return ""
    return "an environment that a program made, and that has no name" if acts and not environment_of(run) else ""
