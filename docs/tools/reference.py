"""For mkdocstrings: docstrings are read as Sonde writes them, and a comment behind a field stands for its docstring."""

import sys
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).parent))  # mkdocstrings loads this file by its path
from docstrings import as_markdown, comment_of  # noqa: E402


class SondeDocstrings(griffe.Extension):
    """Turns each docstring into markdown as it is read."""

    def on_object(self, *, obj: griffe.Object, **others: Any) -> None:
        """Called once for each module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
        elif (obj.is_attribute or obj.is_function) and obj.lines and (said := comment_of(obj.lines[-1])):
            obj.docstring = griffe.Docstring(f"{said[0].upper()}{said[1:]}.", parent=obj)
