"""`sonde datasets [WORD]`: the data known by name, and where each would come from now."""

from collections.abc import Sequence

from sonde.cli.begin import NoOptions, begin
from sonde.cli.listing import matching, optional_word
from sonde.core.units import count, size

ABOUT = """\
The data that have a name: what they are, and where each would come from now. SONDE_DATA names a folder of your own that is
looked in first; downloads are checked and kept in SONDE_CACHE.

examples:
  sonde datasets
  sonde datasets mnist
"""
PLACES = {
    "embedded": "here, always",
    "SONDE_DATA": "here, in SONDE_DATA",
    "cached": "here, cached",
    "download": "download",
}


def run(words: Sequence[str]) -> int:
    """List datasets. Raises: ConfigError."""
    begun = begin(words, NoOptions, usage="datasets [WORD]", about=ABOUT)
    if begun is None:
        return 0
    word = optional_word(begun.words, verb="datasets")
    from sonde.modalities.named import catalogue

    known = {fact.name: fact for fact in catalogue()}
    found = matching("dataset", word, {name: f"{name} {fact.kind}" for name, fact in known.items()})
    rows = [
        (fact.name, fact.kind, count(fact.rows), size(fact.size) if fact.size else "", PLACES[fact.where], fact.licence)
        for fact in (known[name] for name in found)
    ]
    begun.screen.table("", ["name", "what it is", "rows", "size", "where", "licence"], rows)
    return 0
