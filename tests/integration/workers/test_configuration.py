"""Celery as it is configured: what waits where, in which time, and a sentence when a setting is missing."""

import json
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest

from shared import messages
from shared.messages import Queue
from shared.settings import Settings
from tests.integration.workers.running import CELERY, ROOT, environment_of

SHOW = """
import json, celeryconfig
from workers.app import app
app.loader.import_default_modules()
print(json.dumps({
    "tasks": sorted(name for name in app.tasks if not name.startswith("celery.")),
    "routes": {name: app.amqp.router.route({}, name)["queue"].name for name in app.tasks if "celery" not in name},
    "queues": sorted(app.amqp.queues),
    "beat": {entry["task"]: entry["schedule"] for entry in app.conf.beat_schedule.values()},
    "task_limit": app.conf.task_time_limit,
    "visibility": app.conf.broker_transport_options["visibility_timeout"],
    "accepts": app.conf.accept_content,
    "pool": app.conf.worker_pool,
    "stop": app.conf.worker_soft_shutdown_timeout,
}))
"""


@pytest.fixture(scope="module")
def shown(settings: Settings) -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment_of(settings), cwd=ROOT, capture_output=True, check=True
    )
    return json.loads(answer.stdout)


def test_every_message_has_one_task_and_every_task_a_message(shown: dict[str, Any]) -> None:
    assert sorted(messages.BY_TASK) == shown["tasks"]
    assert len(messages.ALL) == len(messages.BY_TASK)


def test_every_message_waits_in_its_own_queue(shown: dict[str, Any]) -> None:
    assert {kind.task: kind.queue.value for kind in messages.ALL} == shown["routes"]
    assert sorted(Queue) == shown["queues"]


def test_beat_sends_known_sweeps_alone(shown: dict[str, Any]) -> None:
    sweeps = {kind.task for kind in messages.ALL if not fields(kind)}  # whatever names nobody looks after everybody
    assert sweeps == shown["beat"].keys()


def test_the_budgets_nest(shown: dict[str, Any], settings: Settings) -> None:
    budgets = [settings.engine_wall_seconds, shown["task_limit"], settings.lease_seconds, shown["visibility"]]
    assert sorted(set(budgets)) == budgets
    assert shown["stop"] < 10, "platforms kill after ten seconds"


def test_only_json_is_read(shown: dict[str, Any]) -> None:
    assert ["json"] == shown["accepts"]


def test_every_task_document_names_every_message() -> None:
    text = (ROOT / "docs" / "reference" / "tasks.md").read_text("utf-8")
    assert [] == [kind.task for kind in messages.ALL if f"`{kind.task}`" not in text]
    assert [] == [queue.value for queue in Queue if f"`{queue.value}`" not in text]


def test_a_missing_setting_stops_the_worker_with_one_sentence(settings: Settings) -> None:
    environment = environment_of(settings)
    del environment["SUPABASE_SERVICE_KEY"]
    answer = subprocess.run(
        [CELERY, "-A", "workers.app", "worker", "-Q", "resize"], env=environment, cwd=ROOT, capture_output=True
    )
    assert 1 == answer.returncode
    assert b"tovector cannot start: SUPABASE_SERVICE_KEY is not set\n" == answer.stderr
