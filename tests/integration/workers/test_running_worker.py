"""Whole workers as processes: what is sent is done, and what kills them loses nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import structlog

from dev.children import Children, wait_until
from dev.ports import free_ports
from dev.valkey import Valkey
from shared import lifecycle
from shared.invariants import select_all_violations
from shared.jobs import Job, JobKind, JobStatus
from shared.messages import ExpireImages, Message, Queue, Recover
from shared.queue import Publisher
from shared.settings import Settings
from tests.integration.workers.given import Given, logo
from tests.integration.workers.running import start_beat, start_worker, until
from tests.torture.proxy import Proxies


@pytest.fixture
def processes(tmp_path: Path, given: Given, valkey: Valkey) -> Iterator[Children]:
    """What one test starts, it ends, its jobs included: the next test's worker would take their turn."""
    with Children(tmp_path) as children:
        yield children
    valkey.empty()
    given.cancel_open_jobs()


def send(given: Given, *messages: Message) -> None:
    """What the api does after commit."""
    for message in messages:
        given.resources.publisher.publish(message)


def is_over(given: Given, job: Job) -> bool:
    """Whether a job has reached a terminal state."""
    return given.seen(job).status.is_terminal


def slug(given: Given, job: Job) -> object:
    """The slug of a failed job's problem."""
    problem = given.seen(job).problem
    return None if problem is None else problem["slug"]


def violations(given: Given) -> dict[str, list[str]]:
    """What must always hold and does not."""
    with given.resources.maintenance.transaction() as db:
        return select_all_violations(db)


def test_what_is_published_is_done_and_a_stop_is_quick(processes: Children, settings: Settings, given: Given) -> None:
    worker = start_worker(processes, settings, Queue.PREVIEW, Queue.VECTORIZE, Queue.RESIZE, Queue.ANALYSIS)
    user_id = given.account()
    image = given.image(user_id, logo(400), working_max_pixels=40_000)
    send(given, given.resize_message(image))
    until(lambda: given.seen_image(image).status == "ready")
    preview, job = given.job(image, JobKind.PREVIEW), given.job(image)
    send(given, given.message(preview), given.message(job))
    until(lambda: is_over(given, preview) and is_over(given, job))
    assert [JobStatus.SUCCEEDED] * 2 == [given.seen(preview).status, given.seen(job).status]
    assert ("3.8", "0.0") == given.balances(user_id)
    until(lambda: dict.fromkeys(Queue, 0) == given.resources.publisher.queue_lengths())
    assert worker.stop() < 8
    assert dict.fromkeys(Queue, 0) == given.resources.publisher.queue_lengths()
    assert {} == violations(given)


def test_a_job_leads_to_its_own_request_whichever_message_woke_its_worker(
    processes: Children, settings: Settings, given: Given
) -> None:
    worker = start_worker(processes, settings.model_copy(update={"log_level": "DEBUG"}), Queue.VECTORIZE)
    first, second = (given.job(given.image(given.account(), logo())) for _ in range(2))
    for job, request_id in ((first, "the-first-request"), (second, "the-second-request")):
        given.as_owner("UPDATE jobs SET request_id = %s WHERE job_id = %s", request_id, job.job_id)
    with structlog.contextvars.bound_contextvars(request_id="the-second-request"):
        send(given, given.message(second))
    until(lambda: is_over(given, first))  # it came first, so the turn is its
    send(given, given.message(first))
    until(lambda: is_over(given, second))
    worker.stop()
    lines = [json.loads(line) for line in worker.log.splitlines() if line.startswith("{")]
    over = [(line["job_id"], line["request_id"]) for line in lines if line["event"] == "attempt_over"]
    assert [(str(first.job_id), "the-first-request"), (str(second.job_id), "the-second-request")] == over
    # Before its turn is known a task belongs to whoever sent its message; the second came from nobody.
    woken = [line.get("request_id") for line in lines if line["event"] == "woken"]
    assert ["the-second-request", None] == woken


def test_a_picture_beyond_the_budget_is_too_complex_and_the_next_job_runs(
    processes: Children, settings: Settings, given: Given
) -> None:
    worker = start_worker(processes, settings.model_copy(update={"engine_wall_seconds": 1.0}), Queue.VECTORIZE)
    worker.freeze_engine()
    user_id = given.account()
    poison, good = given.job(given.image(user_id, logo())), given.job(given.image(user_id, logo()))
    send(given, given.message(poison), given.message(good))
    until(lambda: given.seen(poison).status is JobStatus.RUNNING)
    assert until(lambda: is_over(given, poison)) < 3.0
    until(lambda: is_over(given, good))
    assert ("too-complex", JobStatus.SUCCEEDED) == (slug(given, poison), given.seen(good).status)
    assert ("4.0", "0.0") == given.balances(user_id)


def test_an_engine_killed_in_the_middle_fails_its_job_at_once(
    processes: Children, settings: Settings, given: Given
) -> None:
    worker = start_worker(processes, settings, Queue.VECTORIZE)
    worker.freeze_engine()
    user_id = given.account()
    job, next_job = given.job(given.image(user_id, logo())), given.job(given.image(user_id, logo()))
    send(given, given.message(job), given.message(next_job))
    until(lambda: given.seen(job).status is JobStatus.RUNNING)
    for process in worker.engine_processes():
        process.kill()
    assert until(lambda: is_over(given, job)) < 2.0
    until(lambda: is_over(given, next_job), 30)
    assert ("engine-crashed", JobStatus.SUCCEEDED) == (slug(given, job), given.seen(next_job).status)
    assert ("4.0", "0.0") == given.balances(user_id)


def test_a_job_whose_worker_was_killed_is_finished_by_the_next(
    processes: Children, settings: Settings, given: Given
) -> None:
    hasty = settings.model_copy(
        update={
            "engine_wall_seconds": 20.0, "task_limit_seconds": 21.0, "lease_seconds": 22.0,
            "recovery_interval_seconds": 0.5, "wakeup_resend_seconds": 1.0,
        }
    )  # fmt: skip
    first = start_worker(processes, hasty, Queue.VECTORIZE)
    first.freeze_engine()
    user_id = given.account()
    image = given.image(user_id, logo())
    job = given.job(image)
    send(given, given.message(job))
    until(lambda: given.seen(job).status is JobStatus.RUNNING)
    engine = first.engine_processes()
    first.kill()
    _, alive = psutil.wait_procs(engine, timeout=5)
    assert [] == alive
    # The lease is what protects a slow worker; here its time passes at once.
    given.as_owner("UPDATE jobs SET lease_until = house_now() WHERE job_id = %s", job.job_id)
    start_worker(processes, hasty, Queue.VECTORIZE, Queue.MAINTENANCE, name="second")
    start_beat(processes, hasty)
    until(lambda: is_over(given, job), 40)
    seen = given.seen(job)
    assert (JobStatus.SUCCEEDED, 2) == (seen.status, seen.attempts)
    assert ("4.0", "0.0") == given.balances(user_id)
    assert [f"{image.user_id}/{image.image_id}/{job.job_id}-{seen.fence}.svg"] == given.keys(image)[:1]
    assert {} == violations(given)


def test_a_stopping_worker_gives_long_work_back_uncounted(
    processes: Children, settings: Settings, given: Given
) -> None:
    first = start_worker(processes, settings, Queue.VECTORIZE)
    first.freeze_engine()
    job = given.job(given.image(given.account(), logo()))
    send(given, given.message(job))
    until(lambda: given.seen(job).status is JobStatus.RUNNING)
    assert first.stop() < 10
    seen = given.seen(job)
    assert (JobStatus.QUEUED, 0) == (seen.status, seen.attempts)
    assert 1 == given.resources.publisher.queue_lengths()[Queue.VECTORIZE]
    with given.resources.database.transaction(user_id=job.user_id) as db:
        lifecycle.cancel(db, seen)


def test_a_worker_outlives_redis(processes: Children, given: Given, settings: Settings, tmp_path: Path) -> None:
    server = Valkey(tmp_path / "own", free_ports(1)[0], durable=False)
    redis = processes.start(server.program())
    wait_until(server.answers, redis)
    own = Settings.model_validate(settings.model_dump() | {"redis_url": server.url()})
    worker = start_worker(processes, own, Queue.VECTORIZE)
    image = given.image(given.account(), logo())
    publisher = Publisher(own.redis_url, timeout_seconds=1)
    before = given.job(image)
    publisher.publish(given.message(before))
    until(lambda: given.seen(before).status is not JobStatus.QUEUED)
    processes.stop([redis], 0)
    until(lambda: is_over(given, before))
    wait_until(server.answers, processes.start(server.program()))
    after = given.job(image)
    assert publisher.send_now([given.message(after)])
    until(lambda: is_over(given, after), 30)
    assert worker.child.process.poll() is None
    publisher.close()


def test_a_worker_goes_on_when_redis_never_hears_that_a_message_is_done(
    processes: Children, given: Given, settings: Settings
) -> None:
    address, (port,) = urlsplit(settings.redis_url.get_secret_value()), free_ports(1)
    proxies = Proxies({"redis": (port, address.port or 0)})
    behind = Settings.model_validate(settings.model_dump() | {"redis_url": f"redis://127.0.0.1:{port}/0"})
    worker = start_worker(processes, behind, Queue.VECTORIZE)
    frozen = worker.freeze_engine()
    account = given.account()
    before = given.job(given.image(account, logo()))
    send(given, given.message(before))
    until(lambda: given.seen(before).status is JobStatus.RUNNING)
    with given.ending_held(before) as ends:
        for process in frozen:
            process.resume()
        until(ends)
        # Only now: a worker that knew for some seconds that Redis is silent would have a new connection to say it on.
        proxies["redis"].half_open()
    until(lambda: "Couldn't ack" in worker.log, 60)
    after = given.job(given.image(account, logo()))
    send(given, given.message(after))
    until(lambda: is_over(given, after), 60)
    worker.kill()
    proxies.close()


def test_sweeps_come_by_beat(processes: Children, settings: Settings, given: Given) -> None:
    often = settings.model_copy(update={"recovery_interval_seconds": 0.3, "retention_interval_seconds": 0.3})
    start_worker(processes, often, Queue.MAINTENANCE, Queue.VECTORIZE)
    start_beat(processes, often)
    image = given.image(given.account(), logo())
    job = given.job(image)  # committed, and its message never sent
    until(lambda: is_over(given, job))
    assert JobStatus.SUCCEEDED == given.seen(job).status
    given.as_owner("UPDATE images SET expiry_timestamp = house_now() WHERE image_id = %s", image.image_id)
    until(lambda: given.keys(image) == [])
    assert {Recover.queue, ExpireImages.queue} == {Queue.MAINTENANCE}
