"""A document as PDF, to be printed and filed: A4 across, tables that go on over pages, a chart, page x of y."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import IO, Any
from uuid import UUID
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import CondPageBreak, Flowable, LongTable, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as PlainTable
from typing_extensions import override

from shared.documents.cells import money_of, text_of, words_of
from shared.documents.model import Chart, Column, Document, Kind, Table, Totals, cells
from shared.documents.pdf_chart import bars

PAGE = landscape(A4)
MARGIN = 16 * mm
INSET = 6  # of what stands in the frame of a page, as ReportLab has it
LEFT_EDGE, RIGHT_EDGE = MARGIN + INSET, PAGE[0] - MARGIN - INSET
WIDTH = RIGHT_EDGE - LEFT_EDGE
# One table of many thousand rows takes time that grows with the square of them; many tables of some do not.
ROWS_OF_A_PIECE = 400
FONT, BOLD = "Helvetica", "Helvetica-Bold"
SIZE = 8
PADDING = 3
INK, PALE, LINE = colors.HexColor("#1F2A37"), colors.HexColor("#F3F6FA"), colors.HexColor("#9AA5B1")
# In points, padding included, what the widest cell of a kind needs; texts that are wider are wrapped.
NEEDS: Mapping[Kind, float] = {
    Kind.TIME: 86,
    Kind.ID: 92,
    Kind.PERCENT: 34,
    Kind.COUNT: 46,
    Kind.TEXT: 44,
    Kind.MONEY: 50,
}
MOST_STRETCH = 1.9  # a table of few columns need not be as wide as the page
LEFT = (Kind.TEXT, Kind.WORD, Kind.ID, Kind.DAY, Kind.TIME)

_TITLE = ParagraphStyle("title", fontName=BOLD, fontSize=17, leading=22, textColor=INK)
_HEADING = ParagraphStyle(
    "heading", fontName=BOLD, fontSize=11, leading=14, spaceBefore=12, spaceAfter=4, textColor=INK
)
_NOTE = ParagraphStyle(
    "note", fontName=FONT, fontSize=SIZE, leading=11, spaceAfter=4, textColor=colors.HexColor("#52606D")
)
_LEFT_HEAD = ParagraphStyle("left", fontName=BOLD, fontSize=SIZE, leading=9.5, textColor=INK)
_RIGHT_HEAD = ParagraphStyle("right", parent=_LEFT_HEAD, alignment=TA_RIGHT)
_CELL = ParagraphStyle("cell", fontName=FONT, fontSize=SIZE, leading=9.5, splitLongWords=True, textColor=INK)


def write_pdf(document: Document, file: IO[bytes]) -> None:
    """Write the document. Money is in major units with thousands separated, times in UTC."""
    paper = SimpleDocTemplate(
        file,
        pagesize=PAGE,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN + 6 * mm,
        title=document.title,
        author="tovector",
        creator="tovector",
    )
    paper.build(list(_story(document)), canvasmaker=_numbered(document.title))


def _story(document: Document) -> Iterator[Flowable]:
    yield Paragraph(_safe(document.title), _TITLE)
    yield Spacer(1, 4)
    yield _facts(document)
    for table in document.tables:
        drawn = document.chart if document.chart is not None and document.chart.table == table.name else None
        yield from _section(table, drawn)


def _facts(document: Document) -> Flowable:
    rows = [[_printable(name), Paragraph(_safe(value), _CELL)] for name, value in document.facts]
    style = [
        ("FONT", (0, 0), (0, -1), BOLD, SIZE),
        ("TEXTCOLOR", (0, 0), (-1, -1), INK),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
    ]
    return PlainTable(rows, colWidths=[36 * mm, WIDTH - 36 * mm], hAlign="LEFT", style=style)


def _section(table: Table, chart: Chart | None) -> Iterator[Flowable]:
    yield CondPageBreak(45 * mm)
    yield Paragraph(_safe(table.title), _HEADING)
    if table.note:
        yield Paragraph(_safe(table.note), _NOTE)
    rows = table.rows
    if chart is not None:
        rows = list(rows)  # a row a period, so few
        yield bars(chart, table.columns, rows[: chart.rows], WIDTH)
        yield Spacer(1, 6)
        yield CondPageBreak(25 * mm)  # a heading is no good with a single row below it
    yield from _grids(table, iter(rows))


def _grids(table: Table, rows: Iterator[object]) -> Iterator[Flowable]:
    """The rows, piece by piece, and their sums below the last one."""
    totals = Totals(table.columns)
    widths = widths_of(table.columns)
    begun = False
    while True:
        piece = list(islice(rows, ROWS_OF_A_PIECE))
        for row in piece:
            totals.add(row)
        is_last = len(piece) < ROWS_OF_A_PIECE
        if piece or (begun and is_last):
            yield _grid(table.columns, widths, piece, totals.lines() if is_last else [])
            begun = True
        if is_last:
            break
    if not begun:
        yield Paragraph("Nothing in this span.", _NOTE)


def _grid(columns: Sequence[Column], widths: list[float], rows: list[object], sums: list[list[object]]) -> Flowable:
    lines: list[list[object]] = [[Paragraph(_safe(column.heading), _heading_of(column)) for column in columns]]
    lines += [list(map(_cell, cells(row, columns), columns, widths)) for row in rows]
    lines += [list(map(_cell, line, columns, widths)) for line in sums]
    style: list[tuple[Any, ...]] = [
        ("FONT", (0, 0), (-1, -1), FONT, SIZE),
        ("TEXTCOLOR", (0, 0), (-1, -1), INK),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (-1, -1), PADDING),
        ("RIGHTPADDING", (0, 0), (-1, -1), PADDING),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, INK),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, PALE]),
    ]
    style += [
        ("ALIGN", (number, 0), (number, -1), "RIGHT") for number, one in enumerate(columns) if one.kind not in LEFT
    ]
    if sums:
        style += [("LINEABOVE", (0, -len(sums)), (-1, -len(sums)), 0.8, INK)]
        style += [("FONT", (0, -len(sums)), (-1, -1), BOLD, SIZE)]
    return LongTable(lines, colWidths=widths, repeatRows=1, hAlign="LEFT", style=style)


def widths_of(columns: Sequence[Column]) -> list[float]:
    """How wide each column is drawn, in points."""
    needs = [NEEDS.get(column.kind, 52) for column in columns]
    stretch = min(WIDTH / sum(needs), MOST_STRETCH)
    return [need * stretch for need in needs]


def _cell(value: object, column: Column, width: float) -> object:
    """A value as text, which is wrapped only where it has to be: that is slow."""
    text = _printable(_shown(value, column.kind))
    if column.kind is Kind.TEXT and stringWidth(text, FONT, SIZE) > width - 2 * PADDING:
        return Paragraph(escape(text), _CELL)
    return text


def _shown(value: object, kind: Kind) -> str:
    match value:
        case None:
            return ""
        case str():
            return words_of(value) if kind is Kind.WORD else value
        case UUID():
            return f"{str(value)[:18]}\n{str(value)[18:]}"
        case bool() | datetime() | date():
            return text_of(value, kind)
        case int() if kind is Kind.MONEY:
            return f"{Decimal(money_of(value)):,}"
        case Decimal() | float() | int():
            return f"{value:,{'.3f' if kind is Kind.SECONDS else '.2f' if kind is Kind.MEGAPIXELS else ''}}"
        case _:
            return str(value)


def _heading_of(column: Column) -> ParagraphStyle:
    return _LEFT_HEAD if column.kind in LEFT else _RIGHT_HEAD


def _printable(text: str) -> str:
    """The text in the letters that the fonts of every PDF reader have (Windows-1252)."""
    return text.encode("cp1252", "replace").decode("cp1252")


def _safe(text: str) -> str:
    return escape(_printable(text))


def _numbered(title: str) -> type[Canvas]:
    """A canvas that writes, once it knows how many there are, the title and the number below each page."""

    class Numbered(Canvas):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._pages: list[dict[str, Any]] = []

        @override
        def showPage(self) -> None:
            self._pages.append(dict(self.__dict__))
            self._startPage()  # pyright: ignore[reportAttributeAccessIssue] - as ReportLab itself does it

        @override
        def save(self) -> None:
            for number, page in enumerate(self._pages, start=1):
                self.__dict__.update(page)
                self._write_footer(number, len(self._pages))
                super().showPage()
            super().save()

        def _write_footer(self, number: int, pages: int) -> None:
            self.setStrokeColor(LINE)
            self.line(LEFT_EDGE, MARGIN + 2 * mm, RIGHT_EDGE, MARGIN + 2 * mm)
            self.setFont(FONT, SIZE)
            self.setFillColor(INK)
            self.drawString(LEFT_EDGE, MARGIN - 2 * mm, _printable(title))
            self.drawRightString(RIGHT_EDGE, MARGIN - 2 * mm, f"page {number} of {pages}")

    return Numbered
