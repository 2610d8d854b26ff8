"""Answers that went well: JSON with an ETag, a redirect, or nothing."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from uuid import UUID

from flask import Response, request
from pydantic import BaseModel

from api.problems import field_problems
from shared.errors import RequestInvalid

JSON = "application/json"


def show(body: BaseModel, *, status: int = 200, **headers: str) -> Response:
    """The body as JSON; of a read also its ETag, and 304 without the body when the caller has it already.

    Headers are named with underscores: `Retry_After="1"`.
    """
    return show_text(body.model_dump_json().encode(), status=status, **headers)


def show_text(text: bytes, *, status: int = 200, **headers: str) -> Response:
    """The same for a body that is JSON already."""
    response = Response(text, status, content_type=JSON)
    if request.method in ("GET", "HEAD") and status == 200:
        etag = etag_of(text)
        if etag in request.headers.get("If-None-Match", ""):
            response = Response(None, 304)
        response.headers["ETag"] = etag
        response.headers["Cache-Control"] = "private, no-cache"
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response


@dataclass(frozen=True, slots=True)
class Made:
    """The answer to a request that made something."""

    body: BaseModel
    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def response(self) -> Response:
        """The same for Flask."""
        return Response(self.body.model_dump_json(), self.status, self.headers, content_type=JSON)


def etag_of(body: bytes) -> str:
    """What names this body and no other."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def send_to(link: str) -> Response:
    """302 to a link that works for a short time only."""
    return Response(None, 302, headers={"Location": link, "Cache-Control": "no-store"})


def nothing() -> Response:
    """204: done, and nothing to say."""
    return Response(None, 204)


def next_cursor(ids: list[UUID], limit: int) -> str | None:
    """Where the next page begins, when this one is full."""
    return base64.urlsafe_b64encode(ids[-1].bytes).decode().rstrip("=") if len(ids) == limit else None


def read_cursor(cursor: str | None) -> UUID | None:
    """The id a page begins after. Raises RequestInvalid for a cursor that is none of ours."""
    if cursor is None:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        wrong = field_problems([("/cursor", "is not a cursor of this list")])
        raise RequestInvalid("The cursor is not one of ours; take next_cursor as it is.", **wrong) from None
