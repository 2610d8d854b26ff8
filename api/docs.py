"""Documentation that the API serves itself, offline too: `/openapi.json`, `/docs`, `/docs/problems`."""

import html
import json
import re
from functools import cache
from pathlib import Path

import flask_swagger_ui
from flask import Response, send_from_directory
from pydantic import BaseModel, Field

from api.answers import JSON
from api.house import House
from api.limits import Limit
from api.openapi import openapi_document
from api.problems import status_of
from api.routes import Gives, Nothing, Route, Routes
from api.session import Caller
from shared import errors
from shared.errors import NotFound, ProblemError

routes = Routes("documentation")

_BUNDLE = Path(flask_swagger_ui.__file__).parent / "dist"
_SERVED = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})
_PROBLEMS = Path(__file__).parent.parent / "docs" / "reference" / "problems.md"
# The bundle sets styles from script and carries its icons as data; scripts come from here alone.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tovector API</title>
<link rel="icon" href="/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>
</body>
</html>
"""
_START = 'window.ui = SwaggerUIBundle({url: "/openapi.json", dom_id: "#api", deepLinking: true});\n'
_PROBLEMS_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Problems - tovector API</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430 }}
code {{ background: #eef1f5; padding: 0 .25em }}
h2 {{ margin-top: 2rem }}
:target {{ background: #fff3bf }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def described(all_routes: tuple[Route, ...], public_url: str) -> str:
    """The OpenAPI document as text."""
    return json.dumps(openapi_document(all_routes, public_url))


@routes.open_operation("GET /openapi.json", takes=Nothing, gives=Gives(200, JSON))
def get_openapi(house: House, _caller: Caller | None, _: Nothing) -> Response:
    """Show this document."""
    return Response(house.openapi(), content_type=JSON)


@routes.open_operation("GET /docs", takes=Nothing, gives=Gives(200, "text/html"))
def get_docs(_house: House, _caller: Caller | None, _: Nothing) -> Response:
    """Show the interface as a page to read and to try."""
    return _page(_PAGE)


class Asset(BaseModel):
    """Which file of the docs page."""

    name: str = Field(max_length=60)


@routes.open_operation(
    "GET /docs/assets/{name}", takes=Asset, gives=Gives(200, "application/octet-stream"), limit=Limit.NONE,
    problems=(NotFound,),
)  # fmt: skip
def get_asset(_house: House, _caller: Caller | None, ask: Asset) -> Response:
    """Show a file that the docs page is made of."""
    if ask.name == "start.js":
        return Response(_START, content_type="text/javascript; charset=utf-8")
    if ask.name not in _SERVED:
        raise NotFound
    return send_from_directory(_BUNDLE, ask.name, max_age=3600)


@routes.open_operation("GET /docs/problems", takes=Nothing, gives=Gives(200, "text/html"))
def get_problems(_house: House, _caller: Caller | None, _: Nothing) -> Response:
    """Show what each problem means and what to do about it: where the `type` of a problem leads."""
    return _page(_problems_page())


def _page(text: str) -> Response:
    return Response(text, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _POLICY})


@cache
def _problems_page() -> str:
    statuses = {kind.slug: status_of(kind) for kind in vars(errors).values() if _is_problem(kind)}
    return _PROBLEMS_PAGE.format(body=render(_PROBLEMS.read_text("utf-8"), statuses))


def _is_problem(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, ProblemError)


def render(markdown: str, statuses: dict[str, int]) -> str:
    """The little Markdown that the problems page is written in as HTML; each section gets its status."""
    return "\n".join(_block(block.strip(), statuses) for block in markdown.split("\n\n") if block.strip())


def _block(block: str, statuses: dict[str, int]) -> str:
    if block.startswith("## "):
        slug = block[3:].strip()
        status = f" <small>{statuses[slug]}</small>" if slug in statuses else ""
        return f'<h2 id="{html.escape(slug)}">{_inline(slug)}{status}</h2>'
    if block.startswith("# "):
        return f"<h1>{_inline(block[2:])}</h1>"
    return f"<p>{_inline(block)}</p>"


def _inline(text: str) -> str:
    escaped = html.escape(text, quote=False)
    bold = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escaped, flags=re.DOTALL)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", bold)
