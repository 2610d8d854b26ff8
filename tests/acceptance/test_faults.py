import contextlib
import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from dev.customer import Body, Customer
from shared.db import Database
from shared.invariants import select_all_violations
from tests.acceptance.conftest import NewCustomer
from tests.acceptance.pictures import noise
from tests.acceptance.stacks import Stack, eventually

TERMINAL = {"succeeded", "failed", "canceled"}


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture that takes seconds to trace, long enough to be interrupted."""
    path = tmp_path_factory.mktemp("hard") / "noise.png"
    path.write_bytes(noise(640))
    return path


@pytest.fixture(autouse=True)
def invariants_hold(house: Stack) -> Iterator[None]:
    """Whatever a test breaks, money and jobs add up afterwards."""
    yield
    database = Database(house.running.settings["MAINTENANCE_DATABASE_URL"], pool_size=1)
    with contextlib.closing(database), database.transaction() as db:
        assert {} == select_all_violations(db)


def read(customer: Customer, job: Body) -> Body:
    return customer.http.get(f"/v1/jobs/{job['job_id']}").json()


def until_running(customer: Customer, job: Body) -> None:
    assert eventually(lambda: read(customer, job)["status"] != "queued")


def check_credits(customer: Customer, before: Decimal, job: Body) -> None:
    """A job that succeeded cost its price once; any other cost nothing; nothing stays reserved."""
    spent = Decimal(job["price"]) if job["status"] == "succeeded" else Decimal(0)
    body = customer.http.get("/v1/credits").json()
    assert (before - spent, Decimal(0)) == (Decimal(body["available"]), Decimal(body["reserved"]))


def test_a_worker_killed_in_the_middle_of_a_job_costs_nothing_but_time(
    house: Stack, new_customer: NewCustomer, hard: Path
) -> None:
    customer = new_customer("unlucky@example.com")
    image = customer.upload(hard)
    job = customer.submit(image["image_id"], "vectorizations")
    until_running(customer, job)
    house.kill("worker-vectorize")
    job = customer.finish(job)
    assert job["status"] in TERMINAL
    check_credits(customer, Decimal(5), job)


def test_a_child_killed_in_the_middle_of_a_job_costs_nothing_but_time(
    house: Stack, new_customer: NewCustomer, hard: Path
) -> None:
    customer = new_customer("childless@example.com")
    image = customer.upload(hard)
    job = customer.submit(image["image_id"], "vectorizations")
    until_running(customer, job)
    worker = house.find("worker-vectorize")
    assert worker is not None
    for child in worker.children(recursive=True):
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    job = customer.finish(job)
    assert job["status"] in TERMINAL
    check_credits(customer, Decimal(5), job)


def test_a_client_that_dies_after_its_headers_has_asked_for_nothing(
    house: Stack, new_customer: NewCustomer, picture: Path
) -> None:
    customer = new_customer("broken-off-early@example.com")
    image_id = customer.upload(picture)["image_id"]
    request = customer.http.build_request("POST", f"/v1/images/{image_id}/vectorizations", json={"formats": ["svg"]})
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    address = urlsplit(house.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as dying:
        dying.sendall(f"POST {request.url.path} HTTP/1.1\r\n{head}\r\n".encode())
        dying.shutdown(socket.SHUT_WR)  # as the kernel does for a process that was killed
        assert b"cut off" in dying.makefile("rb").read()
    assert [] == customer.http.get("/v1/jobs").json()["data"]
    assert Decimal(5) == customer.available()


def test_an_emptied_redis_loses_no_job(house: Stack, new_customer: NewCustomer, picture: Path) -> None:
    customer = new_customer("patient@example.com")
    image = customer.upload(picture)
    house.kill("valkey")
    jobs = [customer.submit(image["image_id"], "vectorizations", {}) for _ in range(3)]
    assert ["succeeded"] * 3 == [customer.finish(job)["status"] for job in jobs]
    assert Decimal(2) == customer.available()


def test_a_submit_is_answered_while_redis_stands_still(house: Stack, new_customer: NewCustomer, picture: Path) -> None:
    customer = new_customer("calm@example.com")
    image = customer.upload(picture)
    valkey = house.find("valkey")
    assert valkey is not None
    valkey.suspend()
    try:
        started_at = time.perf_counter()
        job = customer.submit(image["image_id"], "previews")
        assert time.perf_counter() - started_at < 0.5
    finally:
        valkey.resume()
    assert "succeeded" == customer.finish(job)["status"]


def test_a_database_that_was_killed_comes_back_with_everything(
    house: Stack, new_customer: NewCustomer, picture: Path
) -> None:
    customer = new_customer("trusting@example.com")
    image = customer.upload(picture)
    house.kill("postgres")
    assert eventually(lambda: customer.http.get("/readyz").json()["postgres"] == "ok")
    job = customer.finish(customer.submit(image["image_id"], "previews"))
    assert "succeeded" == job["status"]
    assert Decimal("4.8") == customer.available()
