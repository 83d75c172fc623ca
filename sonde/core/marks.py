"""Names out of data among words of ours: marks that turn the direction of text are shown, and long words are cut."""

import re
import shlex

# directional marks, embeddings, overrides and isolates (Unicode Standard Annex 9, table 1)
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
LONGEST = 255  # characters of a word: no file's name is longer, so that paths stay whole (Linux, limits.h: NAME_MAX)
_LONG = re.compile(rf"[^\s/]{{{LONGEST + 1},}}")


def visible(text: str) -> str:
    r"""Text whose marks of direction are seen as they are written in programs, so that they turn nothing.

    >>> visible("class \u202eabc")
    'class \\u202eabc'
    """
    return TURNING.sub(lambda mark: f"\\u{ord(mark[0]):04x}", text)


def cut_words(text: str) -> str:
    """Text with the middle of words left out that are longer than words are.

    >>> cut_words("a " + 300 * "b" + " c") == "a " + 80 * "b" + "…" + 40 * "b" + " c"
    True
    """
    return _LONG.sub(lambda word: f"{word[0][:80]}…{word[0][-40:]}", text)


def shell_quoted(text: str) -> str:
    r"""Text as one word of a command; with marks of direction as bash, zsh and ksh read them, so that they turn nothing.

    >>> shell_quoted("a b"), shell_quoted("it's \u202eb")
    ("'a b'", "$'it\\'s \\u202eb'")
    """
    if not TURNING.search(text):
        return shlex.quote(text)
    return "$'" + visible(text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")) + "'"
