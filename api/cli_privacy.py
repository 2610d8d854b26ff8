"""What an operator may do about people: purges, what is left to do about them elsewhere, and the audit log."""

import json
from uuid import UUID

import click

from api.cli_database import find_account, maintenance, redis
from api.fields import time_text
from shared import audit, privacy, purges
from shared.audit import AuditAction, AuditActor
from shared.copies import ACCOUNT
from shared.errors import ProblemError
from shared.ids import new_id
from shared.purges import Asker
from shared.settings import load_settings
from shared.vault import Vault

PAGE = 500


@click.command("purge")
@click.argument("who")
@click.option("--yes", is_flag=True, help="Do not ask; there is no way back.")
def purge(who: str, yes: bool) -> None:
    """Forget WHO (an address, a user id or a sign-in id) for good, as if they had asked for it themselves."""
    with maintenance() as db:
        user_id = find_account(db, who).user_id
    if not yes:
        click.confirm(f"forget {user_id} for good", abort=True)
    try:
        with maintenance() as db:
            clerk_id = privacy.leave(db, Vault(load_settings().encryption_keys), user_id, asker=Asker.OPERATOR)
    except ProblemError as problem:
        raise click.ClickException(problem.detail) from None
    with redis() as (cache, copies):
        copies.forget(ACCOUNT, clerk_id or "")
        cache.announce_caller(user_id)
    click.echo(f"{user_id} has left; a worker removes the rest within minutes")


@click.command("purges")
def list_purges() -> None:
    """Show purges that are not done, and people who are still to be removed at Clerk and Stripe."""
    vault = Vault(load_settings().encryption_keys)
    with maintenance() as db:
        found = purges.select_purges_to_see_to(db, limit=PAGE)
    for one in found:
        state = "done" if one.done_at else f"pass {one.passes + 1}, attempt {one.attempts}"
        click.echo(f"{time_text(one.requested_at)} {one.user_id} asked for by {one.requested_by.value}, {state}")
        for provider, reference in vault.open(one.notes).items():
            click.echo(f"  {provider}: {', '.join(map(str, _list(reference)))}")
    click.echo(f"{len(found)} to see to")


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownArgumentType]


@click.command("purge-seen-to")
@click.argument("user_id", type=click.UUID)
def see_to_purge(user_id: UUID) -> None:
    """Forget where Clerk and Stripe know somebody, once they have been removed there."""
    with maintenance() as db:
        is_done = purges.update_purge_seen_to(db, user_id)
    if not is_done:
        raise click.ClickException(f"the purge of {user_id} is not done, or was seen to before")
    click.echo(f"{user_id} is seen to")


@click.command("audit-log")
@click.argument("who")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
def show_audit_log(who: str, limit: int) -> None:
    """Show what was done with the account of WHO, newest first. That you looked is noted too."""
    with maintenance() as db:
        user_id = find_account(db, who).user_id
        found = audit.select_audit(db, user_id, limit=limit)
        audit.insert_audit(
            db, audit_id=new_id(), user_id=user_id, actor=AuditActor.OPERATOR, action=AuditAction.ADMIN_READ,
            details={"command": "audit-log"},
        )  # fmt: skip
    for one in found:
        click.echo(
            f"{time_text(one.happened_at)} {one.actor.value:8} {one.action.value:10} {json.dumps(dict(one.details))}"
        )


COMMANDS: tuple[click.Command, ...] = (purge, list_purges, see_to_purge, show_audit_log)
