"""How to learn that a process of the stack answers."""

import http.client
import re
import time
from collections.abc import Callable

from dev.children import Program
from dev.ports import is_open

_NODE = re.compile(r"(?:-n|--hostname)[ =](?P<node>[\w-]+)@")


def http_answers(port: int, path: str) -> Callable[[], bool]:
    """Ready when a GET is answered by 200, or by 401 from a server that wants to know who asks."""

    def ready() -> bool:
        if not is_open(port):
            return False
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status in {200, 401}
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ready


def listens(port: int) -> Callable[[], bool]:
    """Ready when the port accepts connections."""
    return lambda: is_open(port)


def lives(seconds: float) -> Callable[[], bool]:
    """Ready when it has not ended for a while: for a process without a door."""
    started_at = time.monotonic()
    return lambda: time.monotonic() - started_at > seconds


class Workers:
    """Asks the Celery workers through the broker whether they consume."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._heard: set[str] = set()
        self._expected: set[str] = set()

    def consumes(self, program: Program) -> Callable[[], bool]:
        """Ready when the worker has answered a ping, which it does once it consumes its queue."""
        match = _NODE.search(program.command[-1])
        if match is None:
            return lives(2)
        node = match["node"]
        self._expected.add(node)
        return lambda: node in self._heard or self._ping(node)

    def _ping(self, node: str) -> bool:
        # Imported here, while the workers are busy starting: it takes as long as all the rest of this program.
        from celery import Celery

        missing = len(self._expected - self._heard)
        for reply in Celery(broker=self._redis_url).control.ping(timeout=0.3, limit=missing) or []:
            self._heard |= {name.partition("@")[0] for name in reply}
        return node in self._heard
