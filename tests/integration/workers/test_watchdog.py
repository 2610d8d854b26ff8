"""The hard limit of a task in a pool of threads."""

import subprocess
import sys
import time

from tests.integration.workers.running import ROOT
from workers.watchdog import EX_TEMPFAIL, Watchdog


def test_only_tasks_beyond_the_limit_are_overdue() -> None:
    watchdog = Watchdog(limit_seconds=0.1)
    watchdog.begin("long")
    watchdog.begin("finished")
    time.sleep(0.15)
    watchdog.begin("young")
    watchdog.end("finished")
    watchdog.end("unknown")
    assert ["long"] == watchdog.overdue()


def test_a_worker_whose_task_hangs_ends_itself() -> None:
    script = (
        "import time; from workers.watchdog import Watchdog; watchdog = Watchdog(0.1);"
        "watchdog.watch(); watchdog.begin('hangs'); time.sleep(30)"
    )
    hanging = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=20, check=False, capture_output=True)
    assert EX_TEMPFAIL == hanging.returncode
