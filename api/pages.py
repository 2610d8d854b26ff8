"""The pages that people see: the editor at `/`, the operators' dashboard at `/admin`, and the files they are made of.

Plain HTML, CSS and ES modules out of `api/web/`, without a build step. Each file is read and compressed once a process.
A page may run no script and no style but these files and the sign-in provider's script, and shows pictures from here
and from storage alone.
"""

import gzip
import html
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

from flask import Response, request
from pydantic import BaseModel, Field

from api.answers import etag_of
from api.house import House
from api.limits import Limit
from api.routes import Gives, Nothing, Routes
from api.session import Caller
from shared.errors import NotFound
from shared.origins import origin_of
from shared.settings import Settings

routes = Routes("pages")

WEB = Path(__file__).parent / "web"
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class File:
    """A file of a page, as it is sent."""

    content_type: str
    data: bytes
    packed: bytes
    etag: str

    @staticmethod
    def of(data: bytes, content_type: str) -> "File":
        """The file, and the same compressed."""
        return File(content_type, data, gzip.compress(data, mtime=0), etag_of(data))


@routes.open_operation("GET /", takes=Nothing, gives=Gives(200, "text/html"))
def get_editor_page(house: House, _caller: Caller | None, _: Nothing) -> Response:
    """Show the page where people vectorize their pictures."""
    return _page(house.settings, "index.html")


@routes.open_operation("GET /admin", takes=Nothing, gives=Gives(200, "text/html"))
def get_dashboard_page(house: House, _caller: Caller | None, _: Nothing) -> Response:
    """Show the operators' dashboard. The page holds no figures: its script asks for them with a session."""
    return _page(house.settings, "admin.html")


class PageFile(BaseModel):
    """Which file of the pages."""

    name: str = Field(max_length=60)


@routes.open_operation(
    "GET /assets/{name}", takes=PageFile, gives=Gives(200, "application/octet-stream"), limit=Limit.NONE,
    problems=(NotFound,),
)  # fmt: skip
def get_page_file(_house: House, _caller: Caller | None, ask: PageFile) -> Response:
    """Show a file that the pages are made of."""
    file = _files().get(ask.name)
    if file is None:
        raise NotFound
    return _send(file)


def policy(settings: Settings) -> str:
    """What a page may load and run (Content Security Policy Level 3)."""
    storage = origin_of(str(settings.supabase_url))
    return (
        f"default-src 'none'; script-src 'self' {settings.issuer}; style-src 'self'; img-src 'self' blob: {storage};"
        f" connect-src 'self' {settings.issuer};"
        " worker-src blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )


@cache
def _files() -> dict[str, File]:
    found = [path for path in WEB.iterdir() if path.suffix in TYPES]
    return {path.name: File.of(path.read_bytes(), TYPES[path.suffix]) for path in found}


def _page(settings: Settings, name: str) -> Response:
    response = _send(_filled(name, _told(settings)))
    response.headers["Content-Security-Policy"] = policy(settings)
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response


def _told(settings: Settings) -> tuple[tuple[str, str], ...]:
    """What a page is told of the installation."""
    return (
        ("issuer", settings.issuer),
        ("publishable_key", settings.clerk_publishable_key or ""),
        ("megabytes", f"{settings.upload_max_bytes / 1_000_000:g}"),
        ("megapixels", f"{settings.upload_max_pixels / 1_000_000:g}"),
        ("hours", str(settings.image_lifetime_hours)),
    )


@cache
def _filled(name: str, told: tuple[tuple[str, str], ...]) -> File:
    text = Template((WEB / name).read_text("utf-8"))
    return File.of(text.substitute({key: html.escape(value) for key, value in told}).encode(), _HTML)


def _send(file: File) -> Response:
    """The file, compressed for whoever takes that; 304 for whoever has it already."""
    headers = {"ETag": file.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if file.etag in request.headers.get("If-None-Match", ""):
        return Response(None, 304, headers)
    if "gzip" in request.accept_encodings:
        headers["Content-Encoding"] = "gzip"
        return Response(file.packed, headers=headers, content_type=file.content_type)
    return Response(file.data, headers=headers, content_type=file.content_type)
