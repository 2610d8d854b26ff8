"""Polls, against a Flask app that says hello on the same server: one gunicorn process each, so that it is the limit."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from dev.children import Program, wait_until
from dev.home import CHECKOUT
from dev.ports import free_ports
from dev.probes import http_answers
from tests.acceptance.pictures import drawing
from tests.benchmarks.bench import UNLIMITED, Bench
from tests.benchmarks.http import Line, request, requests_a_second
from tests.benchmarks.pairs import in_turns
from tests.benchmarks.table import Report, Row, Target, at_least, row

SECONDS = 0.6
LINES = 4
WITH_AUTH = at_least(0.6)
UNCHANGED = at_least(0.85)


def polls(bench: Bench) -> Report:
    """`GET /v1/jobs/{id}` with a session token, of a job that has ended and of one that waits; then the same as 304."""
    hello = serve(bench, "hello", "tests/benchmarks/hello_gunicorn.py", "tests.benchmarks.hello:app", {}, "/hello")
    settings = bench.stack.running.settings
    api = serve(bench, "polled", "deploy/gunicorn.py", "api.wsgi:app", settings, "/healthz")
    image = bench.person.upload("polled.png", drawing(), bench.folder)
    ended = bench.person.customer.finish(bench.person.customer.submit(image, "vectorizations"))
    rows = list(of_one_job(bench, hello, api, ended["job_id"], "an ended job"))
    with bench.nobody_vectorizes():
        waiting = bench.person.customer.submit(image, "vectorizations")
        rows += of_one_job(bench, hello, api, waiting["job_id"], "a waiting job")
    return Report(rows)


def of_one_job(bench: Bench, hello: str, api: str, job_id: str, what: str) -> tuple[Row, Row]:
    """The polls of one job, answered in full and as unchanged."""
    path = f"/v1/jobs/{job_id}"
    with Line(api, bench.person.token) as line:
        etag = line.get(path).header("ETag") or ""
    authorization = {"Authorization": f"Bearer {bench.person.token}"}

    def measured(name: str, headers: Mapping[str, str], status: int, target: Target) -> Row:
        wire = request("GET", api, path, headers)
        floor = request("GET", hello, "/hello", {})
        pairs = in_turns(
            lambda: requests_a_second(api, wire, seconds=SECONDS, lines=LINES, status=status),
            lambda: requests_a_second(hello, floor, seconds=SECONDS, lines=LINES, status=200),
            bench.pairs,
        )
        return row(name, pairs, "/s", target)

    return (
        measured(f"polls of {what} ÷ Flask hello", authorization, 200, WITH_AUTH),
        measured(f"polls of {what}, 304 ÷ Flask hello", authorization | {"If-None-Match": etag}, 304, UNCHANGED),
    )


def serve(bench: Bench, name: str, configuration: str, app: str, settings: Mapping[str, str], path: str) -> str:
    """A server of its own with one process; returns its address."""
    (port,) = free_ports(1)
    metrics = bench.folder / f"metrics-{name}"
    metrics.mkdir(exist_ok=True)
    own = {"PORT": str(port), "WEB_CONCURRENCY": "1", "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)} | dict(settings) | UNLIMITED | own
    gunicorn = str(Path(sys.executable).parent / "gunicorn")
    child = bench.children.start(Program(name, (gunicorn, "-c", str(CHECKOUT / configuration), app), environment))
    ready = http_answers(port, path)
    wait_until(ready, child)
    return f"http://127.0.0.1:{port}"
