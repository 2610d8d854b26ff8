"""What an event of a provider makes the house do."""

from collections.abc import Mapping
from typing import Any, cast

from shared import membership
from shared.errors import PaymentNotOurs, PaymentsRefused
from shared.inbox import USER_DELETED, InboxEvent, InboxProvider
from shared.settling import settle_payment
from shared.webhooks import person_of
from workers.resources import Resources


def act_on(resources: Resources, event: InboxEvent) -> None:
    """Do what the event asks for. Raises a problem; doing it again does nothing more."""
    carried = resources.cashier.vault.open(event.payload)
    if event.provider is InboxProvider.STRIPE:
        _settle(resources, event, carried)
    elif event.event_type == USER_DELETED:
        _depart(resources, event.subject)
    else:
        _keep_person(resources, cast("Mapping[str, Any]", carried))


def _settle(resources: Resources, event: InboxEvent, carried: Mapping[str, object]) -> None:
    """Ask Stripe what is true of the payment, whatever the event said, and write that."""
    subject = resources.cashier.payments.find_subject(str(carried.get("object")), event.subject)
    if subject is None:
        raise PaymentNotOurs(f"{event.event_type} of {event.subject} is about no purchase of ours")
    try:
        settle_payment(resources.cashier, subject)
    except PaymentsRefused as refused:
        raise PaymentNotOurs(f"{event.event_type} of {event.subject}: {refused.detail}") from refused


def _keep_person(resources: Resources, carried: Mapping[str, Any]) -> None:
    person = person_of(carried)
    with resources.database.transaction(clerk_id=person.clerk_id) as db:
        membership.keep_person(db, person, grant=resources.settings.signup_grant_credits)


def _depart(resources: Resources, clerk_id: str) -> None:
    with resources.database.transaction(clerk_id=clerk_id) as db:
        membership.depart(db, clerk_id)
