"""What every request and answer carries: an id, safe headers, CORS, a log line, a measurement."""

import contextlib
import re
import time

import structlog
from flask import Flask, Response, g, request

from api import limits
from api.house import here
from shared import metrics, spans
from shared.ids import new_id
from shared.logging_setup import get_logger

log = get_logger(__name__)

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,80}")
_NOTHING_LOADS = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE"
_ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id"
_EXPOSED_HEADERS = (
    "ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id"
)
_PROBED = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds by machines
_YEAR_SECONDS = 31_536_000
_MOST_DRAINED_BYTES = 25_000_000
_DRAIN_SECONDS = 2.0
_PIECE_BYTES = 64 * 1024


def register(app: Flask) -> None:
    """Wrap every request of the app."""
    app.before_request(_open)
    app.after_request(_close)


def _open() -> Response | None:
    g.started = time.perf_counter()
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _SANE_ID.fullmatch(given) else new_id().hex
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    g.span = _begin_span().__enter__()
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return Response(None, 204)
    return None


def _begin_span() -> spans.Span:
    """The span of this request, named by its route: what a client sent is in neither name nor attributes."""
    if request.path in _PROBED:
        return spans.OFF
    method = metrics.known_method(request.method)
    route = "unknown" if request.url_rule is None else re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", request.url_rule.rule)
    attributes = {"http.request.method": method, "http.route": route, "request_id": g.request_id}
    return spans.beginning(f"{method} {route}", attributes, kind="SERVER")


def _close(response: Response) -> Response:
    limits.add_headers(response)
    _add_security(response)
    _add_cors(response)
    response.headers["X-Request-Id"] = g.request_id
    _note(response)
    if response.status_code >= 400 and request.content_length:
        _drain()
    return response


def _drain() -> None:
    """Read the rest of a refused request, within bounds: else its sender would see a broken connection, no answer."""
    body, left, until = request.environ["wsgi.input"], _MOST_DRAINED_BYTES, time.monotonic() + _DRAIN_SECONDS
    with contextlib.suppress(OSError, ValueError):  # the sender is gone, or the body was closed
        while left > 0 and time.monotonic() < until and (piece := body.read(min(left, _PIECE_BYTES))):
            left -= len(piece)


def safe_headers(*, secure: bool) -> list[tuple[str, str]]:
    """What protects whoever opens an answer in a browser; `secure` where customers come by https."""
    headers = [
        ("Content-Security-Policy", _NOTHING_LOADS),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Frame-Options", "DENY"),
    ]
    if secure:
        headers.append(("Strict-Transport-Security", f"max-age={_YEAR_SECONDS}; includeSubDomains"))
    return headers


def _add_security(response: Response) -> None:
    for name, value in safe_headers(secure=here().settings.public_url.scheme == "https"):
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")


def _add_cors(response: Response) -> None:
    """Let a browser use the answer, if its page is one of the configured front ends."""
    allowed = here().settings.cors_origins
    if not allowed or "Access-Control-Allow-Origin" in response.headers:
        return
    response.headers.add("Vary", "Origin")
    origin = request.headers.get("Origin")
    if origin not in allowed:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = _ALLOWED_METHODS
        response.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = "600"


def _note(response: Response) -> None:
    seconds = time.perf_counter() - g.started
    route = request.endpoint or "unknown"
    metrics.REQUESTS.labels(route, metrics.known_method(request.method), response.status_code).inc()
    if "wait" not in request.args:
        metrics.REQUEST_SECONDS.labels(route).observe(seconds)
    log.info(
        "request_answered",
        method=request.method,
        path=request.path,
        status=response.status_code,
        milliseconds=round(seconds * 1000, 1),
    )
    structlog.contextvars.unbind_contextvars("request_id", "job_id")
    g.span.note({"http.response.status_code": response.status_code})
    if response.status_code >= 500:
        g.span.fail(str(response.status_code))
    g.span.__exit__(None, None, None)
