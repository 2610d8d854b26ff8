"""The conversion and the downloads report: how far accounts go, and what they take home. No SQL here."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

from shared.db import Connection
from shared.documents.model import Chart, Column, Kind, Table
from shared.periods import Span
from shared.report_people import CohortLine, DownloadLine, select_cohorts, select_downloads

STEPS = ("signed_up", "uploaded", "previewed", "vectorized", "opened_checkout", "purchased")
_TENTH = Decimal("0.1")
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the funnel: accounts of all cohorts that took it, and their share of those that signed up."""

    step: str
    accounts: int
    percent: Decimal | None


@dataclass(frozen=True, slots=True)
class Conversion:
    """The whole report: a cohort is the accounts that signed up in a period."""

    funnel: list[Step]
    lines: list[CohortLine]


def read_conversion(db: Connection, span: Span) -> Conversion:
    """The cohorts of a span; each with what its accounts have done to this day, in whatever order."""
    found = {line.period: line for line in select_cohorts(db, span)}
    lines = [found.get(day, CohortLine(day, 0, 0, 0, 0, 0, 0)) for day in span.periods.days]
    counts = {step: sum(getattr(line, step) for line in lines) for step in STEPS}
    return Conversion([Step(step, counts[step], percent(counts[step], counts["signed_up"])) for step in STEPS], lines)


def percent(part: int, whole: int) -> Decimal | None:
    """The share in per cent, to a tenth; None of nothing."""
    return (Decimal(100 * part) / whole).quantize(_TENTH, ROUND_HALF_UP) if whole else None


def conversion_tables(conversion: Conversion) -> list[Table]:
    """The report as tables, the lines last."""
    headings = ("Signed up", "Uploaded", "Previewed", "Vectorized", "Opened checkout", "Purchased")
    steps = [Column(step, heading, Kind.COUNT, adds=True) for step, heading in zip(STEPS, headings, strict=True)]
    return [
        Table("funnel", "Funnel", (Column("step", "Step", Kind.WORD), Column("accounts", "Accounts", Kind.COUNT),
              Column("percent", "% of sign-ups", Kind.PERCENT)), conversion.funnel,
              "Accounts that have done each at least once, to this day."),
        Table("lines", "Cohorts", (Column("period", "Signed up in", Kind.DAY), *steps), conversion.lines,
              "A cohort is the accounts that signed up in a period."),
    ]  # fmt: skip


def conversion_chart(conversion: Conversion) -> Chart:
    """Those of each cohort that bought."""
    return Chart("Accounts that bought, by cohort", "lines", "period", ("purchased",), len(conversion.lines))


@dataclass(frozen=True, slots=True)
class DownloadPeriod:
    """All downloads of a period."""

    period: date
    downloads: int


@dataclass(frozen=True, slots=True)
class DownloadFormat:
    """All downloads of a kind of job and format."""

    kind: str
    format: str
    downloads: int


@dataclass(frozen=True, slots=True)
class Downloads:
    """The whole report."""

    total: int
    periods: list[DownloadPeriod]
    formats: list[DownloadFormat]
    lines: list[DownloadLine]


def read_downloads(db: Connection, span: Span) -> Downloads:
    """The downloads of a span; every link that was asked for counts."""
    lines = select_downloads(db, span)
    by_period = _counted((line.period, line.downloads) for line in lines)
    by_format = _counted(((line.kind, line.format), line.downloads) for line in lines)
    return Downloads(
        total=sum(line.downloads for line in lines),
        periods=[DownloadPeriod(day, by_period[day]) for day in span.periods.days],
        formats=[DownloadFormat(*key, count) for key, count in sorted(by_format.items())],
        lines=lines,
    )


def _counted(pairs: Iterable[tuple[Key, int]]) -> defaultdict[Key, int]:
    counts = defaultdict[Key, int](int)
    for key, count in pairs:
        counts[key] += count
    return counts


def downloads_tables(downloads: Downloads) -> list[Table]:
    """The report as tables, the lines last."""
    count = Column("downloads", "Downloads", Kind.COUNT, adds=True)
    kind, form = Column("kind", "Kind of job", Kind.TEXT), Column("format", "Format", Kind.TEXT)
    period = Column("period", "Period", Kind.DAY)
    return [
        Table("periods", "By period", (period, count), downloads.periods),
        Table("formats", "By format", (kind, form, count), downloads.formats),
        Table("lines", "Lines", (period, kind, form, count, Column("accounts", "Accounts", Kind.COUNT)),
              downloads.lines),
    ]  # fmt: skip


def downloads_chart(downloads: Downloads) -> Chart:
    """Downloads of each period."""
    return Chart("Downloads", "periods", "period", ("downloads",), len(downloads.periods))
