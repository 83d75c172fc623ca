"""`sonde datasets [WORD]`: the data sets known by name, and where each would be loaded from."""

from collections.abc import Sequence

from sonde.cli.begin import NoOptions, begin
from sonde.cli.listing import matching
from sonde.core.units import count, size

ABOUT = """\
Data sets known by name, and where each would be loaded from. The folder SONDE_DATA is searched first; downloads are verified
and cached in the folder SONDE_CACHE.

examples:
  sonde datasets
  sonde datasets mnist
"""
PLACES = {
    "embedded": "built in",
    "SONDE_DATA": "in SONDE_DATA",
    "cached": "cached",
    "download": "download",
}


def run(words: Sequence[str]) -> int:
    """List datasets. Raises: ConfigError."""
    begun = begin(words, NoOptions, usage="datasets [WORD]", about=ABOUT)
    if begun is None:
        return 0
    (word,) = begun.words
    from sonde.modalities.named import catalogue

    known = {fact.name: fact for fact in catalogue()}
    found = matching("dataset", word, {name: f"{name} {fact.kind}" for name, fact in known.items()})
    rows = [
        (fact.name, fact.kind, count(fact.rows), size(fact.size) if fact.size else "", PLACES[fact.where], fact.licence)
        for fact in (known[name] for name in found)
    ]
    begun.screen.table("", ["name", "description", "rows", "size", "where", "licence"], rows)
    return 0
