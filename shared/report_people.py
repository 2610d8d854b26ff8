"""How far accounts go, and what they take home. Read as role tovector_reports."""

from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row

from shared.db import Connection
from shared.periods import Span


@dataclass(frozen=True, slots=True)
class CohortLine:
    """The accounts that signed up in a period, and how many of them have done each thing at least once, to this day.

    Read from images, jobs and purchases, whose rows outlive both their files and the activity log.
    """

    period: date
    signed_up: int
    uploaded: int
    previewed: int
    vectorized: int
    opened_checkout: int
    purchased: int


def select_cohorts(db: Connection, span: Span) -> list[CohortLine]:
    """The cohorts of a span, those without accounts left out."""
    periods = span.periods
    return (
        db.cursor(row_factory=class_row(CohortLine))
        .execute(
            "WITH cohort AS MATERIALIZED (SELECT user_id,"
            "  (%(days)s::date[])[width_bucket(created_at, %(starts)s::timestamptz[])] AS period"
            "  FROM users WHERE created_at >= %(start)s AND created_at < %(end)s),"
            " uploader AS (SELECT DISTINCT user_id FROM images),"
            " worker AS (SELECT user_id, bool_or(kind = 'preview') AS previewed,"
            "  bool_or(kind = 'vectorization') AS vectorized FROM jobs WHERE status = 'succeeded' GROUP BY user_id),"
            " buyer AS (SELECT user_id, bool_or(paid_at IS NOT NULL) AS purchased FROM purchases GROUP BY user_id)"
            " SELECT c.period, count(*)::integer AS signed_up, count(u.user_id)::integer AS uploaded,"
            " count(*) FILTER (WHERE w.previewed)::integer AS previewed,"
            " count(*) FILTER (WHERE w.vectorized)::integer AS vectorized,"
            " count(b.user_id)::integer AS opened_checkout, count(*) FILTER (WHERE b.purchased)::integer AS purchased"
            " FROM cohort c LEFT JOIN uploader u USING (user_id) LEFT JOIN worker w USING (user_id)"
            " LEFT JOIN buyer b USING (user_id) GROUP BY c.period ORDER BY c.period",
            {"start": span.start, "end": span.end, "days": periods.days, "starts": periods.starts},
        )
        .fetchall()
    )


@dataclass(frozen=True, slots=True)
class DownloadLine:
    """Downloads in a period by what was downloaded; `accounts` downloaded at least one of them."""

    period: date
    kind: str
    format: str
    downloads: int
    accounts: int


def select_downloads(db: Connection, span: Span) -> list[DownloadLine]:
    """The downloads of a span by period, kind of job and format. The activity log goes a year back."""
    periods = span.periods
    return (
        db.cursor(row_factory=class_row(DownloadLine))
        .execute(
            "SELECT (%(days)s::date[])[width_bucket(action_timestamp, %(starts)s::timestamptz[])] AS period,"
            " coalesce(additional_data ->> 'kind', '') AS kind, coalesce(additional_data ->> 'format', '') AS format,"
            " count(*)::integer AS downloads, count(DISTINCT user_id)::integer AS accounts"
            " FROM analytics WHERE action_type = 'download'"
            " AND action_timestamp >= %(start)s AND action_timestamp < %(end)s"
            " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            {"start": span.start, "end": span.end, "days": periods.days, "starts": periods.starts},
        )
        .fetchall()
    )


def select_now(db: Connection) -> datetime:
    """What the house's clock says."""
    row = db.execute("SELECT house_now()").fetchone()
    assert row is not None
    return row[0]
