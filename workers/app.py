"""The Celery application: `celery -A workers.app worker|beat|flower`. The tasks are named in celeryconfig.py."""

import logging
import sys
import threading
from typing import Any, cast

import structlog
from celery import Celery, Task, signals

import celeryconfig
from shared import figures, metrics, sentry, spans
from shared.errors import ProblemError
from shared.logging_setup import get_logger, problem_fields, setup_logging
from shared.messages import Queue
from workers.delivery import Woken
from workers.resources import close_resources, resources
from workers.watchdog import Watchdog

log = get_logger(__name__)
app = Celery("tovector", task_cls=Woken)
app.config_from_object(celeryconfig)

ENGINE_QUEUES = frozenset(name.value for name in (Queue.RESIZE, Queue.ANALYSIS, Queue.PREVIEW, Queue.VECTORIZE))
SWEEPS = {str(entry["task"]): cast("float", entry["schedule"]) for entry in celeryconfig.beat_schedule.values()}
watchdog = Watchdog(celeryconfig.task_time_limit)


@signals.setup_logging.connect
def log_as_json(**_: Any) -> None:
    """Keep Celery from setting up logs of its own."""
    process = next((word for word in sys.argv if word in ("worker", "beat", "flower")), "celery")
    settings = celeryconfig.settings
    setup_logging(settings.log_level, process=process, reporter=sentry.reporter(settings, process=process))
    for chatty in ("celery.worker.strategy", "celery.worker.request", "celery.app.trace", "celery.beat"):
        logging.getLogger(chatty).setLevel(logging.WARNING)  # the house logs each attempt itself


@signals.celeryd_after_setup.connect
def get_ready(sender: str, instance: Any, **_: Any) -> None:
    """Load the engine before the first message is taken, and watch over the tasks."""
    log.info("worker_starting", worker=sender)
    watchdog.watch()
    if celeryconfig.settings.metrics_port is not None:
        metrics.serve(celeryconfig.settings.metrics_port)
    if "prefork" not in str(instance.pool_cls):
        _warm(engine=bool(ENGINE_QUEUES & set(instance.app.amqp.queues.consume_from)))


@signals.worker_process_init.connect
def get_child_ready(**_: Any) -> None:
    """In a pool of processes each has an engine of its own."""
    _warm(engine=True)


@signals.task_prerun.connect
def begin_task(task_id: str, task: "Task[..., object]", **_: Any) -> None:
    """Bind the task's id to every log line of its thread, and the id of the request that sent its message."""
    watchdog.begin(task_id)
    structlog.contextvars.bind_contextvars(task_id=task_id, task=task.name)
    if request_id := cast("Any", task).request.get("request_id"):
        structlog.contextvars.bind_contextvars(request_id=request_id)


@signals.task_postrun.connect
def end_task(task_id: str, **_: Any) -> None:
    """Forget the task."""
    watchdog.end(task_id)
    structlog.contextvars.unbind_contextvars("task_id", "task", "request_id")


@signals.task_success.connect
def note_sweep(sender: "Task[..., object]", **_: Any) -> None:
    """Keep when a sweep last ended well: who does not come is noticed by what is missing."""
    interval = SWEEPS.get(sender.name)
    if interval is None:
        return
    try:
        with resources().maintenance.transaction() as db:
            figures.insert_sweep(db, sender.name.rpartition(".")[2], interval_seconds=interval)
    except ProblemError as problem:
        log.warning("sweep_not_noted", **problem_fields(problem))


@signals.worker_shutting_down.connect
def give_long_work_back(**_: Any) -> None:
    """SIGTERM: take no more messages; what is not done soon goes back to the queue, its attempt uncounted."""
    # Runs in a signal handler, which must not wait for the lock of resources.
    threading.Thread(target=lambda: resources().stopping.begin(celeryconfig.worker_soft_shutdown_timeout)).start()


@signals.worker_process_shutdown.connect
@signals.worker_shutdown.connect
def close(**_: Any) -> None:
    """Leave no process and no connection behind."""
    close_resources()
    spans.stop()


def _warm(*, engine: bool) -> None:
    spans.start(celeryconfig.settings, process="worker")
    try:
        resources().warm(engine=engine)
    except ProblemError as error:
        raise SystemExit(f"tovector cannot start: {error.detail}") from error
    log.info("worker_warm", engine=engine)
