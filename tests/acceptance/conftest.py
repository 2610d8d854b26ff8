"""The real stack, as `make up` starts it, for the tests that go through the front door only."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.customer import Customer
from dev.people import open_account, set_credits, sign_in
from tests.acceptance.pictures import drawing
from tests.acceptance.receivers import Reports, open_reports
from tests.acceptance.stacks import Stack

# Faults are noticed within seconds here, not minutes; nothing else differs from `make up`.
IMPATIENT = {
    "ENGINE_WALL_SECONDS": "8",
    "TASK_LIMIT_SECONDS": "10",
    "LEASE_SECONDS": "12",
    "BROKER_VISIBILITY_SECONDS": "30",
    "RECOVERY_INTERVAL_SECONDS": "1",
    "WAKEUP_RESEND_SECONDS": "2",
    "RETRY_DELAY_SECONDS": "0.5",
    "RETENTION_INTERVAL_SECONDS": "2",
    "INVARIANTS_INTERVAL_SECONDS": "2",
}


@pytest.fixture(scope="session")
def reports() -> Iterator[Reports]:
    """Who hears of the stack's unforeseen errors."""
    with open_reports() as reports:
        yield reports


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, reports: Reports) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("house")
    watched = {"SPANS_FILE": str(folder / "spans.jsonl"), "SENTRY_DSN": reports.dsn}
    stack = Stack(folder, environment=IMPATIENT | watched)
    try:
        yield stack.until_ready()
    finally:
        stack.stop()


NewCustomer = Callable[..., Customer]


@pytest.fixture
def new_customer(house: Stack) -> Iterator[NewCustomer]:
    """Signs somebody in and gives them credits."""
    customers: list[Customer] = []

    def sign_up(who: str, credits: str = "5", *, admin: bool = False) -> Customer:
        session = sign_in(house.home, who, admin=admin)
        set_credits(house.running, open_account(house.running, session, who), credits)
        customers.append(Customer(house.url, session))
        return customers[-1]

    yield sign_up
    for customer in customers:
        customer.http.close()


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small flat drawing."""
    path = tmp_path_factory.mktemp("pictures") / "drawing.png"
    path.write_bytes(drawing())
    return path
