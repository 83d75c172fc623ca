"""Sonde's docstrings as markdown: arguments become a list, doctests a block of code. Free of what builds the pages."""

import re

ARGUMENT = re.compile(r"^(\*{0,2}[a-z_]\w*(?:, \*{0,2}[a-z_]\w*)*):\s+(\S.*)$")
RAISES = re.compile(r"^(?:(.*\S)\s+)?Raises:\s+(\S.*)$")
DOCTEST = ">>> "


def as_markdown(docstring: str) -> str:
    """The docstring with each `name: what it is` as an item of a list, `Raises:` in bold, and each doctest in a block.

    >>> print(as_markdown("Train.\\n\\ndata: a path,\\n      or a name\\nRaises: DataError"))
    Train.
    <BLANKLINE>
    - **`data`**: a path,
      or a name
    - **Raises**: DataError
    """
    blocks = re.split(r"\n\s*\n", docstring.strip())
    return "\n\n".join(_doctest(block) if block.startswith(DOCTEST) else _prose(block) for block in blocks)


def comment_of(line: str) -> str:
    """What stands behind a `#` in a line of code; "" for one without.

    >>> comment_of("rows: int  # of the batch")
    'of the batch'
    """
    code, _, comment = line.partition("  # ")
    return "" if not code.strip() or comment.startswith("type:") else _plain(comment.strip())


def _doctest(block: str) -> str:
    return f"```pycon\n{block}\n```"


def _prose(block: str) -> str:
    """A paragraph, in which a list may begin at any line and ends with the paragraph."""
    written: list[str] = []
    listed = False
    for line in map(_plain, _one_each(block.splitlines())):
        found = _item(line)
        if found and not listed and written:
            written.append("")
        listed = listed or bool(found)
        written.append(found or ("  " + line.strip() if listed else line))
    return "\n".join(written)


def _one_each(lines: list[str]) -> list[str]:
    """Lines in which two arguments stand beside one another (`rate: …;  seed: …`), or a `Raises:` after one, as two lines."""
    found: list[str] = []
    for line in lines:
        parts = re.split(r";  +(?=[a-z_]\w*: )|;? +(?=Raises: )", line)
        found.extend(part for part in parts if part)
    return found


def _plain(line: str) -> str:
    """The line with no `<` that a browser would take for a tag; code in backticks and indented code stay as they are."""
    if line.startswith("    "):
        return line
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(line.split("`")))


def _item(line: str) -> str:
    if match := RAISES.match(line):
        return f"- **Raises**: {match[2]}" if not match[1] else ""
    if match := ARGUMENT.match(line):
        names = ", ".join(f"`{name}`" for name in match[1].split(", "))
        return f"- **{names}**: {match[2]}"
    return ""
