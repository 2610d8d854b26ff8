"""What Sentry is told, and what it is never told."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.ports import free_ports
from tests.acceptance.receivers import Reports, open_reports
from tests.unit.shared.test_settings import GOOD

ROOT = Path(__file__).parents[3]
SECRET = "alice.doe@example.com has tv_9aK3LmPq7Rst1vWx at /home/alice-doe"
PREAMBLE = """
import logging, os, sys
from shared import sentry
from shared.logging_setup import get_logger, setup_logging
from shared.settings import load_settings
settings = load_settings()
setup_logging("INFO", process="test", reporter=sentry.reporter(settings, process="test"))
log, library = get_logger("ours"), logging.getLogger("a.library")
personal = sys.stdin.read()
"""


@pytest.fixture
def reports() -> Iterator[Reports]:
    with open_reports() as reports:
        yield reports


def run(program: str, dsn: str) -> list[dict[str, Any]]:
    """The log lines of a program, in a process of its own, that reports to this address."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PREAMBLE + program],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "SENTRY_DSN": dsn} | GOOD,
        input=SECRET,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert "" == done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_errors_are_reported_by_name_and_place_and_ids_and_by_nothing_else(reports: Reports) -> None:
    program = """
def divide(hidden):
    try:
        try:
            raise KeyError(hidden)
        except KeyError as error:
            raise RuntimeError(hidden) from error
    except RuntimeError:
        log.exception("attempt_failed", job_id="j1", request_id="r1", detail=hidden, email=hidden)
divide(personal)
log.info("attempt_over", detail=personal)
log.warning("attempt_late", detail=personal)
log.error("made_no_sense", detail=personal)
library.error("it says %s", personal)
library.warning("it says %s", personal)
"""
    lines = run(program, reports.dsn)
    assert 6 == len(lines)
    failed, odd, library = reports.events()
    assert ["attempt_failed", "made_no_sense", "it says %s"] == [event["transaction"] for event in reports.events()]
    raised = failed["exception"]["values"]
    assert [("KeyError", ""), ("RuntimeError", "")] == [(one["type"], one["value"]) for one in raised]
    assert "divide" == raised[-1]["stacktrace"]["frames"][-1]["function"]
    assert {"job_id": "j1", "request_id": "r1", "logger": "ours"} == failed["tags"]
    assert ({"logger": "ours"}, {"logger": "a.library"}) == (odd["tags"], library["tags"])
    assert {"tovector-test"} == {event["server_name"] for event in reports.events()}
    told = "\n".join(reports.envelopes)
    assert [] == [word for word in (*SECRET.split(), "password") if word in told and len(word) > 3]


def test_the_last_words_of_a_process_arrive(reports: Reports) -> None:
    run('log.critical("task_overdue", tasks=[personal]); os._exit(75)', reports.dsn)
    assert ["task_overdue"] == [event["transaction"] for event in reports.events()]


def test_a_sentry_that_is_away_costs_the_log_nothing_and_the_end_two_seconds() -> None:
    (port,) = free_ports(1)
    started = time.monotonic()
    lines = run('for _ in range(300): log.error("made_no_sense")', f"http://key@127.0.0.1:{port}/1")
    assert 300 == sum(line["event"] == "made_no_sense" for line in lines)
    assert time.monotonic() - started < 8


def test_what_is_forked_reports_too(reports: Reports) -> None:
    program = """
log.critical("before")
if (child := os.fork()) == 0:
    log.critical("within")
    os._exit(0)
os.waitpid(child, 0)
"""
    run(program, reports.dsn)
    assert ["before", "within"] == sorted(event["transaction"] for event in reports.events())
