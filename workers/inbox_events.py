"""What an event of a provider makes the house do."""

from collections.abc import Mapping
from typing import Any, cast

from shared import inbox, membership, privacy
from shared.copies import ACCOUNT
from shared.errors import PaymentNotOurs, PaymentsRefused
from shared.inbox import USER_DELETED, InboxEvent, InboxProvider
from shared.messages import PurgePerson
from shared.settling import settle_payment
from shared.webhooks import person_of
from workers.resources import Resources


def act_on(resources: Resources, event: InboxEvent) -> None:
    """Do what the event asks for. Raises a problem; doing it again does nothing more."""
    carried = resources.cashier.vault.open(event.payload)
    if event.provider is InboxProvider.STRIPE:
        _settle(resources, event, carried)
    elif event.event_type == USER_DELETED:
        _depart(resources, event)
    else:
        _keep_person(resources, event, cast("Mapping[str, Any]", carried))


def _settle(resources: Resources, event: InboxEvent, carried: Mapping[str, object]) -> None:
    """Ask Stripe what is true of the payment, whatever the event said, and write that."""
    subject = resources.cashier.payments.find_subject(str(carried.get("object")), event.subject)
    if subject is None:
        raise PaymentNotOurs(f"{event.event_type} of {event.subject} is about no purchase of ours")
    try:
        settle_payment(resources.cashier, subject)
    except PaymentsRefused as refused:
        raise PaymentNotOurs(f"{event.event_type} of {event.subject}: {refused.detail}") from refused


def _keep_person(resources: Resources, event: InboxEvent, carried: Mapping[str, Any]) -> None:
    person = person_of(carried)
    with resources.database.transaction(clerk_id=person.clerk_id) as db:
        kept = membership.keep_person(db, person, grant=resources.settings.signup_grant_credits)
    if kept is None:
        _forget_events(resources, event)


def _depart(resources: Resources, event: InboxEvent) -> None:
    """The same purge as the person could have asked for here."""
    with resources.database.transaction(clerk_id=event.subject) as db:
        user_id = privacy.depart(db, resources.cashier.vault, event.subject)
    resources.copies.forget(ACCOUNT, event.subject)
    _forget_events(resources, event)
    if user_id is not None:
        resources.cache.announce_caller(user_id)
        resources.send(PurgePerson(user_id=user_id))


def _forget_events(resources: Resources, event: InboxEvent) -> None:
    """Events about somebody who has left name them: not even this one stays."""
    with resources.maintenance.transaction() as db:
        inbox.delete_events_about(db, event.subject)
