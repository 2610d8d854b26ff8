"""Reports on their way out: as JSON, as CSV while it is read, or as a file that is written whole before it leaves.

A database that goes away in the middle makes a problem, or where much CSV is on its way already, a broken connection:
never half a file that looks like a whole one.
"""

import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import IO, TypeVar, cast

from flask import Response

from api.answers import show
from api.house import House
from api.problems import field_problems
from api.report_body import ReportAsked, ReportBody, ReportFileBody, report_file_body
from api.session import Caller
from shared import events, report_files
from shared.db import Connection
from shared.errors import NotFound, RequestInvalid, StorageObjectMissing
from shared.events import ActionType
from shared.ids import new_id, parse_id
from shared.messages import MakeReports
from shared.periods import Span
from shared.report_people import select_now
from shared.reporting import (
    ENTRIES,
    MEDIA_TYPES,
    MOST_ROWS,
    ReportFormat,
    ReportName,
    Seller,
    Wish,
    count_rows,
    read_csv,
    wish_of,
    write_report,
)  # fmt: skip

Data = TypeVar("Data")
TableName = TypeVar("TableName", bound=str)
PARAMETERS: Mapping[ReportFormat, str] = {ReportFormat.CSV: "; charset=utf-8; header=present"}
BYTES_IN_MEMORY = 2_000_000
BYTES_AT_ONCE = 64 * 1024
RETRY_SECONDS = 2


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
            rows = count_rows(db, wish)
            _refuse_length(wish, rows)
            is_small = wish.format is not ReportFormat.CSV and rows <= house.settings.report_request_rows
            answer = _send(_written(house, db, wish, now), wish) if is_small else None
    if wish.format is ReportFormat.CSV:
        answer = _stream(house, wish)
    _note(house, caller, wish)
    return answer or _later(house, caller, wish)


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


def _refuse_length(wish: Wish, rows: int) -> None:
    most = MOST_ROWS[wish.format]
    if rows > most:
        wrong = field_problems([("/to", f"these are {rows} entries")])
        raise RequestInvalid(
            f"A {wish.format} holds at most {most} entries; ask for a shorter span, or for csv.", **wrong
        )


def _later(house: House, caller: Caller, wish: Wish) -> Response:
    """202: a worker makes it, and the answer says where to look for it."""
    with house.database.transaction(user_id=caller.user_id) as db:
        file = report_files.insert_report_file(
            db,
            report_file_id=new_id(),
            user_id=caller.user_id,
            wish=wish.as_record(),
            lifetime_hours=house.settings.report_lifetime_hours,
        )
    house.publisher.publish(MakeReports())
    where = f"/v1/reports/files/{file.report_file_id}"
    return show(report_file_body(file, link=None), status=202, Location=where, Retry_After=str(RETRY_SECONDS))


def _stream(house: House, wish: Wish) -> Response:
    """CSV as it is read. What is short is sent whole, with its length; more of it leaves before the rest is read."""
    pieces = _csv_pieces(house, wish)
    first, held = list[bytes](), 0
    for piece in pieces:
        first.append(piece)
        held += len(piece)
        if held > BYTES_IN_MEMORY:
            break
    else:
        return _name(Response(b"".join(first)), wish)
    response = Response(chain(first, pieces))
    response.call_on_close(pieces.close)  # also when nobody reads on: the database transaction ends
    return _name(response, wish)


def _csv_pieces(house: House, wish: Wish) -> Generator[bytes]:
    with house.database.reports() as db:
        yield from read_csv(db, wish, seller_of(house))


def _name(response: Response, wish: Wish) -> Response:
    response.content_type = MEDIA_TYPES[wish.format] + PARAMETERS.get(wish.format, "")
    response.headers["Content-Disposition"] = f'attachment; filename="{wish.file_name}"'
    return response


def _send(file: IO[bytes], wish: Wish) -> Response:
    size = file.tell()
    file.seek(0)
    response = _name(Response(_chunks(file)), wish)
    response.content_length = size
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


def link_to_file(house: House, caller: Caller, report_file_id: str) -> ReportFileBody:
    """What became of a report file, with a short-lived link once it is ready.

    Raises NotFound (also when its time is over) and StorageUnavailable.
    """
    known = parse_id(report_file_id)
    with house.database.transaction(user_id=caller.user_id) as db:
        file = None if known is None else report_files.select_report_file(db, known)
    if file is None:
        raise NotFound("There is no such report, or its time is over.")
    link = None
    if file.storage_key is not None:
        try:
            name, seconds = wish_of(file.wish).file_name, house.settings.signed_link_seconds
            link = house.storage.signed_link(file.storage_key, seconds=seconds, download_name=name)
        except StorageObjectMissing:
            raise NotFound("The report's time is over.") from None
    return report_file_body(file, link=link)
