"""Credits for money: a purchase begins as a row of ours, and ends as what Stripe says of it. No SQL here.

Nothing is derived from the order of events. A settlement takes the whole truth of a payment, refunds and disputes
included, and brings the row and the ledger there; facts that were fetched before another settlement are refused.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from shared import accounts, events, money, packages, purchases, reversals
from shared.apportion import Part, Whole, apportion
from shared.credits import TransactionType
from shared.db import Connection
from shared.errors import NotFound, PaymentNotOurs, RequestInvalid
from shared.events import ActionType
from shared.ids import new_id
from shared.money import MoneyEntry
from shared.payment_facts import Billing, OpenedCheckout, PaymentFacts, PaymentState, ReversalFacts, percent_text
from shared.purchases import Purchase, PurchaseStatus, Settled
from shared.reversals import Reversal, ReversalKind
from shared.vat import expected_tax
from shared.vault import Vault
from shared.vies import ViesAnswer

_STATUS: Mapping[PaymentState, PurchaseStatus] = {
    PaymentState.OPEN: PurchaseStatus.OPEN,
    PaymentState.FAILED: PurchaseStatus.FAILED,
    PaymentState.EXPIRED: PurchaseStatus.EXPIRED,
}


class Settlement(StrEnum):
    """What a settlement did. stale: another one came in between; ask Stripe again."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    STALE = "stale"


def begin(
    db: Connection,
    vault: Vault,
    *,
    purchase_id: UUID,
    user_id: UUID,
    package_id: str,
    seller_country: str,
    billing: Billing,
    vies: ViesAnswer | None,
) -> Purchase:
    """Make the row of a purchase, with the tax that the customer should expect. Raises RequestInvalid.

    `billing.vat_id` has been checked, and `vies` is what VIES said of it.
    """
    package = packages.select_active_package(db, package_id)
    if package is None:
        wrong = [{"pointer": "/package_id", "detail": "no such package is on sale"}]
        raise RequestInvalid("There is no such package on sale; GET /v1/credit-packages lists them.", errors=wrong)
    purchase = purchases.insert_purchase(
        db,
        purchase_id=purchase_id,
        user_id=user_id,
        package_id=package_id,
        expected_tax=_expectation(seller_country, package.price, billing, vies),
        details=vault.seal({"given": _given(billing)}),
    )
    if purchase is None:
        raise NotFound("The package has just been taken off the price list.")
    events.insert_event(
        db,
        analytics_id=new_id(),
        user_id=user_id,
        action_type=ActionType.CHECKOUT,
        data={"package_id": package_id},
    )
    return purchase


def opened(db: Connection, purchase: Purchase, checkout: OpenedCheckout) -> None:
    """Note where the customer pays."""
    purchases.update_purchase_opened(
        db, purchase.purchase_id, session_id=checkout.session_id, expires_at=checkout.expires_at
    )


def _expectation(
    seller_country: str, price: int, billing: Billing, vies: ViesAnswer | None
) -> dict[str, object] | None:
    if billing.country is None:
        return None
    tax = expected_tax(
        seller_country=seller_country,
        customer_country=billing.country,
        net=price,
        has_vat_id=billing.vat_id is not None,
        postal_code=(billing.address or {}).get("postal_code"),
    )
    expectation: dict[str, object] = {
        "country": tax.country,
        "rate": percent_text(tax.rate),
        "amount": tax.amount,
        "rule": tax.rule.value,
        "vat_id": billing.vat_id,
    }
    if vies is not None:
        expectation["vies"] = {
            "standing": vies.standing.value,
            "asked_at": vies.asked_at.isoformat(timespec="seconds"),
            "consultation": vies.consultation,
        }
    return expectation


def _given(billing: Billing) -> dict[str, object]:
    return {name: value for name, value in asdict(billing).items() if value is not None}


def settle(db: Connection, vault: Vault, known: Purchase, facts: PaymentFacts) -> Settlement:
    """Bring a purchase and the ledger to what Stripe says. `known` is the row as it was before the facts were fetched.

    Raises PaymentNotOurs when the money is not what was agreed; then nothing was changed.
    """
    _check(known, facts)
    purchase = purchases.select_purchase(db, known.purchase_id)
    if purchase is None:
        raise PaymentNotOurs(f"purchase {known.purchase_id} is not there any more")
    new = _settled(purchase, facts, vault)
    if _has_left(db, purchase):
        new = replace(new, details=_details_of_the_gone(vault, purchase, facts))
        facts = replace(facts, vat={**facts.vat, "vat_id": None})
    moves = _moves(db, purchase, facts) if new.is_paid else []
    if not moves and _is_same(purchase, new):
        return Settlement.UNCHANGED
    if not purchases.update_purchase_settled(db, purchase.purchase_id, known.version, new):
        return Settlement.STALE
    if new.is_paid and purchase.paid_at is None:
        _credit(db, purchase, facts)
    for move in moves:
        _make(db, purchase, facts, move)
    return Settlement.CHANGED


def accounting_part(details: Mapping[str, object]) -> dict[str, object]:
    """Of what is kept encrypted with a purchase, what accounting law wants kept when everything else is forgotten.

    The invoice's number; and who bought, where the tax is theirs to pay (Directive 2006/112/EC, art. 226 and 242).
    """
    given, charged = _dict(details.get("given")), _dict(details.get("charged"))
    if "accounting" in details:
        return dict(details)
    vat_id = charged.get("vat_id") or given.get("vat_id")
    kept = {
        "invoice_number": charged.get("invoice_number"),
        "vat_id": vat_id,
        "name": (charged.get("name") or given.get("business_name")) if vat_id else None,
    }
    return {"accounting": {name: value for name, value in kept.items() if value is not None}}


def _details_of_the_gone(vault: Vault, purchase: Purchase, facts: PaymentFacts) -> bytes | None:
    """Somebody paid and was gone: the accounting part of it. None later, for then it is there."""
    if facts.state is not PaymentState.PAID or purchase.paid_at is not None:
        return None
    return vault.seal(accounting_part({"charged": dict(facts.personal)}))


def _has_left(db: Connection, purchase: Purchase) -> bool:
    """Whether the person is purged: then what Stripe tells of them is not kept again."""
    account = accounts.select_account(db, purchase.user_id)
    return account is None or account.clerk_id is None


def _check(purchase: Purchase, facts: PaymentFacts) -> None:
    if facts.subject.purchase_id != purchase.purchase_id or purchase.session_id not in (None, facts.session_id):
        raise PaymentNotOurs(f"session {facts.session_id} is not the one of purchase {purchase.purchase_id}")
    if facts.state is not PaymentState.PAID:
        return
    if facts.currency != purchase.currency:
        raise PaymentNotOurs(f"paid in {facts.currency} where {purchase.currency} was agreed")
    if facts.amount != purchase.amount or facts.total != facts.amount + facts.tax:
        raise PaymentNotOurs(
            f"paid {facts.total} with {facts.tax} of tax on {facts.amount}, where {purchase.amount} was agreed"
        )
    if foreign := [one.reversal_id for one in facts.reversals if one.currency != purchase.currency]:
        raise PaymentNotOurs(f"{', '.join(foreign)}: the currency is not {purchase.currency}")


def _settled(purchase: Purchase, facts: PaymentFacts, vault: Vault) -> Settled:
    is_paid = facts.state is PaymentState.PAID or purchase.paid_at is not None
    status = _STATUS.get(facts.state, PurchaseStatus.PAID)
    if is_paid:
        back = sum(one.amount for one in facts.reversals if one.takes_back)
        status = PurchaseStatus.REFUNDED if back >= facts.total > 0 else PurchaseStatus.PAID
    details = vault.open(purchase.details)
    is_new = facts.state is PaymentState.PAID and details.get("charged") != facts.personal
    return Settled(
        status=status,
        session_id=facts.session_id,
        payment_intent_id=facts.payment_intent_id,
        total=facts.total if is_paid else None,
        tax=facts.tax if is_paid else None,
        details=vault.seal({**details, "charged": dict(facts.personal)}) if is_new else None,
        is_paid=is_paid,
    )


def _is_same(purchase: Purchase, new: Settled) -> bool:
    before = (purchase.status, purchase.session_id, purchase.payment_intent_id, purchase.total, purchase.tax)
    return new.details is None and before == (
        new.status, new.session_id, new.payment_intent_id, new.total, new.tax,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Move:
    """A refund or dispute that takes back another part than it did."""

    facts: ReversalFacts
    now: Part
    before: Part


def _moves(db: Connection, purchase: Purchase, facts: PaymentFacts) -> list[_Move]:
    known = {one.reversal_id: one for one in reversals.select_reversals(db, purchase.purchase_id)}
    ordered = sorted(facts.reversals, key=lambda one: (one.happened_at, one.is_dispute, one.reversal_id))
    whole = Whole(facts.total, facts.tax, purchase.credits)
    parts = apportion(whole, [one.amount if one.takes_back else 0 for one in ordered])
    moves: list[_Move] = []
    for one, now in zip(ordered, parts, strict=True):
        row = known.get(one.reversal_id)
        before = Part(0, 0, Decimal(0)) if row is None else Part(row.amount, row.tax, row.credits)
        if row is None or (now, one.status) != (before, row.status):
            moves.append(_Move(one, now, before))
    return moves


def _credit(db: Connection, purchase: Purchase, facts: PaymentFacts) -> None:
    expected = purchase.expected_tax or {}
    evidence = {**_dict(facts.vat.get("evidence")), "vies": expected.get("vies")}
    entry = MoneyEntry(
        transaction_id=new_id(),
        user_id=purchase.user_id,
        purchase_id=purchase.purchase_id,
        credits=purchase.credits,
        amount=facts.total,
        currency=purchase.currency,
        tax=facts.tax,
        vat_info={**facts.vat, "expected": expected.get("amount"), "evidence": evidence},
    )
    if money.credit_purchase(db, entry):
        events.insert_event(
            db,
            analytics_id=new_id(),
            user_id=purchase.user_id,
            action_type=ActionType.PURCHASE,
            data={"package_id": purchase.package_id, "total": facts.total, "currency": purchase.currency},
        )


def _make(db: Connection, purchase: Purchase, facts: PaymentFacts, move: _Move) -> None:
    one, now, before = move.facts, move.now, move.before
    kind = ReversalKind.DISPUTE if one.is_dispute else ReversalKind.REFUND
    number = reversals.insert_reversal(
        db,
        Reversal(
            one.reversal_id, purchase.purchase_id, purchase.user_id, kind, one.status,
            now.amount, now.tax, now.credits, 0, one.happened_at,
        ),
    )  # fmt: skip
    if now == before:
        return
    entry = MoneyEntry(
        transaction_id=new_id(),
        user_id=purchase.user_id,
        purchase_id=purchase.purchase_id,
        credits=before.credits - now.credits,
        amount=before.amount - now.amount,
        currency=purchase.currency,
        tax=before.tax - now.tax,
        vat_info={name: facts.vat.get(name) for name in ("country", "rate", "vat_id", "reverse_charge")},
    )
    if money.reverse(db, entry, transaction_type=TransactionType(kind.value), reversal_id=one.reversal_id, move=number):
        events.insert_event(
            db,
            analytics_id=new_id(),
            user_id=purchase.user_id,
            action_type=ActionType(kind.value),
            data={"package_id": purchase.package_id, "amount": -entry.amount, "currency": purchase.currency},
        )


def _dict(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, dict) else {}
