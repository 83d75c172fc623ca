"""Where text goes: a terminal or a notebook through rich, anything else as plain lines."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, TextIO

from sonde.core.marks import cut_words, visible

if TYPE_CHECKING:
    from rich.console import Console

INDENT = 10  # width of the label column


class Output:
    """Writes labelled lines, and one transient line at the bottom of a terminal.

    rich is imported with the first line that goes to a terminal or a notebook, and never otherwise.
    spelling: of lines' text, where a program reads them in another than the command line's
    live: whether a transient line can be shown (a terminal that moves its cursor)
    """

    def __init__(
        self, *, quiet: bool = False, file: TextIO | None = None, spelling: Callable[[str], str] | None = None
    ) -> None:
        self.quiet = quiet
        self._spelling = spelling
        self._file = file
        self._console: Console | None = None
        self._notebook = file is None and _in_notebook()
        self._terminal = _is_terminal(file if file is not None else sys.stdout)
        self.live = self._terminal and not quiet and os.environ.get("TERM", "") not in ("dumb", "unknown")
        self._line_shown = self.live  # a command says that it loads before there is a screen

    @property
    def rich(self) -> bool:
        """Whether lines may carry colour and be wrapped to a width."""
        return not self.quiet and (self._terminal or self._notebook)

    @property
    def width(self) -> int | None:
        """Characters of a line, where lines have an end: on a terminal."""
        return self.console().width if self.rich else None

    @property
    def file(self) -> TextIO:
        """The stream, looked up at each use: a notebook or a test may exchange sys.stdout."""
        return self._file if self._file is not None else sys.stdout

    def console(self) -> "Console":
        """The rich console, made when first needed."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=self._file, highlight=False, soft_wrap=False)
        return self._console

    @property
    def in_program(self) -> bool:
        """Whether a program made the call whose lines these are, and no command line."""
        return self._spelling is not None

    def spelled(self, text: str) -> str:
        """Text in the spelling of who reads it."""
        return text if self._spelling is None else self._spelling(text)

    def line(self, text: str, *, label: str = "", style: str = "", whole: bool = False) -> None:
        """One line, its label in a column of its own; on a terminal wrapped beside that column.

        whole: of a text with a label, whether its long words are left whole, as those of what is copied
        """
        if self.quiet:
            return
        self.clear()
        text = visible(self.spelled(text))
        if label and not whole:
            text = cut_words(text)
        if self.rich:
            self._rich_line(text, label, style)
        else:
            self.raw(f"{label:<{INDENT}}{text}".rstrip() if label or style else text)

    def block(self, label: str, lines: Sequence[str], *, whole: bool = False) -> None:
        """Lines below one another, the label before the first."""
        for place, line in enumerate(lines):
            self.line(line, label=label if place == 0 else " ", whole=whole)

    def row(self, text: str, *, style: str = "") -> None:
        """One line under the label column, never wrapped."""
        if self.quiet:
            return
        self.clear()
        text = cut_words(visible(text))
        if self.rich:
            from rich.text import Text

            self.console().print(Text(text, style=style), no_wrap=True, overflow="ellipsis")
        else:
            self.raw(text.rstrip())

    def raw(self, text: str) -> None:
        """A line as it is, with what the stream cannot encode replaced."""
        stream = self.file
        stream.write(encodable(text, stream) + "\n")
        stream.flush()

    def write(self, text: str) -> None:
        """Text without an end of line, shown at once, with what the stream cannot encode replaced."""
        if self.quiet:
            return
        self.clear()
        stream = self.file
        stream.write(encodable(text, stream))
        stream.flush()

    def transient(self, text: str) -> None:
        """Replace the line at the bottom of a terminal; the next real line takes its place."""
        if not self.live:
            return
        from rich.text import Text

        console = self.console()
        self._erase()
        shown = Text(encodable(visible(text), console.file), style="dim")
        shown.truncate(max(1, console.width - 1), overflow="ellipsis")
        console.print(shown, end="", no_wrap=True)
        self._line_shown = True
        console.file.flush()

    def clear(self) -> None:
        """Take the transient line away."""
        if self._line_shown:
            self._erase()
            self._line_shown = False

    def _erase(self) -> None:
        from rich.control import Control
        from rich.segment import ControlType

        self.console().control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))

    def _rich_line(self, text: str, label: str, style: str) -> None:
        from rich.text import Text

        console = self.console()
        text = encodable(text, console.file)
        if not label and not style:
            console.print(Text(text), soft_wrap=True)
            return
        width = max(20, console.width - INDENT)
        lines = Text(text, style=style).wrap(console, width)
        for place, part in enumerate(lines):
            part.rstrip()
            head = f"{label:<{INDENT}}" if place == 0 else " " * INDENT
            console.print(Text.assemble((head, "bold"), part), soft_wrap=True)


def encodable(text: str, stream: IO[str]) -> str:
    """`text` with the characters `stream` cannot write replaced: a file name must not end a run."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _is_terminal(stream: TextIO) -> bool:
    return bool(getattr(stream, "isatty", lambda: False)())


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
