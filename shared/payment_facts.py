"""What a payment is, in words of our own: what we ask Stripe for, and what Stripe says of it. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class PaymentState(StrEnum):
    """open: not paid, or the money is under way; failed: it was under way and did not come."""

    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Billing:
    """Who buys, as far as they said; `country` is an ISO 3166-1 alpha-2 code, `vat_id` has been checked."""

    country: str | None = None
    business_name: str | None = None
    vat_id: str | None = None
    address: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A checkout to be opened: one package for one account; `amount` in minor units before tax."""

    purchase_id: UUID
    user_id: UUID
    name: str
    amount: int
    currency: str
    stripe_price_id: str | None
    success_url: str
    cancel_url: str
    email: str | None
    billing: Billing


@dataclass(frozen=True, slots=True)
class OpenedCheckout:
    """Where the customer pays, until when."""

    session_id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about, as far as Stripe's metadata says: which purchase of whose, and Stripe's session."""

    session_id: str | None
    purchase_id: UUID | None
    user_id: UUID | None


@dataclass(frozen=True, slots=True)
class ReversalFacts:
    """A refund or dispute as Stripe has it; `amount` in minor units."""

    reversal_id: str
    is_dispute: bool
    status: str
    amount: int
    currency: str
    happened_at: datetime

    @property
    def takes_back(self) -> bool:
        """Whether the money is gone, or on its way out, at present.

        A refund counts from the moment it is asked for until it fails. A dispute counts while the bank holds the
        money; an inquiry (`warning_…`) holds none, and a dispute that was won or prevented returned it.
        """
        if self.is_dispute:
            return self.status in {"needs_response", "under_review", "lost"}
        return self.status in {"pending", "requires_action", "succeeded"}


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """A checkout as Stripe has it now, its refunds and disputes included; money in minor units of `currency`.

    `amount` is before tax. `vat` is the record of the tax that was charged, `personal` is for the vault alone.
    """

    subject: Subject
    session_id: str
    state: PaymentState
    amount: int
    total: int
    tax: int
    currency: str
    payment_intent_id: str | None
    vat: Mapping[str, object]
    personal: Mapping[str, object]
    reversals: tuple[ReversalFacts, ...]


def percent_text(rate: Decimal | float | str) -> str:
    """A rate in per cent as records spell it: 19, 25.5."""
    return f"{Decimal(str(rate)).normalize():f}"


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Where Stripe sends events, and which."""

    url: str
    status: str
    events: frozenset[str]


@dataclass(frozen=True, slots=True)
class PaymentsSetUp:
    """How the account at Stripe is set up, as far as the house depends on it."""

    tax_status: str
    webhooks: tuple[WebhookEndpoint, ...]
