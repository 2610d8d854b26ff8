"""Reports of a year with a million jobs and events, against a bare COPY of the rows that they read."""

import io
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import LiteralString
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from api.app import create_app
from api.house import house_of
from dev.people import sign_in
from shared import dashboard, rollups
from shared.db import Database
from shared.periods import Span
from shared.reporting import ENTRIES, ReportFormat, ReportName, Seller, Wish, write_report
from tests.benchmarks.bench import Bench, Scratch
from tests.benchmarks.pairs import in_turns, seconds_of
from tests.benchmarks.table import Report, Target, at_most, row
from tests.benchmarks.year import DAYS, write_year

ROUNDS = 5
MOST_SECONDS = 0.3
SMALLER = 20
# The rows that each report reads, in the columns that it needs of them.
FLOORS: Mapping[ReportName, LiteralString] = {
    ReportName.SALES: "SELECT transaction_timestamp, transaction_type, entry, amount, currency, vat_info, purchase_id"
    " FROM transactions WHERE purchase_id IS NOT NULL",
    ReportName.USAGE: "SELECT kind, status, price, created_at, started_at, finished_at, report FROM jobs",
    ReportName.CONVERSION: "SELECT user_id, kind, status FROM jobs",
    ReportName.DOWNLOADS: "SELECT user_id, action_timestamp, additional_data FROM analytics"
    " WHERE action_type = 'download'",
}
TARGETS: Mapping[ReportName, Target] = {
    ReportName.SALES: at_most(12),
    ReportName.USAGE: at_most(3),
    ReportName.CONVERSION: at_most(1),
    ReportName.DOWNLOADS: at_most(2),
}


def reports(bench: Bench) -> Report:
    """The dashboard with its daily sums and without, each report, and every entry of the ledger."""
    year = bench.database("bench_year")
    write_year(year.owner, share=SMALLER if bench.quick else 1)
    rounds = min(bench.pairs, ROUNDS)
    live = seconds_of(lambda: _dashboard(year))
    _roll_up(year)
    sums = in_turns(lambda: seconds_of(lambda: _dashboard(year)), lambda: live, rounds)
    rows = [row("dashboard of a year from daily sums ÷ read live", sums, "ms", at_most(0.1))]
    with _asking(bench, year) as ask:
        asked = in_turns(lambda: seconds_of(ask), lambda: MOST_SECONDS, rounds)
    rows.append(row("GET /v1/reports/dashboard of a year ÷ what it may take", asked, "ms", at_most(1)))
    for name, floor in FLOORS.items():
        made, copied = partial(_write, year, name), partial(_copy, year.owner, floor)
        pairs = in_turns(partial(seconds_of, made), partial(seconds_of, copied), rounds)
        rows.append(row(f"{name} report of a year ÷ COPY of its rows", pairs, "ms", TARGETS[name]))
    entries = in_turns(
        lambda: seconds_of(lambda: _write(year, ReportName.SALES, ENTRIES)),
        lambda: seconds_of(lambda: _copy(year.owner, FLOORS[ReportName.SALES])),
        rounds,
    )
    return Report([*rows, row("every entry of money as CSV ÷ COPY of them", entries, "ms", at_most(40))])


@contextmanager
def _asking(bench: Bench, year: Scratch) -> Generator[Callable[[], None]]:
    """An operator's request for the year's dashboard, through the whole api but its socket."""
    app = create_app(year.settings(bench.stack.running.settings))
    token = sign_in(bench.stack.home, "operator@example.com", admin=True)
    client, today = app.test_client(), _today()

    def ask() -> None:
        answer = client.get(
            f"/v1/reports/dashboard?from={today - timedelta(days=DAYS - 1)}&to={today}",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 200, answer.text

    yield ask
    house_of(app).close()


def _dashboard(year: Scratch) -> None:
    today = _today()
    with year.database.reports() as db:
        dashboard.read_dashboard(db, today - timedelta(days=DAYS - 1), today)


def _today() -> date:
    return datetime.now(UTC).date()


def _roll_up(year: Scratch) -> None:
    sweeper = Database(year.superuser_url)
    while True:
        with sweeper.transaction() as db:
            if not dashboard.roll_up(db):
                break
    sweeper.close()
    assert rollups.select_through(year.owner) is not None
    for table in ("daily_sales", "daily_jobs", "daily_durations", "monthly_durations", "daily_actions"):
        year.owner.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))


def _write(year: Scratch, name: ReportName, table: str | None = None) -> None:
    now = datetime.now(UTC)
    wish = Wish(name, Span(now - timedelta(days=DAYS), now, ZoneInfo("UTC")), ReportFormat.CSV, table)
    with year.database.reports() as db:
        write_report(db, wish, Seller("DE", None), io.BytesIO(), now=now)


def _copy(owner: psycopg.Connection, query: LiteralString) -> None:
    with owner.cursor().copy(sql.SQL("COPY ({}) TO STDOUT").format(sql.SQL(query))) as copy:
        for _ in copy:
            pass
