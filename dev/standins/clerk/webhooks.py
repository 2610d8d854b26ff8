"""Webhooks as Clerk sends them, by Svix: signed over id, timestamp and body, and repeated until answered."""

import base64
import hashlib
import hmac
import json
import time

from dev.standins.clerk.state import User, new_id
from dev.standins.deliveries import Deliveries


class Webhooks:
    """Tells one address what happens to people; without an address nobody."""

    def __init__(self, url: str | None, secret: str) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._deliveries = Deliveries(url, self._sign, lambda _: None)
        self.copies = 1

    def start(self) -> None:
        """Begin to send."""
        self._deliveries.start()

    def tell(self, kind: str, data: dict[str, object]) -> None:
        """Something happened to a person."""
        event = {"type": kind, "object": "event", "data": data, "timestamp": int(time.time() * 1000)}
        event_id, body = new_id("msg"), json.dumps(event).encode()
        for _ in range(self.copies):
            self._deliveries.send(event_id, body)

    def _sign(self, event_id: str, body: bytes) -> dict[str, str]:
        return sign(self._key, event_id, int(time.time()), body)


def sign(key: bytes, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a signed webhook; `timestamp` in seconds since 1970."""
    digest = hmac.new(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "svix-id": event_id,
        "svix-timestamp": str(timestamp),
        "svix-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def deleted(user: User) -> dict[str, object]:
    """What is left to tell of somebody who is gone."""
    return {"id": user.id, "object": "user", "deleted": True, "external_id": None}
