"""The payments tasks: webhooks that are kept in the inbox, and the comparison with Stripe that needs none.

An event is worked on by asking the provider, or by what it carries where its own time tells which news is newer; so it
may come twice, late, in any order, or be worked on by two workers at once. A worker that dies leaves its event to the
sweep: the claim ends by itself.
"""

import structlog
from celery import shared_task

from shared import inbox, metrics
from shared.clock import utc_now
from shared.db import try_lock
from shared.errors import PermanentError, ProblemError, TransientError
from shared.inbox import InboxEvent, InboxProvider, InboxStatus
from shared.logging_setup import get_logger, problem_fields
from shared.messages import HandleEvent, Reconcile, SweepInbox
from shared.settling import Findings, reconcile
from workers.inbox_events import act_on
from workers.resources import Resources, resources

log = get_logger(__name__)

CLAIM_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 3_600.0
MOST_ATTEMPTS = 60
AT_ONCE = 200


@shared_task(name=HandleEvent.task)
def handle_event(provider: str, event_id: str) -> None:
    """Work on one kept event."""
    handle(resources(), InboxProvider(provider), event_id)


@shared_task(name=SweepInbox.task)
def sweep_inbox() -> None:
    """Work on the events whose message was lost, or whose pause is over."""
    sweep(resources())


@shared_task(name=Reconcile.task)
def reconcile_payments() -> None:
    """Compare our purchases with Stripe's."""
    compare(resources())


def handle(resources: Resources, provider: InboxProvider, event_id: str) -> InboxStatus | None:
    """Claim an event and act on it; returns what became of it, None when there was nothing to claim."""
    with structlog.contextvars.bound_contextvars(provider=provider.value, event_id=event_id):
        with resources.database.transaction() as db:
            event = inbox.update_event_claimed(db, provider=provider, event_id=event_id, claim_seconds=CLAIM_SECONDS)
        if event is None:
            return None
        status, reason = _outcome(resources, event)
        _write_down(resources, event, status, reason)
        metrics.INBOX_EVENTS.labels(provider.value, status.value).inc()
        if status is InboxStatus.HANDLED:
            lag = (utc_now() - event.received_at).total_seconds()
            metrics.INBOX_LAG_SECONDS.labels(provider.value).observe(max(0.0, lag))
        log.info("event_worked_on", event_type=event.event_type, outcome=status.value, reason=reason)
        return status


def _outcome(resources: Resources, event: InboxEvent) -> tuple[InboxStatus, str | None]:
    """Act, and what is to be written down of it."""
    try:
        act_on(resources, event)
    except PermanentError as problem:
        log.warning("event_set_aside", **problem_fields(problem))
        return InboxStatus.SET_ASIDE, f"{problem.slug}: {problem.detail}"
    except TransientError as problem:
        return _again(event, f"{problem.slug}: {problem.detail}")
    except Exception as error:
        log.exception("event_failed")
        return _again(event, type(error).__name__)
    return InboxStatus.HANDLED, None


def _again(event: InboxEvent, reason: str) -> tuple[InboxStatus, str]:
    is_over = event.attempts >= MOST_ATTEMPTS
    return (InboxStatus.SET_ASIDE if is_over else InboxStatus.RECEIVED), reason


def _write_down(resources: Resources, event: InboxEvent, status: InboxStatus, reason: str | None) -> None:
    """Note the outcome. Should that fail, the claim ends and the event is worked on again, without harm."""
    try:
        with resources.database.transaction() as db:
            if status is InboxStatus.RECEIVED:
                pause = min(2.0 ** min(event.attempts, 20), LONGEST_PAUSE_SECONDS)
                inbox.update_event_retried(db, event, pause_seconds=pause, reason=reason or "")
            else:
                inbox.update_event_handled(db, event, status=status, reason=reason)
    except ProblemError as problem:
        log.warning("event_left_to_the_sweep", **problem_fields(problem))


def sweep(resources: Resources) -> int:
    """Send the message of every event that waits; returns how many. One sweep at a time."""
    with resources.maintenance.transaction() as db:
        if not try_lock(db, SweepInbox.task):
            return 0
        waiting = inbox.select_events_due(db, limit=AT_ONCE)
    if waiting:
        sent = [HandleEvent(provider=one.provider.value, event_id=one.event_id) for one in waiting]
        log.info("inbox_swept", messages=len(sent), is_sent=resources.publisher.send_now(sent))
    return len(waiting)


def compare(resources: Resources) -> Findings | None:
    """Reconcile, and say what cannot be explained; None when Stripe does not answer."""
    try:
        findings = reconcile(resources.cashier, window_hours=resources.settings.reconcile_window_hours)
    except TransientError as problem:
        log.warning("reconciliation_put_off", **problem_fields(problem))
        return None
    for sentence in findings.unexplained:
        log.error("payment_unexplained", finding=sentence)
    metrics.PAYMENTS_SETTLED_LATE.inc(len(findings.settled))
    metrics.PAYMENTS_UNEXPLAINED.inc(len(findings.unexplained))
    log.info("reconciled", looked_at=findings.looked_at, settled=len(findings.settled))
    return findings
