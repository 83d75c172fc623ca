"""Folders in layouts that are not read as they are, and how to make readable data of them."""

import os
import re
from collections import Counter
from pathlib import Path

from sonde.core.marks import shell_quoted
from sonde.data.listing import Listing

TABLES = (".csv", ".tsv", ".txt")
FEWEST = 2  # folders of classes, and files in each
_SLACK_DAY = re.compile(r"\d{4}-\d\d-\d\d\.json")


def way_to_read_folder(listing: Listing) -> str:
    """What a folder holds and what to do with it, "" where that is not known."""
    return _slack(listing) or _without_endings(listing) or _recordings(listing)


def _slack(listing: Listing) -> str:
    about = {file.name for file in listing.files} & {"users.json", "channels.json"}
    if not about or not any(_SLACK_DAY.fullmatch(Path(name).name) for name in listing.below):
        return ""
    pattern = repr(str(listing.path) + "/*/*.json")
    code = (
        f"import glob, json; m = [x.get('text', '') for f in sorted(glob.glob({pattern})) for x in json.load(open(f))]; "
        "open('slack.txt', 'w').write('\\n'.join(m))"
    )
    return f'is an export of Slack; write its messages as text to continue: python -c "{code}"'


def _without_endings(listing: Listing) -> str:
    bare = [name for name in listing.below if not os.path.splitext(name)[1]]
    if len(bare) < FEWEST or len(bare) * 2 < len(listing.below) or not all("/" in name for name in bare):
        return ""
    place = shell_quoted(str(listing.path))
    return (
        f"holds {len(bare):,} files without a suffix, such as {bare[0]}; if they are texts, give them one: find "
        f"{place} -type f ! -name '*.*' -exec mv {{}} {{}}.txt ';', and call the folders of splits train and test"
    )


def _recordings(listing: Listing) -> str:
    """Folders of classes with a table for each recording of a sensor."""
    counts = Counter(name.split("/")[0] for name in listing.below_ending(TABLES) if name.count("/") == 1)
    if len(counts) < FEWEST or min(counts.values()) < FEWEST or listing.files:
        return ""
    pattern, out = repr(str(listing.path) + "/*/*.*"), f"{listing.name}.npz"
    code = (
        f"import glob, numpy, pandas; f = sorted(glob.glob({pattern})); t = [pandas.read_csv(p, sep=None, engine='python')"
        f".select_dtypes('number').to_numpy('float32') for p in f]; n = min(map(len, t)); numpy.savez({out!r}, "
        "x=numpy.stack([a[:n] for a in t]), y=[p.split('/')[-2] for p in f])"
    )
    return (
        f"holds {sum(counts.values()):,} tables in class folders, one recording in each; make them one array, cut to the "
        f'shortest: python -c "{code}"'
    )
