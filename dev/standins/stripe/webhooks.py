"""Webhooks as Stripe sends them: signed, in no particular order; on demand several times, late, or not at all."""

import json
import random
from dataclasses import dataclass

import stripe

from dev.standins.deliveries import Deliveries
from dev.standins.stripe.state import Fields, State, new_id, now


@dataclass(slots=True)
class Manners:
    """How webhooks are sent from now on; `jitter_seconds` shuffles them, `drop` keeps them (they can be sent later)."""

    copies: int = 1
    jitter_seconds: float = 0.0
    drop: bool = False


class Webhooks:
    """Sends the events of one state to one address."""

    def __init__(self, state: State, url: str | None, secret: str) -> None:
        self.manners = Manners()
        self.url = url
        self._state = state
        self._secret = secret
        self._deliveries = Deliveries(url, self._sign, self._delivered)

    def start(self) -> None:
        """Begin to send, what was not delivered before a restart first."""
        for event in reversed(list(self._state.newest("evt"))):
            if event["pending_webhooks"]:
                self._deliveries.send(event["id"], _body(event))
        self._deliveries.start()

    def emit(self, kind: str, about: Fields) -> Fields:
        """Something happened to an object: make the event, and send it in the present manner."""
        event: Fields = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": stripe.api_version,
            "created": now(),
            "data": {"object": json.loads(json.dumps(about))},
            "livemode": False,
            "pending_webhooks": 0 if self.manners.drop or self._deliveries.url is None else 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        self._state.add(event)
        if event["pending_webhooks"]:
            self.send(event)
        return event

    def send(self, event: Fields) -> None:
        """Send an event (again), as often and as late as the manners say."""
        for _ in range(self.manners.copies):
            self._deliveries.send(event["id"], _body(event), random.uniform(0, self.manners.jitter_seconds))

    def _sign(self, _event_id: str, body: bytes) -> dict[str, str]:
        return {"Stripe-Signature": stripe.WebhookSignature.generate_signature_header(body.decode(), self._secret)}

    def _delivered(self, event_id: str) -> None:
        with self._state.lock:
            event = self._state.find(event_id, "evt")
            if event is not None and event["pending_webhooks"]:
                event["pending_webhooks"] = 0
                self._state.save()


def _body(event: Fields) -> bytes:
    return json.dumps(event, indent=2).encode()
