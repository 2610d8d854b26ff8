"""Backups by beat: every hour it is looked whether one is due, so that a missed day is made up for.

The work may take longer than a task may: a thread of the worker does it, one at a time. A worker that dies meanwhile
leaves nothing that counts as a backup, and the next hour comes.
"""

import threading
from contextlib import closing
from datetime import timedelta

from celery import shared_task

from shared import catalogue, figures
from shared.backups import Backup, Keeper, held, list_backups, make_backup, mirror_objects, open_keeper
from shared.errors import ProblemError
from shared.logging_setup import get_logger, problem_fields
from shared.messages import BackUp
from workers.resources import Resources, resources

log = get_logger(__name__)

# A little less than a day, or an hourly look would make it later every day.
AGE = timedelta(hours=23, minutes=30)


@shared_task(name=BackUp.task)
def back_up() -> None:
    """Make a backup if one is due, and bring the mirror of storage up to date."""
    threading.Thread(target=keep_backups, args=(resources(),), name="backup", daemon=True).start()


def keep_backups(resources: Resources) -> Backup | None:
    """Make what is due; returns the backup that was made. Problems are logged, and the next look tries again."""
    settings = resources.settings
    if settings.backup_folder is None:
        log.info("backups_not_set_up")
        return None
    try:
        with closing(open_keeper(settings)) as keeper, held(keeper) as is_ours:
            if not is_ours:
                return None
            added, removed = mirror_objects(keeper, resources.storage)
            backup = _made(resources, keeper) if _is_due(resources, keeper) else None
    except ProblemError as problem:
        log.error("backup_failed", **problem_fields(problem))  # noqa: TRY400 - the problem says it all
        return None
    except Exception:
        log.exception("backup_failed")
        return None
    log.info("objects_mirrored", added=added, removed=removed)
    if backup is not None:
        log.info("backup_made", name=backup.name, bytes=backup.size, seconds=backup.seconds)
    return backup


def _made(resources: Resources, keeper: Keeper) -> Backup:
    backup = make_backup(keeper, resources.storage)
    with resources.maintenance.transaction() as db:
        figures.insert_backup(db)
    return backup


def _is_due(resources: Resources, keeper: Keeper) -> bool:
    with resources.maintenance.transaction() as db:
        now = catalogue.select_now(db)
    newest = next(iter(list_backups(keeper.folder)), None)
    return newest is None or now - newest.time >= AGE
