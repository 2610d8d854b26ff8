"""What was found out moments ago, kept in the process: bounded, and forgotten in time."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """A bounded map whose entries end; the oldest go first. Safe to share between threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._entries: dict[Key, tuple[float, Value]] = {}

    def get(self, key: Key) -> Value | None:
        """What is known, unless its time is over."""
        entry = self._entries.get(key)
        if entry is None or entry[0] <= time.monotonic():
            return None
        return entry[1]

    def keep(self, key: Key, value: Value, seconds: float) -> None:
        """Remember a value for so many seconds."""
        with self._lock:
            self._entries.pop(key, None)
            while len(self._entries) >= self._most:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = (time.monotonic() + seconds, value)

    def forget(self, key: Key) -> None:
        """Know it no longer."""
        with self._lock:
            self._entries.pop(key, None)

    def forget_all(self, is_over: Callable[[Value], bool]) -> None:
        """Know none of these values any longer."""
        with self._lock:
            for key in [key for key, (_, value) in self._entries.items() if is_over(value)]:
                del self._entries[key]

    def clear(self) -> None:
        """Know nothing any longer."""
        with self._lock:
            self._entries.clear()
