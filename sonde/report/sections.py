"""The sections of the report, each by itself: what a live page renews one by one."""

from sonde.report.folder import Reading
from sonde.report.intact import drawn
from sonde.report.page import AddedBy, context, nothing, template
from sonde.report.readable import readable

SECTIONS = (
    "unreadable", "findings", "metrics", "learning", "samples", "inside", "evaluated", "data", "time", "settings", "machine",
)  # fmt: skip


def sections(run: Reading, added: AddedBy = nothing) -> dict[str, str]:
    """Name of a section -> its HTML, as it stands in the report; empty for one that has nothing to show yet."""
    from jinja2 import TemplateError

    page = template()

    def draw(whole: Reading) -> dict[str, str]:
        shown = page.new_context(context(whole, added))
        return {name: readable("".join(page.blocks[name](shown)).strip()) for name in SECTIONS}

    return drawn(run, draw, (TemplateError,))
