"""Stripe's objects, read: from the JSON that Stripe answers to the facts that the house knows. Pure functions."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from shared.ids import parse_id
from shared.payment_facts import PaymentFacts, PaymentState, ReversalFacts, Subject, percent_text

Fields = dict[str, Any]  # a Stripe object as plain JSON


def payment_facts(session: Fields, intent_id: str | None, reversals: tuple[ReversalFacts, ...]) -> PaymentFacts:
    """A checkout session with its parts expanded, as the house sees it."""
    return PaymentFacts(
        subject=subject_of_session(session),
        session_id=session["id"],
        state=_state(session),
        amount=session.get("amount_subtotal") or 0,
        total=session.get("amount_total") or 0,
        tax=(session.get("total_details") or {}).get("amount_tax") or 0,
        currency=str(session.get("currency") or ""),
        payment_intent_id=intent_id,
        vat=_vat(session),
        personal=_personal(session),
        reversals=reversals,
    )


def _state(session: Fields) -> PaymentState:
    if session.get("status") == "expired":
        return PaymentState.EXPIRED
    if session.get("status") != "complete":
        return PaymentState.OPEN
    if session.get("payment_status") != "unpaid":
        return PaymentState.PAID
    # The page is done and the money was under way: a bank debit or transfer that takes days, and may fail.
    status = _expanded(session.get("payment_intent")).get("status")
    return PaymentState.FAILED if status in {"requires_payment_method", "canceled"} else PaymentState.OPEN


def _vat(session: Fields) -> dict[str, object]:
    """The record of the tax: what was charged, at which rate, where, and on what evidence."""
    customer = session.get("customer_details") or {}
    taxes = ((session.get("total_details") or {}).get("breakdown") or {}).get("taxes") or []
    first: Fields = taxes[0] if taxes else {}
    rate: Fields = first.get("rate") or {}
    tax_id: Fields = next(iter(customer.get("tax_ids") or []), {})
    charge = _expanded(_expanded(session.get("payment_intent")).get("latest_charge"))
    card: Fields = (charge.get("payment_method_details") or {}).get("card") or {}
    country = (customer.get("address") or {}).get("country")
    return {
        "country": rate.get("country") or country,
        "rate": percent_text(rate.get("percentage") or 0),
        "vat_id": tax_id.get("value"),
        "reverse_charge": first.get("taxability_reason") == "reverse_charge",
        "reason": first.get("taxability_reason"),
        "evidence": {"billing_country": country, "card_country": card.get("country")},
    }


def _personal(session: Fields) -> dict[str, object]:
    customer = session.get("customer_details") or {}
    invoice = _expanded(session.get("invoice"))
    charge = _expanded(_expanded(session.get("payment_intent")).get("latest_charge"))
    tax_id: Fields = next(iter(customer.get("tax_ids") or []), {})
    return {
        "vat_id": tax_id.get("value"),
        "name": customer.get("business_name") or customer.get("name"),
        "email": customer.get("email"),
        "address": customer.get("address"),
        "receipt_url": charge.get("receipt_url"),
        "invoice_url": invoice.get("hosted_invoice_url"),
        "invoice_number": invoice.get("number"),
    }


def reversal_facts(found: Fields, *, is_dispute: bool) -> ReversalFacts:
    """A refund or dispute as the house sees it."""
    return ReversalFacts(
        reversal_id=found["id"],
        is_dispute=is_dispute,
        status=str(found.get("status")),
        amount=found["amount"],
        currency=found["currency"],
        happened_at=time_of(found["created"]),
    )


def subject_of_session(session: Fields) -> Subject:
    """Whose purchase a session is."""
    return subject_of_metadata(session, session["id"])


def subject_of_metadata(found: Fields, session_id: str | None) -> Subject:
    """Whose purchase an object with our metadata is about."""
    metadata: Mapping[str, str] = found.get("metadata") or {}
    return Subject(session_id, parse_id(metadata.get("purchase_id", "")), parse_id(metadata.get("user_id", "")))


def _expanded(value: object) -> Fields:
    """An object that Stripe was asked to show in full; nothing where it has none."""
    return cast("Fields", value) if isinstance(value, dict) else {}


def id_of(value: object) -> str | None:
    """The id of an object that may be shown in full or by its id alone."""
    return value if isinstance(value, str) else _expanded(value).get("id")


def time_of(seconds: int) -> datetime:
    """A time of Stripe's, in seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
