"""When a request is sent again, and after what pause."""

import email.utils
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
_BUSY = frozenset({429, 502, 503, 504})

Pause = Callable[[float], object]
"""Waits so many seconds; may raise to end the whole run."""


def may_pass(answer: httpx.Response) -> bool:
    """Whether the same request may succeed later: the server is busy, restarting, or not ready for it yet."""
    return answer.status_code in _BUSY or (answer.status_code == 409 and "Retry-After" in answer.headers)


def asked_seconds(answer: httpx.Response) -> float:
    """How long the server asks to wait (RFC 9110 section 10.2.3: seconds or a date); 0 if it does not."""
    text = answer.headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0


@dataclass(slots=True)
class Patience:
    """The pauses of one request: doubling, with full jitter, up to five seconds, until patience is over.

    Full jitter as in M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): many clients that
    lost their server at the same moment do not come back at the same moment.
    """

    seconds: float
    pause: Pause
    _tries: int = 0
    _until: float = field(default=0.0)

    def wait(self, at_least: float = 0.0) -> bool:
        """Wait before the next try; False, at once, when that would be longer than we are patient."""
        now = time.monotonic()
        self._until = self._until or now + self.seconds
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self._tries, 10))
        pause = at_least + random.uniform(longest / 2, longest)  # noqa: S311 - jitter, not a secret
        self._tries += 1
        if now + pause > self._until:
            return False
        self.pause(pause)
        return True
