"""What an operator may see of retention: what is due, what was removed, and whether storage and rows agree."""

from contextlib import closing

import click

from api.cli_database import maintenance, maintenance_database
from shared import removals
from shared.errors import ProblemError
from shared.inventory import take_inventory
from shared.messages import ExpireImages, PruneTemporary, RemoveOrphans
from shared.queue import Publisher
from shared.settings import load_settings
from shared.storage import open_storage


@click.command("retention")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 3_650), help="How far back to report.")
@click.option("--now", is_flag=True, help="Ask the workers for a sweep now, instead of waiting for beat.")
def show_retention(days: int, now: bool) -> None:
    """Show what a sweep would remove now (a dry run), and what was removed day by day."""
    settings = load_settings()
    periods = settings.model_dump(include=set(removals.PERIODS))
    with maintenance() as db:
        due = {kind: removals.select_due(db, kind, periods) for kind in removals.DUE}
        logs = removals.delete_log_rows(db, keep_days=settings.log_lifetime_days, most=0, is_dry_run=True)
        told = removals.select_removals(db, days=days)
    click.echo("a sweep would remove now:")
    for kind, count in (*due.items(), *((table, rows) for table, _, rows in logs)):
        click.echo(f"  {kind:18} {count:>9}")
    click.echo(f"removed in the last {days} days:")
    for one in told:
        click.echo(f"  {one.day.isoformat()} {one.kind:18} {one.removed:>9}")
    if now:
        publisher = Publisher(settings.redis_url, timeout_seconds=settings.redis_timeout_seconds)
        with closing(publisher):
            if not publisher.send_now([ExpireImages(), PruneTemporary(), RemoveOrphans()]):
                raise click.ClickException("Redis does not take the messages; beat will send them again")
        click.echo("the workers are asked to sweep")


@click.command("audit-objects")
def audit_objects() -> None:
    """Compare storage with the rows; exits 1 when a row's object is missing.

    Objects that no row lists are normal for some minutes: an upload or a result is put before its row is written.
    """
    try:
        with closing(open_storage(load_settings())) as storage, maintenance_database() as database:
            found = take_inventory(database, storage)
    except ProblemError as problem:
        raise click.ClickException(problem.detail) from None
    click.echo(f"{found.objects} objects, {found.rows} rows")
    click.echo(f"{found.unlisted} objects without a row")
    click.echo("".join(f"  {key}\n" for key in found.unlisted_keys), nl=False)
    click.echo(f"{found.missing} rows without an object")
    click.echo("".join(f"  {key}\n" for key in found.missing_keys), nl=False)
    if found.missing:
        raise SystemExit(1)


COMMANDS: tuple[click.Command, ...] = (show_retention, audit_objects)
