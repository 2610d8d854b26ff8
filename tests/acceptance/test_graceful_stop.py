import signal
import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import httpx
import psutil
import pytest

from dev.customer import Customer
from tests.acceptance.conftest import NewCustomer
from tests.acceptance.stacks import Stack, eventually

# The old workers have stopped listening before the new ones have loaded: whoever asks between waits, for a core too.
PATIENCE_SECONDS = 90


def master(house: Stack) -> psutil.Process:
    found = house.find("api")
    assert found is not None
    return found


def reload(house: Stack) -> None:
    """What a deploy does: new workers take over the listening socket, the old ones finish what they have."""
    before = set(master(house).children())
    master(house).send_signal(signal.SIGHUP)
    assert eventually(lambda: before.isdisjoint(now := set(master(house).children())) and now, 40)


@contextmanager
def asking(customer: Customer, threads: int) -> Generator[Counter[str]]:
    """Clients that ask without a pause, half of them on kept connections; what they got is counted."""
    answers: Counter[str] = Counter()
    over = threading.Event()

    def ask(*, keep: bool) -> None:
        headers = dict(customer.http.headers) | ({} if keep else {"Connection": "close"})
        with httpx.Client(base_url=customer.http.base_url, headers=headers, timeout=PATIENCE_SECONDS) as http:
            while not over.wait(0.02):
                try:
                    answers[str(http.get("/healthz").status_code)] += 1
                except httpx.HTTPError as error:
                    answers[repr(error)] += 1

    clients = [threading.Thread(target=ask, kwargs={"keep": number % 2 == 0}) for number in range(threads)]
    for client in clients:
        client.start()
    try:
        yield answers
    finally:
        over.set()
        for client in clients:
            client.join()


def test_a_rolling_restart_fails_no_request(house: Stack, new_customer: NewCustomer) -> None:
    with asking(new_customer("roller@example.com"), threads=6) as answers:
        reload(house)
        reload(house)
    assert ["200"] == list(answers)


def test_a_client_that_waits_is_answered_when_the_api_stops(
    house: Stack, new_customer: NewCustomer, picture: Path
) -> None:
    customer = new_customer("waiter@example.com")
    image = customer.upload(picture)
    worker = house.find("worker-vectorize")
    assert worker is not None
    worker.suspend()
    try:
        job = customer.submit(image["image_id"], "vectorizations")
        answers: list[tuple[float, int]] = []

        def wait() -> None:
            started_at = time.monotonic()
            answer = customer.http.get(f"/v1/jobs/{job['job_id']}", params={"wait": 20})
            answers.append((time.monotonic() - started_at, answer.status_code))

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(1)
        reload(house)
        waiting.join()
    finally:
        worker.resume()
    ((seconds, status),) = answers
    assert (200, True) == (status, seconds < 15)
    assert "succeeded" == customer.finish(job)["status"]


@pytest.mark.parametrize("rounds", [3])
def test_workers_that_are_asked_to_stop_lose_no_job(
    house: Stack, new_customer: NewCustomer, picture: Path, rounds: int
) -> None:
    customer = new_customer("steady@example.com", "20")
    image = customer.upload(picture)
    jobs = []
    for _ in range(rounds):
        jobs += [customer.submit(image["image_id"], "vectorizations") for _ in range(4)]
        before = house.find("worker-vectorize")
        assert before is not None
        before.terminate()
        assert eventually(lambda before=before: house.find("worker-vectorize") not in {None, before}, 40)
    ended = [customer.finish(job) for job in jobs]
    assert ["succeeded"] * 4 * rounds == [job["status"] for job in ended]
    assert Decimal(20 - 4 * rounds) == customer.available()
