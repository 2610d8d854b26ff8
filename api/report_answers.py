"""Reports on their way out: as JSON, or as a file that is written whole before its first byte leaves.

So a database that goes away in the middle makes a problem, and never half a file that looks like a whole one.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import IO, TypeVar, cast

from flask import Response

from api.answers import show
from api.house import House
from api.problems import field_problems
from api.report_body import ReportAsked, ReportBody
from api.session import Caller
from shared import events
from shared.db import Connection
from shared.errors import RequestInvalid
from shared.events import ActionType
from shared.ids import new_id
from shared.periods import Span
from shared.report_people import select_now
from shared.reporting import ENTRIES, ReportFormat, ReportName, Seller, Wish, write_report

Data = TypeVar("Data")
TableName = TypeVar("TableName", bound=str)
MEDIA_TYPES: Mapping[ReportFormat, str] = {
    ReportFormat.CSV: "text/csv",
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ReportFormat.PDF: "application/pdf",
}
PARAMETERS: Mapping[ReportFormat, str] = {ReportFormat.CSV: "; charset=utf-8; header=present"}
BYTES_IN_MEMORY = 2_000_000
BYTES_AT_ONCE = 64 * 1024


def answer_report(
    house: House,
    caller: Caller,
    asked: ReportAsked[TableName],
    report: ReportName,
    read: Callable[[Connection, Span], Data],
    body: type[ReportBody[Data]],
) -> Response:
    """A report in the form that is asked for. Raises RequestInvalid and DatabaseUnavailable."""
    if asked.table is not None and asked.format is ReportFormat.JSON:
        wrong = field_problems([("/table", "is for csv, xlsx and pdf; json holds all tables")])
        raise RequestInvalid("A single table comes as csv, xlsx or pdf.", **wrong)
    with house.database.reports() as db:
        now = select_now(db)
        span = asked.span(now)
        wish = Wish(report, span, asked.format, asked.table)
        if asked.format is ReportFormat.JSON:
            answer = show(
                body(
                    from_=span.start, to=span.end, timezone=span.zone.key, granularity=span.granularity,
                    data=read(db, span),
                )
            )  # fmt: skip
        else:
            answer = _send(_written(house, db, wish, now), wish)
    _note(house, caller, wish)
    return answer


def seller_of(house: House) -> Seller:
    """Whose reports these are."""
    return Seller(house.settings.seller_country, house.settings.seller_vat_id)


def _written(house: House, db: Connection, wish: Wish, now: datetime) -> IO[bytes]:
    """The report as a file without a name, which the operating system forgets when it is closed."""
    file = cast("IO[bytes]", tempfile.SpooledTemporaryFile(BYTES_IN_MEMORY))  # noqa: SIM115 - the answer closes it
    try:
        write_report(db, wish, seller_of(house), file, now=now)
    except BaseException:
        file.close()
        raise
    return file


def _send(file: IO[bytes], wish: Wish) -> Response:
    size = file.tell()
    file.seek(0)
    response = Response(_chunks(file))
    response.content_type = MEDIA_TYPES[wish.format] + PARAMETERS.get(wish.format, "")
    response.content_length = size
    response.headers["Content-Disposition"] = f'attachment; filename="{wish.file_name}"'
    response.call_on_close(file.close)  # also when nobody reads it, as after HEAD
    return response


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(BYTES_AT_ONCE):
            yield chunk


def _note(house: House, caller: Caller, wish: Wish) -> None:
    with house.database.transaction(user_id=caller.user_id) as db:
        events.insert_event(
            db,
            analytics_id=new_id(),
            user_id=caller.user_id,
            action_type=ActionType.REPORT,
            data={"report": wish.report, "format": wish.format, "entries": wish.table == ENTRIES},
        )
