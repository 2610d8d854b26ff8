"""What retention removes: the table `removals`, what is due at present, and the log-like tables' old ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import LiteralString

from psycopg.rows import class_row

from shared.db import Connection

# The settings that say how long something is kept, and a period that is none.
PERIODS = frozenset(
    {
        "idempotency_lifetime_hours",
        "inbox_lifetime_days",
        "set_aside_lifetime_days",
        "checkout_lifetime_days",
        "ended_key_lifetime_days",
        "log_lifetime_days",
    }
)
WAKEUP_LIFETIME_HOURS = 24

# What a sweep would remove now. A test compares each with what its sweep then removes.
DUE: Mapping[str, LiteralString] = {
    "images": """
        SELECT count(*) FROM images
        WHERE objects_gone_at IS NULL AND (expiry_timestamp <= house_now() OR deleted_at IS NOT NULL)
    """,
    "exports": "SELECT count(*) FROM exports WHERE expires_at <= house_now()",
    "answers": """
        SELECT count(*) FROM idempotency_keys
        WHERE created_at < house_now() - make_interval(hours => %(idempotency_lifetime_hours)s)
    """,
    "handled_events": """
        SELECT count(*) FROM inbox
        WHERE status = 'handled' AND handled_at < house_now() - make_interval(days => %(inbox_lifetime_days)s)
    """,
    "events_set_aside": """
        SELECT count(*) FROM inbox
        WHERE status = 'set_aside' AND handled_at < house_now() - make_interval(days => %(set_aside_lifetime_days)s)
    """,
    "wakeups": """
        SELECT count(*) FROM wakeups
        WHERE send_at < house_now() - make_interval(hours => %(wakeup_lifetime_hours)s)
            AND NOT EXISTS (SELECT FROM jobs WHERE job_id = subject_id AND status = 'queued')
            AND NOT EXISTS (SELECT FROM images WHERE image_id = subject_id AND status = 'processing')
    """,
    "checkouts": """
        SELECT count(*) FROM purchases p
        WHERE status IN ('expired', 'failed') AND paid_at IS NULL
            AND created_at < house_now() - make_interval(days => %(checkout_lifetime_days)s)
            AND NOT EXISTS (SELECT FROM reversals r WHERE r.purchase_id = p.purchase_id)
    """,
    "ended_keys": """
        SELECT count(*) FROM api_keys
        WHERE revoked_at < house_now() - make_interval(days => %(ended_key_lifetime_days)s)
    """,
    "guests": "SELECT count(*) FROM guests WHERE expires_at <= house_now()",
    "departures": """
        SELECT count(*) FROM departures
        WHERE departed_at < house_now() - make_interval(days => %(log_lifetime_days)s)
    """,
}


@dataclass(frozen=True, slots=True)
class Removal:
    """How much of a kind was removed on a day (UTC)."""

    day: date
    kind: str
    removed: int


def select_due(db: Connection, kind: str, periods: Mapping[str, int]) -> int:
    """How much of a kind is over at present; `periods` are the settings of that name."""
    row = db.execute(DUE[kind], {**periods, "wakeup_lifetime_hours": WAKEUP_LIFETIME_HOURS}).fetchone()
    assert row is not None
    return row[0]


def insert_removals(db: Connection, counts: Mapping[str, int]) -> None:
    """Add to what was removed today."""
    db.execute(
        "INSERT INTO removals (day, kind, removed) SELECT (house_now() AT TIME ZONE 'UTC')::date, kind, removed"
        " FROM unnest(%(kinds)s::text[], %(counts)s::bigint[]) AS one (kind, removed)"
        " ON CONFLICT (day, kind) DO UPDATE SET removed = removals.removed + excluded.removed",
        {"kinds": list(counts), "counts": list(counts.values())},
    )


def select_removals(db: Connection, *, days: int) -> list[Removal]:
    """What was removed in the last so many days, newest first."""
    return (
        db.cursor(row_factory=class_row(Removal))
        .execute(
            "SELECT day, kind, removed FROM removals"
            " WHERE day > (house_now() AT TIME ZONE 'UTC')::date - %(days)s::integer ORDER BY day DESC, kind",
            {"days": days},
        )
        .fetchall()
    )


def delete_old_removals(db: Connection, *, older_than_days: int, limit: int) -> int:
    """Forget what was removed so long ago; returns how many lines."""
    return db.execute(
        "DELETE FROM removals WHERE (day, kind) IN (SELECT day, kind FROM removals"
        " WHERE day < (house_now() AT TIME ZONE 'UTC')::date - %(days)s::integer LIMIT %(limit)s)",
        {"days": older_than_days, "limit": limit},
    ).rowcount


def delete_log_rows(
    db: Connection, *, keep_days: int, most: int, is_dry_run: bool = False
) -> list[tuple[str, int, int]]:
    """Drop the months of the log-like tables that are over, and delete up to `most` rows of the month that is ending.

    Returns (table, partitions, rows); with `is_dry_run` nothing is removed.
    """
    return db.execute(
        "SELECT log_table, partitions, pruned FROM prune_log_tables(%(keep_days)s, %(most)s, %(is_dry_run)s)",
        {"keep_days": keep_days, "most": most, "is_dry_run": is_dry_run},
    ).fetchall()
