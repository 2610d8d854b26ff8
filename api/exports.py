"""Everything held about the caller, to take along: `/v1/me/exports`."""

from typing import Literal

from flask import Response
from pydantic import BaseModel, Field

from api.answers import Made, show
from api.fields import Id, Time
from api.house import House
from api.limits import Limit
from api.routes import Gives, Nothing, Routes
from api.session import Caller
from shared import exports, privacy
from shared.errors import NotFound, StorageObjectMissing, StorageUnavailable
from shared.exports import Export, ExportStatus
from shared.ids import parse_id
from shared.messages import ExportPerson

routes = Routes("account")

RETRY_SECONDS = 2


class PartBody(BaseModel, title="ExportPart"):
    """One ZIP file."""

    url: str = Field(description="a link that works for some minutes; ask again for a fresh one")
    size: int = Field(description="bytes")


class ExportBody(BaseModel, title="Export"):
    """An export of everything held about the caller."""

    export_id: Id
    status: Literal["queued", "ready", "failed"]
    url: str | None = Field(description="link to the ZIP, the first one if there are several; null until it is ready")
    parts: list[PartBody] = Field(description="every ZIP; a large export has several")
    created_at: Time
    expires_at: Time = Field(description="the export is removed then")


def _shown(house: House, export: Export) -> ExportBody:
    seconds, day = house.settings.signed_link_seconds, export.created_at.date().isoformat()
    parts = [
        PartBody(
            url=house.storage.signed_link(key, seconds=seconds, download_name=f"tovector-{day}-{number}.zip"), size=size
        )
        for number, (key, size) in enumerate(zip(export.keys, export.sizes, strict=True), 1)
    ]
    return ExportBody(
        export_id=str(export.export_id), status=export.status.value, url=parts[0].url if parts else None, parts=parts,
        created_at=export.created_at, expires_at=export.expires_at,
    )  # fmt: skip


@routes.operation(
    "POST /v1/me/exports",
    takes=Nothing,
    gives=Gives(202, ExportBody, headers=("Location", "Retry-After")),
    limit=Limit.JOBS,
)
def ask_for_export(house: House, caller: Caller, _: Nothing) -> Response:
    """Have everything held about the caller put into a ZIP. While one is being made, asking again gives that one."""
    lifetime_hours = house.settings.export_lifetime_hours
    with house.database.transaction(user_id=caller.user_id) as db:
        export = privacy.ask_for_export(db, caller.user_id, lifetime_hours=lifetime_hours)
    house.publisher.publish(ExportPerson(export_id=export.export_id, user_id=caller.user_id))
    headers = {"Location": f"/v1/me/exports/{export.export_id}", "Retry-After": str(RETRY_SECONDS)}
    return Made(_shown(house, export), 202, headers).response()


class OneExport(BaseModel):
    """Which export."""

    export_id: Id


@routes.operation(
    "GET /v1/me/exports/{export_id}",
    takes=OneExport,
    gives=Gives(200, ExportBody, headers=("Retry-After",)),
    problems=(NotFound, StorageUnavailable),
)
def get_export(house: House, caller: Caller, ask: OneExport) -> Response:
    """Show an export, with links to its ZIP files once it is ready."""
    known = parse_id(ask.export_id)
    with house.database.transaction(user_id=caller.user_id) as db:
        export = None if known is None else exports.select_export(db, known)
    if export is None:
        raise NotFound("There is no such export, or its time is over.")
    try:
        answer = show(_shown(house, export))
    except StorageObjectMissing:
        raise NotFound("The export has been removed.") from None
    if export.status is ExportStatus.QUEUED:
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer
