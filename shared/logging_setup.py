"""Logs: one JSON object a line on standard output, an event name and fields, ids bound once."""

import logging
import sys

import structlog

from shared.errors import ProblemError

# Field names whose values never reach a log line.
SECRET_FIELDS = frozenset({"authorization", "cookie", "token", "password", "secret", "api_key", "email", "name"})


def setup_logging(level: str, *, process: str) -> None:
    """Send every log line of this process, ours and the libraries', to standard output as JSON."""
    shared_steps: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
        structlog.processors.format_exc_info,
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
                structlog.processors.JSONRenderer(),
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


def _hide_secrets(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for field in SECRET_FIELDS & event.keys():
        event[field] = "[hidden]"
    return event
