"""Objects that nothing lists: the table `orphans`. Only sweeps come here."""

from collections.abc import Sequence

from shared.db import Connection


def insert_orphans(db: Connection, keys: Sequence[str], *, grace_seconds: float) -> list[str]:
    """Note which of these objects no row lists; returns those that have been so for longer than the grace.

    The grace is longer than an attempt's lease: an object that was just put, and whose row is still to be
    committed, is never returned.
    """
    rows = db.execute(
        "WITH unlisted AS (SELECT key FROM unnest(%(keys)s::text[]) AS key"
        "  WHERE NOT EXISTS (SELECT FROM files WHERE storage_key = key)"
        "  AND NOT EXISTS (SELECT FROM exports WHERE keys @> ARRAY[key])"
        "  AND NOT EXISTS (SELECT FROM report_files WHERE storage_key = key)),"
        " noted AS (INSERT INTO orphans (storage_key) SELECT key FROM unlisted ON CONFLICT DO NOTHING)"
        " SELECT storage_key FROM orphans JOIN unlisted ON storage_key = key"
        " WHERE first_seen_at <= house_now() - make_interval(secs => %(grace_seconds)s)",
        {"keys": list(keys), "grace_seconds": grace_seconds},
    ).fetchall()
    return [row[0] for row in rows]


def delete_orphans(db: Connection, keys: Sequence[str]) -> int:
    """Forget these, whose objects are removed, and those that a row lists by now; returns how many."""
    return db.execute(
        "DELETE FROM orphans WHERE storage_key = ANY(%(keys)s)"
        " OR EXISTS (SELECT FROM files WHERE files.storage_key = orphans.storage_key)"
        " OR EXISTS (SELECT FROM exports WHERE keys @> ARRAY[orphans.storage_key])"
        " OR EXISTS (SELECT FROM report_files WHERE report_files.storage_key = orphans.storage_key)",
        {"keys": list(keys)},
    ).rowcount
