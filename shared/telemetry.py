"""OpenTelemetry's SDK, set up for one process. Loaded by `shared.spans` alone, and only where spans are kept."""

import contextlib
import json
import os
from base64 import b64decode
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

from google.protobuf.json_format import MessageToDict
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from typing_extensions import override

from shared.clock import monotonic_seconds
from shared.errors import ProblemError

EXPORT_SECONDS = 3.0
"""Longest that one batch is tried; a collector that is away costs spans and nothing else."""
LAST_SECONDS = 2.0
"""How long after the end of its work a process still begins to send what waits."""

Attributes = Mapping[str, str | int | float]
_W3C = TraceContextTextMapPropagator()
_NO_PARENT = Context()


class KeptSpan:
    """A span that is kept: it lasts as long as its `with` block, and what is begun within is its child."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._current: AbstractContextManager[trace.Span] | None = None

    def __enter__(self) -> Self:
        self._current = trace.use_span(self._span, record_exception=False, set_status_on_exception=False)
        self._current.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:  # its name only: what it says may be personal, or a secret
            self.fail(error.slug if isinstance(error, ProblemError) else type(error).__name__)
        if self._current is not None:
            self._current.__exit__(None, None, None)
        self._span.end()

    def note(self, attributes: Attributes) -> None:
        """Say more of what became of it."""
        self._span.set_attributes(attributes)

    def fail(self, why: str) -> None:
        """Mark it as gone wrong; `why` is a slug or the name of a class."""
        self._span.set_status(Status(StatusCode.ERROR, why))


class Telemetry:
    """What a process keeps its spans with; they are sent by a thread of its own, a batch at a time."""

    def __init__(
        self, service: str, *, endpoint: str | None, headers: Mapping[str, str], file: str | None, ratio: float
    ) -> None:
        resource = Resource.create(
            {"service.namespace": "tovector", "service.name": f"tovector-{service}", "process.pid": os.getpid()}
        )
        sampler = ParentBased(TraceIdRatioBased(ratio))
        self._provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
        self._exporters: list[_Bounded] = []
        if endpoint is not None:
            address = f"{endpoint.rstrip('/')}/v1/traces"
            self._export(OTLPSpanExporter(address, headers=dict(headers), timeout=EXPORT_SECONDS))
        if file is not None:
            self._export(LinesExporter(file))
        self._tracer = self._provider.get_tracer("tovector")

    def _export(self, exporter: SpanExporter) -> None:
        bounded = _Bounded(exporter)
        self._exporters.append(bounded)
        # A second instead of five: who looks for a request that has just failed should find it.
        self._provider.add_span_processor(BatchSpanProcessor(bounded, schedule_delay_millis=1_000))

    def begin(
        self,
        name: str,
        attributes: Attributes,
        *,
        kind: str,
        traceparent: str | None,
        started_ns: int | None = None,
    ) -> KeptSpan:
        """A span that goes on where `traceparent` was, in this process or another; without it, a new trace."""
        parent = _W3C.extract({"traceparent": traceparent}, _NO_PARENT) if traceparent else _NO_PARENT
        return KeptSpan(self._tracer.start_span(name, parent, SpanKind[kind], attributes, start_time=started_ns))

    def begin_within(self, name: str, attributes: Attributes, *, kind: str) -> KeptSpan | None:
        """A span within the current one; None when there is none, or it is not kept."""
        if not trace.get_current_span().is_recording():
            return None
        return KeptSpan(self._tracer.start_span(name, kind=SpanKind[kind], attributes=attributes))

    def note_past(self, name: str, *, started_ns: int, ended_ns: int, traceparent: str | None) -> None:
        """Keep a span of a time that is over: within the current one, or where `traceparent` was."""
        parent = _W3C.extract({"traceparent": traceparent}, _NO_PARENT) if traceparent else None
        self._tracer.start_span(name, parent, start_time=started_ns).end(ended_ns)

    def close(self) -> None:
        """Send what waits, for a few seconds at most."""
        for exporter in self._exporters:
            exporter.begin_to_end()
        self._provider.shutdown()


def current_traceparent() -> str | None:
    """The current span as W3C Trace Context writes it; None when there is none."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get("traceparent")


class LinesExporter(SpanExporter):
    """Adds spans to a file: a line of OTLP's JSON for each batch, as collectors write and read it.

    Format: opentelemetry.io/docs/specs/otel/protocol/file-exporter. Any number of processes may add to one file.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Add the spans in one write, so that no other process's line is torn."""
        line = json.dumps(_as_otlp_json(spans), separators=(",", ":")).encode() + b"\n"
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with contextlib.closing(os.fdopen(file, "wb", buffering=0)) as opened:
                opened.write(line)
        except OSError:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS


class _Bounded(SpanExporter):
    """An exporter that begins no more batches once the process has ended for a while."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._until: float | None = None

    def begin_to_end(self) -> None:
        self._until = monotonic_seconds() + LAST_SECONDS

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._until is not None and monotonic_seconds() > self._until:
            return SpanExportResult.FAILURE
        return self._exporter.export(spans)

    @override
    def shutdown(self) -> None:
        self._exporter.shutdown()


def _as_otlp_json(spans: Sequence[ReadableSpan]) -> dict[str, Any]:
    """OTLP's JSON is protobuf's, but for ids, which are in hex."""
    shown: dict[str, Any] = MessageToDict(encode_spans(spans), use_integers_for_enums=True)
    for resource in shown["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for name in span.keys() & {"traceId", "spanId", "parentSpanId"}:
                    span[name] = b64decode(span[name]).hex()
    return shown
