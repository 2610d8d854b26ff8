"""Real worker processes, started as the Procfile starts them."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psutil
from pydantic import SecretStr

from dev.children import Child, Children, Program, wait_until
from shared.messages import Queue
from shared.settings import Settings

ROOT = Path(__file__).parents[3]
CELERY = str(ROOT / ".venv" / "bin" / "celery")


def environment_of(settings: Settings, **more: str) -> dict[str, str]:
    """These settings as a process's environment."""
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    texts = {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in values.items()
        if isinstance(value, (SecretStr, str, int, float, Decimal)) or name.endswith(("_url", "_issuer"))
        if value is not None
    }
    ours = {name: value for name, value in os.environ.items() if name not in texts}
    return ours | texts | {"PYTHONPATH": str(ROOT)} | more


def until(holds: Callable[[], bool], seconds: float = 30.0) -> float:
    """Wait until something holds; returns how long it took. Fails when it never does."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < seconds, f"did not come true within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - started


@dataclass(frozen=True, slots=True)
class Worker:
    """One running worker."""

    children: Children
    child: Child

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self.child.log.read_text("utf-8", "replace")

    def engine_processes(self) -> list[psutil.Process]:
        """The engine's processes: the nursery and its children."""
        return psutil.Process(self.child.process.pid).children(recursive=True)

    def freeze_engine(self) -> list[psutil.Process]:
        """Stop the clock of the engine's children, so that the next job takes as long as the test likes.

        Returns them, to be resumed. The nursery lives on: who replaces them gets one that works.
        """
        (nursery,) = psutil.Process(self.child.process.pid).children()
        until(lambda: bool(nursery.children()))
        frozen = nursery.children(recursive=True)
        for process in frozen:
            process.suspend()
        return frozen

    def kill(self) -> None:
        """End it as the kernel or an operator might: at once."""
        self.child.process.send_signal(signal.SIGKILL)
        self.child.process.wait()
        self.children.forget(self.child)

    def stop(self, grace_seconds: float = 30.0) -> float:
        """Ask it to stop; returns how many seconds it took."""
        started = time.monotonic()
        self.child.process.send_signal(signal.SIGTERM)
        self.child.process.wait(grace_seconds)
        self.children.forget(self.child)
        return time.monotonic() - started


def start_worker(children: Children, settings: Settings, *queues: Queue, name: str = "worker", **more: str) -> Worker:
    """A worker of these queues, ready to work."""
    command = (
        CELERY, "-A", "workers.app", "worker", "-Q", ",".join(queues), "-n", f"{name}@%h",
        "--without-mingle", "--without-gossip",
    )  # fmt: skip
    child = children.start(Program(name, command, environment_of(settings, **more)))
    worker = Worker(children, child)
    wait_until(lambda: "ready." in worker.log, child, timeout_seconds=60)
    return worker


def start_beat(children: Children, settings: Settings) -> Child:
    """Beat, as the Procfile starts it."""
    command = (CELERY, "-A", "workers.app", "beat", "--pidfile=")
    return children.start(Program("beat", command, environment_of(settings)))
