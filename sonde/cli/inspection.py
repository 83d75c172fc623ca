"""`sonde inspect DATA`: what is in the data, and what is wrong with them."""

from collections.abc import Sequence

from sonde.cli.begin import begin
from sonde.core.config import DataConfig

ABOUT = """\
Look at DATA without training: what they are and why, classes, columns, sizes; then duplicates, leaks between splits and of
the target, and files that cannot be read.

examples:
  sonde inspect photos/
  sonde inspect titanic.csv --target survived
"""


def run(words: Sequence[str]) -> int:
    """Inspect data. Raises: DataError, ConfigError."""
    begun = begin(words, DataConfig, usage="inspect DATA", about=ABOUT, data_last=True)
    if begun is None:
        return 0
    from sonde.data.inspect import inspect

    screen = begun.screen
    found = inspect(begun.words[0], begun.options, tick=screen.tick)
    screen.data(found.facts)
    for listing in found.tables:
        screen.say("")
        screen.table(listing.title, listing.columns, listing.rows)
    screen.say("")
    screen.findings([finding.as_dict() for finding in found.findings])
    return 0
