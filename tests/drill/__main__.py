"""`make restore-drill`: a house with a past is backed up, restored into a fresh database, and looked at from all sides.

It needs nothing but this checkout. On an installation the same is done to its newest backup by
`python -m api restore-drill`.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import psycopg

from dev.children import Children, wait_until
from dev.ports import free_ports
from dev.postgres import Postgres, binary, create_database, create_logins
from shared import endings, uploads
from shared.backups import Backup, Keeper, make_backup, mirror_objects
from shared.clock import monotonic_seconds
from shared.db import Database
from shared.ids import new_id
from shared.images import FileType
from shared.migrate import migrate
from shared.restoring import Drill, drill
from shared.shelves import Folder
from shared.storage import Storage
from shared.uploads import Upload
from shared.vault import new_key
from tests.benchmarks.past import write_past
from tests.factories import Scene, make_account, make_scene
from tests.storages import start_storage

Done = TypeVar("Done")


@click.command()
@click.option("--jobs", default=100_000, show_default=True, type=click.IntRange(1_000), help="Ended jobs in the past.")
@click.option("--objects", default=300, show_default=True, type=click.IntRange(1), help="Objects in storage.")
def main(jobs: int, objects: int) -> None:
    """Back a house with a past up, restore it into a fresh database, and say what it is like; exits 1 for a fault."""
    with tempfile.TemporaryDirectory(prefix="tovector-drill-") as folder, Children(Path(folder) / "log") as children:
        home = Path(folder)
        url = _database(children, home)
        storage = start_storage(children, home / "storage")
        _step("a past is written", lambda: _write(url, storage, jobs, objects))
        shelf = Folder(home / "backups")
        shelf.path.mkdir()
        keeper = Keeper(url, str(Path(binary("pg_dump")).parent), [new_key()], shelf, Folder(home / "copy"))
        _step("storage is mirrored", lambda: mirror_objects(keeper, storage))
        backup = _step("a backup is made and checked", lambda: make_backup(keeper, storage))
        found = _step("it is restored and looked at", lambda: drill(keeper, shelf, backup, "drill"))
        storage.close()
    _tell(backup, found)
    sys.exit(bool(found.faults))


def _database(children: Children, home: Path) -> str:
    (port,) = free_ports(1)
    postgres = Postgres(home / "postgres", port)
    postgres.create()
    wait_until(postgres.answers, children.start(postgres.program()))
    create_database(postgres.url(), "tovector")
    migrate(postgres.url("tovector"))
    create_logins(postgres.url("tovector"), None)
    return postgres.url("tovector")


def _write(url: str, storage: Storage, jobs: int, objects: int) -> None:
    """Ended jobs whose ledger adds up, and pictures that are there."""
    with psycopg.connect(url, autocommit=True) as owner:
        with owner.transaction():
            scene: Scene = make_scene(owner)
            endings.update_images_forgotten(owner, scene.account.user_id)
        write_past(owner, scene, jobs=jobs)
        owner.execute(
            "INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, available_delta,"
            " reserved_delta, reason) SELECT gen_random_uuid(), user_id, 'grant', 'credit', count(*), 0, 'a past'"
            " FROM jobs GROUP BY user_id"
        )
        with owner.transaction():
            account = make_account(owner)
    database = Database(url, pool_size=1)
    for number in range(objects):
        data = f"picture {number}".encode() * 100
        upload = Upload(new_id(), account.user_id, f"{number}.png", FileType.PNG, data, 64, 48)
        storage.put(upload.storage_key, data, upload.content_type)
        with database.transaction(user_id=account.user_id) as db:
            uploads.accept(db, upload, working_max_pixels=4_000_000, lifetime_hours=24, resend_seconds=5)
    database.close()


def _step(name: str, work: Callable[[], Done]) -> Done:
    started = monotonic_seconds()
    done = work()
    click.echo(f"{name:32} {monotonic_seconds() - started:6.1f} s")
    return done


def _tell(backup: Backup, found: Drill) -> None:
    click.echo(f"dump {backup.dumped / 1e6:.1f} MB, sealed {backup.size / 1e6:.1f} MB, {backup.tables} tables")
    click.echo(", ".join(f"{count} {name}" for name, count in found.rows.items()))
    click.echo(f"objects: {found.objects.rows} listed, {len(found.missing_keys)} of them missing")
    click.echo(f"restored in {found.restore_seconds:.1f} s; with all checks {found.seconds:.1f} s")
    for fault in found.faults:
        click.echo(f"FAULT {fault}")
    if not found.faults:
        click.echo("no migration is missing, every invariant holds, storage and rows agree")


if __name__ == "__main__":
    main()
