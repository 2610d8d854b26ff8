"""A graceful stop: what is nearly done is finished, what would take long is given back."""

import time


class Interrupted(Exception):
    """The worker is stopping and this work would not be done in time."""


class Stopping:
    """Whether, and from when on, long work is to be given back. Safe in signal handlers: it only keeps a number."""

    def __init__(self) -> None:
        self._due_at: float | None = None

    def begin(self, grace_seconds: float) -> None:
        """Let work go on for so many seconds; asking again changes nothing."""
        if self._due_at is None:
            self._due_at = time.monotonic() + grace_seconds

    @property
    def is_due(self) -> bool:
        """Whether the grace is over."""
        return self._due_at is not None and time.monotonic() >= self._due_at
