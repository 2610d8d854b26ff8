"""Rows that were only ever kept for a while: each kind has its period, and goes a bounded number at a time."""

from collections import Counter
from collections.abc import Callable, Mapping

from shared import api_keys, guests, idempotency, inbox, purchases, purges, removals, wakeups
from shared.db import Connection
from shared.errors import ProblemError
from shared.inbox import InboxStatus
from shared.logging_setup import get_logger, problem_fields
from shared.settings import Settings
from workers.resources import Resources

log = get_logger(__name__)

ROWS_AT_ONCE = 5_000

Prune = Callable[[Connection], int]


def temporary_rows(settings: Settings, *, limit: int = ROWS_AT_ONCE) -> Mapping[str, Prune]:
    """For each kind of temporary row what removes some of those that are over, and says how many."""
    days, hours = settings.log_lifetime_days, removals.WAKEUP_LIFETIME_HOURS
    return {
        "answers": lambda db: idempotency.delete_answers(
            db, older_than_hours=settings.idempotency_lifetime_hours, limit=limit
        ),
        "handled_events": lambda db: inbox.delete_old_events(
            db, status=InboxStatus.HANDLED, older_than_days=settings.inbox_lifetime_days, limit=limit
        ),
        "events_set_aside": lambda db: inbox.delete_old_events(
            db, status=InboxStatus.SET_ASIDE, older_than_days=settings.set_aside_lifetime_days, limit=limit
        ),
        "wakeups": lambda db: wakeups.delete_old_wakeups(db, older_than_hours=hours, limit=limit),
        "checkouts": lambda db: purchases.delete_abandoned_purchases(
            db, older_than_days=settings.checkout_lifetime_days, limit=limit
        ),
        "ended_keys": lambda db: api_keys.delete_revoked_api_keys(
            db, older_than_days=settings.ended_key_lifetime_days, limit=limit
        ),
        "guests": lambda db: guests.delete_guests(db, limit=limit),
        "departures": lambda db: purges.delete_old_departures(db, older_than_days=days, limit=limit),
        "removals": lambda db: removals.delete_old_removals(db, older_than_days=days, limit=limit),
    }


def prune_rows(resources: Resources, *, limit: int = ROWS_AT_ONCE) -> Counter[str]:
    """Remove every temporary row that is over, batch after batch; returns how many of each kind."""
    removed: Counter[str] = Counter()
    for kind, prune in temporary_rows(resources.settings, limit=limit).items():
        pruned = limit
        while pruned == limit:
            with resources.maintenance.transaction() as db:
                pruned = prune(db)
            removed[kind] += pruned
    return +removed


def prune_logs(resources: Resources, *, limit: int = ROWS_AT_ONCE) -> Counter[str]:
    """Drop or delete what log-like tables hold beyond their period; returns how many rows of each."""
    removed: Counter[str] = Counter()
    is_more = True
    while is_more:
        try:
            with resources.maintenance.transaction() as db:
                pruned = removals.delete_log_rows(db, keep_days=resources.settings.log_lifetime_days, most=limit)
        except ProblemError as problem:  # somebody reads what is to be dropped: the next sweep comes again
            log.warning("pruning_waits", **problem_fields(problem))
            break
        removed.update({table: rows for table, _, rows in pruned})
        is_more = any(rows >= limit for _, _, rows in pruned)
    return +removed
