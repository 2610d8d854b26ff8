"""The usage report: jobs, uploads and credits of a span. No SQL here."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from shared.credits import NO_CREDITS
from shared.db import Connection
from shared.documents.model import Chart, Column, Kind, Table
from shared.jobs import JobKind, JobStatus
from shared.periods import Span
from shared.report_usage import (
    CreditLine,
    JobLine,
    ProblemLine,
    UploadLine,
    select_credits,
    select_jobs,
    select_problems,
    select_uploads,
)


@dataclass(frozen=True, slots=True)
class UsagePeriod:
    """A period at a glance: succeeded jobs by kind, those that ended otherwise, credits spent, uploads."""

    period: date
    previews: int
    vectorizations: int
    failed: int
    canceled: int
    credits: Decimal
    uploads: int
    upload_bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """The whole report; `totals` has the jobs of the whole span by kind and outcome."""

    totals: list[JobLine]
    periods: list[UsagePeriod]
    problems: list[ProblemLine]
    uploads: list[UploadLine]
    credits: list[CreditLine]
    lines: list[JobLine]


def read_usage(db: Connection, span: Span) -> Usage:
    """The usage of a span; jobs count when they ended."""
    jobs, uploads = select_jobs(db, span), select_uploads(db, span)
    lines = [line for line in jobs if line.period is not None]
    return Usage(
        totals=[line for line in jobs if line.period is None],
        periods=_periods(lines, uploads, span.periods.days),
        problems=select_problems(db, span),
        uploads=uploads,
        credits=select_credits(db, span),
        lines=lines,
    )


def _periods(lines: list[JobLine], uploads: list[UploadLine], days: list[date]) -> list[UsagePeriod]:
    jobs = defaultdict[tuple[date | None, str, str], int](int)
    spent = defaultdict[date, Decimal](lambda: NO_CREDITS)
    files, sizes = defaultdict[date, int](int), defaultdict[date, int](int)
    for line in lines:
        is_good = line.outcome == JobStatus.SUCCEEDED
        jobs[line.period, line.kind if is_good else "", line.outcome] += line.jobs
        if line.period is not None:
            spent[line.period] += line.credits
    for upload in uploads:
        files[upload.period] += upload.uploads
        sizes[upload.period] += upload.total_bytes
    good = JobStatus.SUCCEEDED
    return [
        UsagePeriod(
            day, jobs[day, JobKind.PREVIEW, good], jobs[day, JobKind.VECTORIZATION, good],
            jobs[day, "", JobStatus.FAILED], jobs[day, "", JobStatus.CANCELED], spent[day], files[day], sizes[day],
        )
        for day in days
    ]  # fmt: skip


_PERIOD = Column("period", "Period", Kind.DAY)
_KIND = Column("kind", "Kind", Kind.WORD)
_JOBS = (
    _KIND,
    Column("outcome", "Outcome", Kind.WORD),
    Column("jobs", "Jobs", Kind.COUNT, adds=True),
    Column("credits", "Credits", Kind.CREDITS, adds=True),
    Column("work_seconds_p50", "Work p50, s", Kind.SECONDS),
    Column("work_seconds_p95", "Work p95, s", Kind.SECONDS),
    Column("wait_seconds_p50", "Wait p50, s", Kind.SECONDS),
    Column("wait_seconds_p95", "Wait p95, s", Kind.SECONDS),
    Column("result_bytes_p50", "Result p50, bytes", Kind.BYTES),
)


def usage_tables(usage: Usage) -> list[Table]:
    """The report as tables, the lines last."""
    return [
        Table("periods", "By period", (_PERIOD,
              Column("previews", "Previews", Kind.COUNT, adds=True),
              Column("vectorizations", "Vectorizations", Kind.COUNT, adds=True),
              Column("failed", "Failed", Kind.COUNT, adds=True), Column("canceled", "Canceled", Kind.COUNT, adds=True),
              Column("credits", "Credits spent", Kind.CREDITS, adds=True),
              Column("uploads", "Uploads", Kind.COUNT, adds=True),
              Column("upload_bytes", "Uploaded bytes", Kind.BYTES, adds=True)), usage.periods,
              "Jobs count in the period in which they ended."),
        Table("totals", "Jobs by kind and outcome", _JOBS, usage.totals,
              "Work lasts from the first claim of a worker to the end, waiting from the submit to that claim."),
        Table("problems", "Why jobs failed", (_KIND, Column("problem", "Problem", Kind.TEXT),
              Column("jobs", "Jobs", Kind.COUNT, adds=True)), usage.problems),
        Table("uploads", "Uploads", (_PERIOD, Column("file_type", "Type", Kind.TEXT),
              Column("uploads", "Uploads", Kind.COUNT, adds=True), Column("accounts", "Accounts", Kind.COUNT),
              Column("total_bytes", "Bytes", Kind.BYTES, adds=True), Column("bytes_p50", "Bytes p50", Kind.BYTES),
              Column("bytes_p95", "Bytes p95", Kind.BYTES),
              Column("megapixels_p50", "Megapixels p50", Kind.MEGAPIXELS),
              Column("megapixels_p95", "Megapixels p95", Kind.MEGAPIXELS)), usage.uploads),
        Table("credits", "Credits", (_PERIOD, _KIND, Column("entries", "Entries", Kind.COUNT, adds=True),
              Column("credits", "Credits", Kind.CREDITS, adds=True)), usage.credits,
              "What came to accounts, and (below zero) what was spent or taken back."),
        Table("lines", "Lines", (_PERIOD, *_JOBS), usage.lines),
    ]  # fmt: skip


def usage_chart(usage: Usage) -> Chart:
    """Succeeded jobs of each period."""
    return Chart("Succeeded jobs", "periods", "period", ("previews", "vectorizations"), len(usage.periods))
