"""Migrations: numbered SQL files, each applied once, in order, in its own database transaction.

`python -m shared.migrate` brings the database of MIGRATION_DATABASE_URL up to date. A file that was
edited after it was applied is refused by its SHA-256. Two migrators at once wait for each other by
polling `pg_try_advisory_lock` (the blocking call would deadlock with CREATE INDEX CONCURRENTLY), and
no migration waits longer than four seconds for a table lock, so a deploy never queues the whole
product behind itself.
"""

import hashlib
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.abc import Query

from shared.secret_files import SettingsInvalid
from shared.settings import load_settings

MIGRATIONS = Path(__file__).parent / "sql" / "migrations"
LOCK_KEY = 7_085_342_001
LOCK_WAIT_SECONDS = 60
OUTSIDE_TRANSACTION = "-- outside a transaction"


class MigrationFailed(SystemExit):
    """The schema could not be brought up to date; the message says which file and why."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Names the file's content for ever."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """Every migration in order; raises MigrationFailed when a number is missing or used twice."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
        if match is None:
            raise MigrationFailed(f"{path.name} must be named like 0001_what_it_does.sql")
        found.append(Migration(int(match[1]), match[2], path.read_text("utf-8")))
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationFailed("migrations must be numbered 0001, 0002, … without gaps or repeats")
    return found


def migrate(url: str, folder: Path = MIGRATIONS) -> list[str]:
    """Apply what is missing in the database at `url`; returns the names applied now, oldest first."""
    migrations = read_migrations(folder)
    with psycopg.connect(url, autocommit=True) as connection:
        _take_lock(connection)
        try:
            _create_history(connection)
            applied = _read_history(connection)
            _check_history(migrations, applied)
            missing = [migration for migration in migrations if migration.number not in applied]
            for migration in missing:
                _apply(connection, migration)
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])
    return [f"{migration.number:04d}_{migration.name}" for migration in missing]


def pending(url: str, folder: Path = MIGRATIONS) -> list[str]:
    """Names of migrations that the database at `url` lacks."""
    with psycopg.connect(url, autocommit=True) as connection:
        applied = _read_history(connection) if _has_history(connection) else {}
    return [f"{m.number:04d}_{m.name}" for m in read_migrations(folder) if m.number not in applied]


def _take_lock(connection: psycopg.Connection) -> None:
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone()
        if row == (True,):
            return
        if time.monotonic() > deadline:
            raise MigrationFailed(f"another migrator has held the lock for {LOCK_WAIT_SECONDS} s")
        time.sleep(0.1)


def _has_history(connection: psycopg.Connection) -> bool:
    return connection.execute("SELECT to_regclass('schema_migrations')").fetchone() != (None,)


def _create_history(connection: psycopg.Connection) -> None:
    connection.execute(
        """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            number     integer PRIMARY KEY,
            name       text NOT NULL,
            sha256     text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        );
        -- Supabase serves schema public over HTTP; without a policy nobody but the owner reads this.
        ALTER TABLE schema_migrations ENABLE ROW LEVEL SECURITY
        """
    )


def _read_history(connection: psycopg.Connection) -> dict[int, str]:
    return dict(connection.execute("SELECT number, sha256 FROM schema_migrations").fetchall())


def _check_history(migrations: list[Migration], applied: dict[int, str]) -> None:
    known = {migration.number: migration for migration in migrations}
    for number, sha256 in sorted(applied.items()):
        if number not in known:
            raise MigrationFailed(f"the database has migration {number:04d}, which this version does not know")
        if known[number].sha256 != sha256:
            raise MigrationFailed(
                f"{number:04d}_{known[number].name}.sql was edited after it was applied; add a new migration instead"
            )


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    file = f"{migration.number:04d}_{migration.name}.sql"
    # Bytes, because a migration is read from a file: the one place where SQL is not a literal.
    text: Query = migration.text.encode()
    try:
        connection.execute("SET lock_timeout = '4s'")
        if migration.text.startswith(OUTSIDE_TRANSACTION):
            connection.execute(text)
            _record(connection, migration)
        else:
            with connection.transaction():
                connection.execute(text)
                _record(connection, migration)
    except psycopg.Error as error:
        raise MigrationFailed(f"{file} failed and was rolled back: {error}") from error


def _record(connection: psycopg.Connection, migration: Migration) -> None:
    connection.execute(
        "INSERT INTO schema_migrations (number, name, sha256) VALUES (%s, %s, %s)",
        [migration.number, migration.name, migration.sha256],
    )


def main() -> None:
    """Migrate the database that the settings name and say what was done."""
    settings = load_settings()
    if settings.migration_database_url is None:
        raise SettingsInvalid("MIGRATION_DATABASE_URL is not set: migrations run as the owner of the tables")
    applied = migrate(settings.migration_database_url.get_secret_value())
    sys.stdout.write("".join(f"applied {name}\n" for name in applied) or "the schema is up to date\n")


if __name__ == "__main__":
    main()
