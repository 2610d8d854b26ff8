"""Buying as customers drive it: over HTTP, with Stripe's page in between."""

import json
from collections.abc import Callable

import httpx
import pytest
from flask.testing import FlaskClient

from tests.integration.billing.conftest import Buyer, Fields, StripeStandIn


def slug(buyer: Buyer, body: object, status: int) -> str:
    answer = buyer.ask("POST", "/v1/checkout-sessions", body)
    assert status == answer.status_code, answer.text
    return json.loads(answer.data)["slug"]


def money(entry: Fields) -> tuple[str, str, int]:
    return entry["transaction_type"], entry["available_delta"], entry["money"]["amount"]


def test_anybody_may_see_the_price_list(client: FlaskClient) -> None:
    answer = client.get("/v1/credit-packages")
    assert 200 == answer.status_code
    first = json.loads(answer.data)["data"][0]
    assert {"package_id": "starter", "name": "20 credits", "credits": "20.0", "price": 990, "currency": "eur"} == first


def test_a_consumer_in_germany_pays_german_vat(alice: Buyer) -> None:
    checkout = alice.checkout(country="DE")
    assert (990, 188, 1178, "eur") == tuple(checkout[name] for name in ("amount", "tax", "total", "currency"))
    assert ("DE", "19", "domestic") == tuple(checkout["expected_tax"][name] for name in ("country", "rate", "rule"))
    alice.pay(checkout)
    alice.settle(checkout)
    (entry,) = alice.entries()
    assert ("purchase", "20.0", 1178) == money(entry)
    assert {"country": "DE", "rate": "19", "amount": 188, "vat_id": None, "reverse_charge": False} == entry["vat"]
    assert ("21.0", "0.0") == alice.balance()
    shown = alice.get(f"/v1/checkout-sessions/{checkout['checkout_session_id']}")
    assert ("paid", 188, 1178) == (shown["status"], shown["tax"], shown["total"])
    assert 200 == httpx.get(shown["receipt_url"]).status_code == httpx.get(shown["invoice_url"]).status_code


def test_a_business_in_france_accounts_for_the_vat_itself(alice: Buyer) -> None:
    checkout = alice.checkout(country="FR", business_name="Atelier", vat_id="fr 40 303265045", address={"city": "Lyon"})
    assert (0, "reverse_charge", "valid") == (
        checkout["tax"], checkout["expected_tax"]["rule"], checkout["expected_tax"]["vat_id_standing"],
    )  # fmt: skip
    alice.pay(checkout)
    alice.settle(checkout)
    (entry,) = alice.entries()
    assert ("purchase", "20.0", 990) == money(entry)
    assert {
        "country": "FR", "rate": "0", "amount": 0, "vat_id": "FR40303265045", "reverse_charge": True,
    } == entry["vat"]  # fmt: skip


def test_a_customer_in_the_united_states_pays_no_vat(alice: Buyer) -> None:
    checkout = alice.checkout(country="US", address={"postal_code": "94107"})
    assert (0, "outside_eu") == (checkout["tax"], checkout["expected_tax"]["rule"])
    alice.pay(checkout)
    alice.settle(checkout)
    (entry,) = alice.entries()
    assert ("purchase", "20.0", 990) == money(entry)
    assert ("US", "0", False) == tuple(entry["vat"][name] for name in ("country", "rate", "reverse_charge"))


def test_who_says_nothing_is_asked_by_stripe(alice: Buyer) -> None:
    checkout = alice.checkout()
    assert (None, None) == (checkout["tax"], checkout["total"])
    alice.pay(checkout, country="AT")
    alice.settle(checkout)
    assert ("AT", "20", 198) == tuple(alice.entries()[0]["vat"][name] for name in ("country", "rate", "amount"))


def test_half_refunded_then_disputed_takes_back_what_the_money_says(alice: Buyer) -> None:
    checkout = alice.checkout(country="DE")
    session = alice.pay(checkout)
    alice.settle(checkout)
    alice.stripe.client().v1.refunds.create({"payment_intent": session["payment_intent"], "amount": 589})
    alice.settle(checkout)
    assert (("11.0", "0.0"), "paid") == (alice.balance(), alice.status(checkout))
    dispute = alice.stripe.order("disputes", payment_intent=session["payment_intent"])
    alice.settle(checkout)
    assert (("1.0", "0.0"), "refunded") == (alice.balance(), alice.status(checkout))
    alice.stripe.order(f"disputes/{dispute['id']}", status="won")
    alice.settle(checkout)
    assert (("11.0", "0.0"), "paid") == (alice.balance(), alice.status(checkout))
    assert [
        ("purchase", "20.0", 1178), ("refund", "-10.0", 589), ("dispute", "-10.0", 589), ("dispute", "10.0", 589),
    ] == [money(entry) for entry in alice.entries()]  # fmt: skip
    assert {checkout["checkout_session_id"]} == {entry["checkout_session_id"] for entry in alice.entries()}


def test_a_refund_that_fails_gives_the_credits_again(alice: Buyer) -> None:
    checkout = alice.checkout(country="DE")
    session = alice.pay(checkout)
    refund = alice.stripe.order("refunds", payment_intent=session["payment_intent"], status="pending")
    alice.settle(checkout)
    assert ("1.0", "refunded") == (alice.balance()[0], alice.status(checkout))
    alice.stripe.order(f"refunds/{refund['id']}", status="failed")
    alice.settle(checkout)
    assert ("21.0", "paid") == (alice.balance()[0], alice.status(checkout))


@pytest.mark.parametrize(("order", "status", "credits"), [("succeed", "paid", "21.0"), ("fail", "failed", "1.0")])
def test_money_under_way_is_credited_when_it_arrives(alice: Buyer, order: str, status: str, credits: str) -> None:
    checkout = alice.checkout(country="DE")
    session = alice.pay(checkout, "pay-later")
    alice.settle(checkout)
    assert ("1.0", "open") == (alice.balance()[0], alice.status(checkout))
    alice.stripe.order(f"sessions/{session['id']}", do=order)
    alice.settle(checkout)
    assert (credits, status) == (alice.balance()[0], alice.status(checkout))


def test_who_declines_or_cancels_or_waits_pays_nothing(alice: Buyer) -> None:
    checkout = alice.checkout(country="DE")
    assert "declined" in httpx.post(checkout["url"], data={"action": "decline"}).text
    back = httpx.post(checkout["url"], data={"action": "cancel"})
    assert (303, "https://www.example.com?checkout=canceled") == (back.status_code, back.headers["Location"])
    alice.stripe.order(f"sessions/{alice.session(checkout)['id']}", do="expire")
    alice.settle(checkout)
    assert ("expired", "1.0") == (alice.status(checkout), alice.balance()[0])


@pytest.mark.parametrize(
    ("billing", "pointer"),
    [
        ({"country": "DE", "vat_id": "DE123456789"}, "/billing/vat_id"),
        ({"country": "FR", "vat_id": "DE136695976"}, "/billing/vat_id"),
        ({"country": "US", "vat_id": "12"}, "/billing/vat_id"),
        ({"vat_id": "DE136695976"}, "/billing/country"),
        ({"country": "Germany"}, "/billing/country"),
        ({"country": "ZZ"}, "/billing/country"),
        ({"planet": "Earth"}, "/billing/planet"),
    ],
)
def test_billing_details_that_are_wrong_are_named(alice: Buyer, billing: dict[str, str], pointer: str) -> None:
    answer = alice.ask("POST", "/v1/checkout-sessions", {"package_id": "starter", "billing": billing})
    assert 422 == answer.status_code
    assert [pointer] == [error["pointer"] for error in json.loads(answer.data)["errors"]]


def test_a_vat_id_that_vies_does_not_know_is_refused(alice: Buyer) -> None:
    body = {"package_id": "starter", "billing": {"country": "FR", "vat_id": "FR40303265045"}}
    alice.stripe.order("vies", standing="invalid")
    try:
        assert "vat-id-invalid" == slug(alice, body, 422)
    finally:
        alice.stripe.order("vies", standing="valid")


def test_an_outage_of_vies_blocks_no_sale(alice: Buyer) -> None:
    alice.stripe.order("vies", standing="unavailable")
    try:
        checkout = alice.checkout(country="FR", vat_id="FR40303265045")
    finally:
        alice.stripe.order("vies", standing="valid")
    assert ("unavailable", 0) == (checkout["expected_tax"]["vat_id_standing"], checkout["tax"])


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/",
        "https://www.example.com.evil.example/",
        "https://www.example.com@evil.example/",
        "http://www.example.com/",
        "https://www.example.com\\@evil.example/",
        "javascript:alert(1)",
        "//www.example.com/",
        "https://www.example.com:444/",
    ],
)
def test_customers_are_sent_back_to_our_front_ends_only(alice: Buyer, url: str) -> None:
    for name in ("success_url", "cancel_url"):
        answer = alice.ask("POST", "/v1/checkout-sessions", {"package_id": "starter", name: url})
        assert 422 == answer.status_code
        assert [f"/{name}"] == [error["pointer"] for error in json.loads(answer.data)["errors"]]


def test_the_customer_comes_back_with_stripes_id_which_works_too(alice: Buyer) -> None:
    back = "https://www.example.com/thanks?session={CHECKOUT_SESSION_ID}"
    answer = alice.ask("POST", "/v1/checkout-sessions", {"package_id": "starter", "success_url": back})
    checkout = json.loads(answer.data)
    assert answer.headers["Location"] == f"/v1/checkout-sessions/{checkout['checkout_session_id']}"
    paid = httpx.post(checkout["url"], data={"action": "pay", "country": "DE"})
    session_id = paid.headers["Location"].partition("session=")[2]
    assert session_id.startswith("cs_")
    assert checkout["checkout_session_id"] == alice.get(f"/v1/checkout-sessions/{session_id}")["checkout_session_id"]


def test_a_package_that_is_not_on_sale_cannot_be_bought(alice: Buyer) -> None:
    assert "request-invalid" == slug(alice, {"package_id": "nothing"}, 422)
    assert "request-invalid" == slug(alice, {}, 422)


def test_another_persons_checkout_is_not_there(alice: Buyer, new_buyer: Callable[[], Buyer]) -> None:
    checkout = alice.checkout()
    session_id = alice.session(checkout)["id"]
    for known in (checkout["checkout_session_id"], session_id, "nonsense"):
        assert 404 == new_buyer().ask("GET", f"/v1/checkout-sessions/{known}").status_code


def test_a_repeated_request_is_the_same_checkout(alice: Buyer) -> None:
    body = {"package_id": "starter"}
    first, again = (alice.ask("POST", "/v1/checkout-sessions", body, Idempotency_Key="buy-1") for _ in range(2))
    assert (201, 201, "true") == (first.status_code, again.status_code, again.headers["Idempotency-Replayed"])
    assert json.loads(first.data) == json.loads(again.data)
    other = alice.ask("POST", "/v1/checkout-sessions", {"package_id": "studio"}, Idempotency_Key="buy-1")
    assert 422 == other.status_code


def test_credits_spent_before_a_refund_are_a_debt_that_blocks(alice: Buyer, stripe: StripeStandIn) -> None:
    checkout = alice.checkout(country="DE")
    session = alice.pay(checkout)
    alice.settle(checkout)
    me = alice.get("/v1/me")["user_id"]
    with alice.worker.maintenance.transaction() as db:
        db.execute(
            "WITH spent AS (INSERT INTO transactions"
            " (transaction_id, user_id, transaction_type, entry, available_delta, reserved_delta, reason)"
            " VALUES (gen_random_uuid(), %(me)s, 'correction', 'debit', -15, 0, 'spent')"
            " RETURNING user_id) UPDATE users SET credit_balance = credit_balance - 15 FROM spent"
            " WHERE users.user_id = spent.user_id",
            {"me": me},
        )
    stripe.client().v1.refunds.create({"payment_intent": session["payment_intent"]})
    alice.settle(checkout)
    assert ("0.0", "14.0") == alice.balance()
    again = alice.checkout(country="DE")
    alice.pay(again)
    alice.settle(again)
    assert ("6.0", "0.0") == alice.balance()


def test_nothing_personal_of_a_purchase_reaches_the_log(alice: Buyer, capfd: pytest.CaptureFixture[str]) -> None:
    address = {"line1": "1 rue Unlogged"}
    checkout = alice.checkout(country="FR", business_name="Atelier Unlogged", vat_id="FR40303265045", address=address)
    alice.pay(checkout, name="Alice Unlogged", email="unlogged@example.com")
    alice.settle(checkout)
    logged = "".join(capfd.readouterr())
    assert "event_worked_on" in logged
    assert [] == [word for word in ("Unlogged", "unlogged", "40303265045") if word in logged]
