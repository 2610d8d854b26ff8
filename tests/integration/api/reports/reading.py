"""Reports read back by somebody else's readers, and the ledger added up by hand."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pypdf
from psycopg.rows import DictRow
from werkzeug.test import TestResponse

from shared.reporting import ReportName
from tests.ledgers import days_before

DAYS = 200
START = days_before(datetime.now(UTC), DAYS)
SPAN = f"from={START.date()}&to={(START + timedelta(days=DAYS)).date()}"
REPORTS = [name.value for name in ReportName]
Rows = Callable[[str], list[DictRow]]


def money_entries(rows: Rows) -> list[DictRow]:
    """Every entry of money with its cents signed, reckoned here and not in SQL."""
    found = rows("SELECT t.*, p.package_id FROM transactions t JOIN purchases p USING (purchase_id)")
    assert found
    for entry in found:
        sign = -1 if entry["available_delta"] < 0 else 1
        entry["gross"] = sign * int(entry["amount"] * 100)
        entry["tax"] = sign * entry["vat_info"]["amount"]
        entry["net"] = entry["gross"] - entry["tax"]
    return found


def added(entries: list[DictRow], *names: str, column: str) -> dict[Any, int]:
    sums = defaultdict[Any, int](int)
    for entry in entries:
        sums[tuple(entry[name] for name in names)] += entry[column]
    return dict(sums)


def csv_rows(answer: TestResponse) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.content_type.startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.data.decode(), newline="")))


def workbook(answer: TestResponse) -> openpyxl.Workbook:
    assert answer.status_code == 200, answer.text
    return openpyxl.load_workbook(io.BytesIO(answer.data))


def sheet_rows(book: openpyxl.Workbook, title: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A sheet's rows by heading, and the sums below them."""
    headings, *lines = list(book[title].iter_rows(values_only=True))
    found: list[dict[str, Any]] = [dict(zip(map(str, headings), line, strict=True)) for line in lines]
    first = str(headings[0])
    return [row for row in found if row[first] != "Total"], [row for row in found if row[first] == "Total"]


def pdf_text(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.data)).pages]


def cents(amount: str | float) -> int:
    return int((Decimal(str(amount)) * 100).to_integral_value())


def done(rows: Rows, kind: str) -> set[object]:
    return {one["user_id"] for one in rows("SELECT * FROM jobs WHERE status = 'succeeded'") if one["kind"] == kind}
