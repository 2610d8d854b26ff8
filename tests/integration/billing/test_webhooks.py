"""Webhooks: trusted or refused, kept once, worked on in any order, and never the reason for a wrong credit."""

import json
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.house import house_of
from shared.inbox import InboxProvider
from shared.settings import Settings
from tests.conftest import STRIPE_WEBHOOK_SECRET
from tests.integration.billing.conftest import (
    HANDLED,
    RECEIVED,
    SET_ASIDE,
    Buyer,
    Fields,
    StripeStandIn,
    hurry,
    post_stripe,
)
from workers import payments as tasks
from workers.resources import Resources

InboxOf = Callable[[str], tuple[str, str | None] | None]


def event(kind: str, about: Fields, **other: object) -> Fields:
    """An event that nobody's stand-in made."""
    return {
        "id": f"evt_{random.getrandbits(80):x}", "object": "event", "type": kind, "livemode": False,
        "created": int(time.time()), "data": {"object": about}, **other,
    }  # fmt: skip


COMPLETED = {"object": "checkout.session", "id": "cs_test_unknown"}


def test_a_good_webhook_is_kept_and_answered_quickly(client: FlaskClient, inbox_of: InboxOf) -> None:
    seconds: list[float] = []
    for _ in range(5):
        sent, began = event("checkout.session.completed", COMPLETED), time.perf_counter()
        answer = post_stripe(client, sent)
        seconds.append(time.perf_counter() - began)
        assert (200, {"received": True}) == (answer.status_code, answer.get_json())
        assert (RECEIVED, None) == inbox_of(sent["id"])
    assert min(seconds) < 0.05


@pytest.mark.parametrize("age", [-3_600, -301 - 60, 301 + 60, 86_400])
def test_an_old_or_future_timestamp_is_refused(client: FlaskClient, inbox_of: InboxOf, age: int) -> None:
    sent = event("checkout.session.completed", COMPLETED)
    answer = post_stripe(client, sent, at=int(time.time()) + age)
    assert (400, "webhook-invalid") == (answer.status_code, json.loads(answer.data)["slug"])
    assert inbox_of(sent["id"]) is None


def test_a_bad_signature_is_refused(client: FlaskClient, inbox_of: InboxOf) -> None:
    sent = event("checkout.session.completed", COMPLETED)
    assert 400 == post_stripe(client, sent, secret="whsec_another").status_code
    body = json.dumps(sent)
    now = int(time.time())
    for signature in ("", "t=1", f"t={now}", f"t={now},v1=", f"t={now},v0=abc", "v1=abc", "t=x,v1=y", "nonsense"):
        answer = client.post("/webhooks/stripe", data=body, headers={"Stripe-Signature": signature})
        assert 400 == answer.status_code, signature
    assert 400 == client.post("/webhooks/stripe", data=body).status_code
    assert inbox_of(sent["id"]) is None


def test_a_changed_body_is_refused(client: FlaskClient) -> None:
    import stripe

    signature = stripe.WebhookSignature.generate_signature_header('{"id": "evt_1"}', STRIPE_WEBHOOK_SECRET)
    headers = {"Stripe-Signature": signature}
    assert 400 == client.post("/webhooks/stripe", data='{"id": "evt_2"}', headers=headers).status_code


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "1", '{"id": 1}', '{"livemode": false}', "\udcff"])
def test_a_signed_body_that_is_no_event_is_refused(client: FlaskClient, body: str) -> None:
    import stripe

    data = body.encode("utf-8", "surrogateescape")
    try:
        header = stripe.WebhookSignature.generate_signature_header(body, STRIPE_WEBHOOK_SECRET)
    except UnicodeEncodeError:
        header = f"t={int(time.time())},v1=00"
    assert 400 == client.post("/webhooks/stripe", data=data, headers={"Stripe-Signature": header}).status_code


def test_a_test_mode_event_is_refused_when_live(shop: Settings) -> None:
    live = Settings.model_validate(shop.model_dump() | {"stripe_secret_key": "sk_live_only-for-tests"})
    app = create_app(live)
    try:
        sent = event("checkout.session.completed", COMPLETED)
        assert 400 == post_stripe(app.test_client(), sent).status_code
        assert 200 == post_stripe(app.test_client(), sent | {"livemode": True}).status_code
    finally:
        house_of(app).close()


def test_a_live_event_is_refused_in_test_mode(client: FlaskClient) -> None:
    assert 400 == post_stripe(client, event("checkout.session.completed", COMPLETED, livemode=True)).status_code


def test_what_the_house_does_not_act_on_is_thanked_for_and_not_kept(client: FlaskClient, inbox_of: InboxOf) -> None:
    sent = event("customer.created", {"object": "customer", "id": "cus_1"})
    assert 200 == post_stripe(client, sent).status_code
    assert inbox_of(sent["id"]) is None


def test_an_unknown_session_is_set_aside_visibly(alice: Buyer, inbox_of: InboxOf) -> None:
    sent = event("checkout.session.completed", COMPLETED)
    alice.deliver(sent)
    found = inbox_of(sent["id"])
    assert found is not None
    assert SET_ASIDE == found[0]
    assert "resource_missing" in str(found[1])


def test_a_session_of_somebody_elses_shop_is_set_aside(alice: Buyer, stripe: StripeStandIn, inbox_of: InboxOf) -> None:
    session = stripe.client().v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://www.example.com",
            "line_items": [
                {"quantity": 1, "price_data": {"currency": "eur", "unit_amount": 1, "product_data": {"name": "x"}}}
            ],
        }
    )
    sent = event("checkout.session.completed", {"object": "checkout.session", "id": session.id})
    alice.deliver(sent)
    found = inbox_of(sent["id"])
    assert found is not None
    assert (SET_ASIDE, True) == (found[0], "payment-not-ours" in str(found[1]))


@pytest.mark.parametrize("wrong", [{"unit_amount": 989}, {"currency": "usd"}])
def test_an_amount_or_currency_that_is_not_ours_is_never_credited(
    alice: Buyer, stripe: StripeStandIn, inbox_of: InboxOf, wrong: dict[str, Any]
) -> None:
    """Somebody with our key makes a session of their own for our purchase, before ours is known."""
    checkout = alice.checkout(country="DE")
    with alice.worker.database.transaction(user_id=None):
        me = alice.get("/v1/me")["user_id"]
    metadata = {"purchase_id": checkout["checkout_session_id"], "user_id": me}
    price: Any = {"currency": "eur", "unit_amount": 990, "product_data": {"name": "x"}, **wrong}
    session = stripe.client().v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://www.example.com",
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata},
            "line_items": [{"quantity": 1, "price_data": price}],
        }
    )
    with alice.worker.maintenance.transaction() as db:
        db.execute(
            "UPDATE purchases SET session_id = %s WHERE purchase_id = %s",
            [session.id, checkout["checkout_session_id"]],
        )
    alice.pay({"url": session.url}, country="DE")
    events = stripe.events_about(session.id)
    alice.deliver(*events)
    assert {SET_ASIDE} == {found[0] for one in events if (found := inbox_of(one["id"])) is not None}
    assert (("1.0", "0.0"), []) == (alice.balance(), alice.entries())


def test_the_same_webhook_a_hundred_times_at_once_credits_once(
    app: Flask, alice: Buyer, worker: Resources, inbox_of: InboxOf
) -> None:
    checkout = alice.checkout(country="DE")
    session = alice.pay(checkout)
    sent = next(one for one in alice.stripe.events_about(session["id"]) if one["type"] == "checkout.session.completed")

    def deliver(_: int) -> int:
        status = post_stripe(app.test_client(), sent).status_code
        tasks.handle(worker, InboxProvider.STRIPE, sent["id"])
        return status

    with ThreadPoolExecutor(20) as threads:
        assert {200} == set(threads.map(deliver, range(100)))
    assert ["20.0"] == [entry["available_delta"] for entry in alice.entries()]
    assert (HANDLED, None) == inbox_of(sent["id"])


def test_a_hundred_different_events_at_once_credit_once(alice: Buyer, worker: Resources, app: Flask) -> None:
    """Stripe's event ids differ here, so only the ledger's own guard is left."""
    checkout = alice.checkout(country="DE")
    session = alice.pay(checkout)
    about = {"object": "checkout.session", "id": session["id"]}
    sent = [event("checkout.session.completed", about) for _ in range(100)]
    for one in sent:
        assert 200 == post_stripe(app.test_client(), one).status_code
    event_ids: list[str] = [one["id"] for one in sent]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(partial(tasks.handle, worker, InboxProvider.STRIPE), event_ids))
    for one in sent:
        hurry(worker, one["id"])
        tasks.handle(worker, InboxProvider.STRIPE, one["id"])
    assert ["20.0"] == [entry["available_delta"] for entry in alice.entries()]


def test_any_multiset_and_order_of_a_purchases_events_ends_in_the_same_ledger(
    new_buyer: Callable[[], Buyer], app: Flask, worker: Resources
) -> None:
    @settings(
        max_examples=6,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(data=st.data())
    def always(data: st.DataObject) -> None:
        buyer = new_buyer()
        checkout = buyer.checkout(country="DE")
        session = buyer.pay(checkout)
        intent = session["payment_intent"]
        buyer.stripe.order("refunds", payment_intent=intent, amount=100)
        failing = buyer.stripe.order("refunds", payment_intent=intent, amount=300, status="pending")
        buyer.stripe.order(f"refunds/{failing['id']}", status="failed")
        dispute = buyer.stripe.order("disputes", payment_intent=intent, amount=500)
        if data.draw(st.booleans(), label="won"):
            buyer.stripe.order(f"disputes/{dispute['id']}", status="won")
        happened = buyer.stripe.events_about(session["id"], intent)
        again = [{**one, "id": f"{one['id']}x"} for one in data.draw(st.lists(st.sampled_from(happened), max_size=4))]
        order = data.draw(st.permutations([*happened, *again]), label="order")
        buyer.deliver(*order[data.draw(st.integers(0, len(happened) - 1), label="lost") :])
        won = buyer.stripe.client().v1.disputes.retrieve(dispute["id"]).status == "won"
        # 20 credits less 100 (and 500) of 1178 cents, and the sign-up grant.
        assert ("19.3" if won else "10.8", "0.0") == buyer.balance()
        sums: dict[str, float] = {}
        for entry in buyer.entries():
            kind = entry["transaction_type"]
            sums[kind] = round(sums.get(kind, 0.0) + float(entry["available_delta"]), 1)
        expected = {"purchase": 20.0, "refund": -1.7} | ({} if won else {"dispute": -8.5})
        assert expected == {kind: total for kind, total in sums.items() if total}

    always()
