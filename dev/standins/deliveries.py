"""Webhooks on their way: each is sent again and again until it is answered with 2xx, from threads of its own."""

import heapq
import itertools
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable

RETRY_SECONDS = (0.3, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
TIMEOUT_SECONDS = 10
SENDERS = 4


class Deliveries:
    """Sends bodies to one address, or nowhere; `sign` makes the headers anew for each attempt."""

    def __init__(
        self, url: str | None, sign: Callable[[str, bytes], dict[str, str]], delivered: Callable[[str], None]
    ) -> None:
        self.url = url
        self._sign = sign
        self._delivered = delivered
        self._due: list[tuple[float, int, str, bytes, int]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()

    def start(self) -> None:
        """Begin to send."""
        for _ in range(SENDERS):
            threading.Thread(target=self._send_for_ever, daemon=True).start()

    def send(self, event_id: str, body: bytes, pause_seconds: float = 0.0) -> None:
        """Send an event after a pause."""
        self._plan(event_id, body, pause_seconds, 0)

    def _plan(self, event_id: str, body: bytes, pause: float, attempt: int) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + pause, next(self._order), event_id, body, attempt))
            self._changed.notify()

    def _send_for_ever(self) -> None:
        while True:
            event_id, body, attempt = self._next()
            if self.url is None or self._post(self.url, event_id, body):
                self._delivered(event_id)
            elif attempt < len(RETRY_SECONDS):
                self._plan(event_id, body, RETRY_SECONDS[attempt], attempt + 1)

    def _next(self) -> tuple[str, bytes, int]:
        with self._changed:
            while True:
                pause = self._due[0][0] - time.monotonic() if self._due else None
                if pause is not None and pause <= 0:
                    _, _, event_id, body, attempt = heapq.heappop(self._due)
                    return event_id, body, attempt
                self._changed.wait(pause)

    def _post(self, url: str, event_id: str, body: bytes) -> bool:
        headers = {"Content-Type": "application/json; charset=utf-8", **self._sign(event_id, body)}
        request = urllib.request.Request(url, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return 200 <= answer.status < 300
        except (urllib.error.URLError, OSError):
            return False
