"""What the dashboard shows: the daily sums as far as they go, and after that the rows themselves."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum

from psycopg.rows import class_row

from shared.db import Connection
from shared.stretches import ACTIONS, DURATIONS, JOBS, SALES, Stretch, month_of


@dataclass(frozen=True, slots=True)
class Days:
    """Days (UTC) from `first` up to, and without, `end`; what happened before `through` is in the sums."""

    first: date
    end: date
    through: datetime | None = None

    def values(self) -> dict[str, object]:
        """Which of them are read from the sums, which months of durations whole, and what is read live."""
        start, end = _midnight(self.first), _midnight(self.end)
        sums_end = self.first if self.through is None else self.end
        months = month_of(self.first, 0 if self.first.day == 1 else 1), month_of(sums_end, 0)
        return {
            "first": self.first,
            "sums_end": sums_end,
            "months_first": months[0] if months[0] < months[1] else self.first,
            "months_end": months[1] if months[0] < months[1] else self.first,
            **Stretch(start if self.through is None else min(max(self.through, start), end), end).values(),
        }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


class SalesBy(StrEnum):
    """What a sum of sales is about."""

    WHOLE = "whole"
    DAY = "day"
    COUNTRY = "country"
    PACKAGE = "package"


@dataclass(frozen=True, slots=True)
class SalesSum:
    """Money in one currency, in minor units; what went back counts below zero. `sold` is without it.

    `day` is that of a day's sum, `name` the country or package.
    """

    by: str
    day: date | None
    name: str
    currency: str
    purchases: int
    entries: int
    sold: int
    gross: int
    tax: int
    credits: Decimal


def select_sales(db: Connection, days: Days) -> list[SalesSum]:
    """The sales of these days: of all, of each day, of each country and of each package."""
    return (
        db.cursor(row_factory=class_row(SalesSum))
        .execute(
            "SELECT CASE WHEN grouping(day) = 0 THEN 'day' WHEN grouping(country) = 0 THEN 'country'"
            "  WHEN grouping(package_id) = 0 THEN 'package' ELSE 'whole' END AS by,"
            " day, coalesce(country, package_id, '') AS name, currency,"
            " coalesce(sum(entries) FILTER (WHERE transaction_type = 'purchase'), 0)::integer AS purchases,"
            " sum(entries)::integer AS entries,"
            " coalesce(sum(gross) FILTER (WHERE transaction_type = 'purchase'), 0)::bigint AS sold,"
            " sum(gross)::bigint AS gross, sum(tax)::bigint AS tax, sum(credits) AS credits"
            " FROM (SELECT day, transaction_type, country, package_id, currency, entries, gross, tax, credits"
            "  FROM daily_sales WHERE day >= %(first)s AND day < %(sums_end)s UNION ALL " + SALES + ") AS lines"
            " GROUP BY GROUPING SETS ((currency), (day, currency), (country, currency), (package_id, currency))"
            " ORDER BY day, currency, name",
            days.values(),
        )
        .fetchall()
    )


@dataclass(frozen=True, slots=True)
class JobsSum:
    """Jobs that ended on a day, or on all days together (None); `credits` were spent for good."""

    day: date | None
    kind: str
    status: str
    jobs: int
    credits: Decimal


def select_jobs_sums(db: Connection, days: Days) -> list[JobsSum]:
    """The jobs that ended on these days, by kind and outcome: of each day, and of all."""
    return (
        db.cursor(row_factory=class_row(JobsSum))
        .execute(
            "SELECT day, kind, status, sum(jobs)::integer AS jobs, sum(credits) AS credits"
            " FROM (SELECT day, kind, status, jobs, credits FROM daily_jobs"
            "  WHERE day >= %(first)s AND day < %(sums_end)s UNION ALL " + JOBS + ") AS lines"
            " GROUP BY GROUPING SETS ((day, kind, status), (kind, status)) ORDER BY day, kind, status",
            days.values(),
        )
        .fetchall()
    )


def select_durations(db: Connection, days: Days) -> list[tuple[str, int, int]]:
    """How long succeeded jobs of these days took from submit to end: kind, bucket and jobs, the shortest first."""
    return db.execute(
        "SELECT kind::text, bucket, sum(jobs)::integer FROM (SELECT kind, bucket, jobs FROM monthly_durations"
        "  WHERE month >= %(months_first)s AND month < %(months_end)s"
        " UNION ALL SELECT kind, bucket, jobs FROM daily_durations WHERE day >= %(first)s AND day < %(months_first)s"
        " UNION ALL SELECT kind, bucket, jobs FROM daily_durations WHERE day >= %(months_end)s AND day < %(sums_end)s"
        " UNION ALL SELECT kind, bucket, jobs FROM (" + DURATIONS + ") AS live) AS lines"
        " GROUP BY kind, bucket ORDER BY kind, bucket",
        days.values(),
    ).fetchall()


@dataclass(frozen=True, slots=True)
class ActionsSum:
    """What people did, and how many accounts for the first time: of a day, of a detail, or (both None) of all."""

    day: date | None
    action: str
    detail: str | None
    actions: int
    newcomers: int


def select_actions(db: Connection, days: Days) -> list[ActionsSum]:
    """The actions of these days, and by detail; of single days sign-ups and purchases alone."""
    return (
        db.cursor(row_factory=class_row(ActionsSum))
        .execute(
            "SELECT day, action, detail, sum(actions)::integer AS actions, sum(newcomers)::integer AS newcomers"
            " FROM (SELECT day, action, detail, actions, newcomers FROM daily_actions"
            "  WHERE day >= %(first)s AND day < %(sums_end)s UNION ALL (" + ACTIONS + ")) AS lines"
            " GROUP BY GROUPING SETS ((action), (action, detail), (day, action))"
            " HAVING grouping(day) = 1 OR action IN ('sign_up', 'purchase') ORDER BY day, action, detail",
            days.values(),
        )
        .fetchall()
    )
