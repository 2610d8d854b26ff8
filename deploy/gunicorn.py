"""How the API is served. docs/decisions and docs/benchmarks.md tell why, with numbers.

Threads, because a request waits for Postgres, storage or a job far longer than it computes; many of
them, because `?wait=` holds one without holding a database connection.
"""

import importlib
import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from gunicorn.http import wsgi
from typing_extensions import override

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "600"))

# gthread refuses connections above worker_connections even while threads are free.
worker_connections = threads + 400
backlog = 2048
keepalive = 75  # longer than the 60 s of the load balancers in front, so that they close first

# A waiting client is woken and answered at once when a stop is asked for; an upload gets this long.
graceful_timeout = 25
timeout = 60
max_requests = 0  # memory is watched instead: a recycled worker would drop its waiting clients

# Only a proxy of ours may say who the client is.
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")
limit_request_line = 4094
limit_request_fields = 60
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a heartbeat must not wait for a disk

accesslog = None  # the API logs each request itself, with its id
errorlog = "-"
loglevel = "warning"
control_socket_disable = True


# Other people's code, imported once and shared by the workers: a second off each start and 40 MB off each worker.
# Our own is loaded by each worker, so that a reload (SIGHUP) brings a new version without refusing a request.
SHARED_IMPORTS = (
    "flask", "jwt", "psycopg_pool", "pydantic_settings", "redis", "stripe", "structlog", "supabase", "uuid_utils",
)  # fmt: skip


class Held:
    """Stands for a connection and keeps what would have been sent."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def sendall(self, part: bytes) -> None:
        """As a socket's, at once."""
        self.parts.append(part)


class Response(wsgi.Response):
    """An answer whose head leaves together with the first part of its body, where gunicorn sends one after the other.

    A proxy that has seen a head cannot ask another replica any more. So a process that is killed between the two would
    be a failure its client sees; an answer that leaves in one piece is either there or can be had from the other.
    """

    @override
    def write(self, arg: bytes) -> None:
        if self.headers_sent:
            super().write(arg)
            return
        connection, self.sock = self.sock, Held()
        try:
            super().write(arg)
            whole = b"".join(self.sock.parts)
        finally:
            self.sock = connection
        self.sock.sendall(whole)


wsgi.Response = Response  # gunicorn has a class of one's own for the worker, not for its answers


def on_starting(_: "Arbiter") -> None:
    """Forget the metrics of processes that are gone, or they would be counted for ever."""
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        for path in Path(folder).glob("*.db"):
            if not _lives(int(path.stem.rpartition("_")[2])):
                path.unlink(missing_ok=True)
    for name in SHARED_IMPORTS:
        importlib.import_module(name)


def _lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def post_worker_init(worker: "Worker") -> None:
    """When asked to stop, answer the clients that wait for a job at once; they ask again and reach another worker."""
    from api.house import house_of

    release_waiters = house_of(worker.wsgi).cache.release_waiters
    handle_exit = worker.handle_exit

    def stop(number: int, frame: FrameType | None) -> None:
        handle_exit(number, frame)
        # Another thread: a signal handler must not take locks that the interrupted code may hold.
        threading.Thread(target=release_waiters, name="release-waiters").start()

    signal.signal(signal.SIGTERM, stop)


def child_exit(_: "Arbiter", worker: "Worker") -> None:
    """Forget the gauges of a worker that ended."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
