"""Webhooks of the providers: whether they can be trusted, and what they are about. Nothing here knows a database.

Both signatures cover the raw body and a timestamp. Each is refused when that is more than five minutes old, and when
it is as far in the future: Stripe's own check lets the future pass.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from shared.errors import WebhookInvalid

TOLERANCE_SECONDS = 300
STRIPE_EVENTS = frozenset({
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
    "invoice.paid",
})  # fmt: skip
CLERK_EVENTS = frozenset({"user.created", "user.updated", "user.deleted"})


@dataclass(frozen=True, slots=True)
class Webhook:
    """A verified event. `is_wanted`: it is of a kind that the house acts on; `carried` is what must be kept of it."""

    event_id: str
    event_type: str
    subject: str
    carried: Mapping[str, object]
    is_wanted: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as the sign-in provider describes them, at a time of its own."""

    clerk_id: str
    email: str | None
    name: str | None
    updated_at: datetime


def verify_stripe(body: bytes, signature: str | None, *, secret: str, is_live: bool) -> Webhook:
    """The event of a Stripe webhook. Raises WebhookInvalid when it cannot be trusted, or its mode is not ours."""
    import stripe

    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS)
        stamp = int(dict(part.split("=", 1) for part in (signature or "").split(","))["t"])
    except (stripe.SignatureVerificationError, UnicodeError, ValueError, KeyError):
        raise WebhookInvalid("The signature is missing or wrong, or its timestamp is too old.") from None
    if stamp > time.time() + TOLERANCE_SECONDS:
        raise WebhookInvalid("The signature's timestamp is in the future.")
    event = _event(body)
    if event.get("livemode") is not is_live:
        raise WebhookInvalid("This event comes from the provider's other mode (test or live).")
    about = _object(_object(event.get("data")).get("object"))
    kind = str(event.get("type"))
    return Webhook(
        event_id=_text(event.get("id")),
        event_type=kind,
        subject=_text(about.get("id")) if kind in STRIPE_EVENTS else "",
        # What is true is asked of Stripe again: names, addresses and amounts in the event are not kept at all.
        carried={"object": about.get("object")},
        is_wanted=kind in STRIPE_EVENTS,
    )


def verify_clerk(body: bytes, headers: Mapping[str, str], *, secret: str) -> Webhook:
    """The event of a Clerk webhook (Svix). Raises WebhookInvalid when it cannot be trusted."""
    from standardwebhooks import Webhook as Verifier
    from standardwebhooks import WebhookVerificationError

    # Svix signs as the standard does, under older names.
    renamed = {f"webhook-{part}": headers.get(f"svix-{part}", "") for part in ("id", "timestamp", "signature")}
    try:
        Verifier(secret).verify(body, renamed, json_parse=False)
    except (WebhookVerificationError, UnicodeError, ValueError):
        raise WebhookInvalid(
            "The signature is missing or wrong, or its timestamp is not within five minutes."
        ) from None
    event = _event(body)
    kind, data = str(event.get("type")), _object(event.get("data"))
    # A person whom Clerk deleted may come without an id; then there is nobody to act on.
    is_wanted = kind in CLERK_EVENTS and data.get("id") is not None
    return Webhook(
        event_id=renamed["webhook-id"],
        event_type=kind,
        subject=_text(data.get("id")) if is_wanted else "",
        carried={"person": _person_fields(data)} if is_wanted and kind != "user.deleted" else {},
        is_wanted=is_wanted,
    )


def person_of(carried: Mapping[str, Any]) -> Person:
    """The person that a kept event is about."""
    fields = carried["person"]
    return Person(
        clerk_id=fields["clerk_id"],
        email=fields["email"],
        name=fields["name"],
        updated_at=datetime.fromtimestamp(fields["updated_at_ms"] / 1000, UTC),
    )


def _person_fields(data: Mapping[str, Any]) -> dict[str, object]:
    """Of all that Clerk tells about a person, what the house keeps."""
    primary = data.get("primary_email_address_id")
    addresses = cast("list[Mapping[str, Any]]", data.get("email_addresses") or [])
    email = next((one.get("email_address") for one in addresses if one.get("id") == primary), None)
    names = (data.get("first_name"), data.get("last_name"))
    return {
        "clerk_id": _text(data.get("id")),
        "email": str(email)[:320] if email else None,
        "name": " ".join(str(part) for part in names if part)[:320] or None,
        "updated_at_ms": int(data.get("updated_at") or data.get("created_at") or 0),
    }


def _event(body: bytes) -> Mapping[str, Any]:
    try:
        return _object(json.loads(body))
    except ValueError:
        raise WebhookInvalid("The body is not JSON in UTF-8.") from None


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise WebhookInvalid("The event is not what the provider documents.")
    return cast("Mapping[str, Any]", value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 255:
        raise WebhookInvalid("The event is not what the provider documents.")
    return value
