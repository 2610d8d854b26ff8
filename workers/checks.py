"""What must always hold, looked at regularly: the answers are kept for `/metrics`, the violations logged."""

from celery import shared_task

from shared import figures, invariants
from shared.logging_setup import get_logger
from shared.messages import CheckInvariants
from workers.resources import Resources, resources

log = get_logger(__name__)


@shared_task(name=CheckInvariants.task)
def check_invariants() -> None:
    """Check every invariant once."""
    check(resources())


def check(resources: Resources) -> int:
    """Check every invariant and take the figures; returns how many are broken. Each violation is logged as an error."""
    with resources.maintenance.transaction() as db:
        broken = invariants.select_all_violations(db)
        invariants.insert_checks(db, {name: len(broken.get(name, ())) for name in invariants.INVARIANTS})
        figures.insert_figures(db)
    for name, violations in broken.items():
        log.error("invariant_broken", invariant=name, violations=violations)
    return len(broken)
