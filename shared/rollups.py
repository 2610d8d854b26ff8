"""Daily sums for the dashboard: the tables `daily_sales`, `daily_jobs`, `daily_durations`, `daily_actions`, `rollups`.

What is summed never changes once its day (UTC) is over: entries of the ledger, ended jobs, uploads, sign-ups and
downloads are only ever added, timed by the house's clock. So a day is summed once, some time after its end, and
`rollups.through` says how far the sums go. A reader takes the sums up to there and reads the rest live, by the same
statements: whether and when anybody sums changes how fast the answer is, never what it says.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import LiteralString

from psycopg.rows import class_row

from shared.db import Connection

# Succeeded jobs are counted by the logarithm of their duration: quantiles within 2.5 % from sums that add up
# (Masson, Rim and Lee, "DDSketch", 2019). shared/sql/migrations has the same base in a comment.
BASE = 1.05

_SALES: LiteralString = (
    "SELECT (t.transaction_timestamp AT TIME ZONE 'UTC')::date AS day, t.transaction_type,"
    " coalesce(t.vat_info ->> 'country', '') AS country, p.package_id, t.currency, count(*)::integer AS entries,"
    " sum(m.sign * (t.amount * 100)::bigint)::bigint AS gross,"
    " sum(m.sign * coalesce((t.vat_info ->> 'amount')::bigint, 0))::bigint AS tax, sum(t.available_delta) AS credits"
    " FROM transactions t JOIN purchases p USING (purchase_id),"
    " LATERAL (SELECT CASE t.entry WHEN 'debit' THEN -1 ELSE 1 END AS sign) AS m WHERE t.purchase_id IS NOT NULL"
    " AND t.transaction_timestamp >= %(start)s AND t.transaction_timestamp < %(end)s GROUP BY 1, 2, 3, 4, 5"
)
_JOBS: LiteralString = (
    "SELECT (finished_at AT TIME ZONE 'UTC')::date AS day, kind, status, count(*)::integer AS jobs,"
    " coalesce(sum(price) FILTER (WHERE status = 'succeeded'), 0.0) AS credits"
    " FROM jobs WHERE finished_at >= %(start)s AND finished_at < %(end)s GROUP BY 1, 2, 3"
)
_DURATIONS: LiteralString = (
    "SELECT (finished_at AT TIME ZONE 'UTC')::date AS day, kind,"
    " ceil(ln(greatest(extract(epoch FROM finished_at - created_at)::float8, 0.001)) / ln(%(base)s::float8))::smallint"
    " AS bucket, count(*)::integer AS jobs"
    " FROM jobs WHERE status = 'succeeded' AND finished_at >= %(start)s AND finished_at < %(end)s GROUP BY 1, 2, 3"
)
# Who does something for the first time is found by looking back once for each account and span, not for each action.
_ACTIONS: LiteralString = (
    "WITH done AS (SELECT (at AT TIME ZONE 'UTC')::date AS day, action, user_id, count(*) AS actions FROM"
    "  (SELECT upload_timestamp AS at, 'upload' AS action, user_id FROM images"
    "   WHERE upload_timestamp >= %(start)s AND upload_timestamp < %(end)s"
    "  UNION ALL SELECT finished_at, CASE kind WHEN 'preview' THEN 'preview' ELSE 'vectorize' END, user_id FROM jobs"
    "   WHERE status = 'succeeded' AND finished_at >= %(start)s AND finished_at < %(end)s"
    "  UNION ALL SELECT transaction_timestamp, 'purchase', user_id FROM transactions WHERE purchase_id IS NOT NULL"
    "   AND transaction_type = 'purchase' AND transaction_timestamp >= %(start)s AND transaction_timestamp < %(end)s)"
    "  AS acts GROUP BY 1, 2, 3),"
    " firsts AS (SELECT action, user_id, min(day) AS day FROM done GROUP BY 1, 2),"
    " newcomers AS (SELECT action, user_id, day FROM firsts f WHERE CASE action"
    "  WHEN 'upload' THEN NOT EXISTS"
    "   (SELECT FROM images o WHERE o.user_id = f.user_id AND o.upload_timestamp < %(start)s)"
    "  WHEN 'purchase' THEN NOT EXISTS (SELECT FROM purchases o WHERE o.user_id = f.user_id AND o.paid_at < %(start)s)"
    "  ELSE NOT EXISTS (SELECT FROM jobs o WHERE o.user_id = f.user_id AND o.status = 'succeeded'"
    "   AND (o.kind = 'preview') = (f.action = 'preview') AND o.finished_at < %(start)s) END)"
    " SELECT day, action, '' AS detail, sum(actions)::integer AS actions,"
    " count(newcomers.user_id)::integer AS newcomers"
    " FROM done LEFT JOIN newcomers USING (day, action, user_id) GROUP BY 1, 2"
    " UNION ALL SELECT (created_at AT TIME ZONE 'UTC')::date, 'sign_up', '', count(*)::integer, count(*)::integer"
    "  FROM users WHERE created_at >= %(start)s AND created_at < %(end)s GROUP BY 1"
    " UNION ALL SELECT (action_timestamp AT TIME ZONE 'UTC')::date, 'download',"
    "  coalesce(additional_data ->> 'format', ''), count(*)::integer, 0 FROM analytics WHERE action_type = 'download'"
    "  AND action_timestamp >= %(start)s AND action_timestamp < %(end)s GROUP BY 1, 3"
)


@dataclass(frozen=True, slots=True)
class Days:
    """Days (UTC) from `first` up to, and without, `end`; sums are there for those before `through`."""

    first: date
    end: date
    through: date | None = None

    def values(self) -> dict[str, object]:
        """Which of them are read from the sums, and which live."""
        live_from = self.first if self.through is None else min(max(self.through, self.first), self.end)
        return {
            "first": self.first,
            "live_from": live_from,
            "start": datetime.combine(live_from, time.min, UTC),
            "end": datetime.combine(self.end, time.min, UTC),
            "base": BASE,
        }


@dataclass(frozen=True, slots=True)
class DailySales:
    """Entries of money of a day; what went back counts below zero, in minor units."""

    day: date
    transaction_type: str
    country: str
    package_id: str
    currency: str
    entries: int
    gross: int
    tax: int
    credits: Decimal


def select_daily_sales(db: Connection, days: Days) -> list[DailySales]:
    """The sales of these days."""
    return (
        db.cursor(row_factory=class_row(DailySales))
        .execute(
            "SELECT day, transaction_type, country, package_id, currency, entries, gross, tax, credits"
            " FROM daily_sales WHERE day >= %(first)s AND day < %(live_from)s UNION ALL (" + _SALES + ")"
            " ORDER BY 1, 2, 3, 4, 5",
            days.values(),
        )
        .fetchall()
    )


@dataclass(frozen=True, slots=True)
class DailyJobs:
    """Jobs that ended on a day; `credits` were spent for good."""

    day: date
    kind: str
    status: str
    jobs: int
    credits: Decimal


def select_daily_jobs(db: Connection, days: Days) -> list[DailyJobs]:
    """The jobs that ended on these days."""
    return (
        db.cursor(row_factory=class_row(DailyJobs))
        .execute(
            "SELECT day, kind, status, jobs, credits FROM daily_jobs WHERE day >= %(first)s AND day < %(live_from)s"
            " UNION ALL (" + _JOBS + ") ORDER BY 1, 2, 3",
            days.values(),
        )
        .fetchall()
    )


def select_durations(db: Connection, days: Days) -> list[tuple[str, int, int]]:
    """How long succeeded jobs of these days took from submit to end: kind, bucket and jobs, the shortest first."""
    return db.execute(
        "SELECT kind::text, bucket, sum(jobs)::integer FROM (SELECT kind, bucket, jobs FROM daily_durations"
        " WHERE day >= %(first)s AND day < %(live_from)s UNION ALL SELECT kind, bucket, jobs FROM (" + _DURATIONS + ")"
        " AS live) AS every GROUP BY kind, bucket ORDER BY kind, bucket",
        days.values(),
    ).fetchall()


@dataclass(frozen=True, slots=True)
class DailyActions:
    """What people did on a day, and how many accounts for the first time."""

    day: date
    action: str
    detail: str
    actions: int
    newcomers: int


def select_daily_actions(db: Connection, days: Days) -> list[DailyActions]:
    """The actions of these days."""
    return (
        db.cursor(row_factory=class_row(DailyActions))
        .execute(
            "SELECT day, action, detail, actions, newcomers FROM daily_actions"
            " WHERE day >= %(first)s AND day < %(live_from)s UNION ALL (" + _ACTIONS + ") ORDER BY 1, 2, 3",
            days.values(),
        )
        .fetchall()
    )


def insert_daily_sales(db: Connection, days: Days) -> None:
    """Sum the sales of these days."""
    db.execute(
        "INSERT INTO daily_sales (day, transaction_type, country, package_id, currency, entries, gross, tax, credits) "
        + _SALES,
        days.values(),
    )


def insert_daily_jobs(db: Connection, days: Days) -> None:
    """Sum the jobs of these days."""
    db.execute("INSERT INTO daily_jobs (day, kind, status, jobs, credits) " + _JOBS, days.values())


def insert_durations(db: Connection, days: Days) -> None:
    """Count the durations of these days."""
    db.execute("INSERT INTO daily_durations (day, kind, bucket, jobs) " + _DURATIONS, days.values())


def insert_daily_actions(db: Connection, days: Days) -> None:
    """Sum the actions of these days."""
    db.execute("INSERT INTO daily_actions (day, action, detail, actions, newcomers) " + _ACTIONS, days.values())


def delete_daily_sums(db: Connection, *, first: date) -> None:
    """Forget the sums of this day and all later ones."""
    db.execute(
        "WITH sales AS (DELETE FROM daily_sales WHERE day >= %(first)s),"
        " jobs AS (DELETE FROM daily_jobs WHERE day >= %(first)s),"
        " durations AS (DELETE FROM daily_durations WHERE day >= %(first)s)"
        " DELETE FROM daily_actions WHERE day >= %(first)s",
        {"first": first},
    )


def update_through(db: Connection, through: date) -> None:
    """Note that the sums go up to, and without, this day."""
    db.execute(
        "INSERT INTO rollups (through) VALUES (%(through)s)"
        " ON CONFLICT (is_the_only_row) DO UPDATE SET through = excluded.through, rolled_up_at = house_now()",
        {"through": through},
    )


def delete_through(db: Connection) -> None:
    """Have no sums: everything is read live until the next sweep, which sums from the first day again."""
    db.execute("DELETE FROM rollups")


def select_through(db: Connection) -> date | None:
    """How far the sums go; None when there are none."""
    row = db.execute("SELECT through FROM rollups").fetchone()
    return None if row is None else row[0]


def select_ended(db: Connection, *, grace_hours: float) -> date:
    """The first day (UTC) that had not ended so many hours ago.

    The grace is longer than any database transaction, which may have taken its time before midnight and commit after.
    """
    row = db.execute(
        "SELECT ((house_now() - make_interval(secs => %(grace)s * 3600)) AT TIME ZONE 'UTC')::date",
        {"grace": grace_hours},
    ).fetchone()
    assert row is not None
    return row[0]


def select_first(db: Connection) -> date | None:
    """The day (UTC) of the oldest row that is summed; None in an empty house."""
    row = db.execute(
        "SELECT (least((SELECT min(created_at) FROM users), (SELECT min(upload_timestamp) FROM images),"
        " (SELECT min(finished_at) FROM jobs), (SELECT min(transaction_timestamp) FROM transactions),"
        " (SELECT min(action_timestamp) FROM analytics)) AT TIME ZONE 'UTC')::date"
    ).fetchone()
    assert row is not None
    return row[0]
