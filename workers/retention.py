"""Retention: images end when their time is over, objects first and then the rows that list them.

A crash in between repeats harmlessly: an image whose objects are gone is simply found empty the next time. While
storage is away nothing is lost or forgotten, the next sweep goes on where this one stopped.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from celery import shared_task

from shared import endings, events, exports, files, lifecycle, metrics, orphans, removals, renditions, uploads
from shared.clock import monotonic_seconds
from shared.copies import IMAGE, image_key
from shared.endings import OverImage
from shared.errors import StorageRefused, StorageUnavailable
from shared.logging_setup import get_logger, problem_fields
from shared.messages import ExpireImages, PreparePartitions, PruneTemporary, RemoveOrphans
from workers import recovery
from workers.pruning import prune_logs, prune_rows
from workers.resources import Resources, resources

log = get_logger(__name__)

IMAGES_AT_ONCE = 500
SWEEP_SECONDS = 50.0
MONTHS_AHEAD = 2
KEYS_AT_ONCE = 1_000
LEASES_OF_GRACE = 2


@shared_task(name=ExpireImages.task)
def expire_images() -> None:
    """Remove the images whose time is over, and everything made from them."""
    sweep(resources())
    sweep_exports(resources())


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


def sweep(resources: Resources, *, at_once: int = IMAGES_AT_ONCE) -> int:
    """Remove what is due, batch after batch, for as long as a sweep may take; returns how many images are gone now."""
    until = monotonic_seconds() + SWEEP_SECONDS
    gone = 0
    while monotonic_seconds() < until:
        due = _end_jobs(resources, at_once)
        try:
            removed = _remove(resources, due)
        except StorageUnavailable as problem:
            log.warning("retention_waits_for_storage", **problem_fields(problem))
            break
        gone += removed
        if len(due) < at_once or not removed:
            break
    if gone:
        metrics.IMAGES_EXPIRED.inc(gone)
        _note(resources, {"images": gone})
    return gone


def _end_jobs(resources: Resources, limit: int) -> list[OverImage]:
    """The images that are due; their open jobs are failed and paid back, so that no worker makes anything more."""
    with resources.maintenance.transaction() as db:
        due = endings.select_images_to_remove(db, limit=limit)
        lifecycle.expire_images(db, [image.image_id for image in due])
    return due


def _remove(resources: Resources, due: Sequence[OverImage]) -> int:
    """Remove images' objects, then forget them; returns how many. What storage refuses does not stop the others."""
    if not due:
        return 0
    try:
        resources.storage.remove(_keys(resources, due))
    except StorageRefused:
        if len(due) == 1:
            log.exception("objects_not_removed", image_id=str(due[0].image_id))
            return 0
        return sum(_remove(resources, [image]) for image in due)
    ids = [image.image_id for image in due]
    with resources.maintenance.transaction() as db:
        files.delete_files(db, ids)
        renditions.delete_renditions(db, ids)
        gone = endings.update_images_objects_gone(db, ids)
    resources.copies.forget(IMAGE, *(image_key(image.user_id, image.image_id) for image in due))
    return gone


def _keys(resources: Resources, due: Sequence[OverImage]) -> list[str]:
    """Where everything made from these images lies: what is listed, and what an attempt that broke off has left."""
    with resources.maintenance.transaction() as db:
        listed = set(files.select_keys(db, [image.image_id for image in due]))
    for image in due:
        if image.may_hold_more:
            listed.update(resources.storage.list_keys(uploads.image_prefix(image.user_id, image.image_id)))
    return sorted(listed)


def sweep_exports(resources: Resources) -> int:
    """Remove exports whose time is over, objects first; returns how many."""
    with resources.maintenance.transaction() as db:
        over = exports.select_exports_over(db, limit=IMAGES_AT_ONCE)
    if not over:
        return 0
    try:
        resources.storage.remove([key for _, keys in over for key in keys])
    except StorageUnavailable as problem:
        log.warning("retention_waits_for_storage", **problem_fields(problem))
        return 0
    with resources.maintenance.transaction() as db:
        removed = exports.delete_exports(db, [export_id for export_id, _ in over])
    _note(resources, {"exports": removed})
    return removed


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
        _note(resources, {"orphans": len(removed)})
    return len(removed)


def prune(resources: Resources) -> Counter[str]:
    """Remove temporary rows and old logs whose time is over; returns how many of each kind."""
    removed = prune_rows(resources) + prune_logs(resources)
    if removed:
        _note(resources, removed)
    return removed


def _note(resources: Resources, removed: Mapping[str, int]) -> None:
    """Say what was removed, in the log and for the operator's report."""
    log.info("removed", **removed)
    with resources.maintenance.transaction() as db:
        removals.insert_removals(db, removed)
