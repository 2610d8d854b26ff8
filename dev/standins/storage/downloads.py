"""Serves the bytes of an object: whole, in ranges, or not at all where the caller has them already."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import quote

from dev.standins.storage.objects import Bucket, ObjectRow
from dev.standins.storage.problems import invalid_range
from dev.standins.web import FileSlice, Request, Response

ONE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def download(request: Request, bucket: Bucket, row: ObjectRow, *, link_expires_at: int | None = None) -> Response:
    """Return the answer to a download; by a signed link it says when the link ends and nothing about caching."""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": row.etag,
        "Last-Modified": _http_date(datetime.fromisoformat(row.updated_at)),
    }
    if link_expires_at is None:
        headers["Cache-Control"] = row.cache_control
    else:
        headers["Expires"] = _http_date(datetime.fromtimestamp(link_expires_at, UTC))
        headers["X-Robots-Tag"] = "none"
    if _caller_has_it(request, row):
        return Response(304, headers)
    # HTML would run in the project's own origin, so Supabase serves it as text.
    headers["Content-Type"] = "text/plain" if "text/html" in row.mime_type else row.mime_type
    if "download" in request.query:
        headers["Content-Disposition"] = _attachment(request.query["download"])
    first, last = _wanted(request.headers.get("range", ""), row.size_bytes)
    part = FileSlice(bucket.content_path(row), first, last - first + 1)
    if part.length == row.size_bytes:
        return Response(200, headers, part)
    headers["Content-Range"] = f"bytes {first}-{last}/{row.size_bytes}"
    return Response(206, headers, part)


def _http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _attachment(name: str) -> str:
    if not name:
        return "attachment;"
    encoded = quote(name, safe="!'()*~")
    return f"attachment; filename={encoded}; filename*=UTF-8''{encoded};"


def _caller_has_it(request: Request, row: ObjectRow) -> bool:
    if etags := request.headers.get("if-none-match"):
        return row.etag in etags or etags.strip() == "*"
    if since := request.headers.get("if-modified-since"):
        try:
            updated_at = datetime.fromisoformat(row.updated_at).replace(microsecond=0)
            return updated_at <= parsedate_to_datetime(since)
        except ValueError:
            return False
    return False


def _wanted(header: str, size_bytes: int) -> tuple[int, int]:
    match = ONE_RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return 0, size_bytes - 1
    first, last = match.groups()
    begin = int(first) if first else max(0, size_bytes - int(last))
    end = min(int(last), size_bytes - 1) if first and last else size_bytes - 1
    if begin > end:
        raise invalid_range()
    return begin, end
