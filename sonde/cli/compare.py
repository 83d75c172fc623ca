"""`sonde compare RUN RUN…`: runs beside one another, on a page and as a table."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sonde.cli.begin import begin
from sonde.screen.screen import Screen

ABOUT = """\
Compare runs, or all runs in a folder: who is best, and whether that is more than noise; curves over one another, the settings
that differ, costs, findings. Runs that differ by nothing but their seed are taken together. Scores have intervals of 95 %, and
runs that were evaluated on the same rows are compared row by row. Policies in one environment are compared whatever task
learned them, also by the interquartile mean of their seeds.

examples:
  sonde compare runs/mnist-mlp-1 runs/mnist-lenet5-1
  sonde compare runs
  sonde compare runs --metric log_loss --out mnist.html
"""


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """By what runs are compared, and where the page goes."""

    metric: str = ""
    """Metric to compare by; by default the one that each task reports first."""
    out: Path = Path("compare.html")
    """The page, one offline HTML file; of a folder that exists, compare.html in it."""


def run(words: Sequence[str]) -> int:
    """Compare runs. Raises: RunFolderError, ConfigError."""
    begun = begin(words, CompareOptions, usage="compare RUN …", about=ABOUT)
    if begun is None:
        return 0
    from sonde.comparison.result import compare_runs, written
    from sonde.run.keywords import in_keywords

    found = compare_runs(begun.words, metric=begun.options.metric)
    spelling = in_keywords if found.in_program else str
    screen = Screen(quiet=begun.screen.quiet, spelling=spelling)
    written(found, begun.options.out, spelling=spelling).show(
        screen, columns=shutil.get_terminal_size((120, 24)).columns
    )
    return 0
