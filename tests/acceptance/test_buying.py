"""Credits for money on the real stack, by HTTP alone: the API, Stripe's page, the bank's decisions, its webhooks."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from dev.customer import Body, Customer
from tests.acceptance.conftest import NewCustomer
from tests.acceptance.stacks import Stack, eventually

NET, TOTAL = 990, 1178


class Shop:
    """Stripe's side of one stack."""

    def __init__(self, stack: Stack) -> None:
        self.url = stack.running.settings["STRIPE_URL"]
        self.key = stack.running.settings["STRIPE_SECRET_KEY"]

    def order(self, path: str, **given: object) -> Body:
        return httpx.post(f"{self.url}/_control/{path}", json=given).raise_for_status().json()

    def refund(self, payment_intent: str, amount: int | None = None) -> None:
        """As an operator does on Stripe's dashboard."""
        form = {"payment_intent": payment_intent} | ({} if amount is None else {"amount": str(amount)})
        self.ask("POST", "refunds", data=form)

    def ask(self, method: str, path: str, **more: Any) -> Body:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.request(method, f"{self.url}/v1/{path}", headers=headers, **more).raise_for_status().json()


@pytest.fixture
def shop(house: Stack) -> Shop:
    return Shop(house)


def checkout(customer: Customer, **billing: object) -> Body:
    body = {"package_id": "starter", "billing": billing}
    return customer.http.post("/v1/checkout-sessions", json=body).raise_for_status().json()


def pay(shop: Shop, opened: Body, **form: str) -> str:
    """Press "Pay" on Stripe's page; returns the payment's id."""
    answer = httpx.post(opened["url"], data={"action": "pay", **form})
    assert 303 == answer.status_code, answer.text
    return shop.ask("GET", f"checkout/sessions/{opened['url'].rsplit('/', 1)[1]}")["payment_intent"]


def status(customer: Customer, opened: Body) -> str:
    found = customer.http.get(f"/v1/checkout-sessions/{opened['checkout_session_id']}")
    return found.raise_for_status().json()["status"]


def comes_to(customer: Customer, credits: str) -> bool:
    return eventually(lambda: customer.available() == Decimal(credits), 30)


def money(customer: Customer) -> list[tuple[str, str, int]]:
    found = [entry for entry in reversed(customer.transactions()) if entry["money"] is not None]
    return [(entry["transaction_type"], entry["available_delta"], entry["money"]["amount"]) for entry in found]


@pytest.mark.parametrize(
    ("who", "billing", "total", "vat"),
    [
        ("consumer", {"country": "DE"}, TOTAL, ("DE", "19", 188, False)),
        (
            "business",
            {"country": "FR", "business_name": "Atelier", "vat_id": "FR40303265045"},
            NET,
            ("FR", "0", 0, True),
        ),
        ("american", {"country": "US"}, NET, ("US", "0", 0, False)),
    ],
)
def test_a_purchase_arrives_once_and_goes_back_in_proportion(
    shop: Shop, new_customer: NewCustomer, who: str, billing: dict[str, str], total: int, vat: tuple[object, ...]
) -> None:
    customer = new_customer(f"{who}@example.com", "0")
    shop.order("webhooks", copies=3, jitter_seconds=0.5)
    try:
        opened = checkout(customer, **billing)
        assert total - NET == opened["tax"]
        payment = pay(shop, opened)
        assert comes_to(customer, "20")
        shop.refund(payment, total // 2)
        assert comes_to(customer, "10")
        dispute = shop.order("disputes", payment_intent=payment)
        assert comes_to(customer, "0")
        shop.order(f"disputes/{dispute['id']}", status="won")
        assert comes_to(customer, "10")
    finally:
        shop.order("webhooks")
    half = total - total // 2
    assert [
        ("purchase", "20.0", total), ("refund", "-10.0", total // 2), ("dispute", "-10.0", half),
        ("dispute", "10.0", half),
    ] == money(customer)  # fmt: skip
    kept = next(entry["vat"] for entry in customer.transactions() if entry["transaction_type"] == "purchase")
    assert vat == tuple(kept[name] for name in ("country", "rate", "amount", "reverse_charge"))


def test_killing_the_payments_worker_loses_no_credits(house: Stack, shop: Shop, new_customer: NewCustomer) -> None:
    customer = new_customer("unlucky@example.com", "0")
    opened = [checkout(customer, country="DE") for _ in range(4)]
    for one in opened:
        pay(shop, one)
        house.kill("worker-payments")
    assert comes_to(customer, "80")
    assert ["paid"] * 4 == [status(customer, one) for one in opened]


def test_when_every_webhook_is_lost_reconciliation_ends_right(
    house: Stack, shop: Shop, new_customer: NewCustomer
) -> None:
    customer = new_customer("patient@example.com", "0")
    shop.order("webhooks", drop=True)
    try:
        opened = checkout(customer, country="DE")
        shop.refund(pay(shop, opened), TOTAL // 2)
    finally:
        shop.order("webhooks")
    assert not eventually(lambda: customer.available() > 0, 2)
    done = house.operate("reconcile")
    assert (0, True) == (done.returncode, f"settled {opened['checkout_session_id']}" in done.stdout), done.stderr
    assert [("purchase", "20.0", TOTAL), ("refund", "-10.0", TOTAL // 2)] == money(customer)


def test_what_nobody_signed_changes_nothing(house: Stack, new_customer: NewCustomer) -> None:
    customer = new_customer("forger@example.com", "0")
    opened = checkout(customer, country="DE")
    forged = {"id": "evt_1", "type": "checkout.session.completed", "data": {"object": {"id": "cs_1"}}}
    answer = httpx.post(f"{house.url}/webhooks/stripe", json=forged, headers={"Stripe-Signature": "t=1,v1=00"})
    assert 400 == answer.status_code
    assert ("open", Decimal(0)) == (status(customer, opened), customer.available())
