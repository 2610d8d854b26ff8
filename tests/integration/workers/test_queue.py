"""Sending messages: never in anybody's way, whatever Redis does."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from dev.children import Child, Children, wait_until
from dev.ports import free_ports
from dev.valkey import Valkey
from shared.errors import CacheUnavailable
from shared.ids import new_id
from shared.messages import Queue, RunPreview, RunVectorization
from shared.queue import Publisher
from tests.integration.workers.running import until

EMPTY = dict.fromkeys(Queue, 0)


@pytest.fixture
def server(tmp_path: Path) -> Valkey:
    return Valkey(tmp_path / "valkey", free_ports(1)[0], durable=False)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Children]:
    with Children(tmp_path) as children:
        yield children


@pytest.fixture
def redis(processes: Children, server: Valkey) -> Child:
    child = processes.start(server.program())
    wait_until(server.answers, child)
    return child


@pytest.fixture
def publisher(redis: Child, server: Valkey) -> Iterator[Publisher]:
    publisher = Publisher(SecretStr(server.url()), timeout_seconds=0.2, capacity=100)
    assert redis.process.poll() is None
    yield publisher
    publisher.close()


def failures() -> float:
    return REGISTRY.get_sample_value("tovector_publish_failures_total") or 0.0


def a_message() -> RunPreview:
    return RunPreview(new_id(), new_id())


def test_each_message_reaches_its_own_queue(publisher: Publisher) -> None:
    publisher.publish(a_message())
    assert publisher.send_now([RunVectorization(new_id(), new_id()), a_message()])
    until(lambda: publisher.queue_lengths() == EMPTY | {Queue.PREVIEW: 2, Queue.VECTORIZE: 1})


def test_what_waits_is_sent_before_the_end(publisher: Publisher) -> None:
    for _ in range(50):
        publisher.publish(a_message())
    publisher.close()
    assert EMPTY | {Queue.PREVIEW: 50} == publisher.queue_lengths()


def test_a_frozen_redis_holds_nobody_up_and_what_is_lost_is_counted(publisher: Publisher, redis: Child) -> None:
    assert publisher.queue_lengths() == EMPTY
    before = failures()
    os.kill(redis.process.pid, signal.SIGSTOP)
    started = time.monotonic()
    for _ in range(1_000):
        publisher.publish(a_message())
    assert time.monotonic() - started < 0.5
    assert not publisher.send_now([a_message()])
    with pytest.raises(CacheUnavailable):
        publisher.queue_lengths()
    assert time.monotonic() - started < 2
    until(lambda: failures() - before > 900)
    os.kill(redis.process.pid, signal.SIGCONT)


def test_a_redis_that_was_away_is_found_again(
    publisher: Publisher, redis: Child, server: Valkey, processes: Children
) -> None:
    publisher.publish(a_message())
    until(lambda: publisher.queue_lengths()[Queue.PREVIEW] == 1)
    processes.stop([redis], 0)
    assert not publisher.send_now([a_message()] * 300)
    wait_until(server.answers, processes.start(server.program()))
    assert publisher.send_now([a_message()] * 300)
    assert 300 == publisher.queue_lengths()[Queue.PREVIEW]


def test_a_fork_sends_by_itself(publisher: Publisher) -> None:
    publisher.publish(a_message())
    until(lambda: publisher.queue_lengths()[Queue.PREVIEW] == 1)
    child = os.fork()
    if child == 0:
        publisher.publish(a_message())
        publisher.close()
        os._exit(0)
    assert (child, 0) == os.waitpid(child, 0)
    assert 2 == publisher.queue_lengths()[Queue.PREVIEW]
