"""Daily sums for the dashboard: `daily_sales`, `daily_jobs`, `daily_durations`, `daily_actions`, `rollups` and more.

What is summed never changes once it is an hour old: entries of the ledger, ended jobs, uploads, sign-ups and downloads
are only ever added, timed by the house's clock. So an hour is added to its day (UTC) once, some time after its end,
and `rollups.through` says how far the sums go. A reader takes the sums up to there and reads the rest live, by the
same statements: whether and when anybody sums changes how fast the answer is, never what it says.
"""

from datetime import UTC, date, datetime

from shared.db import Connection
from shared.stretches import ACTIONS, DURATIONS, JOBS, SALES, Stretch, month_of


def insert_daily_sales(db: Connection, stretch: Stretch) -> None:
    """Add a stretch's sales to their days; it must lie in no sum yet."""
    db.execute(
        "INSERT INTO daily_sales AS d (day, transaction_type, country, package_id, currency, entries, gross, tax,"
        " credits) " + SALES + " ON CONFLICT (day, transaction_type, country, package_id, currency) DO UPDATE"
        " SET entries = d.entries + excluded.entries, gross = d.gross + excluded.gross, tax = d.tax + excluded.tax,"
        " credits = d.credits + excluded.credits",
        stretch.values(),
    )


def insert_daily_jobs(db: Connection, stretch: Stretch) -> None:
    """Add a stretch's jobs to their days."""
    db.execute(
        "INSERT INTO daily_jobs AS d (day, kind, status, jobs, credits) " + JOBS + " ON CONFLICT (day, kind, status)"
        " DO UPDATE SET jobs = d.jobs + excluded.jobs, credits = d.credits + excluded.credits",
        stretch.values(),
    )


def insert_durations(db: Connection, stretch: Stretch) -> None:
    """Add a stretch's durations to their days."""
    db.execute(
        "INSERT INTO daily_durations AS d (day, kind, bucket, jobs) " + DURATIONS + " ON CONFLICT (day, kind, bucket)"
        " DO UPDATE SET jobs = d.jobs + excluded.jobs",
        stretch.values(),
    )


def insert_months(db: Connection, first: date, last: date) -> None:
    """Sum the durations of the months that these days lie in, from their days as they are now."""
    db.execute(
        "INSERT INTO monthly_durations (month, kind, bucket, jobs)"
        " SELECT date_trunc('month', day::timestamp)::date, kind, bucket, sum(jobs) FROM daily_durations"
        " WHERE day >= %(first)s AND day < %(end)s GROUP BY 1, 2, 3"
        " ON CONFLICT (month, kind, bucket) DO UPDATE SET jobs = excluded.jobs",
        {"first": month_of(first, 0), "end": month_of(last, 1)},
    )


def insert_daily_actions(db: Connection, stretch: Stretch) -> None:
    """Add a stretch's actions to their days."""
    db.execute(
        "INSERT INTO daily_actions AS d (day, action, detail, actions, newcomers) " + ACTIONS + " ON CONFLICT"
        " (day, action, detail) DO UPDATE SET actions = d.actions + excluded.actions,"
        " newcomers = d.newcomers + excluded.newcomers",
        stretch.values(),
    )


def delete_daily_sums(db: Connection, *, first: date) -> None:
    """Forget the sums of this day and all later ones; its month is to be summed again."""
    db.execute(
        "WITH months AS (DELETE FROM monthly_durations WHERE month >= %(month)s),"
        " sales AS (DELETE FROM daily_sales WHERE day >= %(first)s),"
        " jobs AS (DELETE FROM daily_jobs WHERE day >= %(first)s),"
        " durations AS (DELETE FROM daily_durations WHERE day >= %(first)s)"
        " DELETE FROM daily_actions WHERE day >= %(first)s",
        {"first": first, "month": month_of(first, 0)},
    )


def update_through(db: Connection, through: datetime) -> None:
    """Note that whatever happened before is in the sums."""
    db.execute(
        "INSERT INTO rollups (through) VALUES (%(through)s)"
        " ON CONFLICT (is_the_only_row) DO UPDATE SET through = excluded.through, rolled_up_at = house_now()",
        {"through": through},
    )


def delete_through(db: Connection) -> None:
    """Have no sums: everything is read live until the next sweep, which sums from the first day again."""
    db.execute("DELETE FROM rollups")


def select_through(db: Connection) -> datetime | None:
    """How far the sums go; None when there are none."""
    row = db.execute("SELECT through FROM rollups").fetchone()
    return None if row is None else row[0].astimezone(UTC)


def select_ended(db: Connection, *, grace_hours: float) -> datetime:
    """The beginning of the hour (UTC) that it was so many hours ago.

    The grace is longer than any database transaction, which may have taken its time before an hour's end and commit
    after.
    """
    row = db.execute(
        "SELECT date_trunc('hour', house_now() - make_interval(secs => %(grace)s * 3600), 'UTC')",
        {"grace": grace_hours},
    ).fetchone()
    assert row is not None
    return row[0].astimezone(UTC)


def select_first(db: Connection) -> datetime | None:
    """When the day (UTC) of the oldest row that is summed begins; None in an empty house."""
    row = db.execute(
        "SELECT date_trunc('day', least((SELECT min(created_at) FROM users), (SELECT min(upload_timestamp) FROM"
        " images), (SELECT min(finished_at) FROM jobs), (SELECT min(transaction_timestamp) FROM transactions),"
        " (SELECT min(action_timestamp) FROM analytics)), 'UTC')"
    ).fetchone()
    assert row is not None
    return None if row[0] is None else row[0].astimezone(UTC)
