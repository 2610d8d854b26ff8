"""Celery's hard time limit for pools of threads, which cannot be killed one by one: the process ends.

Every step of a task is bounded by itself, so this never happens; if it does, the supervisor starts a fresh
worker, and the lease gives the job to whoever comes next.
"""

import os
import threading
import time

from shared.logging_setup import get_logger

log = get_logger(__name__)

EX_TEMPFAIL = 75
LOOK_SECONDS = 1.0


class Watchdog:
    """Knows since when each task runs."""

    def __init__(self, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self._started: dict[str, float] = {}

    def begin(self, task_id: str) -> None:
        """A task begins."""
        self._started[task_id] = time.monotonic()

    def end(self, task_id: str) -> None:
        """A task has ended."""
        self._started.pop(task_id, None)

    def overdue(self) -> list[str]:
        """The tasks that have run longer than the limit."""
        oldest = time.monotonic() - self._limit_seconds
        return [task_id for task_id, started in self._started.copy().items() if started < oldest]

    def watch(self) -> None:
        """Look for overdue tasks for ever, in a thread of its own."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def _watch(self) -> None:
        while not (overdue := self.overdue()):
            time.sleep(LOOK_SECONDS)
        log.critical("task_overdue", tasks=overdue, limit_seconds=self._limit_seconds)
        os._exit(EX_TEMPFAIL)
