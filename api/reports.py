"""Reports for operators: `/v1/reports`."""

from datetime import UTC, timedelta
from functools import partial
from typing import Literal
from zoneinfo import ZoneInfo

from flask import Response
from pydantic import BaseModel, TypeAdapter

from api.answers import show
from api.fields import Id
from api.house import House
from api.report_answers import answer_report, link_to_file
from api.report_body import (
    ConversionBody,
    DashboardBody,
    DownloadsBody,
    ReportAsked,
    ReportFileBody,
    SalesBody,
    SpanAsked,
    UsageBody,
    span_of,
)
from api.routes import Gives, Routes
from api.session import Caller
from shared.conversion import read_conversion, read_downloads
from shared.copies import DASHBOARD
from shared.dashboard import read_dashboard
from shared.errors import NotFound, StorageUnavailable
from shared.periods import Granularity
from shared.report_people import select_now
from shared.reporting import MEDIA_TYPES, ReportName
from shared.sales import read_sales
from shared.usage import read_usage

routes = Routes("reports")
FILES = tuple(MEDIA_TYPES.values())


class AskSales(ReportAsked[Literal["periods", "kinds", "countries", "oss", "packages", "lines", "entries"]]):
    """Which span, and how it is shown."""


@routes.operation(
    "GET /v1/reports/sales", takes=AskSales, gives=Gives(200, SalesBody, files=FILES, later=ReportFileBody), admin=True
)
def get_sales_report(house: House, caller: Caller, ask: AskSales) -> Response:
    """Show what was sold, VAT by country and rate, the one-stop shop's quarters, packages, refunds and disputes.

    Money counts when the ledger's entry was made; what went back counts below zero, on the day it went back.
    """
    read = partial(read_sales, seller_country=house.settings.seller_country)
    return answer_report(house, caller, ask, ReportName.SALES, read, SalesBody)


class AskUsage(ReportAsked[Literal["periods", "totals", "problems", "uploads", "credits", "lines"]]):
    """Which span, and how it is shown."""


@routes.operation("GET /v1/reports/usage", takes=AskUsage, gives=Gives(200, UsageBody, files=FILES), admin=True)
def get_usage_report(house: House, caller: Caller, ask: AskUsage) -> Response:
    """Show jobs by kind and outcome with their durations, why they failed, uploads and credits.

    Jobs count when they ended.
    """
    return answer_report(house, caller, ask, ReportName.USAGE, read_usage, UsageBody)


class AskConversion(ReportAsked[Literal["funnel", "lines"]]):
    """Which span, and how it is shown."""


@routes.operation(
    "GET /v1/reports/conversion", takes=AskConversion, gives=Gives(200, ConversionBody, files=FILES), admin=True
)
def get_conversion_report(house: House, caller: Caller, ask: AskConversion) -> Response:
    """Show how many of those who signed up have uploaded, previewed, vectorized and purchased, by cohort."""
    return answer_report(house, caller, ask, ReportName.CONVERSION, read_conversion, ConversionBody)


class AskDownloads(ReportAsked[Literal["periods", "formats", "lines"]]):
    """Which span, and how it is shown."""


@routes.operation(
    "GET /v1/reports/downloads", takes=AskDownloads, gives=Gives(200, DownloadsBody, files=FILES), admin=True
)
def get_downloads_report(house: House, caller: Caller, ask: AskDownloads) -> Response:
    """Show what was downloaded, in which formats. The activity log goes a year back."""
    return answer_report(house, caller, ask, ReportName.DOWNLOADS, read_downloads, DownloadsBody)


class OneReportFile(BaseModel):
    """Which file."""

    report_file_id: Id


@routes.operation(
    "GET /v1/reports/files/{report_file_id}",
    takes=OneReportFile,
    gives=Gives(200, ReportFileBody),
    admin=True,
    problems=(NotFound, StorageUnavailable),
)
def get_report_file(house: House, caller: Caller, ask: OneReportFile) -> Response:
    """Show what became of a report that was too large for its request; once it is ready, with a link to it.

    The link works for some minutes; ask again for a new one while the file is kept.
    """
    return show(link_to_file(house, caller, ask.report_file_id))


_DASHBOARD = TypeAdapter(DashboardBody)


class AskDashboard(SpanAsked):
    """Which days, in UTC."""


@routes.operation("GET /v1/reports/dashboard", takes=AskDashboard, gives=Gives(200, DashboardBody), admin=True)
def get_dashboard(house: House, _: Caller, ask: AskDashboard) -> Response:
    """Show the figures of the sales dashboard in one answer.

    Past days come from daily sums, the last ones were counted at `read_at`, which is at most half a minute ago.
    """
    span = f"{ask.from_} {ask.to}"
    return show(house.copies.read(DASHBOARD, span, _DASHBOARD, partial(_read_dashboard, house, ask)))


def _read_dashboard(house: House, ask: AskDashboard) -> DashboardBody:
    with house.database.reports() as db:
        now = select_now(db)
        span = span_of(ask, now, ZoneInfo("UTC"), Granularity.DAY)
        first, last = span.start.astimezone(UTC).date(), (span.end - timedelta(microseconds=1)).date()
        return DashboardBody(from_=first, to=last, read_at=now, data=read_dashboard(db, first, last))
