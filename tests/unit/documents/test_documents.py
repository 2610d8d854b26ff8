"""Tables on paper, read back by other people's readers."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import openpyxl
import pypdf
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfbase.pdfmetrics import stringWidth

from shared.documents.cells import harmless
from shared.documents.csv_file import csv_pieces
from shared.documents.model import Chart, Column, Document, Kind, Table
from shared.documents.pdf_chart import COLORS
from shared.documents.pdf_file import FONT, PADDING, ROWS_OF_A_PIECE, SIZE, widths_of, write_pdf
from shared.documents.xlsx_file import write_xlsx
from shared.sales import entries_table


@dataclass(frozen=True, slots=True)
class Line:
    """A row to write."""

    day: date
    name: str
    currency: str
    count: int | None
    net: int
    credits: Decimal
    at: datetime = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


COLUMNS = (
    Column("day", "Day", Kind.DAY),
    Column("name", "Name", Kind.TEXT),
    Column("currency", "Currency", Kind.TEXT),
    Column("count", "Count", Kind.COUNT, adds=True),
    Column("net", "Net", Kind.MONEY, adds=True),
    Column("credits", "Credits", Kind.CREDITS),
    Column("at", "At", Kind.TIME),
)


def lines(number: int, name: str = "Größe – 5 €") -> list[Line]:
    first = date(2030, 1, 1)
    return [Line(first + timedelta(days=n), name, "eur", n, n * 101 - 300, Decimal("0.2")) for n in range(number)]


def document(rows: Sequence[Line], chart_rows: int = 0) -> Document:
    chart = Chart("Net a day", "lines", "day", ("net",), chart_rows) if chart_rows else None
    return Document(
        "test", "A test", [("Made", "=now()")], [Table("lines", "Lines", COLUMNS, iter(rows), "A note")], chart
    )


def as_csv(rows: Sequence[Line]) -> list[dict[str, str]]:
    file = io.BytesIO()
    file.writelines(csv_pieces(Table("lines", "Lines", COLUMNS, rows)))
    return list(csv.DictReader(io.StringIO(file.getvalue().decode(), newline="")))


def as_xlsx(rows: Sequence[Line]) -> openpyxl.Workbook:
    file = io.BytesIO()
    write_xlsx(document(rows), file)
    return openpyxl.load_workbook(file)


def as_pdf(rows: Sequence[Line], chart_rows: int = 0) -> bytes:
    file = io.BytesIO()
    write_pdf(document(rows, chart_rows), file)
    return file.getvalue()


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1+1", "\uff0d1", "=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_run_becomes_a_text(text: str) -> None:
    assert harmless(text).startswith("'")
    (row,) = as_csv([Line(date(2030, 1, 1), text, "eur", 1, 1, Decimal(1))])
    assert row["name"].startswith("'")
    cell = as_xlsx([Line(date(2030, 1, 1), text, "eur", 1, 1, Decimal(1))])["Lines"]["B2"]
    assert ("s", "'") == (cell.data_type, str(cell.value)[0])


@pytest.mark.parametrize("text", ["Starter", "5 % off", "a=b", "größer", "x-y", "", "1", "'quoted'"])
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert text == harmless(text)


@given(st.text(max_size=40), st.integers(-(10**12), 10**12), st.integers(0, 10**9))
def test_csv_gives_back_what_was_written(name: str, net: int, count: int) -> None:
    (row,) = as_csv([Line(date(2030, 1, 31), name, "eur", count, net, Decimal("12.0"))])
    assert harmless(name) == row["name"]
    assert (Decimal(net) / 100, count, "12.0") == (Decimal(row["net"]), int(row["count"]), row["credits"])
    assert ("2030-01-31", "2030-01-02 03:04:05") == (row["day"], row["at"])


def test_csv_larger_than_its_buffer_is_whole() -> None:
    assert [str(line.count) for line in lines(5_000)] == [row["count"] for row in as_csv(lines(5_000))]


def test_cells_of_a_workbook_have_types_and_sums() -> None:
    sheet = as_xlsx(lines(3))["Lines"]
    values = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert ["Day", "Name", "Currency", "Count", "Net", "Credits", "At"] == values[0]
    first = [datetime(2030, 1, 1), "Größe – 5 €", "eur", 0, -3, 0.2, datetime(2030, 1, 2, 3, 4, 5)]  # noqa: DTZ001 - Excel's have no zone
    assert first == values[1]
    assert ["Total", None, "eur", 3, -5.97, None, None] == values[4]
    assert ("#,##0.00", "yyyy-mm-dd") == (sheet["E2"].number_format, sheet["A2"].number_format)


def test_money_of_two_currencies_is_not_added_up() -> None:
    rows = [Line(date(2030, 1, 1), "x", currency, None, 100, Decimal(1)) for currency in ("eur", "usd", "eur")]
    values = [[cell.value for cell in row] for row in as_xlsx(rows)["Lines"].iter_rows()]
    assert [["Total", None, "eur", 0, 2, None, None], ["Total", None, "usd", 0, 1, None, None]] == values[4:]


def test_a_sheet_without_rows_has_its_headings() -> None:
    assert 1 == as_xlsx([])["Lines"].max_row


@pytest.mark.parametrize("rows", [0, 1, ROWS_OF_A_PIECE, ROWS_OF_A_PIECE + 1, 1_000])
def test_every_row_of_a_pdf_is_there_below_the_headings_of_its_page(rows: int) -> None:
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(as_pdf(lines(rows)))).pages]
    text = "\n".join(pages)
    for line in lines(rows):
        assert f"{line.day}" in text
    assert (rows > 0) == ("Total" in text)
    assert ("Nothing in this span." in text) == (rows == 0)
    if rows:
        assert all("Credits" in page for page in pages[:-1])
    assert [f"page {number} of {len(pages)}" in page for number, page in enumerate(pages, start=1)] == [True] * len(
        pages
    )


def test_letters_that_the_fonts_do_not_have_do_no_harm() -> None:
    assert pypdf.PdfReader(io.BytesIO(as_pdf(lines(1, name="株式会社 <b>&amp; ]]> 😀")))).pages[0].extract_text()


def test_times_and_ids_fit_into_the_widest_table_there_is() -> None:
    columns = entries_table([]).columns
    widest = {Kind.TIME: "2030-08-28 20:08:08", Kind.ID: "0190ab8d-ad8e-7d8e", Kind.MONEY: "-12,345.67"}
    for column, width in zip(columns, widths_of(columns), strict=True):
        assert stringWidth(widest.get(column.kind, ""), FONT, SIZE) <= width - 2 * PADDING, column


def test_the_chart_of_a_pdf_is_drawn() -> None:
    with_chart, without = colors_of(as_pdf(lines(20), 20)), colors_of(as_pdf(lines(20)))
    assert (True, False) == (COLORS[0].int_rgb() in with_chart, COLORS[0].int_rgb() in without)


def colors_of(pdf: bytes) -> set[int]:
    page = pypdfium2.PdfDocument(pdf)[0]
    counted = page.render(scale=1).to_pil().convert("RGB").getcolors(1_000_000) or []
    return {red << 16 | green << 8 | blue for _, (red, green, blue) in counted}
