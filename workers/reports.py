"""The reports tasks: daily sums for the dashboard."""

from celery import shared_task

from shared import dashboard
from shared.db import try_lock
from shared.logging_setup import get_logger
from shared.messages import RollUp
from workers.resources import Resources, resources

log = get_logger(__name__)

CHUNKS_PER_SWEEP = 40


@shared_task(name=RollUp.task)
def roll_up() -> None:
    """Sum the days that have ended since the last time."""
    sweep(resources())


def sweep(resources: Resources) -> int:
    """Sum what is due, some months at a time; returns how many days. Of several at once one works, the others leave."""
    days = 0
    for _ in range(CHUNKS_PER_SWEEP):
        with resources.maintenance.transaction() as db:
            summed = dashboard.roll_up(db) if try_lock(db, RollUp.task) else 0
        days += summed
        if not summed:
            break
    if days:
        log.info("days_rolled_up", days=days)
    return days
