"""Where downloads are kept. Free of torch."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where downloads are kept: SONDE_CACHE, else the user's cache folder."""
    return Path(os.environ.get("SONDE_CACHE") or Path.home() / ".cache" / "sonde")
