"""The recovery sweep: whatever is committed and was not delivered, or not finished in its time, goes on."""

from celery import shared_task

from shared import metrics, recovery
from shared.db import try_lock
from shared.errors import AttemptsExhausted
from shared.logging_setup import get_logger
from shared.messages import Recover
from workers.resources import Resources, resources

log = get_logger(__name__)

AT_ONCE = 500


@shared_task(name=Recover.task)
def recover() -> None:
    """One sweep; safe to run at any time, any number of times, or not at all for a while."""
    sweep(resources())


def sweep(resources: Resources) -> int:
    """Take back expired leases and send what waits unclaimed; returns how many messages were sent.

    Beats may be many: the sweep that finds another at work leaves it to that one.
    """
    settings = resources.settings
    with resources.maintenance.transaction() as db:
        if not try_lock(db, Recover.task):
            return 0
        recovered = recovery.recover(
            db,
            max_attempts=settings.job_max_attempts,
            resend_seconds=settings.wakeup_resend_seconds,
            limit=AT_ONCE,
        )
    for job in recovered.ended:
        metrics.JOBS_FINISHED.labels(job.kind.value, "failed", AttemptsExhausted.slug).inc()
        resources.announce(job.job_id)
    if recovered.messages:
        is_sent = resources.publisher.send_now(recovered.messages)
        metrics.WAKEUPS_RESENT.inc(len(recovered.messages))
        log.info("wakeups_sent", messages=len(recovered.messages), is_sent=is_sent)
    return len(recovered.messages)
