"""What a task adds to the page of its runs: figures beside the general ones, and sections of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sonde.report.learning import Figure
from sonde.report.shots import Drawing


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page.

    name: its id;  note: what is seen, below the title;  html: the rest, escaped where it was data
    last: after the rows with the highest and the lowest loss, not before them
    files: styles and scripts of this folder that it needs besides those of every page
    """

    name: str
    title: str
    html: Markup
    note: str = ""
    last: bool = False
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Additions:
    """What a task shows of one evaluation.

    cases:   whether the rows with the highest and lowest loss are listed as well
    drawing: what is drawn on their pictures; None for nothing
    """

    figures: Sequence[Figure] = ()
    sections: Sequence[Section] = ()
    cases: bool = True
    drawing: Drawing | None = None


def figure_html(figure: Figure) -> Markup:
    """A figure as the page shows it.

    >>> figure_html(Figure(title="<a>", svg=Markup("<svg/>"), caption="b"))
    Markup('<figure>\\n<h3>&lt;a&gt;</h3>\\n<svg/>\\n<figcaption>b</figcaption>\\n</figure>\\n')
    """
    wide = Markup(' class="wide"') if figure.wide else ""
    html = Markup("<figure{}>\n<h3>{}</h3>\n{}\n<figcaption>{}</figcaption>\n</figure>\n")
    return html.format(wide, figure.title, figure.svg, figure.caption)


def grid(figures: Sequence[Figure]) -> Markup:
    """Figures side by side."""
    return Markup('<div class="grid">{}</div>\n').format(Markup("").join(map(figure_html, figures)))
