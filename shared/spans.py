"""Spans: how long each part of a request and of its job took, for OpenTelemetry. Off until a setting asks for them.

One trace leads from the request through the queue and the worker to the storage: the job's row carries the request's
`traceparent`. While spans are off nothing of OpenTelemetry is loaded and each call here is a test of one variable.

Nothing personal and no secret goes into a span: names and attributes are of our own words, ids of requests and jobs.
A caller's own `traceparent` is not taken on, or strangers could make us keep what they like.
docs/decisions/0050-traces.md tells why.
"""

import atexit
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol, Self

from pydantic import SecretStr

from shared.settings import Settings

if TYPE_CHECKING:
    from types import TracebackType

    from shared.telemetry import Telemetry

Attributes = Mapping[str, str | int | float]
Kind = Literal["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
_NOTHING: Attributes = {}


class Span(Protocol):
    """A stretch of time, as long as its `with` block."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: "TracebackType | None"
    ) -> None: ...
    def note(self, attributes: Attributes) -> None:
        """Say more of what became of it."""
        ...

    def fail(self, why: str) -> None:
        """Mark it as gone wrong; `why` is a slug or the name of a class."""
        ...


class _Off:
    """A span that is not kept."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, at: object) -> None: ...
    def note(self, attributes: Attributes) -> None: ...
    def fail(self, why: str) -> None: ...


OFF: Span = _Off()


class _Kept:
    """What this process keeps spans with, if it does; a fork has none until it starts its own."""

    def __init__(self) -> None:
        self._telemetry: Telemetry | None = None
        self._process_id = 0

    @property
    def telemetry(self) -> "Telemetry | None":
        telemetry = self._telemetry
        return telemetry if telemetry is None or self._process_id == os.getpid() else None

    def start(self, settings: Settings, *, process: str) -> None:
        if settings.otel_exporter_otlp_endpoint is None and settings.spans_file is None:
            return
        from shared.telemetry import Telemetry

        endpoint = settings.otel_exporter_otlp_endpoint
        self._telemetry = Telemetry(
            process,
            endpoint=None if endpoint is None else str(endpoint),
            headers=_headers(settings.otel_exporter_otlp_headers),
            file=settings.spans_file,
            ratio=settings.spans_ratio,
        )
        self._process_id = os.getpid()
        atexit.register(self.stop)

    def stop(self) -> None:
        telemetry, self._telemetry = self.telemetry, None
        if telemetry is not None:
            telemetry.close()


_kept = _Kept()


def start(settings: Settings, *, process: str) -> None:
    """Keep this process's spans from now on, if the settings ask for it; `process` is what it is, such as "api".

    To be called after a fork, never before: a fork keeps none until it calls this itself.
    """
    _kept.start(settings, process=process)


def stop() -> None:
    """Send what waits, for a few seconds at most, and keep no more."""
    _kept.stop()


def span(name: str, attributes: Attributes = _NOTHING, *, kind: Kind = "INTERNAL") -> Span:
    """A part of what is going on; nothing when what is going on is not kept."""
    telemetry = _kept.telemetry
    if telemetry is None:
        return OFF
    return telemetry.begin_within(name, attributes, kind=kind) or OFF


def beginning(
    name: str, attributes: Attributes, *, kind: Kind, traceparent: str | None = None, started_ns: int | None = None
) -> Span:
    """What other spans are part of: a new trace, or one that goes on where `traceparent` was.

    `started_ns` is when it began, by `now_ns`; by default now.
    """
    telemetry = _kept.telemetry
    if telemetry is None:
        return OFF
    return telemetry.begin(name, attributes, kind=kind, traceparent=traceparent, started_ns=started_ns)


def note_past(name: str, *, started_ns: int, ended_ns: int, traceparent: str | None = None) -> None:
    """A part that is over: of what is going on, or of what `traceparent` names. Times are those of `now_ns`."""
    telemetry = _kept.telemetry
    if telemetry is not None:
        started_ns = min(started_ns, ended_ns)  # another machine's clock may be ahead
        telemetry.note_past(name, started_ns=started_ns, ended_ns=ended_ns, traceparent=traceparent)


def current_traceparent() -> str | None:
    """What is going on, as W3C Trace Context writes it; None while spans are off."""
    if _kept.telemetry is None:
        return None
    from shared import telemetry

    return telemetry.current_traceparent()


def now_ns() -> int:
    """The machine's wall clock as spans count it: nanoseconds since 1970."""
    return time.time_ns()


def _headers(given: SecretStr | None) -> Mapping[str, str]:
    """`name=value,name=value`, as OpenTelemetry writes headers in the environment."""
    if given is None:
        return {}
    pairs = (pair.partition("=") for pair in given.get_secret_value().split(",") if pair.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}
