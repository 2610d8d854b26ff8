"""The stand-in for Stripe: strict about bodies, the same for the same key, and as bad-mannered as it is told to be."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
from stripe.params import CustomerCreateParams, RefundCreateParams
from stripe.params.checkout import SessionCreateParams, SessionListParams

from dev.children import Children
from dev.ports import free_ports
from dev.standins.stripe.forms import parse_form
from dev.standins.stripe.params import Refused, check
from dev.standins.stripe.state import State, new_id
from tests.conftest import start

KEY, SECRET = "sk_test_unit", "whsec_unit"
LINE: Any = {"quantity": 1, "price_data": {"currency": "eur", "unit_amount": 990, "product_data": {"name": "x"}}}


class Inbox:
    """A server that keeps the webhooks it gets, and refuses the first ones."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.refuse = 0
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                stripe.WebhookSignature.verify_header(body, self.headers["Stripe-Signature"], SECRET, 300)
                inbox.refuse -= 1
                if inbox.refuse < 0:
                    inbox.received.append(json.loads(body))
                self.send_response(500 if inbox.refuse >= 0 else 200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"

    def types(self, count: int) -> list[str]:
        """The kinds of the events received, once there are so many."""
        deadline = time.monotonic() + 15
        while len(self.received) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return [event["type"] for event in self.received]


@pytest.fixture(scope="module")
def running(children: Children, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Inbox, Path]]:
    (port,) = free_ports(1)
    inbox, state = Inbox(), tmp_path_factory.mktemp("stripe")
    start(
        children, "stripe-unit", port, "dev.standins.stripe", "--state", str(state), "--secret-key", KEY,
        "--webhook-url", inbox.url, "--webhook-secret", SECRET,
    )  # fmt: skip
    yield f"http://127.0.0.1:{port}", inbox, state
    inbox.server.shutdown()
    inbox.server.server_close()


@pytest.fixture
def url(running: tuple[str, Inbox, Path]) -> str:
    return running[0]


@pytest.fixture
def inbox(running: tuple[str, Inbox, Path]) -> Inbox:
    running[1].received.clear()
    httpx.post(f"{running[0]}/_control/webhooks", json={})
    return running[1]


@pytest.fixture
def client(url: str) -> stripe.StripeClient:
    return stripe.StripeClient(KEY, base_addresses={"api": url}, max_network_retries=0)


def session(client: stripe.StripeClient, **more: Any) -> stripe.checkout.Session:
    params: Any = {"mode": "payment", "success_url": "https://www.example.com", "line_items": [LINE], **more}
    return client.v1.checkout.sessions.create(params)


def press(opened: stripe.checkout.Session, action: str, **form: str) -> httpx.Response:
    assert opened.url is not None
    return httpx.post(opened.url, data={"action": action, "country": "DE", **form})


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ("payment_method_types[0]=card", "payment_method_types"),  # was taken out of Stripe's API
        ("mode=once", "mode"),
        ("ui_mode=hosted", "ui_mode"),
        ("automatic_tax[enabled]=perhaps", "automatic_tax[enabled]"),
        ("automatic_tax[on]=true", "automatic_tax[on]"),
        ("line_items[0][quantity]=one", "line_items[0][quantity]"),
        ("invoice_creation[invoice_data][description]=x", "invoice_creation[enabled]"),
        ("line_items=x", "line_items"),
        ("metadata=x", "metadata"),
    ],
)
def test_what_the_types_of_the_package_do_not_allow_is_refused(form: str, param: str) -> None:
    with pytest.raises(Refused) as refused:
        check(parse_form(form), SessionCreateParams)
    assert param == refused.value.param


def test_what_they_allow_is_read_as_they_say() -> None:
    assert {"created": {"gte": 12}, "limit": 3} == check(parse_form("created[gte]=12&limit=3"), SessionListParams)
    assert {"amount": 5, "reason": "duplicate"} == check(parse_form("amount=5&reason=duplicate"), RefundCreateParams)
    assert {"address": ""} == check(parse_form("address="), CustomerCreateParams)
    assert {"expand": ["a", "b"]} == check(parse_form("expand[0]=a&expand[1]=b"), SessionListParams)


@pytest.mark.parametrize(
    "more",
    [
        {"line_items": []},
        {"customer": "cus_nobody"},
        {"customer_update": {"name": "auto"}},
        {"customer_creation": "always", "customer": "cus_nobody"},
        {"line_items": [{"price": "price_nothing", "quantity": 1}]},
        {"metadata": {"long": "x" * 501}},
        {"expand": ["nothing"]},
    ],
)
def test_what_contradicts_itself_is_refused(client: stripe.StripeClient, more: dict[str, Any]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        opened = session(client, **more)
        client.v1.checkout.sessions.retrieve(opened.id, {"expand": more["expand"]})


def test_a_strange_key_is_refused(url: str) -> None:
    stranger = stripe.StripeClient("sk_test_stranger", base_addresses={"api": url}, max_network_retries=0)
    with pytest.raises(stripe.AuthenticationError):
        session(stranger)


def test_the_same_idempotency_key_is_the_same_session(client: stripe.StripeClient) -> None:
    params: Any = {"mode": "payment", "success_url": "https://www.example.com", "line_items": [LINE]}
    first, again = (client.v1.checkout.sessions.create(params, {"idempotency_key": "k1"}) for _ in range(2))
    assert first.id == again.id
    with pytest.raises(stripe.StripeError):
        params["client_reference_id"] = "x"
        client.v1.checkout.sessions.create(params, {"idempotency_key": "k1"})


def test_a_payment_is_told_of_with_its_invoice(client: stripe.StripeClient, inbox: Inbox) -> None:
    opened = session(client, invoice_creation={"enabled": True}, automatic_tax={"enabled": True})
    assert 303 == press(opened, "pay").status_code
    assert {"checkout.session.completed", "invoice.paid"} == set(inbox.types(2))
    paid = client.v1.checkout.sessions.retrieve(opened.id, {"expand": ["total_details.breakdown"]})
    assert ("complete", "paid", 1178) == (paid.status, paid.payment_status, paid.amount_total)


def test_a_webhook_that_is_not_answered_well_comes_again(client: stripe.StripeClient, inbox: Inbox) -> None:
    inbox.refuse = 2
    press(session(client), "pay")
    assert ["checkout.session.completed"] == inbox.types(1)


def test_webhooks_come_as_often_as_they_are_told_to(url: str, client: stripe.StripeClient, inbox: Inbox) -> None:
    httpx.post(f"{url}/_control/webhooks", json={"copies": 3, "jitter_seconds": 0.2})
    press(session(client), "pay")
    assert ["checkout.session.completed"] * 3 == inbox.types(3)
    assert 1 == len({event["id"] for event in inbox.received})


def test_dropped_webhooks_can_be_sent_later(url: str, client: stripe.StripeClient, inbox: Inbox) -> None:
    httpx.post(f"{url}/_control/webhooks", json={"drop": True})
    press(session(client), "pay")
    event = httpx.get(f"{url}/_control/events").json()["data"][0]
    time.sleep(0.3)
    assert [] == inbox.received
    httpx.post(f"{url}/_control/events/{event['id']}/resend")
    assert ["checkout.session.completed"] == inbox.types(1)


def test_no_more_is_refunded_than_was_paid(client: stripe.StripeClient) -> None:
    opened = session(client)
    press(opened, "pay")
    intent = str(client.v1.checkout.sessions.retrieve(opened.id).payment_intent)
    client.v1.refunds.create({"payment_intent": intent, "amount": 900})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent, "amount": 91})


@pytest.mark.parametrize(
    ("action", "status", "text"),
    [("decline", 402, "declined"), ("cancel", 303, ""), ("nothing", 422, "Choose"), ("pay-later", 303, "")],
)
def test_the_page_has_a_button_for_each_end(client: stripe.StripeClient, action: str, status: int, text: str) -> None:
    opened = session(client, cancel_url="https://www.example.com/no")
    assert opened.url is not None
    page = httpx.get(opened.url)
    assert [] == [name for name in ("pay", "pay-later", "decline", "cancel") if f'value="{name}"' not in page.text]
    answer = press(opened, action)
    assert (status, True) == (answer.status_code, text in answer.text)


def test_the_page_asks_for_a_country_and_refuses_a_bad_vat_id(client: stripe.StripeClient) -> None:
    opened = session(client)
    assert 422 == press(opened, "pay", country="Germany").status_code
    assert 422 == press(opened, "pay", country="FR", vat_id="FR1").status_code
    assert 303 == press(opened, "pay", country="FR", vat_id="FR40303265045").status_code
    assert 410 == press(opened, "pay").status_code


def test_what_happened_is_remembered_in_its_folder(
    running: tuple[str, Inbox, Path], client: stripe.StripeClient
) -> None:
    opened = session(client)
    press(opened, "pay")
    kept = json.loads((running[2] / "stripe.json").read_text())
    assert "complete" == kept["sessions"][opened.id]["status"]


def test_the_banks_page_shows_what_can_be_done(url: str, client: stripe.StripeClient) -> None:
    opened = session(client)
    press(opened, "pay")
    page = httpx.get(url)
    assert opened.id in page.text
    order = httpx.post(f"{url}/_control/sessions/{opened.id}", data={"do": "refund-half"})
    assert (303, "/") == (order.status_code, order.headers["Location"])
    assert 404 == httpx.post(f"{url}/_control/disputes/du_nothing", json={"status": "won"}).status_code


def test_many_threads_write_the_state_at_once_and_none_fails(tmp_path: Path):
    state = State(tmp_path)

    def write(_: int) -> str:
        with state.lock:
            made = state.add({"id": new_id("cus")})
        state.save()
        return made["id"]

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(write, range(200)))
    assert made == set(State(tmp_path).objects["customers"])
