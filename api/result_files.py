"""Results for whoever has their address: `/v1/results`."""

import time
from typing import Annotated

from flask import Response, g, request
from pydantic import BaseModel, Field, StringConstraints

from api.embedding import fetch_named
from api.grants import TEXT_LENGTH
from api.house import House
from api.results import find_made, gone
from api.routes import Gives, Routes
from api.session import Caller
from shared.errors import NotFound, Overloaded, ResultExpired, StorageUnavailable
from shared.outputs import FORMATS, Format

routes = Routes("jobs")

# How long a cache may give a result without asking whether it may still be given.
FRESH_SECONDS = 60
# A drawing is a document: nothing in it may run, wherever it is opened.
_INERT = {"Content-Security-Policy": "sandbox; default-src 'none'"}
# Any page may use it: the address is the permission, and a cache has one answer for all.
_FOR_ALL = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
_KINDS = [facts.content_type for facts in FORMATS.values()]


class OneResultFile(BaseModel):
    """Which bytes, and the permission to see them."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(description="of the file")
    grant: Annotated[str, StringConstraints(pattern=rf"^[\w-]{{{TEXT_LENGTH}}}$")] = Field(
        description="as it was given; it ends, and fits no other file"
    )
    format: Format


@routes.open_operation(
    "GET /v1/results/{sha256}/{grant}.{format}",
    takes=OneResultFile,
    gives=Gives(200, _KINDS[0], headers=("ETag", "Cache-Control"), files=tuple(_KINDS[1:])),
    problems=(NotFound, ResultExpired, Overloaded, StorageUnavailable),
)
def get_result_file(house: House, _caller: Caller | None, ask: OneResultFile) -> Response:
    """Show a result to whoever has its address, which `GET /v1/jobs/{job_id}/result/link?purpose=embed` gives.

    It never changes. Caches may keep it for as long as `Cache-Control` says, and ask again with `If-None-Match`.
    """
    grant = house.grants.open(ask.grant, ask.sha256, ask.format)
    left = grant.expires_at - int(time.time())
    if left <= 0:
        raise gone()
    result = find_made(house, grant.user_id, grant.job_id, ask.format)
    response = Response(None, 304)
    if ask.sha256 not in request.headers.get("If-None-Match", ""):
        response = Response(fetch_named(house, result.file.storage_key, ask.sha256))
        _describe(response, FORMATS[ask.format].content_type, result.download_name)
    return _cacheable(response, ask.sha256, min(FRESH_SECONDS, left))


def _describe(response: Response, content_type: str, download_name: str) -> None:
    response.content_type = content_type
    response.headers.update(_INERT)
    response.headers.set("Content-Disposition", "attachment", filename=download_name)


def _cacheable(response: Response, digest: str, seconds: int) -> Response:
    response.headers.update(_FOR_ALL)
    response.headers["ETag"] = f'"{digest}"'
    response.headers["Cache-Control"] = f"public, max-age={seconds}, immutable"
    g.standing = None  # where this caller stands is nothing that a cache should tell the next
    return response
