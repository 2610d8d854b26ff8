"""The way out to the queues: messages pushed to Redis after commit, best effort and bounded in time.

Postgres holds the truth and the recovery sweep repeats what was not delivered, so nothing here may ever
hold a request up or fail it. A message is one LPUSH in the form that Celery's workers read: protocol 2
(docs.celeryq.dev, "Message Protocol") in the envelope of kombu's Redis transport. That costs a tenth of
`delay()`, needs neither Celery nor kombu in the api's process, and makes every timeout ours; a test with a
real worker holds the form, and the versions are pinned.
"""

import contextlib
import json
import os
import queue
import threading
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

import redis
import structlog
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared import metrics, spans
from shared.errors import CacheUnavailable
from shared.logging_setup import get_logger
from shared.messages import Message, Queue

log = get_logger(__name__)

SENT_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Letter:
    """A message and the request that sends it, which the worker's log lines and spans lead back to.

    A message that a sweep sends again comes from nobody; of jobs the row knows better.
    """

    message: Message
    whence: Mapping[str, str]


def _letter(message: Message) -> _Letter:
    """A message from whatever is going on in this thread."""
    request_id, traceparent = structlog.contextvars.get_contextvars().get("request_id"), spans.current_traceparent()
    whence = {"request_id": request_id, "traceparent": traceparent}
    return _Letter(message, {name: value for name, value in whence.items() if value is not None})


@dataclass(frozen=True, slots=True)
class _Sender:
    """What one process sends with; a fork makes its own."""

    process_id: int
    client: redis.Redis
    waiting: queue.Queue[_Letter | None]
    thread: threading.Thread


class Publisher:
    """Sends messages from a background thread; safe to share between threads, and starts anew after a fork."""

    def __init__(self, redis_url: SecretStr, *, timeout_seconds: float, capacity: int = 10_000) -> None:
        """Connect to nothing and start no thread yet; `capacity` messages may wait, further ones are forgotten."""
        self._redis_url = redis_url
        self._timeout_seconds = timeout_seconds
        self._capacity = capacity
        self._lock = threading.Lock()
        self._sender: _Sender | None = None

    def publish(self, message: Message) -> None:
        """Send a message soon. Takes microseconds, never waits and never raises; what is lost, the sweep sends."""
        try:
            self._started().waiting.put_nowait(_letter(message))
        except (queue.Full, RuntimeError):  # RuntimeError: no new thread while the interpreter ends
            metrics.PUBLISH_FAILURES.inc()

    def send_now(self, messages: Sequence[Message]) -> bool:
        """Send messages and say whether Redis took them, within the timeout per batch; for sweeps."""
        client = self._started().client
        batches = [messages[start : start + SENT_AT_ONCE] for start in range(0, len(messages), SENT_AT_ONCE)]
        for number, batch in enumerate(batches):
            if not _push(client, map(_letter, batch)):
                metrics.PUBLISH_FAILURES.inc(sum(len(unsent) for unsent in batches[number + 1 :]))
                return False
        return True

    def queue_lengths(self) -> dict[Queue, int]:
        """How many messages wait in each queue. Raises CacheUnavailable when Redis does not answer in time."""
        pipeline = self._started().client.pipeline(transaction=False)
        for name in Queue:
            pipeline.llen(name.value)
        try:
            return dict(zip(Queue, map(int, pipeline.execute()), strict=True))
        except (redis.RedisError, OSError) as error:
            raise CacheUnavailable from error

    def close(self, timeout_seconds: float = 1.0) -> None:
        """Send what waits, for at most so many seconds, and end; publishing again starts anew."""
        with self._lock:
            sender, self._sender = self._sender, None
        if sender is None or sender.process_id != os.getpid():
            return
        with contextlib.suppress(queue.Full):
            sender.waiting.put_nowait(None)
            sender.thread.join(timeout_seconds)
        if not sender.thread.is_alive():
            sender.client.close()

    def _started(self) -> _Sender:
        sender = self._sender
        if sender is None or sender.process_id != os.getpid():
            with self._lock:
                sender = self._sender
                if sender is None or sender.process_id != os.getpid():
                    sender = self._sender = self._start()
        return sender

    def _start(self) -> _Sender:
        client = redis.Redis.from_url(
            self._redis_url.get_secret_value(),
            socket_connect_timeout=self._timeout_seconds,
            socket_timeout=self._timeout_seconds,
            socket_keepalive=True,
            # redis-py tries three more times by default: four timeouts where one was promised.
            retry=Retry(NoBackoff(), 0),
        )
        waiting: queue.Queue[_Letter | None] = queue.Queue(self._capacity)
        thread = threading.Thread(target=_send_all, args=(client, waiting), name="publisher", daemon=True)
        thread.start()
        return _Sender(os.getpid(), client, waiting, thread)


def _send_all(client: redis.Redis, waiting: "queue.Queue[_Letter | None]") -> None:
    """Push what waits, as many at once as there are, until None comes."""
    going = True
    while going:
        batch = [waiting.get()]
        with contextlib.suppress(queue.Empty):
            while len(batch) < SENT_AT_ONCE:
                batch.append(waiting.get_nowait())
        going = None not in batch
        _push(client, [letter for letter in batch if letter is not None])


def _push(client: redis.Redis, letters: Iterable[_Letter]) -> bool:
    by_queue: dict[Queue, list[str]] = {}
    for letter in letters:
        by_queue.setdefault(letter.message.queue, []).append(envelope(letter.message, letter.whence))
    if not by_queue:
        return True
    try:
        pipeline = client.pipeline(transaction=False)
        for name, envelopes in by_queue.items():
            pipeline.lpush(name.value, *envelopes)
        pipeline.execute()
    except (redis.RedisError, OSError) as error:
        lost = sum(map(len, by_queue.values()))
        metrics.PUBLISH_FAILURES.inc(lost)
        log.warning("publish_failed", messages=lost, error=str(error))
        return False
    return True


def envelope(message: Message, whence: Mapping[str, str] | None = None) -> str:
    """A message as Celery's workers read it from a Redis list; `whence` are headers of our own.

    What Flower shows of it (`kwargsrepr`) leaves out whose it is.
    """
    task_id = str(uuid4())
    body = json.dumps([[], message.fields(), {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    return json.dumps(
        {
            "body": b64encode(body.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": message.task,
                "id": task_id,
                "root_id": task_id,
                "parent_id": None,
                "group": None,
                "eta": None,
                "expires": None,
                "retries": 0,
                "timelimit": [None, None],
                "argsrepr": "()",
                "kwargsrepr": repr({name: held for name, held in message.fields().items() if name != "user_id"}),
                "origin": "tovector",
                "ignore_result": True,
                **(whence or {}),
            },
            "properties": {
                "correlation_id": task_id,
                "reply_to": "",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": message.queue.value},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    )
