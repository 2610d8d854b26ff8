"""What people may ask of us: exports and purges. A message is only a wake-up; the sweep repeats what was lost."""

from uuid import UUID

import structlog
from celery import shared_task

from shared import exports, privacy, purges
from shared.backups import remember_purge
from shared.db import try_lock
from shared.errors import ProblemError
from shared.exports import Export, ExportStatus
from shared.logging_setup import get_logger, problem_fields
from shared.messages import ExportPerson, Message, PurgePerson, SweepPeople
from shared.purges import Purge
from workers.export_files import write_export
from workers.resources import Resources, resources

log = get_logger(__name__)

MOST_ATTEMPTS = 5
PAUSE_SECONDS = 10.0
AT_ONCE = 100


@shared_task(name=ExportPerson.task)
def export_person(export_id: str, user_id: str) -> None:
    """Put everything held about a person into a ZIP."""
    export(resources(), UUID(export_id), UUID(user_id))


@shared_task(name=PurgePerson.task)
def purge_person(user_id: str) -> None:
    """Forget a person, one pass."""
    purge(resources(), UUID(user_id))


@shared_task(name=SweepPeople.task)
def sweep_people() -> None:
    """Go on with exports and purges that nobody works on."""
    sweep(resources())


def export(resources: Resources, export_id: UUID, user_id: UUID) -> ExportStatus | None:
    """Make one export, acting for its person; returns what became of it, None when there was nothing to claim."""
    with structlog.contextvars.bound_contextvars(export_id=str(export_id)):
        try:
            with resources.database.transaction(user_id=user_id) as db:
                claimed = exports.update_export_claimed(db, export_id, claim_seconds=resources.settings.lease_seconds)
            return None if claimed is None else _made(resources, claimed)
        except ProblemError as problem:
            log.warning("export_left_to_the_sweep", **problem_fields(problem))
            return ExportStatus.QUEUED


def _made(resources: Resources, claimed: Export) -> ExportStatus:
    try:
        parts = write_export(resources, claimed)
    except Exception as error:
        fields = problem_fields(error) if isinstance(error, ProblemError) else {"error": type(error).__name__}
        log.warning("export_failed", **fields, exc_info=not isinstance(error, ProblemError))
        with resources.database.transaction(user_id=claimed.user_id) as db:
            exports.update_export_retried(db, claimed, most_attempts=MOST_ATTEMPTS, pause_seconds=PAUSE_SECONDS)
        is_over = claimed.attempts >= MOST_ATTEMPTS
        return ExportStatus.FAILED if is_over else ExportStatus.QUEUED
    keys, sizes = [key for key, _ in parts], [size for _, size in parts]
    with resources.database.transaction(user_id=claimed.user_id) as db:
        is_ours = exports.update_export_ready(db, claimed, keys=keys, sizes=sizes)
    if not is_ours:  # the person has left, or a faster attempt was first
        resources.storage.remove(keys)
        return ExportStatus.FAILED
    log.info("export_ready", parts=len(parts), bytes=sum(sizes))
    return ExportStatus.READY


def purge(resources: Resources, user_id: UUID) -> Purge | None:
    """One pass of a purge; returns how far it is, None when there was nothing to claim or it could not be done.

    Images and jobs end first, so that no worker makes anything more; then objects go, then rows. A pass that breaks
    off is repeated as a whole, without harm.
    """
    try:
        with resources.maintenance.transaction() as db:
            claimed = purges.update_purge_claimed(db, user_id, claim_seconds=resources.settings.lease_seconds)
        passed = None if claimed is None else _passed(resources, claimed)
    except ProblemError as problem:
        log.warning("purge_left_to_the_sweep", user_id=str(user_id), **problem_fields(problem))
        return None
    if passed is not None:
        log.info("purge_passed", user_id=str(user_id), passes=passed.passes, removed=dict(passed.removed))
    return passed


def _passed(resources: Resources, claimed: Purge) -> Purge | None:
    user_id, vault = claimed.user_id, resources.cashier.vault
    ended = privacy.PAGE
    while ended == privacy.PAGE:
        with resources.maintenance.transaction() as db:
            ended = privacy.end_images(db, user_id)
    keys = resources.storage.list_keys(f"{user_id}/")
    resources.storage.remove(keys)
    with resources.maintenance.transaction() as db:
        removed = privacy.forget_rows(db, user_id)
    removed["objects"] = len(keys)
    stripe = _forget_purchases(resources, user_id)
    remember_purge(resources.settings, user_id)
    with resources.maintenance.transaction() as db:
        return privacy.end_pass(db, vault, claimed, removed=removed, stripe=stripe)


def _forget_purchases(resources: Resources, user_id: UUID) -> list[str]:
    found: list[str] = []
    after: UUID | None = None
    while True:
        with resources.maintenance.transaction() as db:
            references, after = privacy.forget_purchases(db, resources.cashier.vault, user_id, after=after)
        found += references
        if after is None:
            return found


def sweep(resources: Resources) -> int:
    """Send the message of every export and purge that waits; returns how many. One sweep at a time."""
    with resources.maintenance.transaction() as db:
        if not try_lock(db, SweepPeople.task):
            return 0
        messages: list[Message] = [
            ExportPerson(export_id=export_id, user_id=user_id)
            for export_id, user_id in exports.select_exports_due(db, limit=AT_ONCE)
        ]
        messages += [PurgePerson(user_id=user_id) for user_id in purges.select_purges_due(db, limit=AT_ONCE)]
    if messages:
        log.info("people_swept", messages=len(messages), is_sent=resources.publisher.send_now(messages))
    return len(messages)
