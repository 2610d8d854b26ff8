"""The dashboard: a span's money, work and people at a glance, from daily sums and what is not summed yet. No SQL here.

Days are those of UTC.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from shared import rollups
from shared.credits import NO_CREDITS, TransactionType
from shared.db import Connection
from shared.jobs import JobKind, JobStatus
from shared.rollups import BASE, DailyActions, DailyJobs, DailySales, Days

Key = TypeVar("Key")

# A week of a busy house is summed well within the longest that a statement may run.
CHUNK_DAYS = 7
# Longer than any database transaction may take: what began before midnight is committed by then.
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
    """The whole. Days before `summed_through` came from sums, later ones were counted just now."""

    summed_through: date | None
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
    sales, jobs = rollups.select_daily_sales(db, days), rollups.select_daily_jobs(db, days)
    actions = rollups.select_daily_actions(db, days)
    newcomers = {(one.day, one.action): one.newcomers for one in actions}
    downloads = defaultdict[str, int](int)
    for one in actions:
        if one.action == "download":
            downloads[one.detail] += one.actions
    return Dashboard(
        summed_through=through,
        revenue=[_revenue(currency, lines) for currency, lines in _by(sales, lambda line: line.currency)],
        sales_by_day=[
            _day_sales(day, currency, lines)
            for (day, currency), lines in _by(sales, lambda line: (line.day, line.currency))
        ],
        countries=_parts(sales, "country"),
        packages=_parts(sales, "package_id"),
        work=_work(jobs, rollups.select_durations(db, days)),
        jobs_by_day=[DayJobs(one.day, one.kind, one.status, one.jobs) for one in jobs],
        funnel=[_step(action, actions) for action in FUNNEL],
        people_by_day=[
            DayPeople(day, newcomers.get((day, "sign_up"), 0), newcomers.get((day, "purchase"), 0))
            for day in sorted({one.day for one in actions if one.action in ("sign_up", "purchase")})
        ],
        downloads=dict(sorted(downloads.items())),
    )


def _by(lines: Iterable[DailySales], key: Callable[[DailySales], Key]) -> list[tuple[Key, list[DailySales]]]:
    groups = defaultdict[Key, list[DailySales]](list)
    for line in lines:
        groups[key(line)].append(line)
    return list(groups.items())


def _sold(lines: Iterable[DailySales]) -> int:
    return sum(line.entries for line in lines if line.transaction_type == TransactionType.PURCHASE)


def _revenue(currency: str, lines: list[DailySales]) -> Revenue:
    purchases = _sold(lines)
    gross, tax = sum(line.gross for line in lines), sum(line.tax for line in lines)
    reversals = sum(line.entries for line in lines) - purchases
    credited = sum((line.credits for line in lines), NO_CREDITS)
    return Revenue(currency, purchases, reversals, gross - tax, tax, gross, credited)


def _day_sales(day: date, currency: str, lines: list[DailySales]) -> DaySales:
    gross, tax = sum(line.gross for line in lines), sum(line.tax for line in lines)
    sold = sum(line.gross for line in lines if line.transaction_type == TransactionType.PURCHASE)
    return DaySales(day, currency, _sold(lines), sold, gross - sold, gross - tax, tax, gross)


def _parts(sales: list[DailySales], name: str) -> list[Part]:
    """Those with the most revenue first."""
    parts = [
        Part(part, currency, _sold(lines), sum(line.gross - line.tax for line in lines))
        for (part, currency), lines in _by(sales, lambda line: (str(getattr(line, name)), line.currency))
    ]
    return sorted(parts, key=lambda part: (-part.net, part.name, part.currency))


def _work(jobs: list[DailyJobs], durations: list[tuple[str, int, int]]) -> list[Work]:
    found: list[Work] = []
    for kind in JobKind:
        own = [line for line in jobs if line.kind == kind]
        counts = {status: sum(line.jobs for line in own if line.status == status) for status in JobStatus}
        histogram = [(bucket, count) for its_kind, bucket, count in durations if its_kind == kind]
        found.append(
            Work(
                kind, counts[JobStatus.SUCCEEDED], counts[JobStatus.FAILED], counts[JobStatus.CANCELED],
                sum((line.credits for line in own), NO_CREDITS), quantile(histogram, 0.5), quantile(histogram, 0.95),
            )
        )  # fmt: skip
    return found


def quantile(histogram: list[tuple[int, int]], share: float) -> float | None:
    """The duration in seconds that this share of jobs did not exceed, from (bucket, jobs), the shortest first.

    The middle of a bucket is within 2.5 % of all that is in it. None of no jobs.
    """
    rank = share * (sum(count for _, count in histogram) - 1)
    below = 0
    for bucket, count in histogram:
        below += count
        if below > rank:
            return round(2 * BASE**bucket / (BASE + 1), 4)
    return None


def _step(action: str, actions: list[DailyActions]) -> FunnelStep:
    own = [one for one in actions if one.action == action]
    return FunnelStep(action, sum(one.actions for one in own), sum(one.newcomers for one in own))


def roll_up(db: Connection) -> int:
    """Sum the next days that have ended, a week of them at most; returns how many.

    Nobody else may do so at the same time. A clock that was put back takes back what was summed too early.
    """
    ended = rollups.select_ended(db, grace_hours=GRACE_HOURS)
    through = rollups.select_through(db) or rollups.select_first(db)
    if through is None or through == ended:
        return 0
    begin = min(through, ended)
    end = min(begin + timedelta(days=CHUNK_DAYS), ended)
    rollups.delete_daily_sums(db, first=begin)
    days = Days(begin, end)
    if begin < end:
        rollups.insert_daily_sales(db, days)
        rollups.insert_daily_jobs(db, days)
        rollups.insert_durations(db, days)
        rollups.insert_daily_actions(db, days)
    rollups.update_through(db, end)
    return (end - begin).days
