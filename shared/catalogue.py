"""The database about itself, for backups: its time, its tables and how much they hold."""

from datetime import datetime

from shared.db import Connection


def select_now(db: Connection) -> datetime:
    """The house's clock."""
    row = db.execute("SELECT house_now()").fetchone()
    assert row is not None
    return row[0]


def select_tables(db: Connection) -> set[str]:
    """Every table that holds rows itself, partitions included."""
    rows = db.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    ).fetchall()
    return {row[0] for row in rows}


def select_counts(db: Connection) -> dict[str, int]:
    """How many rows the tables have that everything else hangs on."""
    rows = db.execute(
        "SELECT 'users', count(*) FROM users UNION ALL SELECT 'images', count(*) FROM images"
        " UNION ALL SELECT 'jobs', count(*) FROM jobs UNION ALL SELECT 'files', count(*) FROM files"
        " UNION ALL SELECT 'transactions', count(*) FROM transactions"
        " UNION ALL SELECT 'purchases', count(*) FROM purchases"
        " UNION ALL SELECT 'analytics', count(*) FROM analytics"
        " UNION ALL SELECT 'audit_log', count(*) FROM audit_log"
    ).fetchall()
    return dict(rows)
