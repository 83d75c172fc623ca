"""`sonde tasks [WORD]`: the tasks a network can be trained for."""

from collections.abc import Sequence

from sonde.cli.begin import NoOptions, begin
from sonde.cli.listing import matching

ABOUT = """\
Tasks for --task; by default one is chosen from the target. `sonde train --task NAME --help` explains a task's own settings.

examples:
  sonde tasks
"""


def run(words: Sequence[str]) -> int:
    """List tasks. Raises: ConfigError."""
    begun = begin(words, NoOptions, usage="tasks [WORD]", about=ABOUT)
    if begun is None:
        return 0
    (word,) = begun.words
    from sonde.tasks.table import specs

    summaries = {spec.name: spec.summary for spec in specs()}
    names = matching("task", word, {name: f"{name} {summary}" for name, summary in summaries.items()})
    begun.screen.table("", ["name", "what is predicted"], [(name, summaries[name]) for name in names])
    return 0
