"""What was sold and what went back, from the ledger's entries of money. Read as role tovector_reports.

An entry's `amount` is gross and never negative; what a debit moves counts below zero here. Money is in minor units.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row

from shared.db import Connection
from shared.periods import Periods, Span

ROWS_AT_ONCE = 2_000
_MONEY_OF_THE_SPAN: LiteralString = (
    ", LATERAL (SELECT CASE t.entry WHEN 'debit' THEN -1 ELSE 1 END AS sign, (t.amount * 100)::bigint AS gross,"
    "  coalesce((t.vat_info ->> 'amount')::bigint, 0) AS tax) AS m"
    " WHERE t.purchase_id IS NOT NULL"
    " AND t.transaction_timestamp >= %(start)s AND t.transaction_timestamp < %(end)s"
)


@dataclass(frozen=True, slots=True)
class SalesLine:
    """What was sold (or went back: below zero) in a period, as finely as reports tell it apart.

    `kind` is purchase, refund or dispute; `rate` is of the VAT, in per cent, and `country` where it is due; `credits`
    went to customers, or were taken back.
    """

    period: date
    kind: str
    country: str | None
    rate: Decimal
    reverse_charge: bool
    package_id: str
    package: str
    currency: str
    entries: int
    net: int
    tax: int
    gross: int
    credits: Decimal


def select_sales(db: Connection, span: Span) -> list[SalesLine]:
    """The sales of a span by period, kind, country, rate, package and currency."""
    periods = span.periods
    return (
        db.cursor(row_factory=class_row(SalesLine))
        .execute(
            "SELECT (%(days)s::date[])[width_bucket(t.transaction_timestamp, %(starts)s::timestamptz[])] AS period,"
            " t.transaction_type AS kind, t.vat_info ->> 'country' AS country,"
            " coalesce((t.vat_info ->> 'rate')::numeric, 0) AS rate,"
            " coalesce((t.vat_info ->> 'reverse_charge')::boolean, false) AS reverse_charge,"
            " p.package_id, k.name AS package, t.currency, count(*)::integer AS entries,"
            " sum(m.sign * (m.gross - m.tax))::bigint AS net, sum(m.sign * m.tax)::bigint AS tax,"
            " sum(m.sign * m.gross)::bigint AS gross, sum(t.available_delta) AS credits"
            " FROM transactions t JOIN purchases p USING (purchase_id) JOIN credit_packages k USING (package_id)"
            + _MONEY_OF_THE_SPAN
            + " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 3, 4, 5, 6, 8",
            {"start": span.start, "end": span.end, "days": periods.days, "starts": periods.starts},
        )
        .fetchall()
    )


@dataclass(frozen=True, slots=True)
class QuarterLine:
    """VAT of a quarter by country and rate; what went back is told apart by the quarter it had been sold in.

    `sold_in` is the first day of that quarter, None where it is further back than was asked for.
    """

    quarter: date
    sold_in: date | None
    country: str | None
    rate: Decimal
    reverse_charge: bool
    currency: str
    net: int
    tax: int


def select_quarters(db: Connection, span: Span, quarters: Periods) -> list[QuarterLine]:
    """The VAT of a span by quarter; `quarters` are those that entries and their sales may be in, oldest first."""
    return (
        db.cursor(row_factory=class_row(QuarterLine))
        .execute(
            "SELECT (%(days)s::date[])[width_bucket(t.transaction_timestamp, %(starts)s::timestamptz[])] AS quarter,"
            " (%(days)s::date[])[width_bucket(sale.transaction_timestamp, %(starts)s::timestamptz[])] AS sold_in,"
            " t.vat_info ->> 'country' AS country, coalesce((t.vat_info ->> 'rate')::numeric, 0) AS rate,"
            " coalesce((t.vat_info ->> 'reverse_charge')::boolean, false) AS reverse_charge, t.currency,"
            " sum(m.sign * (m.gross - m.tax))::bigint AS net, sum(m.sign * m.tax)::bigint AS tax"
            " FROM transactions t JOIN transactions sale"
            "  ON sale.purchase_id = t.purchase_id AND sale.transaction_type = 'purchase'"
            + _MONEY_OF_THE_SPAN
            + " GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 3, 4, 2, 6",
            {"start": span.start, "end": span.end, "days": quarters.days, "starts": quarters.starts},
        )
        .fetchall()
    )


@dataclass(frozen=True, slots=True)
class SalesEntry:
    """One entry of money, as the ledger has it."""

    at: datetime
    transaction_id: UUID
    kind: str
    purchase_id: UUID
    package_id: str
    country: str | None
    rate: Decimal
    reverse_charge: bool
    vat_id: str | None
    currency: str
    net: int
    tax: int
    gross: int
    credits: Decimal


def select_entries(db: Connection, span: Span) -> Iterator[SalesEntry]:
    """The entries of money of a span, oldest first, in constant memory; to be read inside the database transaction."""
    with closing(db.cursor(name="entries", row_factory=class_row(SalesEntry))) as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(
            "SELECT t.transaction_timestamp AS at, t.transaction_id, t.transaction_type AS kind, t.purchase_id,"
            " p.package_id, t.vat_info ->> 'country' AS country,"
            " coalesce((t.vat_info ->> 'rate')::numeric, 0) AS rate,"
            " coalesce((t.vat_info ->> 'reverse_charge')::boolean, false) AS reverse_charge,"
            " t.vat_info ->> 'vat_id' AS vat_id, t.currency,"
            " m.sign * (m.gross - m.tax) AS net, m.sign * m.tax AS tax, m.sign * m.gross AS gross,"
            " t.available_delta AS credits"
            " FROM transactions t JOIN purchases p USING (purchase_id)"
            + _MONEY_OF_THE_SPAN
            + " ORDER BY t.transaction_timestamp, t.transaction_id",
            {"start": span.start, "end": span.end},
        )
        yield from cursor


def count_entries(db: Connection, span: Span) -> int:
    """How many entries of money a span has."""
    row = db.execute(
        "SELECT count(*) FROM transactions WHERE purchase_id IS NOT NULL"
        " AND transaction_timestamp >= %(start)s AND transaction_timestamp < %(end)s",
        {"start": span.start, "end": span.end},
    ).fetchone()
    assert row is not None
    return row[0]
