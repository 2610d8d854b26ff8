"""What a person may ask of us: an export of everything held about them, and to be forgotten.

A purge begins when it is asked for: the account loses its name and its keys in that database transaction, and nobody
signs in to it again. A worker does the rest in two passes, because requests that were under way may still have added
something after the first. What accounting law demands stays under the account's random id, which leads to nobody.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared import (
    accounts,
    api_keys,
    audit,
    billing,
    consents,
    credits,
    endings,
    events,
    exports,
    files,
    idempotency,
    images,
    inbox,
    jobs,
    lifecycle,
    purchases,
    purges,
    renditions,
)
from shared.audit import AuditAction, AuditActor
from shared.db import Connection, act_as
from shared.errors import NotFound
from shared.events import ActionType
from shared.exports import Export
from shared.ids import new_id
from shared.purges import Asker, Purge
from shared.vault import Vault

PAGE = 200
# Longer than a process remembers a session, and than any request lasts.
NEXT_PASS_SECONDS = 120.0

_ACTOR: Mapping[Asker, AuditActor] = {
    Asker.CUSTOMER: AuditActor.CUSTOMER,
    Asker.CLERK: AuditActor.CUSTOMER,
    Asker.OPERATOR: AuditActor.OPERATOR,
}


def ask_for_export(db: Connection, user_id: UUID, *, lifetime_hours: int) -> Export:
    """Have everything held about a person put together; one that is being made already is given instead."""
    export_id = new_id()
    export = exports.insert_export(db, export_id=export_id, user_id=user_id, lifetime_hours=lifetime_hours)
    if export.export_id == export_id:
        _note(db, user_id, AuditActor.CUSTOMER, AuditAction.EXPORT, export_id=str(export_id))
    return export


def leave(db: Connection, vault: Vault, user_id: UUID, *, asker: Asker) -> str | None:
    """Take everything personal out of an account, end its keys, and ask for its purge. Again it does nothing more.

    Gives the sign-in that was its own, for those who still know it; None when it had been left before. The database
    transaction must act for the account or see every one. Raises NotFound when there is none.
    """
    account = accounts.select_account(db, user_id)
    if account is None:
        raise NotFound("There is no such account.")
    if account.clerk_id is None:
        return None
    purges.insert_departure(db, account.clerk_id)
    notes = {"clerk_id": account.clerk_id}
    is_new = purges.insert_purge(db, user_id=user_id, requested_by=asker, notes=vault.seal(notes))
    api_keys.update_api_keys_revoked(db, user_id)
    accounts.update_account_departed(db, user_id)
    if is_new:
        _note(db, user_id, _ACTOR[asker], AuditAction.PURGE, stage="asked", by=asker.value)
        events.insert_event(db, analytics_id=new_id(), user_id=user_id, action_type=ActionType.PURGE, data={})
    return account.clerk_id


def depart(db: Connection, vault: Vault, clerk_id: str) -> UUID | None:
    """Somebody deleted their sign-in: their account is left; None when they have none (any more).

    The database transaction must act for `clerk_id`.
    """
    purges.insert_departure(db, clerk_id)
    account = accounts.select_account_by_clerk_id(db, clerk_id)
    if account is None:
        return None
    act_as(db, account.user_id)
    leave(db, vault, account.user_id, asker=Asker.CLERK)
    return account.user_id


def end_images(db: Connection, user_id: UUID) -> int:
    """Take some of a person's pictures out of sight and cancel their open jobs; returns how many, 0 at the end."""
    found = images.select_images(db, user_id, limit=PAGE, before=None)
    for image in found:
        lifecycle.delete_image(db, image.image_id)
    return len(found)


def forget_rows(db: Connection, user_id: UUID) -> Counter[str]:
    """Remove a person's rows, and take them out of those that stay; their objects have been removed before."""
    return Counter(
        renditions=renditions.delete_renditions_of(db, user_id),
        files=files.delete_files_of(db, user_id),
        images=endings.update_images_forgotten(db, user_id),
        jobs=jobs.update_jobs_forgotten(db, user_id),
        exports=exports.delete_exports_of(db, user_id),
        answers=idempotency.delete_answers_of(db, user_id),
        api_keys=api_keys.delete_api_keys(db, user_id),
        consents=consents.delete_consents(db, user_id),
        ledger_entries=credits.update_entries_forgotten(db, user_id),
    )


def forget_purchases(
    db: Connection, vault: Vault, user_id: UUID, *, after: UUID | None
) -> tuple[list[str], UUID | None]:
    """Leave of some purchases what accounting law demands, encrypted.

    Returns where Stripe knows them, and the purchase to go on after; None at the end.
    """
    page = purchases.select_purchases_to_forget(db, user_id, limit=PAGE, after=after)
    for purchase in page:
        kept = billing.accounting_part(vault.open(purchase.details))
        purchases.update_purchase_forgotten(
            db, purchase.purchase_id, details=vault.seal(kept) if kept["accounting"] else None
        )
    references = [one for purchase in page for one in (purchase.session_id, purchase.payment_intent_id) if one]
    return references, page[-1].purchase_id if len(page) == PAGE else None


def end_pass(
    db: Connection, vault: Vault, purge: Purge, *, removed: Mapping[str, int], stripe: list[str]
) -> Purge | None:
    """A pass went through everything: forget the provider's events, and note what an operator has to see to."""
    notes: dict[str, Any] = vault.open(purge.notes)
    if notes.get("clerk_id"):
        inbox.delete_events_about(db, str(notes["clerk_id"]))
    total = Counter(purge.removed) + Counter(removed)
    kept = vault.seal({**notes, "stripe": stripe}) if notes else None
    passed = purges.update_purge_passed(db, purge, removed=total, notes=kept, next_pass_seconds=NEXT_PASS_SECONDS)
    if passed is not None and passed.done_at is not None:
        _note(db, purge.user_id, AuditActor.HOUSE, AuditAction.PURGE, stage="done")
    return passed


def _note(db: Connection, user_id: UUID, actor: AuditActor, action: AuditAction, **details: object) -> None:
    audit.insert_audit(db, audit_id=new_id(), user_id=user_id, actor=actor, action=action, details=details)
