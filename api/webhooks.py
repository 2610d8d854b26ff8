"""What the providers tell us: `/webhooks/stripe` and `/webhooks/clerk`. Verified, kept, answered; worked on later."""

from flask import Response, request
from pydantic import BaseModel

from api.answers import show
from api.house import House
from api.limits import Limit
from api.routes import Gives, Nothing, Routes
from api.session import Caller
from shared import inbox, metrics
from shared.errors import WebhookInvalid
from shared.inbox import InboxProvider
from shared.messages import HandleEvent
from shared.webhooks import Webhook, verify_clerk, verify_stripe

routes = Routes("webhooks")


class Received(BaseModel):
    """The event is kept; sending it again changes nothing."""

    received: bool


@routes.open_operation(
    "POST /webhooks/stripe",
    takes=Nothing,
    gives=Gives(200, Received),
    limit=Limit.NONE,
    problems=(WebhookInvalid,),
)
def receive_stripe(house: House, _caller: Caller | None, _: Nothing) -> Response:
    """Keep an event of Stripe's, signed in `Stripe-Signature`."""
    secret = house.settings.stripe_webhook_secret.get_secret_value()
    signature = request.headers.get("Stripe-Signature")
    is_live = house.payments.is_live
    return _keep(
        house, InboxProvider.STRIPE, verify_stripe(request.get_data(), signature, secret=secret, is_live=is_live)
    )


@routes.open_operation(
    "POST /webhooks/clerk",
    takes=Nothing,
    gives=Gives(200, Received),
    limit=Limit.NONE,
    problems=(WebhookInvalid,),
)
def receive_clerk(house: House, _caller: Caller | None, _: Nothing) -> Response:
    """Keep an event of Clerk's, signed in `svix-signature`."""
    secret = house.settings.clerk_webhook_secret.get_secret_value()
    headers = {name.lower(): value for name, value in request.headers.items()}
    return _keep(house, InboxProvider.CLERK, verify_clerk(request.get_data(), headers, secret=secret))


def _keep(house: House, provider: InboxProvider, event: Webhook) -> Response:
    """Keep what the house acts on, wake a worker for what is new, and thank for everything."""
    outcome = "unwanted"
    if event.is_wanted:
        payload = house.vault.seal(event.carried)
        with house.database.transaction() as db:
            is_new = inbox.insert_event(
                db, provider=provider, event_id=event.event_id, event_type=event.event_type,
                subject=event.subject, payload=payload,
            )  # fmt: skip
        outcome = "kept" if is_new else "repeated"
        if is_new:
            house.publisher.publish(HandleEvent(provider=provider.value, event_id=event.event_id))
    metrics.WEBHOOKS.labels(provider.value, outcome).inc()
    return show(Received(received=True))
