"""Runs beside one another: read, taken together, judged, written as a page and printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sonde.comparison.curves import curve_figures
from sonde.comparison.differences import Difference, from_the_best
from sonde.comparison.judgements import by_judgements, measures_of
from sonde.comparison.members import JUDGED, Member, members_of
from sonde.comparison.over_seeds import lines_of, seeds_columns, seeds_rows
from sonde.comparison.page import Spelling, write_page
from sonde.comparison.return_curves import return_figures
from sonde.comparison.rows import cost_columns, cost_rows, metric_rows, score_rows
from sonde.comparison.settings import beside_settings, differing
from sonde.comparison.told import findings_of
from sonde.comparison.units import Family, families
from sonde.comparison.words import cautions, headline, judged_on, problem, settings_lines, summary
from sonde.core.config_file import in_memory
from sonde.core.damaged import DAMAGE
from sonde.core.errors import ConfigError, nearest
from sonde.core.marks import shell_quoted
from sonde.core.units import metric_name
from sonde.report.sample_quality import measured_how
from sonde.screen.screen import Screen

PAGE = "compare.html"
JUDGED_KINDS = ("image", "table", "audio")  # of inputs, whose samples a classifier judges
MOST_ROWS = 40  # of a table on a terminal
NARROW = 80  # columns, below which less is shown


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What was found. differences: of each family, name of a unit -> how it differs from the best

    page: the file that was written
    """

    families: Sequence[Family]
    differences: Sequence[Mapping[str, Difference]]
    members: Sequence[Member]
    page: Path | None = None

    @property
    def in_program(self) -> bool:
        """Whether programs began all of the runs, whose settings are then told as keywords, also on the command line."""
        return all(member.reading.in_program for member in self.members)

    def show(self, screen: Screen, *, columns: int = 120) -> None:
        """Print it, in so many columns."""
        for text in cautions(self.families, self.members):
            screen.output.line(text, label="mind", style="yellow")
        for family, found in zip(self.families, self.differences, strict=True):
            _show(screen, family, found, columns, named=len(self.families) > 1)
        if self.page is not None:
            screen.next([f"open {shell_quoted(str(self.page))}"])


def compare_runs(places: Sequence[str | Path], *, metric: str = "") -> Comparison:
    """Compare runs, or all runs in folders. metric: by which; by default the one that each task reports first

    Raises: RunFolderError for what is no run, ConfigError for fewer than two, or a metric that none of them has
    """
    members = [member if _is_sound(member) else member.without_files() for member in members_of(map(Path, places))]
    if len(members) < 2:
        raise ConfigError(f"{members[0].reading.path} is one run; name another to compare it with, or a folder of runs")
    if metric:
        _refuse_unknown(metric, members)
    members = by_judgements(members, metric)
    groups = families(members, metric)
    if all(len(family.members) == 1 for family in groups):
        _refuse_repeats(groups)
        kinds = ", ".join(
            f"{each.members[0].name} is {problem(each) if each.acts else each.task} by {metric_name(each.metric)}"
            for each in groups[:4]
        )
        raise ConfigError(f"these runs have nothing to be compared by: {kinds}; {_instead(members, groups)}")
    return Comparison(families=groups, differences=[from_the_best(family) for family in groups], members=members)


def _instead(members: Sequence[Member], groups: Sequence[Family]) -> str:
    """What tells such runs apart: a metric is compared within a task alone, where it is of the same quantity."""
    if all(each.acts for each in groups):
        return "compare runs in one environment, of the same settings"
    if len({each.task for each in groups}) < len(groups):
        return "compare runs of one task, or name a metric that they share: --metric NAME"
    if not all(_is_judged(each) for each in members) or len({_inputs_of(each) for each in members}) > 1:
        return "compare runs of one task"
    sources = [str(each.reading.config.get("data") or "DATA") for each in members]
    data = next((source for source in sources if not in_memory(source)), sources[0])
    first = measured_how(str(members[0].reading.path), data)
    return f"let one classifier judge the samples of each, whose measures are comparable: {first}"


def _is_judged(member: Member) -> bool:
    """Whether it makes inputs, of a kind that a judge can measure."""
    kind = (member.reading.schema.get("input") or {}).get("kind")
    return kind in JUDGED_KINDS and bool((member.reading.evaluated.get(member.reading.split) or {}).get("samples"))


def _inputs_of(member: Member) -> str:
    """What kind of inputs a run makes."""
    columns = (member.reading.schema.get("input") or {}).get("columns") or []
    names = list(dict.fromkeys(str(column.get("source")) for column in columns))
    return str([(member.reading.schema.get("input") or {}).get("kind"), *names])


def written(found: Comparison, out: Path, *, spelling: Spelling = str) -> Comparison:
    """The same, with its page in a file (or as compare.html in a folder).

    spelling: of settings on the page. Raises: RunFolderError
    """
    path = out / PAGE if out.is_dir() else out
    write_page(path, found.families, found.differences, found.members, spelling=spelling)
    return Comparison(families=found.families, differences=found.differences, members=found.members, page=path)


def _is_sound(member: Member) -> bool:
    """Whether a run's files hold what a run writes there: all that is shown of it is drawn once, alone."""
    try:
        (family,) = families([member])
        for draw in (cost_rows, metric_rows, seeds_rows, return_figures if family.acts else curve_figures):
            draw(family)
        for tell in (score_rows, summary):
            tell(family, {})
        settings_lines(family)
        for look in (differing, beside_settings):
            look([member])
        findings_of(member)
        cautions([family], [member])
    except DAMAGE:
        return False
    return True


def _refuse_unknown(metric: str, members: Sequence[Member]) -> None:
    results = [scores for member in members for scores in (member.result.get("metrics") or {}).values()]
    known = list(dict.fromkeys(str(name) for scores in results for name in scores))
    known += [name for name in measures_of(members) if name not in known]
    if any(member.value(split, "log_loss") is not None for member in members for split in JUDGED):
        known = list(dict.fromkeys([*known, "log_loss"]))
    if metric not in known:
        near = nearest(metric, known, count=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known[:20])}"
        raise ConfigError(f"no run has a metric {metric!r}; {hint}")


def _refuse_repeats(groups: Sequence[Family]) -> None:
    """Raises: ConfigError where there is one run beside its repeats"""
    repeated = [unit for family in groups for unit in family.units if unit.repeats]
    if repeated:
        names = ", ".join(member.name for member in repeated[0].repeats)
        raise ConfigError(
            f"{names} {'is' if len(repeated[0].repeats) == 1 else 'are'} {repeated[0].name} once more: the same settings, "
            "code, data, seed and score; name a run that differs by one of them"
        )


def _first(family: Family) -> str:
    return {True: "from the highest", False: "from the lowest", None: "from the first"}[family.higher]


def _show(screen: Screen, family: Family, found: Mapping[str, Difference], width: int, *, named: bool) -> None:
    screen.output.line(headline(family, found), label="verdict", style="bold")
    screen.output.block(" ", summary(family, found))
    screen.say("")
    name, rows, wide = metric_name(family.metric) or "score", score_rows(family, found), width >= NARROW
    head = ["run", name, "95 % interval", _first(family), "verdict", "time", "state"]
    shown = [
        [row.name, row.score, row.interval, row.change.removesuffix(" points"), row.verdict, row.time, row.state]
        for row in rows[:MOST_ROWS]
    ]
    if not wide:
        head = ["run", name, "95 %", "verdict"]
        shown = [
            [row.name, row.score, row.interval.removesuffix(" %").replace(" to ", "–"), row.verdict or row.state]
            for row in rows[:MOST_ROWS]
        ]
    if any(row.found for row in rows):
        head.append("findings")
        shown = [[*line, row.found] for line, row in zip(shown, rows, strict=False)]
    screen.table(f"{problem(family)}: {judged_on(family)}" if named else judged_on(family), head, shown)
    if len(rows) > MOST_ROWS:
        screen.say(f"and {len(rows) - MOST_ROWS} more, on the page")
    screen.say("")
    if wide and (seeds := seeds_rows(family)):
        screen.table("over seeds", list(seeds_columns(family)), lines_of(seeds[:MOST_ROWS]))
        screen.say("")
    if lines := settings_lines(family):
        screen.output.block("differ", lines)
        screen.say("")
    if wide:
        columns, costs = cost_columns(family), cost_rows(family)[:MOST_ROWS]
        shown_of = (0, 2, 3, 5, *((6,) if family.acts else ()))
        screen.table("costs", [columns[n] for n in shown_of], [[row[n] for n in shown_of] for row in costs])
        screen.say("")
