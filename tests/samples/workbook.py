"""Workbooks of Excel, written as plainly as the format allows."""

import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
FIRST = datetime(1899, 12, 30)  # day 0 of Excel


def write_workbook(
    path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]], *, merged: Sequence[str] = (), hidden: Sequence[str] = ()
) -> Path:
    """A workbook of these sheets; merged: ranges such as "A1:B1" of the first; hidden: names of sheets."""
    numbered = list(enumerate(sheets.items(), start=1))
    entries, links, types = [], [], []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for number, (name, rows) in numbered:
            state = ' state="hidden"' if name in hidden else ""
            entries.append(f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"{state}/>')
            links.append(
                f'<Relationship Id="rId{number}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            )
            types.append(
                f'<Override PartName="/xl/worksheets/sheet{number}.xml" '
                'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
            )
            ranges = "".join(f'<mergeCell ref="{one}"/>' for one in merged) if number == 1 else ""
            file.writestr(
                f"xl/worksheets/sheet{number}.xml", _sheet(rows, f"<mergeCells>{ranges}</mergeCells>" if ranges else "")
            )
        links.append(f'<Relationship Id="rId0" Type="{OFFICE}/styles" Target="styles.xml"/>')
        file.writestr("[Content_Types].xml", (
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/xl/workbook.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            f'{"".join(types)}</Types>'
        ))  # fmt: skip
        top = f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        file.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}/relationships">{top}</Relationships>')
        file.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{PACKAGE}/relationships">{"".join(links)}</Relationships>',
        )
        file.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{OFFICE}"><sheets>{"".join(entries)}</sheets></workbook>',
        )
        file.writestr("xl/styles.xml", (
            f'<styleSheet xmlns="{SPREADSHEET}"><cellXfs count="3">'
            '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs></styleSheet>'
        ))  # fmt: skip
    return path


def _sheet(rows: Sequence[Sequence[Any]], more: str) -> str:
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = "".join(
            _cell(value, f"{chr(65 + place)}{number}") for place, value in enumerate(row) if value is not None
        )
        lines.append(f'<row r="{number}">{cells}</row>')
    return f'<worksheet xmlns="{SPREADSHEET}"><sheetData>{"".join(lines)}</sheetData>{more}</worksheet>'


def _cell(value: Any, place: str) -> str:
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, datetime):
        return f'<c r="{place}" s="2"><v>{(value - FIRST).total_seconds() / 86400!r}</v></c>'
    if isinstance(value, date):
        return f'<c r="{place}" s="1"><v>{(datetime(value.year, value.month, value.day) - FIRST).days}</v></c>'
    return f'<c r="{place}"><v>{value!r}</v></c>'
