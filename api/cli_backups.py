"""What an operator may do about backups: make one, look at them, restore one, and rehearse it."""

import secrets
import shutil
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from api.cli_database import maintenance
from shared import figures, restoring
from shared.backups import DUMPS, Keeper, held, list_backups, make_backup, mirror_objects, open_keeper
from shared.errors import ProblemError
from shared.settings import load_settings
from shared.shelves import Shelf
from shared.storage import open_storage

NAME = "BACKUP"


@contextmanager
def _keeper() -> Generator[Keeper]:
    """The installation's keeper; a problem ends the command with its sentence."""
    try:
        with closing(open_keeper(load_settings())) as keeper:
            yield keeper
    except ProblemError as problem:
        raise click.ClickException(problem.detail) from None


def _shelf(keeper: Keeper, from_copy: bool) -> Shelf:
    if from_copy and keeper.copy is None:
        raise click.ClickException("BACKUP_COPY is not set")
    return keeper.copy if from_copy and keeper.copy else keeper.folder


@click.command("backup")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="Put a copy into this folder as well.")
def back_up(to: Path | None) -> None:
    """Make a backup now: dump, encrypt, check, copy, rotate. With --to also one to take away, such as every week."""
    with _keeper() as keeper, held(keeper) as is_ours, closing(open_storage(load_settings())) as storage:
        if not is_ours:
            raise click.ClickException("another backup is being made at this moment")
        added, removed = mirror_objects(keeper, storage)
        backup = make_backup(keeper, storage)
        with maintenance() as db:
            figures.insert_backup(db)
        if to is not None:
            to.mkdir(parents=True, exist_ok=True)
            for ending in (".sealed", ".objects.gz", ".json"):
                shutil.copy2(keeper.folder.path / f"{backup.name}{ending}", to)
    click.echo(f"{backup.name.removeprefix(DUMPS)}  {backup.size} bytes, {backup.tables} tables, {backup.seconds} s")
    click.echo(f"{backup.objects} objects; {added} mirrored, {removed} removed from the mirror")


@click.command("backups")
@click.option("--from-copy", is_flag=True, help="Those of BACKUP_COPY.")
def show_backups(from_copy: bool) -> None:
    """List the backups, newest first."""
    with _keeper() as keeper:
        found = list_backups(_shelf(keeper, from_copy))
    for one in found:
        click.echo(
            f"{one.name.removeprefix(DUMPS)}  {one.size:>12} bytes  {one.rows.get('jobs', 0):>9} jobs  {one.sha256}"
        )
    click.echo(f"{len(found)} backups")


@click.command("restore")
@click.argument("name", metavar=NAME)
@click.argument("database")
@click.option("--from-copy", is_flag=True, help="From BACKUP_COPY.")
def restore(name: str, database: str, from_copy: bool) -> None:
    """Restore BACKUP (`newest`, or as `backups` lists it) into the new DATABASE on the same server."""
    with _keeper() as keeper:
        shelf = _shelf(keeper, from_copy)
        backup = restoring.find_backup(shelf, None if name == "newest" else name)
        restoring.restore(keeper, shelf, backup, database)
        again = restoring.people_to_purge_again(keeper, database)
    click.echo(f"{backup.name.removeprefix(DUMPS)} is restored into {database}; `python -m shared.migrate` comes next")
    for user_id in again:
        click.echo(f"purged after this backup, so again: python -m api purge {user_id} --yes")


@click.command("restore-drill")
@click.option("--from-copy", is_flag=True, help="From BACKUP_COPY.")
def rehearse(from_copy: bool) -> None:
    """Restore the newest backup into a scratch database, check it from all sides, drop it; exits 1 for any fault."""
    with _keeper() as keeper:
        shelf = _shelf(keeper, from_copy)
        found = restoring.drill(keeper, shelf, restoring.find_backup(shelf, None), f"drill_{secrets.token_hex(4)}")
    rows = ", ".join(f"{count} {name}" for name, count in found.rows.items())
    click.echo(f"backup      {found.backup.name.removeprefix(DUMPS)}, {found.backup.size} bytes")
    click.echo(f"rows        {rows}")
    click.echo(f"objects     {found.objects.rows} listed, {found.objects.missing} of them missing")
    click.echo(f"restored in {found.restore_seconds:.1f} s; with all checks {found.seconds:.1f} s")
    for fault in found.faults:
        click.echo(f"FAULT       {fault}")
    if found.faults:
        raise SystemExit(1)
    click.echo("nothing is missing, every invariant holds")


COMMANDS: tuple[click.Command, ...] = (back_up, show_backups, restore, rehearse)
