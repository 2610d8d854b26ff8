"""What is asked of a report, and what it answers as JSON."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Annotated, ClassVar, Generic, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from api.fields import Id, Time
from api.problems import field_problems, shown_problem
from shared.conversion import Conversion, Downloads
from shared.dashboard import Dashboard
from shared.errors import RequestInvalid
from shared.periods import Granularity, Span, midnight
from shared.report_files import ReportFile, ReportFileStatus
from shared.reporting import ReportFormat, ReportName, wish_of
from shared.sales import Sales
from shared.usage import Usage

Data = TypeVar("Data")
TableName = TypeVar("TableName", bound=str)

DEFAULT_DAYS = 30
MOST_DAYS = 3_700
FIRST_YEAR, LAST_YEAR = 2000, 2200


def _moment(given: object) -> date:
    """A day, or (a kind of day to Python) a time with its offset."""
    if not isinstance(given, str):
        raise ValueError("must be a day such as 2030-01-31, or a time such as 2030-01-31T12:00:00Z")  # noqa: TRY004 - pydantic's way
    # A plus sign that was not escaped arrives as a space.
    given = re.sub(r" (?=\d\d:?\d\d$)", "+", given)
    try:
        found = date.fromisoformat(given) if len(given) == len("2030-01-31") else datetime.fromisoformat(given)
    except ValueError:
        raise ValueError("must be a day such as 2030-01-31, or a time such as 2030-01-31T12:00:00Z") from None
    if isinstance(found, datetime) and found.tzinfo is None:
        raise ValueError("a time needs its offset, such as Z")
    if not FIRST_YEAR <= found.year < LAST_YEAR:
        raise ValueError(f"must be in the years {FIRST_YEAR} to {LAST_YEAR - 1}")
    return found


Moment = Annotated[
    date,
    PlainValidator(_moment),
    WithJsonSchema({"type": "string", "maxLength": 40, "examples": ["2030-01-31", "2030-01-31T12:00:00Z"]}),
]


class SpanAsked(BaseModel):
    """Which span of time; both ends are included when they are days."""

    from_: Moment | None = Field(default=None, alias="from", description="30 days before `to` by default")
    to: Moment | None = Field(default=None, description="today by default; a time is not included itself")


class ReportAsked(SpanAsked, Generic[TableName]):
    """Which span, how it is cut into periods, and in what form."""

    granularity: Granularity = Field(default=Granularity.DAY, description="weeks begin on Monday")
    timezone: str = Field(default="UTC", max_length=64, description="whose calendar: a name of the IANA database")
    format: ReportFormat = ReportFormat.JSON
    table: TableName | None = Field(
        default=None,
        description="one table alone, as csv, xlsx or pdf; without it csv holds `lines`, the others hold all",
    )

    def span(self, now: datetime) -> Span:
        """The span, when the house's clock says `now`. Raises RequestInvalid."""
        return span_of(self, now, _zone(self.timezone), self.granularity)


def span_of(asked: SpanAsked, now: datetime, zone: ZoneInfo, granularity: Granularity) -> Span:
    """The span that is asked for. Raises RequestInvalid when it ends before it begins, or is too long."""
    last = asked.to or now.astimezone(zone).date()
    end = last.astimezone(UTC) if isinstance(last, datetime) else midnight(last + timedelta(days=1), zone)
    first = asked.from_ or (end - timedelta(microseconds=1)).astimezone(zone).date() - timedelta(days=DEFAULT_DAYS - 1)
    start = first.astimezone(UTC) if isinstance(first, datetime) else midnight(first, zone)
    if not start < end <= start + timedelta(days=MOST_DAYS):
        wrong = field_problems([("/to", f"must be after `from`, and no more than {MOST_DAYS} days")])
        raise RequestInvalid(f"A report covers at least a moment and at most {MOST_DAYS} days.", **wrong)
    return Span(start, end, zone, granularity)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(name: str) -> ZoneInfo:
    if name not in _zones():
        raise RequestInvalid(
            "There is no such time zone.", **field_problems([("/timezone", "is not in the IANA database")])
        )
    return ZoneInfo(name)


class ReportBody(BaseModel, Generic[Data]):
    """A report as JSON; money in minor units of the currency beside it, what went back below zero."""

    model_config: ClassVar[ConfigDict] = ConfigDict(serialize_by_alias=True)

    from_: Time = Field(serialization_alias="from")
    to: Time = Field(description="not included")
    timezone: str
    granularity: Granularity
    data: Data


class SalesBody(ReportBody[Sales], title="SalesReport"):
    """What was sold, where its VAT is due, what went back."""


class UsageBody(ReportBody[Usage], title="UsageReport"):
    """Jobs, uploads and credits."""


class ConversionBody(ReportBody[Conversion], title="ConversionReport"):
    """How far the accounts of each cohort went."""


class DownloadsBody(ReportBody[Downloads], title="DownloadsReport"):
    """What was downloaded, in which formats."""


class ReportFileBody(BaseModel, title="ReportFile"):
    """A report that a worker makes."""

    report_file_id: Id
    report: ReportName
    format: ReportFormat
    file_name: str
    status: ReportFileStatus
    size: int | None = Field(description="in bytes")
    url: str | None = Field(description="where it is, for some minutes; null until it is ready")
    problem: dict[str, object] | None
    created_at: Time
    expires_at: Time = Field(description="when it will be removed")


def report_file_body(file: ReportFile, *, link: str | None) -> ReportFileBody:
    """The row as its owner sees it."""
    wish = wish_of(file.wish)
    return ReportFileBody(
        report_file_id=str(file.report_file_id), report=wish.report, format=wish.format, file_name=wish.file_name,
        status=file.status, size=file.size, url=link, problem=shown_problem(file.problem),
        created_at=file.created_at, expires_at=file.expires_at,
    )  # fmt: skip


class DashboardBody(BaseModel, title="Dashboard"):
    """The figures of the sales dashboard; days are those of UTC."""

    model_config: ClassVar[ConfigDict] = ConfigDict(serialize_by_alias=True)

    from_: date = Field(validation_alias=AliasChoices("from", "from_"), serialization_alias="from")
    to: date = Field(description="included")
    read_at: Time = Field(description="when the figures were read")
    data: Dashboard
