"""Unforeseen errors, reported to Sentry where SENTRY_DSN names a project. Nothing of Sentry is loaded otherwise.

What is reported is what the log calls an error, wherever it comes from: the event's name, the ids bound to its line,
and where in the code it happened. What an exception *says* stays in our log, to be found by those ids: Postgres quotes
whole rows, others file names and addresses, and no pattern finds them all. No values of variables, no request, no
argument, no name of a machine leaves us either. docs/decisions/0050-traces.md
"""

import atexit
import contextlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from structlog.typing import EventDict, Processor

from shared.logging_setup import without_secrets
from shared.settings import Settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

LAST_SECONDS = 2.0
"""How long the end of a process waits for reports to be sent."""
TAGS = ("request_id", "job_id", "image_id", "task_id", "task", "slug", "attempt", "format", "logger")
_REPORTED = {"error", "critical"}
_OF_REPORTING = ("sentry_sdk", "opentelemetry", "urllib3")


def reporter(settings: Settings, *, process: str) -> Processor | None:
    """What reports errors as they are logged, as a step of the log; None without SENTRY_DSN. Safe before a fork."""
    if settings.sentry_dsn is None:
        return None
    import sentry_sdk

    sentry_sdk.init(
        settings.sentry_dsn.get_secret_value(),
        environment=settings.sentry_environment,
        server_name=f"tovector-{process}",
        before_send=_without_words,
        # The log is the one source. Sentry's own hooks would read requests, arguments and variables.
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        data_collection={
            "user_info": False,
            "http_bodies": [],
            "database_query_data": False,
            "queues": False,
            "stack_frame_variables": False,
        },
        max_breadcrumbs=0,
        send_client_reports=False,
        shutdown_timeout=LAST_SECONDS,
    )
    atexit.register(sentry_sdk.flush, LAST_SECONDS)
    return _report


def _report(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A step of the log that changes nothing. A report that fails must not cost the log its line."""
    if event.get("level") in _REPORTED and not str(event.get("logger")).startswith(_OF_REPORTING):
        with contextlib.suppress(Exception):
            _send(event)
    return event


def _send(event: EventDict) -> None:
    import sentry_sdk

    name = _name_of(event)
    with sentry_sdk.new_scope() as scope:
        scope.set_transaction_name(name)
        for tag in event.keys() & set(TAGS):
            scope.set_tag(tag, str(event[tag]))
        error = _error_of(event.get("exc_info"))
        if error is None:
            scope.capture_message(name, level="error")
        else:
            scope.capture_exception(error)
    if event["level"] == "critical":  # nobody goes on after that, and what waits would be lost
        sentry_sdk.flush(LAST_SECONDS)


def _name_of(event: EventDict) -> str:
    """Our event's name; of a library's line what it was made from, without the values."""
    record = event.get("_record")
    return str(event["event"]) if record is None else without_secrets(str(record.msg))


def _error_of(given: object) -> BaseException | None:
    match given:
        case BaseException():
            return given
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exception()
        case _:
            return None


def _without_words(event: "Event", _hint: "Hint") -> "Event":
    """Take out what exceptions say; their classes and places stay."""
    shown = cast("Mapping[str, Any]", event.get("exception") or {})
    for raised in shown.get("values") or ():
        raised["value"] = ""
    return event
