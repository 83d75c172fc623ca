"""For mkdocstrings: docstrings are read as Sonde writes them."""

import sys
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).parent))  # mkdocstrings loads this file by its path
from docstrings import as_markdown  # noqa: E402


class SondeDocstrings(griffe.Extension):
    """Turns each docstring into markdown as it is read."""

    def on_object(self, *, obj: griffe.Object, **others: Any) -> None:
        """Called once for each module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
