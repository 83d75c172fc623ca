"""`sonde report RUN`: the report again, from the folder's files alone."""

from collections.abc import Sequence

from sonde.cli.begin import NoOptions, begin
from sonde.cli.parse import take_words

ABOUT = """\
Write RUN's report.html anew from the files in its folder, and print where it is. Works on a folder copied from elsewhere.

examples:
  sonde report runs/mnist-mlp-1
"""


def run(words: Sequence[str]) -> int:
    """Rebuild a report. Raises: RunFolderError, ConfigError."""
    begun = begin(words, NoOptions, usage="report RUN", about=ABOUT)
    if begun is None:
        return 0
    (folder,) = take_words(begun.words, ["RUN"], verb="report")
    from sonde.core.run_folder import open_run
    from sonde.run.report import write_report

    begun.screen.say(str(write_report(open_run(folder).path)))
    return 0
