"""The way to Redis for everything that may be lost: limits, copies, and telling other processes what has changed.

Nothing depends on Redis being there: every call is bounded in time, and after a failure nobody tries again
for a second, so a Redis that hangs costs one request its timeout and the others nothing.
"""

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any
from uuid import UUID

import redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry

from shared.errors import CacheUnavailable
from shared.logging_setup import get_logger

log = get_logger(__name__)

CHANNEL = "tovector:jobs"
_CALLER = "caller:"
_REST_SECONDS = 1.0
_PING_SECONDS = 3.0
_POLL_SECONDS = 0.75
_SAFETY_SECONDS = 5.0


class Cache:
    """One process's connections to Redis; safe to share between threads, connected at first use."""

    def __init__(self, url: str, timeout_seconds: float = 0.25, max_connections: int = 32) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._client = redis.Redis(
            connection_pool=redis.BlockingConnectionPool.from_url(
                url,
                max_connections=max_connections,
                timeout=timeout_seconds,
                socket_timeout=timeout_seconds,
                socket_connect_timeout=timeout_seconds,
                retry=Retry(NoBackoff(), 0),
            )
        )
        self._away_until = 0.0
        self._listener = _Listener(url, timeout_seconds)

    def close(self) -> None:
        """Wake everybody who waits and give the connections back."""
        self._listener.stop()
        self._client.close()

    def ping(self) -> None:
        """Return if Redis answers. Raises CacheUnavailable."""
        with self._bounded():
            self._client.ping()

    def describe(self) -> Mapping[str, Any]:
        """What Redis says of its memory and persistence (INFO), for the doctor. Raises CacheUnavailable."""
        with self._bounded():
            return {**self._client.info("memory"), **self._client.info("persistence")}

    def run_script(self, script: "Script", keys: Sequence[str], args: Sequence[bytes | str | int | float]) -> Any:
        """Run a Lua script and return its answer. Raises CacheUnavailable within the timeout."""
        with self._bounded():
            try:
                return self._client.evalsha(script.sha, len(keys), *keys, *args)  # pyright: ignore[reportArgumentType]
            except NoScriptError:
                return self._client.eval(script.text, len(keys), *keys, *args)  # pyright: ignore[reportArgumentType]

    def delete(self, names: Sequence[str]) -> None:
        """Forget what is kept under these names. Raises CacheUnavailable within the timeout."""
        with self._bounded():
            self._client.unlink(*names)

    def announce_job(self, job_id: UUID) -> None:
        """Tell every process that a job has ended, best effort: whoever waits looks again by itself too."""
        self._announce(str(job_id))

    def announce_caller(self, user_id: UUID) -> None:
        """Tell every process that an account, or a credential of it, has ended, best effort: they forget it in time."""
        self._announce(f"{_CALLER}{user_id}")

    def wait_for_job(self, job_id: UUID) -> contextlib.AbstractContextManager["Waiter"]:
        """Listen for the end of a job from now on: enter before reading the job, then wait."""
        return self._listener.waiter(job_id)

    def hear(self, tell: Callable[[str | None], None]) -> None:
        """Have every announced job told, as its id; None when some may have been missed."""
        self._listener.told.append(tell)

    def hear_callers(self, tell: Callable[[UUID], None]) -> None:
        """Have every account told that has ended, or lost a credential; some may be missed."""
        self._listener.told.append(lambda subject: _tell_caller(tell, subject))

    def is_hearing(self) -> bool:
        """Begin to listen in this process if nobody does yet; whether announcements are heard now."""
        return self._listener.is_awake()

    def release_waiters(self) -> None:
        """Let everybody who waits go on at once, and nobody wait from now on: the process is about to stop."""
        self._listener.stop()

    def _announce(self, subject: str) -> None:
        with contextlib.suppress(CacheUnavailable), self._bounded():
            self._client.publish(CHANNEL, subject)

    @contextlib.contextmanager
    def _bounded(self) -> Generator[None]:
        now = time.monotonic()
        if now < self._away_until:
            raise CacheUnavailable
        if self._away_until:
            self._away_until = now + _REST_SECONDS  # this caller alone finds out whether it is back
        try:
            yield
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + _REST_SECONDS
            raise CacheUnavailable from error
        self._away_until = 0.0


def _tell_caller(tell: Callable[[UUID], None], subject: str | None) -> None:
    if subject is not None and subject.startswith(_CALLER):
        tell(UUID(subject.removeprefix(_CALLER)))


class Script:
    """A Lua script that runs in Redis as one step."""

    def __init__(self, text: str) -> None:
        self.text = text
        # Redis names a script by its SHA-1; nothing secret depends on it.
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Waiter:
    """One client that waits for one job."""

    def __init__(self, listener: "_Listener") -> None:
        self._listener = listener
        self._event = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Sleep until it is worth reading the job again, at most so long; False when waiting is over for good.

        That is when the job's end was announced, now and then to be safe, and often while Redis is away.
        """
        if self._listener.stopped:
            return False
        pause = _SAFETY_SECONDS if self._listener.is_listening else _POLL_SECONDS
        self._event.wait(max(0.0, min(seconds, pause)))
        self._event.clear()
        return not self._listener.stopped

    def wake(self) -> None:
        """Something happened: look again."""
        self._event.set()


class _Listener:
    """The one thread of a process that hears announcements, and the clients it wakes."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._waiters: dict[str, set[Waiter]] = {}
        self._process_id: int | None = None
        self.is_listening = False
        self.stopped = False
        self.told: list[Callable[[str | None], None]] = []

    def is_awake(self) -> bool:
        with self._lock:
            if self._process_id != os.getpid():
                self._start()
        return self.is_listening

    @contextlib.contextmanager
    def waiter(self, job_id: UUID) -> Generator[Waiter]:
        key, waiter = str(job_id), Waiter(self)
        with self._lock:
            if self._process_id != os.getpid():
                self._start()
            self._waiters.setdefault(key, set()).add(waiter)
        try:
            yield waiter
        finally:
            with self._lock:
                others = self._waiters[key]
                others.discard(waiter)
                if not others:
                    del self._waiters[key]

    def stop(self) -> None:
        self.stopped = True
        self._wake_all()

    def _start(self) -> None:
        self._process_id = os.getpid()
        self._waiters = {}
        self.is_listening = False
        threading.Thread(target=self._listen, name="job-announcements", daemon=True).start()

    def _listen(self) -> None:
        while not self.stopped:
            try:
                with self._connect() as client, client.pubsub() as channel:
                    channel.subscribe(CHANNEL)
                    self._hear(channel)
            except (RedisError, OSError) as error:
                log.warning("announcements_lost", error=str(error))
            self.is_listening = False
            self._wake_all()
            time.sleep(0 if self.stopped else _REST_SECONDS)

    def _connect(self) -> redis.Redis:
        return redis.Redis.from_url(
            self._url,
            socket_timeout=max(self._timeout_seconds, 1.0),
            socket_connect_timeout=self._timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        )

    def _hear(self, channel: PubSub) -> None:
        """Wake whom announcements concern, until the connection breaks or answers no ping: it may be half open."""
        heard_at = asked_at = time.monotonic()
        while not self.stopped:
            message = channel.get_message(timeout=1.0)
            now = time.monotonic()
            if message is not None:
                heard_at = now
                self._take(message)
            if now - asked_at >= _PING_SECONDS:
                channel.ping()
                asked_at = now
            if now - heard_at > 2.5 * _PING_SECONDS:
                raise RedisTimeout("Redis answers no ping")

    def _take(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "message":
            self._wake(message["data"].decode())
        elif message["type"] == "subscribe":
            self.is_listening = True
            self._wake_all()  # what was announced before is lost

    def _tell(self, key: str | None) -> None:
        for tell in self.told:
            tell(key)

    def _wake(self, key: str) -> None:
        self._tell(key)
        with self._lock:
            for waiter in self._waiters.get(key, ()):
                waiter.wake()

    def _wake_all(self) -> None:
        self._tell(None)
        with self._lock:
            for waiters in self._waiters.values():
                for waiter in waiters:
                    waiter.wake()
