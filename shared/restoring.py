"""Backups put to use: a dump restored into a fresh database, and the proof that it is worth something."""

import contextlib
import gzip
import tempfile
from collections.abc import Generator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from shared import accounts, catalogue, files, invariants
from shared.backups import Backup, Keeper, contents, list_backups, purged_people
from shared.clock import monotonic_seconds
from shared.db import Database
from shared.errors import InternalError, NotFound
from shared.inventory import Inventory, compare, listed_keys
from shared.migrate import pending
from shared.programs import feed, program, run
from shared.sealing import unseal
from shared.shelves import Shelf, reading

# pg_dump begins a moment after rows are counted: of what is never deleted there may be more then.
NEVER_FEWER = ("users", "images", "jobs", "transactions")
GROUP_ROLES = ("tovector_app", "tovector_maintenance")


@dataclass(frozen=True, slots=True)
class Drill:
    """What a restored backup is like: nothing pending, no violations, the rows of its manifest, its objects' rows."""

    backup: Backup
    pending: list[str]
    violations: dict[str, list[str]]
    rows: dict[str, int]
    objects: Inventory
    missing_keys: list[str]
    restore_seconds: float
    seconds: float

    @property
    def faults(self) -> list[str]:
        """What is wrong with it, a sentence each; nothing is the good answer."""
        before = self.backup.rows
        fewer = [name for name in NEVER_FEWER if self.rows.get(name, 0) < before.get(name, 0)]
        return [
            *(f"migration {name} is missing" for name in self.pending),
            *(f"invariant {name}: {'; '.join(lines)}" for name, lines in self.violations.items()),
            *(f"{name}: {self.rows.get(name)} rows, {before[name]} when it was dumped" for name in fewer),
            *(f"{key} was not in storage when it was dumped" for key in self.missing_keys),
        ]


def find_backup(shelf: Shelf, name: str | None) -> Backup:
    """The newest backup, or the one of this name. Raises NotFound."""
    found = [one for one in list_backups(shelf) if name is None or one.name.endswith(name)]
    if not found:
        raise NotFound("There is no such backup." if name else "There is no backup yet.")
    return found[0]


def restore(keeper: Keeper, shelf: Shelf, backup: Backup, target: str) -> None:
    """Restore a backup into the new database `target`, on the same server. Raises InternalError when it exists.

    Everything happens in one database transaction: afterwards it is whole or empty.
    """
    for role in GROUP_ROLES:  # they belong to the server, so a dump of a database has none
        with contextlib.suppress(InternalError):
            run((program(keeper.programs, "createuser"), "--no-login", "--no-password", role), keeper.database_url)
    run((program(keeper.programs, "createdb"), "--no-password", "--template=template0", target), keeper.database_url)
    url = url_of(keeper.database_url, target)
    with reading(shelf, f"{backup.name}.sealed") as sealed:
        # Every database has this schema already.
        wanted = [line for line in contents(keeper, sealed) if " SCHEMA - public " not in line]
    with tempfile.NamedTemporaryFile("w", suffix=".list") as listing:
        listing.write("\n".join(wanted))
        listing.flush()
        command = (
            program(keeper.programs, "pg_restore"), "--dbname", target, f"--use-list={listing.name}",
            "--no-owner", "--exit-on-error", "--single-transaction", "--no-password",
        )  # fmt: skip
        with reading(shelf, f"{backup.name}.sealed") as sealed:
            feed(command, url, unseal(sealed, keeper.keys))


def drill(keeper: Keeper, shelf: Shelf, backup: Backup, scratch: str) -> Drill:
    """Restore a backup into a scratch database, look at it from all sides, and drop it again."""
    started = monotonic_seconds()
    with _dropped(keeper, scratch):
        restore(keeper, shelf, backup, scratch)
        restored = monotonic_seconds()
        url = url_of(keeper.database_url, scratch)
        with contextlib.closing(Database(url, pool_size=1, statement_timeout_seconds=600)) as database:
            with database.transaction() as db:
                violations, rows = invariants.select_all_violations(db), catalogue.select_counts(db)
            keys = gzip.decompress(shelf.get(f"{backup.name}.objects.gz")).decode().splitlines()
            objects = compare(keys, listed_keys(database))
            with database.transaction() as db:
                missing = files.select_expected(db, objects.missing_keys, at=backup.time)
        found = Drill(backup, pending(url), violations, rows, objects, missing, restored - started, 0)
    return replace(found, seconds=monotonic_seconds() - started)


def people_to_purge_again(keeper: Keeper, target: str) -> list[UUID]:
    """Who was purged after the backup that was restored into `target`, and is there again."""
    url = url_of(keeper.database_url, target)
    with contextlib.closing(Database(url, pool_size=1)) as database, database.transaction() as db:
        found = [accounts.select_account(db, user_id) for user_id in purged_people(keeper.folder)]
    return [account.user_id for account in found if account is not None and account.clerk_id is not None]


def url_of(url: str, database: str) -> str:
    """The address of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@contextlib.contextmanager
def _dropped(keeper: Keeper, scratch: str) -> Generator[None]:
    try:
        yield
    finally:
        command = (program(keeper.programs, "dropdb"), "--if-exists", "--force", "--no-password", scratch)
        run(command, keeper.database_url)
