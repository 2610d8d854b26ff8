"""What was worked on: jobs, uploads and credits of a span. Read as role tovector_reports."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from psycopg.rows import class_row

from shared.db import Connection
from shared.periods import Span


@dataclass(frozen=True, slots=True)
class JobLine:
    """Jobs that ended in a period, by kind and outcome; `period` None is the whole span.

    `credits` were spent for good. Seconds are medians and 95th percentiles: at work (from the first claim to the end),
    and of waiting before; None where no worker ever claimed one. `result_bytes_p50` is of the results' size.
    """

    period: date | None
    kind: str
    outcome: str
    jobs: int
    credits: Decimal
    work_seconds_p50: float | None
    work_seconds_p95: float | None
    wait_seconds_p50: float | None
    wait_seconds_p95: float | None
    result_bytes_p50: int | None


def select_jobs(db: Connection, span: Span) -> list[JobLine]:
    """The ended jobs of a span by period, kind and outcome, and of the whole of it."""
    periods = span.periods
    return (
        db.cursor(row_factory=class_row(JobLine))
        .execute(
            "SELECT (%(days)s::date[])[bucket] AS period, kind, status AS outcome, count(*)::integer AS jobs,"
            " coalesce(sum(price) FILTER (WHERE status = 'succeeded'), 0.0) AS credits,"
            " percentile_cont(0.5) WITHIN GROUP (ORDER BY work) AS work_seconds_p50,"
            " percentile_cont(0.95) WITHIN GROUP (ORDER BY work) AS work_seconds_p95,"
            " percentile_cont(0.5) WITHIN GROUP (ORDER BY waited) AS wait_seconds_p50,"
            " percentile_cont(0.95) WITHIN GROUP (ORDER BY waited) AS wait_seconds_p95,"
            " percentile_disc(0.5) WITHIN GROUP (ORDER BY bytes) AS result_bytes_p50"
            " FROM (SELECT width_bucket(finished_at, %(starts)s::timestamptz[]) AS bucket, kind, status, price,"
            "  extract(epoch FROM finished_at - started_at)::float8 AS work,"
            "  extract(epoch FROM started_at - created_at)::float8 AS waited, (report ->> 'bytes')::integer AS bytes"
            "  FROM jobs WHERE finished_at >= %(start)s AND finished_at < %(end)s) AS ended"
            " GROUP BY GROUPING SETS ((bucket, kind, status), (kind, status))"
            " ORDER BY 1 NULLS LAST, 2, 3",
            {"start": span.start, "end": span.end, "days": periods.days, "starts": periods.starts},
        )
        .fetchall()
    )


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """Jobs of a kind that failed with a problem of this name."""

    kind: str
    problem: str
    jobs: int


def select_problems(db: Connection, span: Span) -> list[ProblemLine]:
    """Why jobs of a span failed, the most frequent first."""
    return (
        db.cursor(row_factory=class_row(ProblemLine))
        .execute(
            "SELECT kind, problem ->> 'slug' AS problem, count(*)::integer AS jobs FROM jobs"
            " WHERE finished_at >= %(start)s AND finished_at < %(end)s AND status = 'failed'"
            " GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
            {"start": span.start, "end": span.end},
        )
        .fetchall()
    )


@dataclass(frozen=True, slots=True)
class UploadLine:
    """What was uploaded in a period, by type of file. Bytes and megapixels are medians and 95th percentiles."""

    period: date
    file_type: str
    uploads: int
    accounts: int
    total_bytes: int
    bytes_p50: int
    bytes_p95: int
    megapixels_p50: float
    megapixels_p95: float


def select_uploads(db: Connection, span: Span) -> list[UploadLine]:
    """The uploads of a span, those included that are gone by now."""
    periods = span.periods
    return (
        db.cursor(row_factory=class_row(UploadLine))
        .execute(
            "SELECT (%(days)s::date[])[width_bucket(upload_timestamp, %(starts)s::timestamptz[])] AS period, file_type,"
            " count(*)::integer AS uploads, count(DISTINCT user_id)::integer AS accounts,"
            " sum(file_size)::bigint AS total_bytes,"
            " percentile_disc(0.5) WITHIN GROUP (ORDER BY file_size) AS bytes_p50,"
            " percentile_disc(0.95) WITHIN GROUP (ORDER BY file_size) AS bytes_p95,"
            " percentile_cont(0.5) WITHIN GROUP (ORDER BY width * height::float8 / 1e6) AS megapixels_p50,"
            " percentile_cont(0.95) WITHIN GROUP (ORDER BY width * height::float8 / 1e6) AS megapixels_p95"
            " FROM images WHERE upload_timestamp >= %(start)s AND upload_timestamp < %(end)s"
            " GROUP BY 1, 2 ORDER BY 1, 2",
            {"start": span.start, "end": span.end, "days": periods.days, "starts": periods.starts},
        )
        .fetchall()
    )


@dataclass(frozen=True, slots=True)
class CreditLine:
    """How credits came to accounts and left them for good in a period; what left counts below zero.

    `kind` is the type of the ledger's entries; reserving and releasing moves nothing for good.
    """

    period: date
    kind: str
    entries: int
    credits: Decimal


def select_credits(db: Connection, span: Span) -> list[CreditLine]:
    """The ledger of a span by period and type of entry."""
    periods = span.periods
    return (
        db.cursor(row_factory=class_row(CreditLine))
        .execute(
            "SELECT (%(days)s::date[])[width_bucket(transaction_timestamp, %(starts)s::timestamptz[])] AS period,"
            " transaction_type AS kind, count(*)::integer AS entries, sum(available_delta + reserved_delta) AS credits"
            " FROM transactions WHERE entry IN ('capture', 'credit', 'debit')"
            " AND transaction_timestamp >= %(start)s AND transaction_timestamp < %(end)s"
            " GROUP BY 1, 2 ORDER BY 1, 2",
            {"start": span.start, "end": span.end, "days": periods.days, "starts": periods.starts},
        )
        .fetchall()
    )
