"""A document as an Excel workbook: a sheet for each table, typed cells, sums below, a chart beside its table.

Written row by row in constant memory (XlsxWriter), so a million rows need no more of it than ten.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from shared.documents.cells import harmless, money_of, text_of, words_of
from shared.documents.model import Chart, Document, Kind, Table, Totals, cells

FORMATS: Mapping[Kind, str] = {
    Kind.TEXT: "@",
    Kind.WORD: "@",
    Kind.ID: "@",
    Kind.DAY: "yyyy-mm-dd",
    Kind.TIME: "yyyy-mm-dd hh:mm:ss",
    Kind.COUNT: "#,##0",
    Kind.BYTES: "#,##0",
    Kind.MONEY: "#,##0.00",
    Kind.CREDITS: "#,##0.0",
    Kind.PERCENT: "0.##",
    Kind.SECONDS: "0.000",
    Kind.MEGAPIXELS: "0.00",
}
WIDTHS: Mapping[Kind, int] = {Kind.TIME: 19, Kind.TEXT: 16, Kind.WORD: 16, Kind.ID: 37}
MOST_ROWS = 1_048_000  # of a sheet; what is more goes on to the next one
_HEADER = {"bold": True, "bottom": 1, "bg_color": "#E8EEF7"}
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def write_xlsx(document: Document, file: IO[bytes]) -> None:
    """Write the document. Money is in major units, times in UTC."""
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        book.set_properties({"title": document.title, "comments": "tovector"})
        styles = {kind: book.add_format({"num_format": FORMATS[kind]}) for kind in Kind}
        sums = {kind: book.add_format({"num_format": FORMATS[kind], "bold": True, "top": 1}) for kind in Kind}
        header = book.add_format(_HEADER)
        _write_facts(book, document)
        for table in document.tables:
            sheet = _Sheet(book, table, styles, header)
            totals = Totals(table.columns)
            for row in table.rows:
                totals.add(row)
                sheet.write(cells(row, table.columns), styles)
            for line in totals.lines():
                sheet.write(line, sums)
            if document.chart is not None and document.chart.table == table.name:
                _add_chart(book, sheet.sheet, table, document.chart)


def _write_facts(book: Workbook, document: Document) -> None:
    sheet = book.add_worksheet("About")
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 1, 70)
    sheet.write_string(0, 0, document.title, book.add_format({"bold": True, "font_size": 14}))
    notes = [(table.title, table.note) for table in document.tables if table.note]
    for number, (name, value) in enumerate([*document.facts, *notes], start=2):
        sheet.write_string(number, 0, harmless(name))
        sheet.write_string(number, 1, harmless(value))


class _Sheet:
    """The sheet that a table is written to; a full one is followed by another."""

    def __init__(self, book: Workbook, table: Table, styles: Mapping[Kind, Format], header: Format) -> None:
        self._book, self._table, self._styles, self._header = book, table, styles, header
        self._sheets = 0
        self.sheet = self._begin()

    def _begin(self) -> Worksheet:
        self._sheets += 1
        name = self._table.title[:28] + (f" {self._sheets}" if self._sheets > 1 else "")
        sheet = self._book.add_worksheet(name)
        for number, column in enumerate(self._table.columns):
            sheet.set_column(number, number, max(WIDTHS.get(column.kind, 12), len(column.heading) + 2))
            sheet.write_string(0, number, column.heading, self._header)
        sheet.freeze_panes(1, 0)
        self._row = 0
        return sheet

    def write(self, values: list[object], styles: Mapping[Kind, Format]) -> None:
        """Write the next row."""
        if self._row >= MOST_ROWS:
            self.sheet = self._begin()
        self._row += 1
        for number, (value, column) in enumerate(zip(values, self._table.columns, strict=True)):
            _write_cell(self.sheet, self._row, number, value, column.kind, styles)


def _write_cell(
    sheet: Worksheet, row: int, number: int, value: object, kind: Kind, styles: Mapping[Kind, Format]
) -> None:
    match value:
        case None:
            sheet.write_blank(row, number, None, styles[kind])
        case bool():
            sheet.write_string(row, number, text_of(value, kind), styles[kind])
        case datetime():
            sheet.write_datetime(row, number, value.astimezone(UTC).replace(tzinfo=None), styles[Kind.TIME])
        case date():
            sheet.write_datetime(row, number, datetime.combine(value, time.min), styles[Kind.DAY])
        case int() if kind is Kind.MONEY:
            sheet.write_number(row, number, float(money_of(value)), styles[kind])
        case int() | float() | Decimal():
            sheet.write_number(row, number, float(value), styles[kind])
        case _:
            text = words_of(str(value)) if kind is Kind.WORD else harmless(str(value))
            sheet.write_string(row, number, text, styles[kind])


def _add_chart(book: Workbook, sheet: Worksheet, table: Table, chart: Chart) -> None:
    places = {column.name: number for number, column in enumerate(table.columns)}
    headings = {column.name: column.heading for column in table.columns}
    drawn: Any = book.add_chart({"type": "column", "subtype": "stacked"})
    label = places[chart.label]
    for value in chart.values:
        drawn.add_series(
            {
                "name": headings[value],
                "categories": [sheet.get_name(), 1, label, max(chart.rows, 1), label],
                "values": [sheet.get_name(), 1, places[value], max(chart.rows, 1), places[value]],
                "gap": 40,
            }
        )
    drawn.set_title({"name": chart.title, "name_font": {"size": 12}})
    drawn.set_x_axis({"num_font": {"rotation": -45}, "text_axis": True})
    drawn.set_legend({"position": "bottom"})
    drawn.set_size({"width": 760, "height": 380})
    sheet.insert_chart(1, len(table.columns) + 1, drawn)
