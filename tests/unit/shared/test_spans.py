"""Spans and error reports: nothing while they are off, safe over a fork, and in nobody's way when they are on."""

import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typing_extensions import override

from dev.ports import free_ports
from tests.unit.shared.test_settings import GOOD

ROOT = Path(__file__).parents[3]
PREAMBLE = "import os, sys, time\nfrom shared import spans\nfrom shared.settings import load_settings\n"
ONE_SPAN = 'with spans.beginning("a", {}, kind="SERVER"): pass\n'


def run(program: str, **environment: str) -> str:
    """What a program prints with these settings, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PREAMBLE + program],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | GOOD | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout


def kept(path: Path) -> list[dict[str, Any]]:
    """The spans in a file, each with the process that kept it."""
    found: list[dict[str, Any]] = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        for resource in json.loads(line)["resourceSpans"]:
            ids = {one["key"]: one["value"] for one in resource["resource"]["attributes"]}
            for scope in resource["scopeSpans"]:
                found += [span | {"pid": int(ids["process.pid"]["intValue"])} for span in scope["spans"]]
    return found


@pytest.mark.parametrize("module", ["api.wsgi", "workers.app"])
def test_while_they_are_off_nothing_of_them_is_loaded(module: str) -> None:
    """redis-py loads a part of OpenTelemetry that counts, whenever it is installed; it is not used."""
    theirs = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "google.protobuf", "sentry_sdk", "shared.telemetry")
    program = f"import {module}\nprint([name for name in sys.modules if name.startswith({theirs})])"
    assert "[]" == run(program).splitlines()[-1]


def test_while_they_are_off_a_span_costs_less_than_two_microseconds() -> None:
    program = """
def once():
    started = time.perf_counter()
    for _ in range(10_000):
        with spans.span("storage put", kind="CLIENT"):
            pass
    return (time.perf_counter() - started) / 10_000
print(min(once() for _ in range(20)))
"""
    assert float(run(program)) < 2e-6


def test_a_span_that_is_part_of_nothing_is_not_kept(tmp_path: Path) -> None:
    program = """
spans.start(load_settings(), process="test")
with spans.span("alone"): pass
with spans.beginning("whole", {"request_id": "r-12345678"}, kind="SERVER"):
    with spans.span("part"): print(spans.current_traceparent())
with spans.span("alone again"): pass
print(spans.current_traceparent())
"""
    within, after = run(program, SPANS_FILE=str(tmp_path / "spans")).splitlines()
    part, whole = kept(tmp_path / "spans")
    assert ("part", "whole", "None") == (part["name"], whole["name"], after)
    assert whole["spanId"] == part["parentSpanId"]
    assert f"00-{whole['traceId']}-{part['spanId']}" == within.rpartition("-")[0]


def test_a_trace_goes_on_in_another_process_and_what_was_not_kept_is_not_kept_there(tmp_path: Path) -> None:
    begin = 'spans.start(load_settings(), process="test")\n'
    go_on = 'with spans.beginning("b", {}, kind="CONSUMER", traceparent=sys.stdin.read()): pass\n'
    ask = 'with spans.beginning("a", {}, kind="SERVER"): print(spans.current_traceparent(), end="")\n'
    for ratio, expected in (("1", ["a", "b"]), ("0", [])):
        path = tmp_path / ratio
        traceparent = run(begin + ask, SPANS_FILE=str(path), SPANS_RATIO=ratio)
        run(begin + go_on.replace("sys.stdin.read()", repr(traceparent)), SPANS_FILE=str(path))
        assert expected == [span["name"] for span in kept(path)]
        assert len({span["traceId"] for span in kept(path)}) == min(1, len(expected))


def test_of_an_error_its_name_is_kept_and_not_what_it_says(tmp_path: Path) -> None:
    program = """
from shared.errors import StorageUnavailable
spans.start(load_settings(), process="test")
for error in (ValueError("alice@example.com"), StorageUnavailable("alice@example.com")):
    try:
        with spans.beginning("a", {}, kind="SERVER"): raise error
    except Exception: pass
"""
    run(program, SPANS_FILE=str(tmp_path / "spans"))
    assert ["ValueError", "storage-unavailable"] == [span["status"]["message"] for span in kept(tmp_path / "spans")]
    assert "alice" not in (tmp_path / "spans").read_text("utf-8")


def test_a_fork_keeps_spans_of_its_own_once_it_has_started(tmp_path: Path) -> None:
    program = f"""
spans.start(load_settings(), process="test")
{ONE_SPAN}
if (child := os.fork()) == 0:
    with spans.beginning("not yet", {{}}, kind="SERVER"):
        assert spans.current_traceparent() is None
    spans.start(load_settings(), process="test")
    {ONE_SPAN}
    spans.stop()
    os._exit(0)
assert (child, 0) == os.waitpid(child, 0)
{ONE_SPAN}
print(os.getpid(), child)
"""
    parent, child = map(int, run(program, SPANS_FILE=str(tmp_path / "spans")).split())
    assert sorted([parent, parent, child]) == sorted(span["pid"] for span in kept(tmp_path / "spans"))


class Collector(ThreadingHTTPServer):
    """Takes spans as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.taken: list[tuple[str, str | None, str]] = []


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body
        asked = ExportTraceServiceRequest.FromString(body)
        (name,) = [span.name for one in asked.resource_spans for scope in one.scope_spans for span in scope.spans]
        cast("Collector", self.server).taken.append((self.path, self.headers["X-Api-Key"], name))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()


def test_a_collector_is_sent_what_is_kept_with_its_headers(collector: Collector) -> None:
    where = f"http://127.0.0.1:{collector.server_port}"
    headers = "x-api-key=only-for=tests, x-more=1"
    program = 'spans.start(load_settings(), process="test")\n' + ONE_SPAN
    run(program, OTEL_EXPORTER_OTLP_ENDPOINT=where, OTEL_EXPORTER_OTLP_HEADERS=headers)
    assert [("/v1/traces", "only-for=tests", "a")] == collector.taken


def test_a_collector_that_is_away_costs_the_end_of_a_process_a_few_seconds_and_nothing_before() -> None:
    program = f"""
spans.start(load_settings(), process="test")
started = time.perf_counter()
for _ in range(3_000):
    {ONE_SPAN}
print(time.perf_counter() - started)
"""
    started = time.monotonic()
    (port,) = free_ports(1)
    seconds = float(run(program, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}"))
    assert seconds < 2
    assert time.monotonic() - started < 12
