"""The dashboard: a span's money, work and people at a glance, from daily sums and what is not summed yet. No SQL here.

Days are those of UTC.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from shared import report_dashboard, rollups
from shared.credits import NO_CREDITS
from shared.db import Connection
from shared.jobs import JobKind, JobStatus
from shared.report_dashboard import ActionsSum, Days, JobsSum, SalesBy, SalesSum
from shared.stretches import BASE, Stretch

# A week of a busy house is summed well within the longest that a statement may run.
CHUNK_DAYS = 7
# Longer than any database transaction may take: what began before an hour's end is committed by then.
GRACE_HOURS = 1.0
FUNNEL = ("sign_up", "upload", "preview", "vectorize", "purchase")


@dataclass(frozen=True, slots=True)
class DaySales:
    """A day's money in one currency, in minor units; what went back that day is in `returned`, below zero."""

    day: date
    currency: str
    purchases: int
    sold: int
    returned: int
    net: int
    tax: int
    gross: int


@dataclass(frozen=True, slots=True)
class Part:
    """A country's or package's part of the net revenue in one currency; `name` is empty where it is not known."""

    name: str
    currency: str
    purchases: int
    net: int


@dataclass(frozen=True, slots=True)
class Revenue:
    """All money in one currency, in minor units. `credits` were sold, less those taken back."""

    currency: str
    purchases: int
    reversals: int
    net: int
    tax: int
    gross: int
    credits: Decimal


@dataclass(frozen=True, slots=True)
class DayJobs:
    """A day's ended jobs by kind and outcome."""

    day: date
    kind: str
    outcome: str
    jobs: int


@dataclass(frozen=True, slots=True)
class Work:
    """Jobs of a kind; seconds from submit to end of those that succeeded, within 2.5 %, None where there are none."""

    kind: str
    succeeded: int
    failed: int
    canceled: int
    credits: Decimal
    seconds_p50: float | None
    seconds_p95: float | None


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """An action, and how many accounts took it for the first time within the span."""

    action: str
    actions: int
    newcomers: int


@dataclass(frozen=True, slots=True)
class DayPeople:
    """A day's sign-ups and first purchases."""

    day: date
    signed_up: int
    bought_first: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The whole. What happened before `summed_through` came from sums, the rest was counted just now."""

    summed_through: datetime | None
    revenue: list[Revenue]
    sales_by_day: list[DaySales]
    countries: list[Part]
    packages: list[Part]
    work: list[Work]
    jobs_by_day: list[DayJobs]
    funnel: list[FunnelStep]
    people_by_day: list[DayPeople]
    downloads: dict[str, int]


def read_dashboard(db: Connection, first: date, last: date) -> Dashboard:
    """The figures from one day (UTC) to another, both included."""
    through = rollups.select_through(db)
    days = Days(first, last + timedelta(days=1), through)
    sales, jobs = report_dashboard.select_sales(db, days), report_dashboard.select_jobs_sums(db, days)
    actions = report_dashboard.select_actions(db, days)
    revenue = [_revenue(one) for one in sales if one.by == SalesBy.WHOLE]
    totals = {one.action: one for one in actions if one.day is None and one.detail is None}
    return Dashboard(
        summed_through=through,
        revenue=sorted(revenue, key=lambda one: (-one.purchases, one.currency)),
        sales_by_day=[_day_sales(one.day, one) for one in sales if one.day is not None],
        countries=_parts(sales, SalesBy.COUNTRY),
        packages=_parts(sales, SalesBy.PACKAGE),
        work=_work([one for one in jobs if one.day is None], report_dashboard.select_durations(db, days)),
        jobs_by_day=[DayJobs(one.day, one.kind, one.status, one.jobs) for one in jobs if one.day is not None],
        funnel=[
            FunnelStep(action, one.actions, one.newcomers) if (one := totals.get(action)) else FunnelStep(action, 0, 0)
            for action in FUNNEL
        ],
        people_by_day=_people(actions),
        downloads={one.detail: one.actions for one in actions if one.action == "download" and one.detail is not None},
    )


def _revenue(one: SalesSum) -> Revenue:
    return Revenue(
        one.currency, one.purchases, one.entries - one.purchases, one.gross - one.tax, one.tax, one.gross, one.credits
    )


def _day_sales(day: date, one: SalesSum) -> DaySales:
    returned, net = one.gross - one.sold, one.gross - one.tax
    return DaySales(day, one.currency, one.purchases, one.sold, returned, net, one.tax, one.gross)


def _parts(sales: list[SalesSum], by: SalesBy) -> list[Part]:
    """Those with the most revenue first."""
    parts = [Part(one.name, one.currency, one.purchases, one.gross - one.tax) for one in sales if one.by == by]
    return sorted(parts, key=lambda part: (-part.net, part.name, part.currency))


def _work(jobs: list[JobsSum], durations: list[tuple[str, int, int]]) -> list[Work]:
    found: list[Work] = []
    for kind in JobKind:
        counts = dict.fromkeys(JobStatus, 0) | {JobStatus(one.status): one.jobs for one in jobs if one.kind == kind}
        histogram = [(bucket, count) for its_kind, bucket, count in durations if its_kind == kind]
        found.append(
            Work(
                kind, counts[JobStatus.SUCCEEDED], counts[JobStatus.FAILED], counts[JobStatus.CANCELED],
                sum((one.credits for one in jobs if one.kind == kind), NO_CREDITS),
                quantile(histogram, 0.5), quantile(histogram, 0.95),
            )
        )  # fmt: skip
    return found


def _people(actions: list[ActionsSum]) -> list[DayPeople]:
    newcomers = {(one.day, one.action): one.newcomers for one in actions}
    return [
        DayPeople(day, newcomers.get((day, "sign_up"), 0), newcomers.get((day, "purchase"), 0))
        for day in sorted({one.day for one in actions if one.day is not None})
    ]


def quantile(histogram: list[tuple[int, int]], share: float) -> float | None:
    """The duration in seconds that this share of jobs did not exceed, from (bucket, jobs), the shortest first.

    The middle of a bucket is within 2.5 % of all that is in it, and rounded to a microsecond. None of no jobs.
    """
    rank = share * (sum(count for _, count in histogram) - 1)
    below = 0
    for bucket, count in histogram:
        below += count
        if below > rank:
            return round(2 * BASE**bucket / (BASE + 1), 6)
    return None


def roll_up(db: Connection) -> int:
    """Sum the next hours that have ended, a week of them at most; returns how many.

    Nobody else may do so at the same time. A clock that was put back takes back what was summed too early.
    """
    ended = rollups.select_ended(db, grace_hours=GRACE_HOURS)
    known = rollups.select_through(db)
    begin = rollups.select_first(db) if known is None else known
    if begin is None or known == ended:
        return 0
    if known is None or known > ended:
        begin = min(begin, ended.replace(hour=0))
        rollups.delete_daily_sums(db, first=begin.astimezone(UTC).date())
    end = min(begin + timedelta(days=CHUNK_DAYS), ended)
    stretch = Stretch(begin, end)
    rollups.insert_daily_sales(db, stretch)
    rollups.insert_daily_jobs(db, stretch)
    rollups.insert_durations(db, stretch)
    rollups.insert_months(db, begin.astimezone(UTC).date(), end.astimezone(UTC).date())
    rollups.insert_daily_actions(db, stretch)
    rollups.update_through(db, end)
    return max(1, round((end - begin) / timedelta(hours=1)))
