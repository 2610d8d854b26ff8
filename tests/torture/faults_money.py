"""Stripe's webhooks with bad manners: many times at once, in any order, stale, forged."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import httpx
import stripe

from tests.torture.clients import Customer
from tests.torture.faults import Scene, fault

COPIES = 100
JITTER_SECONDS = 1.0
STALE_SECONDS = 600


@fault(
    "the same webhook, 100 at once, reordered and stale",
    "One purchase, one entry of the ledger; a stale or forged one is refused and changes nothing.",
    rounds=3,
    short=1,
)
def many_webhooks(scene: Scene) -> None:
    for _ in range(scene.rounds):
        customer = scene.customer("5")
        checkout = _checkout(customer)
        page = httpx.URL(checkout["url"])
        stand_in = str(page.copy_with(path="/_control/", query=None, fragment=None))
        manners = {"copies": COPIES, "jitter_seconds": JITTER_SECONDS, "drop": False}
        httpx.post(f"{stand_in}webhooks", json=manners).raise_for_status()
        paying = httpx.post(str(page), data={"action": "pay", "country": "DE", "postal_code": "10115"})
        scene.expect(paying.status_code == 303, f"Stripe's page answered {paying.status_code}")
        paid = f"/v1/checkout-sessions/{checkout['checkout_session_id']}"
        scene.until(lambda paid=paid, c=customer: c.request("GET", paid).json()["status"] == "paid", 60, "never paid")
        customer.credits += Decimal(checkout["credits"])
        events = httpx.get(f"{stand_in}events").json()["data"]
        about = [event for event in events if event["data"]["object"].get("id") in str(page)]
        _repeat(scene, about[:1] or events[:1])
        httpx.post(f"{stand_in}webhooks", json={"copies": 1, "jitter_seconds": 0.0, "drop": False})
        ask = customer.submit(customer.images[0])
        scene.expect(customer.finish(ask) == "succeeded", f"a job on bought credits is {ask.status}")


def _checkout(customer: Customer) -> dict[str, Any]:
    package = customer.request("GET", "/v1/credit-packages").json()["data"][0]
    answer = customer.request("POST", "/v1/checkout-sessions", key=None, json={"package_id": package["package_id"]})
    if answer.status_code != 201:
        raise RuntimeError(f"no checkout: {answer.text}")
    return answer.json()


def _repeat(scene: Scene, events: list[dict[str, Any]]) -> None:
    """Each event 100 times at once, straight to the door; then a stale one and a forged one."""
    running = scene.house.stack.running
    secret, address = running.settings["STRIPE_WEBHOOK_SECRET"], f"{running.url}/webhooks/stripe"
    for event in events:
        body = json.dumps(event)

        def post(secret: str = secret, age_seconds: int = 0, body: str = body) -> int:
            at = int(time.time()) - age_seconds
            header = stripe.WebhookSignature.generate_signature_header(body, secret, timestamp=at)
            return httpx.post(address, content=body, headers={"Stripe-Signature": header}, timeout=30).status_code

        def again(_: int, body: str = body) -> int:
            return post(body=body)

        with ThreadPoolExecutor(COPIES) as pool:
            told = set(pool.map(again, range(COPIES)))
        scene.expect(told <= {200, 503}, f"repeated webhooks were answered by {told}")
        scene.expect(post(age_seconds=STALE_SECONDS) == 400, "a stale webhook was taken")
        scene.expect(post("whsec_" + "0" * 32) == 400, "a forged webhook was taken")
