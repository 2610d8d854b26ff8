"""Numbers about the whole installation: the tables `figures` and `sweeps`, and what can be counted at once.

They are read from Postgres by whichever process is asked, so they are right after every restart, with any number of
processes, and say nothing of anybody. docs/decisions/0040-metrics.md tells why.
"""

from shared.db import Connection


def select_live_figures(db: Connection) -> list[tuple[str, str, float]]:
    """(figure, label, value) of what waits, runs and is late now; lateness in seconds."""
    return db.execute("SELECT name, label, value FROM live_figures()").fetchall()


def select_figures(db: Connection) -> list[tuple[str, str, float]]:
    """(figure, label, value) as they were last taken; of a backup it is its age in seconds."""
    return db.execute(
        "SELECT name, label, CASE WHEN name = 'backup_age_seconds'"
        " THEN extract(epoch FROM house_now() - taken_at)::float8 ELSE value END FROM figures ORDER BY name, label"
    ).fetchall()


def insert_figures(db: Connection) -> None:
    """Take the sums that no single account may see and that cost a scan: the ledger's, and the purchases'.

    Credits are counted as moved, so every entry counts upwards; money is gross, in minor units. Needs the maintenance
    role.
    """
    db.execute(
        "WITH taken (name, label, value) AS ("
        " SELECT 'credits_moved', entry::text, sum(greatest(abs(available_delta), abs(reserved_delta)))::float8"
        "  FROM transactions GROUP BY entry"
        " UNION ALL SELECT 'credits_held', 'available', coalesce(sum(credit_balance), 0)::float8 FROM users"
        " UNION ALL SELECT 'credits_held', 'reserved', coalesce(sum(credits_reserved), 0)::float8 FROM users"
        " UNION ALL SELECT 'purchases', status::text, count(*)::float8 FROM purchases GROUP BY status"
        " UNION ALL SELECT 'purchases_amount', currency, sum(total)::float8 FROM purchases"
        "  WHERE status IN ('paid', 'refunded') GROUP BY currency"
        " UNION ALL SELECT 'accounts', '', count(*)::float8 FROM users"
        "), gone AS (DELETE FROM figures WHERE (name, label) NOT IN (SELECT name, label FROM taken)"
        "  AND name <> 'backup_age_seconds')"
        " INSERT INTO figures (name, label, value) SELECT name, label, value FROM taken"
        " ON CONFLICT (name, label) DO UPDATE SET value = excluded.value, taken_at = house_now()"
    )


def insert_backup(db: Connection) -> None:
    """Note that a backup has been made and checked, now. Needs the maintenance role."""
    db.execute(
        "INSERT INTO figures (name, value) VALUES ('backup_age_seconds', 0)"
        " ON CONFLICT (name, label) DO UPDATE SET taken_at = house_now()"
    )


def insert_sweep(db: Connection, name: str, *, interval_seconds: float) -> None:
    """Note that a sweep has ended well, now; it is expected again after so many seconds."""
    db.execute(
        "INSERT INTO sweeps (name, interval_seconds) VALUES (%(name)s, %(interval_seconds)s)"
        " ON CONFLICT (name) DO UPDATE SET interval_seconds = excluded.interval_seconds, finished_at = house_now()",
        {"name": name, "interval_seconds": interval_seconds},
    )


def select_sweeps(db: Connection) -> list[tuple[str, float, float]]:
    """(sweep, seconds since it last ended well, seconds between two) of every sweep that ever ended well."""
    return db.execute(
        "SELECT name, extract(epoch FROM house_now() - finished_at)::float8, interval_seconds FROM sweeps ORDER BY name"
    ).fetchall()
