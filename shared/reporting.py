"""Every report as a document, in whatever form is asked for. No SQL here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import IO
from zoneinfo import ZoneInfo

from shared.conversion import (
    conversion_chart,
    conversion_tables,
    downloads_chart,
    downloads_tables,
    read_conversion,
    read_downloads,
)
from shared.db import Connection
from shared.documents.cells import time_of
from shared.documents.csv_file import csv_pieces
from shared.documents.model import Chart, Document, Table
from shared.periods import Granularity, Span
from shared.report_sales import count_entries, select_entries
from shared.sales import entries_table, read_sales, sales_chart, sales_tables
from shared.usage import read_usage, usage_chart, usage_tables


class ReportName(StrEnum):
    """The reports that come as documents."""

    SALES = "sales"
    USAGE = "usage"
    CONVERSION = "conversion"
    DOWNLOADS = "downloads"


class ReportFormat(StrEnum):
    """json is for programs; csv holds one table, xlsx a sheet for each, pdf is for paper."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


MEDIA_TYPES: Mapping[ReportFormat, str] = {
    ReportFormat.CSV: "text/csv",
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ReportFormat.PDF: "application/pdf",
}
# What is made within a task's limit on a busy machine, and of a PDF what somebody might still turn the pages of.
MOST_ROWS: Mapping[ReportFormat, int] = {
    ReportFormat.CSV: 500_000,
    ReportFormat.XLSX: 100_000,
    ReportFormat.PDF: 20_000,
}
LINES = "lines"
ENTRIES = "entries"


@dataclass(frozen=True, slots=True)
class Seller:
    """Whose business it is: country (ISO 3166-1 alpha-2) and VAT id, if there is one."""

    country: str
    vat_id: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """A file that somebody wants: a report of a span in a format, or one `table` of it."""

    report: ReportName
    span: Span
    format: ReportFormat
    table: str | None = None

    @property
    def days(self) -> str:
        """The days it covers, both ends included."""
        first = self.span.start.astimezone(self.span.zone).date()
        last = (self.span.end - timedelta(microseconds=1)).astimezone(self.span.zone).date()
        return f"{first} to {last}"

    @property
    def file_name(self) -> str:
        """What the file is called."""
        name = self.report if self.table is None else f"{self.report}-{self.table}"
        return f"tovector-{name}-{self.days.replace(' to ', '-to-')}.{self.format}"

    def as_record(self) -> dict[str, str | None]:
        """The wish as it is kept until a worker reads it."""
        return {
            "report": self.report,
            "start": self.span.start.isoformat(),
            "end": self.span.end.isoformat(),
            "zone": self.span.zone.key,
            "granularity": self.span.granularity,
            "format": self.format,
            "table": self.table,
        }


def wish_of(record: Mapping[str, str | None]) -> Wish:
    """The wish that was kept."""
    given = {name: value or "" for name, value in record.items()}
    start, end = datetime.fromisoformat(given["start"]), datetime.fromisoformat(given["end"])
    span = Span(start, end, ZoneInfo(given["zone"]), Granularity(given["granularity"]))
    return Wish(ReportName(given["report"]), span, ReportFormat(given["format"]), given["table"] or None)


def count_rows(db: Connection, wish: Wish) -> int:
    """How many rows will be read from the ledger one by one; reports that are summed count for nothing."""
    return count_entries(db, wish.span) if wish.table == ENTRIES else 0


def write_report(db: Connection, wish: Wish, seller: Seller, file: IO[bytes], *, now: datetime) -> None:
    """Write the file, reading as it goes. `db` must be a database transaction of `Database.reports`."""
    if wish.format is ReportFormat.CSV:
        file.writelines(read_csv(db, wish, seller))
        return
    tables, chart = _TABLES_OF[wish.report](db, wish, seller)
    if wish.table is not None:
        tables = [table for table in tables if table.name == wish.table]
    elif wish.format is ReportFormat.PDF:
        tables = [table for table in tables if table.name != LINES or (chart is not None and chart.table == LINES)]
    document = Document(
        name=wish.report,
        title=f"{wish.report.capitalize()}, {wish.days}",
        facts=_facts(wish, seller, now),
        tables=tables,
        chart=chart if chart is not None and any(table.name == chart.table for table in tables) else None,
    )
    _writer(wish.format)(document, file)


def read_csv(db: Connection, wish: Wish, seller: Seller) -> Iterator[bytes]:
    """The table that is asked for as CSV, piece by piece, read as it goes; within the database transaction."""
    tables, _ = _TABLES_OF[wish.report](db, wish, seller)
    (table,) = (table for table in tables if table.name == (wish.table or LINES))
    return csv_pieces(table)


def _writer(form: ReportFormat) -> Callable[[Document, IO[bytes]], None]:
    # Imported late: a quarter of a second that a process which makes no such file should not pay.
    if form is ReportFormat.PDF:
        from shared.documents.pdf_file import write_pdf

        return write_pdf
    from shared.documents.xlsx_file import write_xlsx

    return write_xlsx


def _facts(wish: Wish, seller: Seller, now: datetime) -> list[tuple[str, str]]:
    money = "Amounts are in major units of the currency named; what went back counts below zero."
    return [
        ("Span", f"{wish.days}, both days included, by the calendar of {wish.span.zone.key}"),
        ("Periods", f"by {wish.span.granularity}, named after their first day"),
        ("Seller", f"{seller.country}, VAT id {seller.vat_id}" if seller.vat_id else seller.country),
        ("Made", f"{time_of(now)} UTC"),
        *([("Money", money)] if wish.report is ReportName.SALES else []),
    ]


Found = tuple[list[Table], Chart | None]


def _sales(db: Connection, wish: Wish, seller: Seller) -> Found:
    if wish.table == ENTRIES:
        return [entries_table(select_entries(db, wish.span))], None
    sales = read_sales(db, wish.span, seller_country=seller.country)
    return sales_tables(sales), sales_chart(sales)


def _usage(db: Connection, wish: Wish, _: Seller) -> Found:
    usage = read_usage(db, wish.span)
    return usage_tables(usage), usage_chart(usage)


def _conversion(db: Connection, wish: Wish, _: Seller) -> Found:
    conversion = read_conversion(db, wish.span)
    return conversion_tables(conversion), conversion_chart(conversion)


def _downloads(db: Connection, wish: Wish, _: Seller) -> Found:
    downloads = read_downloads(db, wish.span)
    return downloads_tables(downloads), downloads_chart(downloads)


_TABLES_OF: Mapping[ReportName, Callable[[Connection, Wish, Seller], Found]] = {
    ReportName.SALES: _sales,
    ReportName.USAGE: _usage,
    ReportName.CONVERSION: _conversion,
    ReportName.DOWNLOADS: _downloads,
}
