"""Retention: images end when their time is over, objects first and then the rows that list them.

A crash in between repeats harmlessly: an image whose objects are gone is simply found empty the next time. While
storage is away nothing is lost or forgotten, the next sweep goes on where this one stopped.
"""

from uuid import UUID

from celery import shared_task

from shared import events, files, idempotency, images, lifecycle, metrics, orphans, renditions, uploads
from shared.errors import StorageRefused, StorageUnavailable
from shared.logging_setup import get_logger, problem_fields
from shared.messages import ExpireImages, PreparePartitions, PruneTemporary, RemoveOrphans
from workers import recovery
from workers.resources import Resources, resources

log = get_logger(__name__)

IMAGES_AT_ONCE = 50
BATCHES_PER_SWEEP = 20
MONTHS_AHEAD = 2
KEYS_AT_ONCE = 1_000
ROWS_AT_ONCE = 5_000
LEASES_OF_GRACE = 2


@shared_task(name=ExpireImages.task)
def expire_images() -> None:
    """Remove the images whose time is over, and everything made from them."""
    sweep(resources())


@shared_task(name=RemoveOrphans.task)
def remove_orphans() -> None:
    """Remove what a worker or an api left in storage when it died before its row was committed."""
    sweep_orphans(resources())


@shared_task(name=PreparePartitions.task)
def prepare_partitions() -> None:
    """Make the coming months' partitions of the log-like tables."""
    with resources().maintenance.transaction() as db:
        made = events.prepare_partitions(db, months_ahead=MONTHS_AHEAD)
    log.info("partitions_prepared", made=made)


@shared_task(name=PruneTemporary.task)
def prune_temporary() -> None:
    """Remove rows that were only ever kept for a while."""
    prune(resources())


def sweep(resources: Resources) -> int:
    """Remove what is due, a bounded number at a time; returns how many images are gone now."""
    gone = 0
    for _ in range(BATCHES_PER_SWEEP):
        due = _end_jobs(resources)
        try:
            removed = sum(_remove(resources, image_id, user_id) for image_id, user_id in due)
        except StorageUnavailable as problem:
            log.warning("retention_waits_for_storage", **problem_fields(problem))
            break
        gone += removed
        if len(due) < IMAGES_AT_ONCE or not removed:
            break
    if gone:
        metrics.IMAGES_EXPIRED.inc(gone)
        log.info("images_removed", images=gone)
    return gone


def _end_jobs(resources: Resources) -> list[tuple[UUID, UUID]]:
    """The images that are due; their open jobs are failed and paid back, so that no worker makes anything more."""
    with resources.maintenance.transaction() as db:
        due = images.select_images_to_remove(db, limit=IMAGES_AT_ONCE)
        for image_id, _ in due:
            lifecycle.expire_image(db, image_id)
    return due


def _remove(resources: Resources, image_id: UUID, user_id: UUID) -> bool:
    """Remove an image's objects, then forget them. False when storage refuses this one; the others go on."""
    try:
        resources.storage.remove(resources.storage.list_keys(uploads.image_prefix(user_id, image_id)))
    except StorageRefused:
        log.exception("objects_not_removed", image_id=str(image_id))
        return False
    with resources.maintenance.transaction() as db:
        files.delete_files(db, image_id)
        renditions.delete_renditions(db, image_id)
        images.update_image_objects_gone(db, image_id)
    return True


def sweep_orphans(resources: Resources) -> int:
    """Remove every object that no row has listed for twice the lease; returns how many.

    Expired leases are taken back first: then no attempt that could still list such an object holds its claim.
    """
    recovery.sweep(resources)
    grace_seconds = resources.settings.lease_seconds * LEASES_OF_GRACE
    removed: list[str] = []
    try:
        keys = resources.storage.list_keys()
        for start in range(0, len(keys), KEYS_AT_ONCE):
            with resources.maintenance.transaction() as db:
                old = orphans.insert_orphans(db, keys[start : start + KEYS_AT_ONCE], grace_seconds=grace_seconds)
            resources.storage.remove(old)
            removed += old
    except StorageUnavailable as problem:
        log.warning("orphans_wait_for_storage", **problem_fields(problem))
    with resources.maintenance.transaction() as db:
        orphans.delete_orphans(db, removed)
    if removed:
        log.info("orphans_removed", objects=len(removed))
    return len(removed)


def prune(resources: Resources) -> int:
    """Forget the first answers of Idempotency-Keys whose time is over; returns how many."""
    pruned = ROWS_AT_ONCE
    total = 0
    while pruned == ROWS_AT_ONCE:
        with resources.maintenance.transaction() as db:
            hours = resources.settings.idempotency_lifetime_hours
            pruned = idempotency.delete_answers(db, older_than_hours=hours, limit=ROWS_AT_ONCE)
        total += pruned
    if total:
        log.info("idempotency_keys_pruned", keys=total)
    return total
