"""The sections are those of the page."""

from dataclasses import replace

from sonde.report.folder import read_folder
from sonde.report.page import render
from sonde.report.sections import SECTIONS, sections


def test_each_section_stands_in_the_page_as_it_is(image_run):
    run = read_folder(image_run)
    page, found = render(run), sections(run)
    assert tuple(found) == SECTIONS
    assert [name for name, html in found.items() if html not in page] == []
    assert "<h2>Training curves</h2>" in found["learning"]
    assert "<h2>On the test data</h2>" in found["evaluated"]


def test_a_run_that_begins_has_few(image_run):
    run = replace(read_folder(image_run), result={}, evaluated={}, steps=(), evaluations=(), lr_range={}, findings=())
    found = sections(run)
    assert (found["learning"], found["findings"], found["evaluated"], found["metrics"]) == ("", "", "", "")
    assert "<h2>Settings</h2>" in found["settings"]


def test_a_damaged_file_is_named_and_the_rest_is_drawn(image_run):
    run = replace(read_folder(image_run), data={"splits": 3})
    found = sections(run)
    assert "data.json does not hold what a run writes there" in found["unreadable"]
    assert "<h2>Training curves</h2>" in found["learning"]
