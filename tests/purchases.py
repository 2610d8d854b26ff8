"""Purchases to test with, and what Stripe might say of them; all of the package of 20 credits for 9.90."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from shared import billing, purchases
from shared.accounts import Account
from shared.ids import new_id
from shared.payment_facts import Billing, PaymentFacts, PaymentState, ReversalFacts, Subject
from shared.purchases import Purchase
from shared.vault import Vault, new_key
from tests.factories import Connection

VAULT = Vault(SecretStr(new_key()))
PACKAGE, CREDITS, NET = "starter", "20.0", 990
TAX, TOTAL = 188, 1178  # 19 %
BEGAN = datetime(2030, 1, 1, tzinfo=UTC)


def make_purchase(db: Connection, account: Account, *, details: Billing | None = None) -> Purchase:
    """An open purchase of the first package; the database transaction must act for the account."""
    return billing.begin(
        db,
        VAULT,
        purchase_id=new_id(),
        user_id=account.user_id,
        package_id=PACKAGE,
        seller_country="DE",
        billing=details or Billing(),
        vies=None,
    )


def paid(purchase: Purchase, *reversals: ReversalFacts, **other: object) -> PaymentFacts:
    """What Stripe says of a purchase that a German consumer paid."""
    facts = PaymentFacts(
        subject=Subject(f"cs_{purchase.purchase_id.hex}", purchase.purchase_id, purchase.user_id),
        session_id=f"cs_{purchase.purchase_id.hex}",
        state=PaymentState.PAID,
        amount=NET,
        total=TOTAL,
        tax=TAX,
        currency="eur",
        payment_intent_id=f"pi_{purchase.purchase_id.hex}",
        vat={"country": "DE", "rate": "19", "vat_id": None, "reverse_charge": False, "evidence": {}},
        personal={"name": "Alice", "email": "alice@example.com"},
        reversals=reversals,
    )
    return replace(facts, **other)  # pyright: ignore[reportArgumentType] - the test names the field


def unpaid(purchase: Purchase, state: PaymentState) -> PaymentFacts:
    """What Stripe says of a purchase that is not paid."""
    return paid(purchase, state=state, payment_intent_id=None)


def refund(number: int, amount: int, status: str = "succeeded", purchase: Purchase | None = None) -> ReversalFacts:
    """A refund of so many cents; `number` orders it in time."""
    name = f"re_{number}" if purchase is None else f"re_{number}_{purchase.purchase_id.hex}"
    return ReversalFacts(name, False, status, amount, "eur", BEGAN + timedelta(seconds=number))


def dispute(number: int, amount: int, status: str = "needs_response") -> ReversalFacts:
    """A dispute about so many cents; `number` orders it in time."""
    return ReversalFacts(f"dp_{number}", True, status, amount, "eur", BEGAN + timedelta(seconds=number))


def settle(db: Connection, purchase: Purchase, facts: PaymentFacts) -> billing.Settlement:
    """Settle with the row as it is now."""
    known = purchases.select_purchase(db, purchase.purchase_id)
    assert known is not None
    return billing.settle(db, VAULT, known, facts)


def settle_all(db: Connection, purchase: Purchase, all_facts: Sequence[PaymentFacts]) -> None:
    """Settle with one state of affairs after the other."""
    for facts in all_facts:
        settle(db, purchase, facts)
