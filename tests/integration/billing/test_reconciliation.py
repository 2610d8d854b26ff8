"""When every webhook is lost: reconciliation ends where the webhooks would have, and the operator's commands."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from api.cli import operate
from shared.settings import Settings
from shared.vault import Vault, new_key
from tests.conftest import TestDatabase
from tests.integration.billing.conftest import Buyer, StripeStandIn
from workers import payments as tasks
from workers.resources import Resources

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(shop: Settings) -> Run:
    """Runs an operator's command with the shop's settings, or some others."""

    def run(*arguments: str, **others: str) -> tuple[int, str]:
        environment = {
            name.upper(): value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
            for name, value in shop
            if value is not None and not isinstance(value, tuple)
        }
        result = CliRunner().invoke(operate, arguments, env=environment | others)
        return result.exit_code, result.output

    return run


def test_reconciliation_fulfils_what_lost_webhooks_left(alice: Buyer, worker: Resources) -> None:
    checkout = alice.checkout(country="DE")
    session = alice.pay(checkout)
    tasks.compare(worker)
    assert ("21.0", "paid") == (alice.balance()[0], alice.status(checkout))
    alice.stripe.client().v1.refunds.create({"payment_intent": session["payment_intent"], "amount": 589})
    alice.stripe.order("disputes", payment_intent=session["payment_intent"], amount=100)
    tasks.compare(worker)
    assert ["20.0", "-10.0", "-1.7"] == [entry["available_delta"] for entry in alice.entries()]
    tasks.compare(worker)
    assert 3 == len(alice.entries())


def test_reconciliation_finds_a_refund_of_two_cents(alice: Buyer, worker: Resources) -> None:
    checkout = alice.checkout(country="DE")
    session = alice.pay(checkout)
    tasks.compare(worker)
    alice.stripe.client().v1.refunds.create({"payment_intent": session["payment_intent"], "amount": 2})
    tasks.compare(worker)
    _, entry = alice.entries()
    assert ("refund", "debit", "0.0", 2) == (
        entry["transaction_type"], entry["entry"], entry["available_delta"], entry["money"]["amount"],
    )  # fmt: skip
    tasks.compare(worker)
    assert ("21.0", 2) == (alice.balance()[0], len(alice.entries()))


def test_reconciliation_finds_a_page_whose_answer_was_lost(alice: Buyer, worker: Resources) -> None:
    """The API died after Stripe had made the page and before that was written down."""
    checkout = alice.checkout(country="DE")
    with worker.maintenance.transaction() as db:
        db.execute("UPDATE purchases SET session_id = NULL WHERE purchase_id = %s", [checkout["checkout_session_id"]])
    alice.pay(checkout)
    tasks.compare(worker)
    assert ("21.0", "paid") == (alice.balance()[0], alice.status(checkout))


def test_a_purchase_that_never_had_a_page_is_closed(alice: Buyer, worker: Resources) -> None:
    checkout = alice.checkout(country="DE")
    with worker.maintenance.transaction() as db:
        db.execute(
            "UPDATE purchases SET session_id = NULL, created_at = house_now() - interval '30 hours'"
            " WHERE purchase_id = %s",
            [checkout["checkout_session_id"]],
        )
    # Stripe has a session of it all the same; one more without any is what this is about.
    with worker.database.transaction(user_id=None):
        pass
    me = alice.get("/v1/me")["user_id"]
    with worker.maintenance.transaction() as db:
        row = db.execute(
            "INSERT INTO purchases (purchase_id, user_id, package_id, credits, amount, currency, created_at)"
            " VALUES (gen_random_uuid(), %s, 'starter', 20, 990, 'eur', house_now() - interval '30 hours')"
            " RETURNING purchase_id",
            [me],
        ).fetchone()
    assert row is not None
    tasks.compare(worker)
    assert "expired" == alice.get(f"/v1/checkout-sessions/{row[0]}")["status"]


def test_what_cannot_be_explained_is_reported(
    alice: Buyer, stripe: StripeStandIn, run: Run, database: TestDatabase
) -> None:
    price: Any = {"currency": "eur", "unit_amount": 5, "product_data": {"name": "x"}}
    session = stripe.client().v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://www.example.com",
            "line_items": [{"quantity": 1, "price_data": price}],
        }
    )
    checkout = alice.checkout(country="DE")
    alice.pay(checkout)
    code, output = run("reconcile", "--hours", "48")
    assert 1 == code
    assert f"unexplained: {session.id} is about no purchase of ours\n" in output
    assert f"settled {checkout['checkout_session_id']}\n" in output
    with psycopg.connect(database.owner_url) as db:
        db.execute("UPDATE purchases SET session_id = NULL WHERE purchase_id = %s", [checkout["checkout_session_id"]])
        db.commit()
    code, output = run("reconcile")
    assert f"purchase {checkout['checkout_session_id']} is paid, and Stripe has no session of it" in output


def test_without_stripe_reconciliation_is_put_off(shop: Settings, run: Run) -> None:
    code, output = run("reconcile", STRIPE_URL="http://127.0.0.1:9")
    assert (1, True) == (code, "Payments cannot be reached" in output)


def test_an_operator_edits_the_price_list(alice: Buyer, run: Run) -> None:
    assert (0, "jumbo is on sale\n") == run("set-package", "jumbo", "1000 credits", "1000", "249.99")
    on_sale = {one["package_id"]: one for one in alice.get("/v1/credit-packages")["data"]}
    assert (24999, "1000.0") == (on_sale["jumbo"]["price"], on_sale["jumbo"]["credits"])
    assert "24999" == str(alice.checkout("jumbo", country="US")["amount"])
    assert (0, "jumbo is no longer on sale\n") == run("retire-package", "jumbo")
    assert "jumbo" not in {one["package_id"] for one in alice.get("/v1/credit-packages")["data"]}
    assert "retired" in run("packages")[1]
    assert 1 == run("retire-package", "jumbo")[0]


@pytest.mark.parametrize(
    "wrong",
    [
        ("set-package", "Bad Id", "x", "10", "1"),
        ("set-package", "x", "x", "ten", "1"),
        ("set-package", "x", "x", "10", "1.001"),
        ("set-package", "x", "x", "10", "1", "--currency", "jpy"),
        ("set-package", "x", "x", "10", "-1"),
    ],
)
def test_what_is_no_package_is_refused(run: Run, wrong: tuple[str, ...]) -> None:
    assert 0 != run(*wrong)[0]


def test_a_package_may_have_its_price_at_stripe(alice: Buyer, stripe: StripeStandIn, run: Run) -> None:
    price = stripe.client().v1.prices.create({"currency": "eur", "unit_amount": 700, "product_data": {"name": "seven"}})
    run("set-package", "seven", "7 credits", "7", "7.00", "--stripe-price", price.id)
    checkout = alice.checkout("seven", country="DE")
    alice.pay(checkout)
    alice.settle(checkout)
    assert ["7.0"] == [entry["available_delta"] for entry in alice.entries()]


def test_an_operator_sees_what_was_set_aside_and_brings_it_back(run: Run, alice: Buyer, worker: Resources) -> None:
    unknown = {"id": "evt_aside", "type": "refund.created", "livemode": False}
    alice.deliver({**unknown, "data": {"object": {"object": "refund", "id": "re_unknown"}}})
    code, output = run("inbox")
    assert 0 == code
    assert "stripe evt_aside refund.created re_unknown\n  payment-not-ours: " in output or "payments-refused" in output
    assert (0, "evt_aside will be worked on again within seconds\n") == run("retry-event", "stripe", "evt_aside")
    assert 1 == run("retry-event", "stripe", "evt_aside")[0]
    assert tasks.sweep(worker) >= 1


def test_keys_are_rotated_without_losing_anything(alice: Buyer, shop: Settings, run: Run) -> None:
    checkout = alice.checkout(country="FR", business_name="Atelier Alice")
    alice.pay(checkout)
    alice.settle(checkout)
    code, key = run("new-key")
    assert 0 == code
    old = shop.encryption_keys.get_secret_value()
    code, output = run("rotate-keys", ENCRYPTION_KEYS=f"{key.strip()},{old}")
    assert (0, True) == (code, output.endswith("rows are under the newest key\n"))
    newest = Vault(shop.encryption_keys.__class__(key.strip()))
    with alice.worker.maintenance.transaction() as db:
        rows = db.execute("SELECT details FROM purchases WHERE details IS NOT NULL").fetchall()
        assert any("Atelier Alice" in str(newest.open(row[0])) for row in rows)
    # Back again, for the tests that follow.
    assert 0 == run("rotate-keys", ENCRYPTION_KEYS=f"{old},{key.strip()}")[0]
    assert 1 == run("rotate-keys", ENCRYPTION_KEYS=new_key())[0]
