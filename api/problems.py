"""Failures as the caller sees them: RFC 9457 problem bodies. The HTTP status of every problem is here and only here."""

import json
from collections.abc import Mapping, Sequence

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from api.house import here
from shared import errors
from shared.errors import ProblemError, TransientError
from shared.logging_setup import get_logger, problem_fields

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
REALM = 'Bearer realm="tovector"'

STATUS: Mapping[type[ProblemError], int] = {
    errors.InternalError: 500,
    errors.Unauthenticated: 401,
    errors.AdminRequired: 403,
    errors.SignInUnavailable: 503,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.RequestInvalid: 422,
    errors.OptionsInvalid: 422,
    errors.RateLimited: 429,
    errors.Overloaded: 503,
    errors.IdempotencyKeyReused: 422,
    errors.IdempotencyKeyInFlight: 409,
    errors.VatIdInvalid: 422,
    errors.PaymentsUnavailable: 503,
    errors.PaymentsRefused: 500,
    errors.PaymentNotOurs: 409,
    errors.WebhookInvalid: 400,
    errors.UploadTooLarge: 413,
    errors.TooManyPixels: 413,
    errors.UnsupportedMediaType: 415,
    errors.AnimatedImage: 415,
    errors.ImageUndecodable: 422,
    errors.ImageNotReady: 409,
    errors.ImageNotUsable: 409,
    errors.ImageExpired: 410,
    errors.InsufficientCredits: 402,
    errors.JobNotFinished: 409,
    errors.JobHasNoResult: 409,
    errors.JobAlreadyFinished: 409,
    errors.FormatNotMade: 404,
    errors.FormatNotReady: 409,
    errors.ResultExpired: 410,
    errors.AttemptsExhausted: 503,
    errors.LeaseLost: 409,
    errors.TooComplex: 422,
    errors.EngineCrashed: 500,
    errors.StorageUnavailable: 503,
    errors.StorageRefused: 500,
    errors.StorageObjectMissing: 404,
    errors.DatabaseUnavailable: 503,
    errors.CommitUnknown: 503,
    errors.CacheUnavailable: 503,
}
_OF_HTTP: Mapping[int, type[ProblemError]] = {
    401: errors.Unauthenticated,
    403: errors.AdminRequired,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.UploadTooLarge,
    415: errors.UnsupportedMediaType,
    429: errors.RateLimited,
}
_HTTP_DETAIL: Mapping[int, str] = {
    404: "There is no such address; GET /openapi.json lists them all.",
    405: "This address does not take that method; the Allow header names those it takes.",
    413: "The body of the request is too large.",
}


def status_of(kind: type[ProblemError]) -> int:
    """The HTTP status of a problem; a subclass without one of its own has its parent's."""
    return next((STATUS[parent] for parent in kind.__mro__ if parent in STATUS), 500)


def problem_type(slug: str) -> str:
    """The address that names a problem and explains it."""
    return f"{str(here().settings.public_url).rstrip('/')}/docs/problems#{slug}"


def shown_problem(kept: Mapping[str, object] | None) -> dict[str, object] | None:
    """A problem that is kept with a job or image, as its owner sees it."""
    return None if kept is None else {"type": problem_type(str(kept.get("slug"))), **kept}


def answer_problem(problem: ProblemError) -> Response:
    """The answer to a request that failed."""
    status = status_of(type(problem))
    body: dict[str, object] = {
        "type": problem_type(problem.slug),
        "slug": problem.slug,
        "title": problem.title,
        "status": status,
        # What failed inside is for the log; the caller can only quote the request id.
        "detail": problem.detail if status != 500 else "The cause is noted in our log under this request_id.",
        "instance": request.path,
        "request_id": g.get("request_id", ""),
    }
    if status != 500:
        body |= problem.extra
    response = Response(json.dumps(body), status, content_type=MEDIA_TYPE)
    if isinstance(problem, TransientError):
        response.headers["Retry-After"] = str(problem.extra.get("retry_after_seconds", 1))
    if status == 401:
        response.headers["WWW-Authenticate"] = REALM
    return response


def field_problems(found: Sequence[tuple[str, str]]) -> dict[str, object]:
    """The `errors` member: which fields are wrong (JSON pointers) and why."""
    return {"errors": [{"pointer": pointer, "detail": detail} for pointer, detail in found]}


def register(app: Flask) -> None:
    """Let every failure of the app leave as a problem."""
    app.register_error_handler(ProblemError, _on_problem)
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(Exception, _on_surprise)


def _on_problem(problem: ProblemError) -> Response:
    status = status_of(type(problem))
    if status == 500:
        log.error("request_failed", **problem_fields(problem), exc_info=problem)
    elif status > 500:
        # Foreseen, and during an outage every request: one line each, with what was behind it.
        log.warning("request_failed", **problem_fields(problem), cause=repr(problem.__cause__))
    return answer_problem(problem)


def _on_http(error: HTTPException) -> Response:
    """What Flask itself refuses; its headers (Allow on 405) are kept."""
    status = error.code or 500
    if status < 400:
        return Response(response=None, status=status, headers=error.get_headers())
    kind = _OF_HTTP.get(status, errors.RequestInvalid if status < 500 else errors.InternalError)
    response = answer_problem(kind(_HTTP_DETAIL.get(status)))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _on_surprise(error: Exception) -> Response:
    log.error("request_crashed", exc_info=error)
    return answer_problem(errors.InternalError())
