"""A house that has been killed, frozen and crashed under load, against one beside it that has not."""

import itertools
import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import httpx
import psutil

from dev.children import StackRefused
from tests.acceptance.stacks import Stack, eventually
from tests.benchmarks.bench import Bench, Person
from tests.benchmarks.pairs import in_turns
from tests.benchmarks.pipeline import LONG_SECONDS, jobs_a_second, uploaded
from tests.benchmarks.table import Report, at_least, row

JOBS = 8
LATE_SECONDS = 90


def after_torture(bench: Bench) -> Report:
    """Jobs a second of the tortured house and of the untouched one, in turns, once both are at rest.

    The faults are the telling ones of tests/torture, here for what they leave behind and not for what they lose.
    """
    tortured = bench.new_person(bench.new_stack("tortured"), "bench@example.com")
    both = (tortured, bench.person)
    loads = [uploaded(bench, person, LONG_SECONDS, JOBS) for person in both]
    with working(tortured, loads[0].image_ids[0]):
        for _ in range(1 if bench.quick else bench.torture_rounds):
            for fault in FAULTS:
                fault(tortured.stack)
                until_whole(tortured)
    pairs = in_turns(
        lambda: jobs_a_second(tortured, loads[0]), lambda: jobs_a_second(bench.person, loads[1]), bench.pairs
    )
    return Report([row("throughput after faults ÷ of a house without", pairs, "/s", at_least(0.98))])


@contextmanager
def working(person: Person, image_id: str) -> Generator[None]:
    """A customer who goes on submitting meanwhile, whatever the answer."""
    over = threading.Event()

    def submit() -> None:
        for number in itertools.count():
            if over.wait(0.1):
                return
            try:
                person.customer.submit(image_id, "vectorizations", {"max_colors": 2 + number % 30})
            except (StackRefused, httpx.HTTPError, ValueError):
                continue

    customer = threading.Thread(target=submit)
    customer.start()
    try:
        yield
    finally:
        over.set()
        customer.join()
        until_whole(person)
        person.customer.finish(person.customer.submit(image_id, "vectorizations"))


def until_whole(person: Person) -> None:
    """Wait until a request is answered again."""

    def ready() -> bool:
        try:
            return httpx.get(f"{person.stack.url}/readyz", timeout=5).json()["status"] == "ready"
        except (httpx.HTTPError, ValueError):
            return False

    assert eventually(ready, LATE_SECONDS)


def process(stack: Stack, name: str) -> psutil.Process:
    assert eventually(lambda: stack.find(name), LATE_SECONDS)
    found = stack.find(name)
    assert found is not None
    return found


def kill(name: str) -> Callable[[Stack], None]:
    def fault(stack: Stack) -> None:
        process(stack, name).kill()
        time.sleep(0.5)
        process(stack, name)

    return fault


def kill_engines(stack: Stack) -> None:
    for engine in process(stack, "worker-vectorize").children(recursive=True):
        engine.kill()


def freeze(name: str) -> Callable[[Stack], None]:
    def fault(stack: Stack) -> None:
        frozen = process(stack, name)
        frozen.suspend()
        time.sleep(2)
        frozen.resume()

    return fault


def crash_database(stack: Stack) -> None:
    process(stack, "postgres").send_signal(signal.SIGQUIT)
    time.sleep(0.5)


FAULTS = (
    kill("worker-vectorize"), kill_engines, freeze("valkey"), freeze("worker-vectorize"), kill("api"), crash_database,
    kill("valkey"), kill("beat"),
)  # fmt: skip
