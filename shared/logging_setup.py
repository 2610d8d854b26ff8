"""Logs: one JSON object a line on standard output, an event name and fields, ids bound once."""

import logging
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, cast

import structlog

from shared.errors import ProblemError

# Field names whose values never reach a log line.
SECRET_FIELDS = frozenset({"authorization", "cookie", "token", "password", "secret", "api_key", "email", "name"})
# What never reaches one wherever it stands, also inside what a library or a traceback says: credentials of ours and of
# the providers, session tokens, passwords in addresses, signed links, grants of results, mail addresses.
_SECRETS = re.compile(
    r"(?i:bearer|basic)\s+[\w.~+/=-]{8,}"
    r"|\b(?:tv|sk_live|sk_test|rk_live|rk_test|whsec|sb_secret)_[\w+/=-]{6,}"
    r"|\beyJ[\w-]{5,}\.[\w.-]+"
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"
    r"|(?<=[?&]token=)[^\s&\"']+"
    r"|(?<=/v1/results/[0-9a-f]{64}/)[\w-]+"
    r"|[\w.+-]+@[\w-]+\.[\w.-]*\w"
)
_HIDDEN = "[hidden]"


def setup_logging(level: str, *, process: str, reporter: structlog.typing.Processor | None = None) -> None:
    """Send every log line of this process, ours and the libraries', to standard output as JSON.

    `reporter` sees each line's fields before they become text.
    """
    shared_steps: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([] if reporter is None else [reporter]),
        structlog.processors.format_exc_info,
        _hide_secrets,
    ]
    structlog.configure(
        processors=[*shared_steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_steps,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=_as_text),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("httpx", "httpcore", "urllib3", "hpack", "h2", "stripe"):  # stripe would show bodies at DEBUG
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for events: `log.info("job_succeeded", paths=12)`."""
    return structlog.stdlib.get_logger(name)


def problem_fields(error: ProblemError) -> dict[str, str]:
    """What a log line says of a problem."""
    return {"slug": error.slug, "detail": error.detail}


def without_secrets(value: Any) -> Any:
    """The same text, list or dictionary, at any depth, without what looks like a credential or a mail address."""
    if isinstance(value, str):
        return _SECRETS.sub(_HIDDEN, value)
    if isinstance(value, Mapping):
        fields = cast("Mapping[Any, Any]", value)
        return {name: _HIDDEN if name in SECRET_FIELDS else without_secrets(held) for name, held in fields.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [without_secrets(held) for held in cast("Iterable[Any]", value)]
    return value


def _hide_secrets(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for field, value in event.items():
        if field in SECRET_FIELDS:
            event[field] = _HIDDEN
        elif not field.startswith("_") and isinstance(value, str | Mapping | list | tuple | set | frozenset):
            event[field] = without_secrets(value)
    return event


def _as_text(value: object) -> str:
    """What is neither text nor number, as JSON's last resort: hidden like the rest."""
    return without_secrets(repr(value))
