"""Somebody with a past here, and their leaving."""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import httpx
import psycopg
from flask.testing import FlaskClient

from dev.standins.clerk import tokens
from dev.standins.clerk.state import State
from shared import lifecycle, membership, uploads
from shared.api_keys import hash_secret
from shared.exports import ExportStatus
from shared.files import File, FileKind
from shared.ids import new_id
from shared.inbox import InboxProvider
from shared.jobs import JobKind
from tests.conftest import ClerkStandIn
from tests.integration.billing.conftest import Buyer, Fields, StripeStandIn
from tests.integration.billing.test_people import post, told
from tests.integration.workers.given import logo
from workers import payments as payment_tasks
from workers import privacy
from workers.resources import Resources

PICTURE = logo(64, "rebeccapurple")


@dataclass(frozen=True, slots=True)
class Life:
    """Somebody with a past here."""

    buyer: Buyer
    email: str
    user_id: str
    clerk_id: str
    secret: str
    stripe_ids: list[str]

    @property
    def needles(self) -> list[str]:
        """Whatever would lead to this person."""
        return [
            self.email, self.clerk_id, "Wilhelmine", "Zaunkoenig", "Rosengasse", "FR40303265045", "303265045",
            "geheimlogo", self.secret[:8], hash_secret(self.secret).hex(), "consent-2026-05", "wilhelmines-script",
            self.sha256,
        ]  # fmt: skip

    @property
    def sha256(self) -> str:
        """Of the picture that was uploaded."""
        return hashlib.sha256(PICTURE).hexdigest()


def upload(buyer: Buyer, name: str, **headers: str) -> Fields:
    sent = {"Authorization": f"Bearer {buyer.token}", **headers}
    answer = buyer.client.post("/v1/images", data={"file": (io.BytesIO(PICTURE), name)}, headers=sent)
    assert answer.status_code == 201, answer.text
    return json.loads(answer.data)


def finish(worker: Resources, kind: JobKind) -> None:
    """End the job that waits as a worker would, but for the tracing."""
    with worker.database.transaction() as db:
        claim = lifecycle.take_turn(db, kind, lease_seconds=60, max_attempts=3, share=1)
        assert claim is not None
        job = claim.job
        key = f"{uploads.image_prefix(job.user_id, job.image_id)}{job.job_id}-{job.fence}.svg"
        worker.storage.put(key, b"<svg/>", "image/svg+xml")
        result = File(key, job.user_id, job.image_id, job.job_id, FileKind.RESULT, job.formats[0], 6)
        lifecycle.succeed(db, job, report={"paths": 1}, made=[result])


def live(client: FlaskClient, clerk: ClerkStandIn, stripe: StripeStandIn, worker: Resources) -> Life:
    """Images, jobs of every outcome, keys, consents, purchases with and without a VAT id, a refund, a kind word."""
    email = f"wilhelmine.{new_id().hex[-12:]}@zaunkoenig.example"
    user = State(clerk.state).user(email)
    buyer = Buyer(client, tokens.mint(clerk.state, email, claims={"name": "Wilhelmine Zaunkoenig"}), stripe, worker)
    user_id = buyer.get("/v1/me")["user_id"]
    event_id = f"msg_{new_id().hex}"
    assert 200 == post(client, told("user.created", user), event_id=event_id).status_code
    payment_tasks.handle(worker, InboxProvider.CLERK, event_id)
    buyer.ask("PATCH", "/v1/me", {"name": "Wilhelmine Zaunkoenig"})
    image = upload(buyer, "geheimlogo.png", **{"Idempotency-Key": "first-upload"})
    business = buyer.checkout(
        country="FR", business_name="Wilhelmine Zaunkoenig", vat_id="FR40303265045", address={"line1": "Rosengasse 7"}
    )
    private = buyer.checkout(country="DE", business_name="Wilhelmine", address={"line1": "Rosengasse 7"})
    buyer.checkout(country="FR", vat_id="FR40303265045")  # never paid
    paid = [buyer.pay(one) for one in (business, private)]
    buyer.settle(business)
    buyer.settle(private)
    stripe.client().v1.refunds.create({"payment_intent": paid[1]["payment_intent"], "amount": 500})
    buyer.settle(private)
    for kind, path in ((JobKind.PREVIEW, "previews"), (JobKind.VECTORIZATION, "vectorizations")):
        asked = buyer.ask("POST", f"/v1/images/{image['image_id']}/{path}", {}, X_Request_Id="Wilhelmine-1")
        assert 202 == asked.status_code
        finish(worker, kind)
    assert 202 == buyer.ask("POST", f"/v1/images/{image['image_id']}/vectorizations", {}).status_code
    made = buyer.ask("POST", "/v1/me/api-keys", {"name": "wilhelmines-script"}, Idempotency_Key="first-key")
    consent = {"purpose": "marketing", "version": "consent-2026-05", "is_given": True}
    assert 200 == buyer.ask("PUT", "/v1/me/consents", {"consents": [consent]}).status_code
    with worker.maintenance.transaction() as db:
        membership.grant_credits(db, user_id=UUID(user_id), amount=Decimal("0.5"), reason="Sorry, Wilhelmine!")
    ids = [str(one[name]) for one in paid for name in ("id", "payment_intent")]
    return Life(buyer, email, user_id, user.id, json.loads(made.data)["secret"], ids)


def leave(worker: Resources, owner: psycopg.Connection, user_id: str) -> None:
    """Both passes of a purge, the pause in between over."""
    for passes in (1, 2):
        passed = privacy.purge(worker, UUID(user_id))
        assert passed is not None
        assert passes == passed.passes
        owner.execute("UPDATE purges SET run_at = house_now() WHERE user_id = %s", [user_id])
    assert privacy.purge(worker, UUID(user_id)) is None


def exported(life: Life) -> zipfile.ZipFile:
    """Ask for an export, have it made, fetch it."""
    answer = life.buyer.ask("POST", "/v1/me/exports")
    assert (202, "queued") == (answer.status_code, json.loads(answer.data)["status"])
    export = json.loads(answer.data)
    assert ExportStatus.READY == privacy.export(life.buyer.worker, UUID(export["export_id"]), UUID(life.user_id))
    ready = life.buyer.get(answer.headers["Location"])
    assert ("ready", ready["parts"][0]["url"]) == (ready["status"], ready["url"])
    content = httpx.get(ready["url"]).content
    assert [len(content)] == [part["size"] for part in ready["parts"]]
    return zipfile.ZipFile(io.BytesIO(content))
