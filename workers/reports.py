"""The reports tasks: daily sums for the dashboard, and the reports that are too large for a request."""

import tempfile
from pathlib import Path

from celery import shared_task

from shared import dashboard, report_files
from shared.clock import monotonic_seconds
from shared.db import try_lock
from shared.errors import AttemptsExhausted, PermanentError, ProblemError, TransientError
from shared.logging_setup import get_logger, problem_fields
from shared.messages import MakeReports, RollUp
from shared.report_files import ReportFile
from shared.report_people import select_now
from shared.reporting import MEDIA_TYPES, Seller, wish_of, write_report
from workers.resources import Resources, resources

log = get_logger(__name__)

SECONDS_PER_SWEEP = 30.0
FILES_AT_ONCE = 100


@shared_task(name=RollUp.task)
def roll_up() -> None:
    """Sum the hours that have ended since the last time."""
    sweep(resources())


@shared_task(name=MakeReports.task)
def make_reports() -> None:
    """Make the next report that waits, and remove those whose time is over."""
    remove_expired(resources())
    make_next(resources())


def sweep(resources: Resources) -> int:
    """Sum what is due, a week at a time; returns how many hours. Of several at once one works, the others leave.

    A long past takes several sweeps, so that none exceeds the limit of a task.
    """
    until = monotonic_seconds() + SECONDS_PER_SWEEP
    hours = 0
    while True:
        with resources.maintenance.transaction() as db:
            summed = dashboard.roll_up(db) if try_lock(db, RollUp.task) else 0
        hours += summed
        if not summed:
            break
        if monotonic_seconds() > until:
            resources.send(RollUp())
            break
    if hours:
        log.info("hours_rolled_up", hours=hours)
    return hours


def make_next(resources: Resources) -> ReportFile | None:
    """Make the report that has waited longest; returns it as it was claimed, None when none waits.

    A worker that dies leaves it to the next one when its claim is over; who comes too late removes what it made.
    """
    settings = resources.settings
    with resources.maintenance.transaction() as db:
        file = report_files.update_report_file_claimed(db, claim_seconds=settings.lease_seconds)
    if file is None:
        return None
    resources.send(MakeReports())  # somebody else may take the next one meanwhile
    try:
        if file.attempts > settings.job_max_attempts:
            raise AttemptsExhausted("The report was begun several times and never finished.")
        _make(resources, file)
    except ProblemError as problem:
        _give_up(resources, file, problem)
    return file


def _make(resources: Resources, file: ReportFile) -> None:
    wish = wish_of(file.wish)
    seller = Seller(resources.settings.seller_country, resources.settings.seller_vat_id)
    key = f"{file.user_id}/reports/{file.report_file_id}-{file.fence}.{wish.format}"
    with tempfile.NamedTemporaryFile() as kept:
        with resources.database.reports() as db:
            write_report(db, wish, seller, kept, now=select_now(db))
        kept.flush()
        size = kept.tell()
        resources.storage.put(key, Path(kept.name), MEDIA_TYPES[wish.format])
    with resources.maintenance.transaction() as db:
        hours = resources.settings.report_lifetime_hours
        is_mine = report_files.update_report_file_ready(db, file, storage_key=key, size=size, lifetime_hours=hours)
    if not is_mine:
        resources.storage.remove([key])
    log.info("report_made", report=wish.report, format=wish.format, bytes=size, kept=is_mine)


def _give_up(resources: Resources, file: ReportFile, problem: ProblemError) -> None:
    """Try again after a pause that doubles, as long as that may help."""
    settings = resources.settings
    is_over = isinstance(problem, PermanentError) or file.attempts >= settings.job_max_attempts
    with resources.maintenance.transaction() as db:
        if is_over:
            report_files.update_report_file_failed(db, file, problem.as_record())
        else:
            delay = settings.retry_delay_seconds * 2 ** (file.attempts - 1)
            report_files.update_report_file_requeued(db, file, delay_seconds=delay)
    log.warning("report_not_made", is_over=is_over, **problem_fields(problem))


def remove_expired(resources: Resources) -> int:
    """Remove the files whose time is over, objects first and then rows; returns how many."""
    with resources.maintenance.transaction() as db:
        expired = report_files.select_expired_report_files(db, limit=FILES_AT_ONCE)
    try:
        resources.storage.remove([key for _, key in expired if key is not None])
    except TransientError as problem:
        log.warning("reports_wait_for_storage", **problem_fields(problem))
        return 0
    with resources.maintenance.transaction() as db:
        return report_files.delete_report_files(db, [file_id for file_id, _ in expired])
