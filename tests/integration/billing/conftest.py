"""An installation that sells: the API, a payments worker's hands, and the stand-ins for Stripe and Clerk."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
import stripe as stripe_client
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.house import house_of
from dev.children import Children
from dev.ports import free_ports
from dev.standins.clerk import tokens
from shared import privacy, purges
from shared.inbox import InboxProvider, InboxStatus
from shared.invariants import select_all_violations
from shared.settings import Settings
from tests.conftest import STRIPE_KEY, STRIPE_WEBHOOK_SECRET, ClerkStandIn, TestDatabase, start
from workers import payments as tasks
from workers.resources import Resources, open_resources

if TYPE_CHECKING:
    from tests.integration.billing.lives import Life

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StripeStandIn:
    """Stripe as the tests play it. Its webhooks go nowhere: the tests deliver its events themselves."""

    url: str

    def client(self) -> stripe_client.StripeClient:
        """The unchanged client."""
        return stripe_client.StripeClient(STRIPE_KEY, base_addresses={"api": self.url}, max_network_retries=0)

    def order(self, path: str, **given: object) -> Fields:
        """Something that no API of Stripe's does."""
        answer = httpx.post(f"{self.url}/_control/{path}", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def events(self) -> list[Fields]:
        """Everything that has happened, the oldest first."""
        return list(reversed(httpx.get(f"{self.url}/_control/events").json()["data"]))

    def events_about(self, *ids: str) -> list[Fields]:
        """What has happened to these payments."""
        return [one for one in self.events() if any(found in json.dumps(one["data"]) for found in ids)]


@pytest.fixture(scope="session")
def stripe(children: Children, tmp_path_factory: pytest.TempPathFactory) -> StripeStandIn:
    (port,) = free_ports(1)
    state = tmp_path_factory.mktemp("stripe")
    start(children, "stripe", port, "dev.standins.stripe", "--state", str(state), "--secret-key", STRIPE_KEY)
    return StripeStandIn(f"http://127.0.0.1:{port}")


@pytest.fixture(scope="module")
def shop(settings: Settings, stripe: StripeStandIn) -> Settings:
    """The settings of an installation that sells."""
    return Settings.model_validate(
        settings.model_dump()
        | {"stripe_url": stripe.url, "vies_url": f"{stripe.url}/vies", "requests_per_minute": 60_000}
        | {"jobs_per_minute": 6_000, "cors_origins": "https://www.example.com"}
    )


@pytest.fixture(scope="module")
def app(shop: Settings) -> Iterator[Flask]:
    app = create_app(shop)
    yield app
    house_of(app).close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def worker(shop: Settings) -> Iterator[Resources]:
    opened = open_resources(shop)
    yield opened
    opened.close()


@dataclass(frozen=True, slots=True)
class Buyer:
    """A signed-in customer, and everything that happens around them."""

    client: FlaskClient
    token: str
    stripe: StripeStandIn
    worker: Resources

    def ask(self, method: str, path: str, body: object | None = None, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(
            path, method=method, json=body, headers={"Authorization": f"Bearer {self.token}", **named}
        )

    def get(self, path: str) -> Fields:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.data)

    def checkout(self, package: str = "starter", **billing: object) -> Fields:
        """Open a checkout."""
        answer = self.ask("POST", "/v1/checkout-sessions", {"package_id": package, "billing": billing})
        assert answer.status_code == 201, answer.text
        return json.loads(answer.data)

    def pay(self, checkout: Fields, action: str = "pay", **form: str) -> Fields:
        """Press a button of Stripe's page; returns Stripe's session."""
        httpx.post(checkout["url"], data={"action": action, **form})
        return self.session(checkout)

    def session(self, checkout: Fields) -> Fields:
        """Stripe's session of a checkout."""
        session_id = checkout["url"].rsplit("/", 1)[1]
        return self.stripe.client().v1.checkout.sessions.retrieve(session_id).to_dict()

    def balance(self) -> tuple[str, str]:
        """(available, debt)."""
        body = self.get("/v1/credits")
        return body["available"], body["debt"]

    def entries(self) -> list[Fields]:
        """The ledger, oldest first, without the sign-up grant."""
        found = self.get("/v1/credits/transactions?limit=100")["data"]
        return [entry for entry in reversed(found) if entry["reason"] != "sign-up"]

    def status(self, checkout: Fields) -> str:
        return self.get(f"/v1/checkout-sessions/{checkout['checkout_session_id']}")["status"]

    def deliver(self, *events: Fields) -> None:
        """Post events as Stripe would, and let a worker work on each."""
        for event in events:
            assert post_stripe(self.client, event).status_code == 200
            tasks.handle(self.worker, InboxProvider.STRIPE, event["id"])

    def settle(self, checkout: Fields) -> None:
        """Deliver everything that happened to a checkout."""
        session = self.session(checkout)
        ids = [str(found) for found in (session["id"], session.get("payment_intent")) if found]
        self.deliver(*self.stripe.events_about(*ids))


@pytest.fixture
def new_buyer(
    client: FlaskClient, clerk: ClerkStandIn, stripe: StripeStandIn, worker: Resources
) -> Callable[[], Buyer]:
    def sign_up() -> Buyer:
        token = tokens.mint(clerk.state, f"{secrets.token_hex(6)}@example.com")
        return Buyer(client, token, stripe, worker)

    return sign_up


@pytest.fixture
def alice(new_buyer: Callable[[], Buyer]) -> Buyer:
    """A customer with the sign-up grant of one credit."""
    return new_buyer()


def post_stripe(
    client: FlaskClient, event: Fields, *, secret: str = STRIPE_WEBHOOK_SECRET, at: int | None = None
) -> TestResponse:
    """A webhook as Stripe sends it."""
    body = json.dumps(event)
    signature = stripe_client.WebhookSignature.generate_signature_header(body, secret, at)
    return client.post("/webhooks/stripe", data=body, headers={"Stripe-Signature": signature})


@pytest.fixture
def inbox_of(database: TestDatabase) -> Callable[[str], tuple[str, str | None] | None]:
    """(status, reason) of a kept event."""

    def look(event_id: str) -> tuple[str, str | None] | None:
        with psycopg.connect(database.owner_url) as db:
            row = db.execute("SELECT status::text, reason FROM inbox WHERE event_id = %s", [event_id]).fetchone()
        return None if row is None else (row[0], row[1])

    return look


@pytest.fixture(autouse=True)
def nothing_is_broken(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test that buys, what must always hold does."""
    yield
    if "worker" in request.fixturenames:
        worker: Resources = request.getfixturevalue("worker")
        with worker.maintenance.transaction() as db:
            assert {} == select_all_violations(db)


HANDLED, SET_ASIDE, RECEIVED = (
    status.value for status in (InboxStatus.HANDLED, InboxStatus.SET_ASIDE, InboxStatus.RECEIVED)
)


def hurry(worker: Resources, event_id: str) -> None:
    """The pause before an event's next attempt, or its claim, is over."""
    with worker.maintenance.transaction() as db:
        db.execute("UPDATE inbox SET run_at = house_now() WHERE event_id = %s AND status = 'received'", [event_id])


@pytest.fixture
def as_owner(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def nobody_else(worker: Resources, as_owner: psycopg.Connection) -> None:
    """Whoever was here before has left, by an operator's hand: what is found belongs to this test's person."""
    from tests.integration.billing.lives import leave

    for (user_id,) in as_owner.execute("SELECT user_id FROM users WHERE clerk_id IS NOT NULL").fetchall():
        with worker.maintenance.transaction() as db:
            privacy.leave(db, worker.cashier.vault, user_id, asker=purges.Asker.OPERATOR)
        leave(worker, as_owner, str(user_id))


@pytest.fixture
def life(
    client: FlaskClient, clerk: ClerkStandIn, stripe: StripeStandIn, worker: Resources, nobody_else: None
) -> "Life":
    """Somebody with a past here."""
    from tests.integration.billing.lives import live

    return live(client, clerk, stripe, worker)
