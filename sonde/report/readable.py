"""The last thing that is done to a page: names out of data turn no text around them, and make it no wider than its window."""

import re
from html import escape, unescape

from sonde.core.marks import cut_words, visible

BREAKS = 60  # characters of a word from which on it may be broken anywhere
# where text is left as it is: scripts and styles, drawings, which shorten their words themselves, and what is copied
_WHOLE = r"<(?P<kind>script|style|title|svg|code|pre)\b.*?</(?P=kind)>"
_PARTS = re.compile(rf"(?P<whole>{_WHOLE})|(?P<tag><[^>]*>)|(?P<text>[^<]+)", re.DOTALL)
_LONG = re.compile(rf"\S{{{BREAKS + 1},}}")


def readable(html: str) -> str:
    r"""A page, or a part of one, whose marks of direction are seen, and whose long words are cut, with the whole in a title.

    >>> readable("<p>turns \u202e no <b>more</b></p>")
    '<p>turns \\u202e no <b>more</b></p>'
    """
    return _PARTS.sub(_with_short_words, visible(html))


def _with_short_words(part: re.Match[str]) -> str:
    text = part["text"]
    return part[0] if text is None or len(text) <= BREAKS else _LONG.sub(_shortened, text)


def _shortened(word: re.Match[str]) -> str:
    whole = unescape(word[0])
    told = cut_words(whole)
    title = f' title="{escape(whole)}"' if told != whole else ""
    return f'<span class="long"{title}>{escape(told)}</span>'
