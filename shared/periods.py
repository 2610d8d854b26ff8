"""Days, weeks and months of a time zone, as instants: how reports cut time into pieces."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Granularity(StrEnum):
    """How long a period is; weeks begin on Monday (ISO 8601)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


@dataclass(frozen=True, slots=True)
class Periods:
    """Consecutive periods: the calendar day each is named after, and the instant at which it begins, in UTC.

    The first begins where the span does, even if that is in the middle of its week or month.
    """

    days: list[date]
    starts: list[datetime]


@dataclass(frozen=True, slots=True)
class Span:
    """What a report covers: from `start` up to, and without, `end`, by the calendar of a time zone."""

    start: datetime
    end: datetime
    zone: ZoneInfo
    granularity: Granularity = Granularity.DAY

    @property
    def periods(self) -> Periods:
        """Its periods, oldest first; at least one."""
        return periods_between(self.start, self.end, self.zone, self.granularity)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins there, in UTC; where clocks skip midnight, when they do."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def periods_between(start: datetime, end: datetime, zone: ZoneInfo, granularity: Granularity) -> Periods:
    """The periods that a span touches."""
    day = first_day(start.astimezone(zone).date(), granularity)
    days, starts = [day], [start.astimezone(UTC)]
    while (begins := midnight(day := next_day(day, granularity), zone)) < end:
        days.append(day)
        starts.append(begins)
    return Periods(days, starts)


def first_day(day: date, granularity: Granularity) -> date:
    """The first day of the period that a day is in."""
    match granularity:
        case Granularity.DAY:
            return day
        case Granularity.WEEK:
            return day - timedelta(days=day.weekday())
        case Granularity.MONTH:
            return day.replace(day=1)
        case Granularity.QUARTER:
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)


def next_day(day: date, granularity: Granularity) -> date:
    """The first day of the period after the one that begins on `day`."""
    length = {Granularity.DAY: 1, Granularity.WEEK: 7, Granularity.MONTH: 31, Granularity.QUARTER: 93}[granularity]
    return first_day(day + timedelta(days=length), granularity)


def quarter_name(day: date) -> str:
    """The quarter that a day is in, such as 2030-Q1."""
    return f"{day.year}-Q{(day.month + 2) // 3}"
