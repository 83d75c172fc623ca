"""`sonde report RUN`: rebuild the report from the run folder's files."""

from collections.abc import Sequence

from sonde.cli.begin import NoOptions, begin
from sonde.core.run_folder import open_run

ABOUT = """\
Rebuild report.html of RUN from the files in its folder, and print its path. Works on a copied folder too.

examples:
  sonde report runs/mnist-mlp-1
"""


def run(words: Sequence[str]) -> int:
    """Rebuild a report. Raises: RunFolderError, ConfigError."""
    begun = begin(words, NoOptions, usage="report RUN", about=ABOUT)
    if begun is None:
        return 0
    from sonde.run.report import write_report

    begun.screen.say(str(write_report(open_run(begun.words[0]).path)))
    return 0
