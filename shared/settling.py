"""Payments brought to their end: what Stripe says now, written into the ledger; and everything compared now and then.

Used by the payments worker for each event, and by reconciliation for whatever the events left. Stripe is asked outside
of any database transaction.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from shared import billing, purchases
from shared.billing import Settlement
from shared.clock import utc_now
from shared.db import Database
from shared.errors import PaymentNotOurs, PaymentsRefused, PaymentsUnavailable
from shared.payment_facts import Subject
from shared.payments import Payments
from shared.purchases import Purchase, PurchaseStatus
from shared.vault import Vault

MOST_TRIES = 8
PAGE = 500
# Stripe closes a page after 24 hours: a purchase that has none by then will never have one.
ABANDONED_HOURS = 25


@dataclass(frozen=True, slots=True)
class Cashier:
    """What it takes to settle payments. `database` acts as the customer, `maintenance` sees every purchase."""

    database: Database
    maintenance: Database
    payments: Payments
    vault: Vault


def settle_payment(cashier: Cashier, subject: Subject) -> Settlement:
    """Ask Stripe about a purchase and write what it says.

    Raises PaymentNotOurs when it is no purchase of ours or its money is not what was agreed, PaymentsUnavailable,
    PaymentsRefused and DatabaseUnavailable.
    """
    for _ in range(MOST_TRIES):
        known = _known(cashier.database, subject)
        session_id = subject.session_id or known.session_id
        if session_id is None:
            raise PaymentNotOurs(f"purchase {known.purchase_id} has no session yet")
        facts = cashier.payments.read_payment(session_id)
        with cashier.database.transaction(user_id=known.user_id) as db:
            settlement = billing.settle(db, cashier.vault, known, facts)
        if settlement is not Settlement.STALE:
            return settlement
    raise PaymentsUnavailable("The payment is being settled by others at this moment; try again.")


def _known(database: Database, subject: Subject) -> Purchase:
    if subject.purchase_id is None or subject.user_id is None:
        raise PaymentNotOurs(f"session {subject.session_id} names no purchase of ours")
    with database.transaction(user_id=subject.user_id) as db:
        purchase = purchases.select_purchase(db, subject.purchase_id)
    if purchase is None:
        raise PaymentNotOurs(f"purchase {subject.purchase_id} is not one of ours")
    return purchase


@dataclass(frozen=True, slots=True)
class Findings:
    """What reconciliation came upon: purchases looked at, those it had to change, and what it cannot explain."""

    looked_at: int
    settled: tuple[UUID, ...]
    unexplained: tuple[str, ...]


def reconcile(cashier: Cashier, *, window_hours: int) -> Findings:
    """Compare the purchases of so many hours, and all older open ones, with Stripe's sessions, refunds and disputes.

    Fulfils what a lost webhook left. Safe at any time and any number of times. Raises PaymentsUnavailable.
    """
    ours = _ours(cashier.maintenance, window_hours)
    theirs = list(cashier.payments.list_subjects(utc_now() - timedelta(hours=window_hours)))
    wanted: dict[UUID, Subject] = {}
    unexplained: list[str] = []
    for object_id, subject in theirs:
        if subject is None or subject.purchase_id is None:
            unexplained.append(f"{object_id} is about no purchase of ours")
        elif not (object_id == subject.session_id and _is_settled(ours.get(subject.purchase_id))):
            wanted[subject.purchase_id] = subject
    listed = {object_id for object_id, _ in theirs}
    for purchase in ours.values():
        if purchase.status is PurchaseStatus.OPEN:
            wanted.setdefault(purchase.purchase_id, _subject(purchase))
        elif purchase.paid_at is not None and _is_recent(purchase, window_hours) and purchase.session_id not in listed:
            unexplained.append(f"purchase {purchase.purchase_id} is paid, and Stripe has no session of it")
    settled = [purchase_id for purchase_id, one in wanted.items() if _reconciled(cashier, one, unexplained)]
    return Findings(len(ours.keys() | wanted.keys()), tuple(settled), tuple(unexplained))


def _reconciled(cashier: Cashier, subject: Subject, unexplained: list[str]) -> bool:
    """Settle one; True when that changed something. What cannot be explained is noted."""
    assert subject.purchase_id is not None
    if subject.session_id is None:
        with cashier.maintenance.transaction() as db:
            return purchases.update_purchase_abandoned(db, subject.purchase_id, older_than_hours=ABANDONED_HOURS)
    try:
        return settle_payment(cashier, subject) is Settlement.CHANGED
    except (PaymentNotOurs, PaymentsRefused) as problem:
        unexplained.append(f"session {subject.session_id}: {problem.detail}")
        return False


def _ours(maintenance: Database, window_hours: int) -> dict[UUID, Purchase]:
    found: dict[UUID, Purchase] = {}
    after: UUID | None = None
    while True:
        with maintenance.transaction() as db:
            page = purchases.select_purchases_to_reconcile(db, hours=window_hours, limit=PAGE, after=after)
        found |= {purchase.purchase_id: purchase for purchase in page}
        if len(page) < PAGE:
            return found
        after = page[-1].purchase_id


def _is_settled(purchase: Purchase | None) -> bool:
    """Whether a session has nothing more to tell of this purchase; refunds and disputes speak for themselves."""
    return purchase is not None and purchase.status is not PurchaseStatus.OPEN and purchase.paid_at is not None


def _is_recent(purchase: Purchase, window_hours: int) -> bool:
    # An hour less, because Stripe made its session a moment after we made the row.
    return purchase.created_at > utc_now() - timedelta(hours=window_hours - 1)


def _subject(purchase: Purchase) -> Subject:
    return Subject(purchase.session_id, purchase.purchase_id, purchase.user_id)
