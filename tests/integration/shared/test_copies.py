"""Copies in Redis: one reads for all, what was changed is forgotten, and nothing depends on them."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from prometheus_client import REGISTRY
from pydantic import TypeAdapter

from dev.children import Child, Children, wait_until
from dev.ports import free_ports
from dev.valkey import Valkey
from shared.cache import Cache
from shared.copies import ALL, Copied, Copies

TEXT = TypeAdapter(str)
KEY = b"k" * 64
SORT = Copied("account", seconds=30, patience_seconds=2)
PROCESSES, THREADS = 3, 8


@pytest.fixture
def caches(redis_url: str, valkey: Valkey) -> Iterator[list[Cache]]:
    """What several processes have: a cache each, on one Redis that is empty."""
    valkey.empty()
    caches = [Cache(redis_url, timeout_seconds=1.0) for _ in range(PROCESSES)]
    yield caches
    for cache in caches:
        cache.close()


@pytest.fixture
def copies(caches: list[Cache]) -> Copies:
    return Copies(caches[0], KEY)


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("tovector_cache_reads_total", {"cache": "account", "outcome": outcome}) or 0.0


def never() -> str:
    raise AssertionError("this was read")


def test_what_was_read_once_is_given_until_its_time_is_over(copies: Copies) -> None:
    brief = replace(SORT, seconds=0.3)
    hits, misses = counted("hit"), counted("miss")
    assert "first" == copies.read(brief, "alice", TEXT, lambda: "first")
    assert "first" == copies.read(brief, "alice", TEXT, never)
    time.sleep(0.35)
    assert "second" == copies.read(brief, "alice", TEXT, lambda: "second")
    assert (1, 2) == (counted("hit") - hits, counted("miss") - misses)


def test_a_copy_is_never_older_than_its_bound_counted_from_before_it_was_read(copies: Copies) -> None:
    brief = replace(SORT, seconds=1.0)

    def read_slowly() -> str:
        time.sleep(0.8)
        return "old"

    asked = began = time.monotonic()
    copies.read(brief, "alice", TEXT, read_slowly)
    # When it was asked for counts: a busy machine may take its time with the answer. From its end on it would be 1.8.
    while copies.read(brief, "alice", TEXT, lambda: "new") == "old":
        assert asked < began + 1.4
        asked = time.monotonic()
    assert "slow" == copies.read(replace(brief, seconds=0.1), "bob", TEXT, lambda: (time.sleep(0.15), "slow")[1])
    assert "again" == copies.read(brief, "bob", TEXT, lambda: "again"), "too old when it was there: not kept at all"


def test_of_many_in_several_processes_one_reads_and_the_others_wait(caches: list[Cache]) -> None:
    read: list[int] = []

    def read_slowly() -> str:
        read.append(1)
        time.sleep(0.3)
        return "answer"

    everybody = [Copies(cache, KEY) for cache in caches for _ in range(THREADS)]
    waited = counted("waited")
    with ThreadPoolExecutor(len(everybody)) as pool:
        asked = [pool.submit(copies.read, SORT, "alice", TEXT, read_slowly) for copies in everybody]
        assert {"answer"} == {one.result() for one in asked}
    assert 1 == len(read)
    assert len(everybody) - 1 == counted("waited") - waited


def test_nobody_waits_longer_than_their_patience_for_a_reader_who_died(caches: list[Cache]) -> None:
    brief, going_on = replace(SORT, patience_seconds=0.2), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(Copies(caches[0], KEY).read, brief, "alice", TEXT, lambda: str(going_on.wait(5)))
        time.sleep(0.05)
        began, unread = time.monotonic(), counted("unread")
        assert "mine" == Copies(caches[1], KEY).read(brief, "alice", TEXT, lambda: "mine")
        assert time.monotonic() - began < 0.6
        assert 1 == counted("unread") - unread
        going_on.set()
        assert "True" == slow.result()


def test_what_was_read_before_a_change_is_not_kept_after_it(caches: list[Cache]) -> None:
    """The race that a plain cache loses: read the old row, wait a little, and keep it when the new one is there."""
    ours, theirs = Copies(caches[0], KEY), Copies(caches[1], KEY)

    def read_while_it_changes() -> str:
        theirs.forget(SORT, "alice")
        return "old"

    assert "old" == ours.read(SORT, "alice", TEXT, read_while_it_changes)
    assert "new" == ours.read(SORT, "alice", TEXT, lambda: "new")


def test_forgetting_tells_every_process(caches: list[Cache]) -> None:
    ours, theirs = Copies(caches[0], KEY), Copies(caches[1], KEY)
    for key in ("alice", "bob"):
        ours.read(SORT, key, TEXT, lambda: "old")
    theirs.forget(SORT)
    theirs.forget(SORT, "alice", "bob", "carol")
    assert ["new", "new"] == [ours.read(SORT, key, TEXT, lambda: "new") for key in ("alice", "bob")]


def test_what_fails_or_is_not_worth_it_is_not_kept_and_lets_the_next_read(copies: Copies) -> None:
    def fail() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        copies.read(SORT, "alice", TEXT, fail)
    began = time.monotonic()
    assert "open" == copies.read(SORT, "alice", TEXT, lambda: "open", is_kept=lambda value: value == "done")
    assert "done" == copies.read(SORT, "alice", TEXT, lambda: "done", is_kept=lambda value: value == "done")
    assert "done" == copies.read(SORT, "alice", TEXT, never)
    assert time.monotonic() - began < 1


def test_redis_holds_nothing_that_can_be_read_forged_or_swapped(copies: Copies, redis_url: str) -> None:
    copies.read(SORT, "alice@example.com", TEXT, lambda: "a secret of hers")
    copies.read(SORT, "mallory", TEXT, lambda: "his own")
    with redis.Redis.from_url(redis_url) as raw:
        kept = {name: raw.get(name) for name in raw.scan_iter("copy:*")}
        assert 2 == len(kept)
        for name, value in kept.items():
            assert isinstance(value, bytes)
            assert not any(word in name + value for word in (b"alice", b"mallory", b"secret", b"his own"))
        (one, first), (other, second) = kept.items()
        raw.set(one, second or b"")
        raw.set(other, first or b"")
    assert ["truth"] * 2 == [copies.read(SORT, key, TEXT, lambda: "truth") for key in ("alice@example.com", "mallory")]


def test_copies_of_another_key_or_another_form_are_not_given(copies: Copies, caches: list[Cache]) -> None:
    copies.read(SORT, "alice", TEXT, lambda: "text")
    assert "theirs" == Copies(caches[1], b"j" * 64).read(SORT, "alice", TEXT, lambda: "theirs")
    assert 7 == copies.read(SORT, "alice", TypeAdapter(int), lambda: 7)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[tuple[Valkey, Callable[[], Child]]]:
    """A Redis that may be killed, and what starts it."""
    server = Valkey(tmp_path / "valkey", free_ports(1)[0], durable=False)
    with Children(tmp_path) as children:

        def start() -> Child:
            child = children.start(server.program())
            wait_until(server.answers, child)
            return child

        yield server, start


def test_with_redis_killed_everything_is_read_where_it_is_true(
    own_redis: tuple[Valkey, Callable[[], Child]],
) -> None:
    server, start = own_redis
    child = start()
    cache = Cache(server.url(), timeout_seconds=0.5)
    copies = Copies(cache, KEY)
    copies.read(SORT, "alice", TEXT, lambda: "old")
    child.process.kill()
    child.process.wait()
    away, unforgotten = counted("away"), _unforgotten()
    copies.forget(SORT, "alice")
    assert ["new"] * 3 == [copies.read(SORT, "alice", TEXT, lambda: "new") for _ in range(3)]
    assert (3, 1) == (counted("away") - away, _unforgotten() - unforgotten)
    start()
    time.sleep(1.1)  # the cache rests for a second after a failure
    copies.read(SORT, "alice", TEXT, lambda: "kept again")
    assert "kept again" == copies.read(SORT, "alice", TEXT, never)
    cache.close()


def test_a_redis_that_dies_while_somebody_reads_costs_nothing(own_redis: tuple[Valkey, Callable[[], Child]]) -> None:
    server, start = own_redis
    child = start()
    cache = Cache(server.url(), timeout_seconds=0.5)

    def read_while_it_dies() -> str:
        child.process.kill()
        child.process.wait()
        return "truth"

    assert "truth" == Copies(cache, KEY).read(SORT, "alice", TEXT, read_while_it_dies)
    cache.close()


def _unforgotten() -> float:
    return REGISTRY.get_sample_value("tovector_cache_unforgotten_total", {"cache": "account"}) or 0.0


def test_each_bound_is_written_down() -> None:
    record = (Path(__file__).parents[3] / "docs" / "decisions" / "0051-copies.md").read_text("utf-8")
    assert [] == [sort.name for sort in ALL if f"| `{sort.name}` | {sort.seconds:g} s |" not in record]
