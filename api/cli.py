"""What an operator may do by hand. Every command works on the maintenance database and says what it did."""

from contextlib import closing
from decimal import Decimal, InvalidOperation

import click

from api import cli_backups, cli_billing, cli_privacy, cli_retention
from api.cli_database import find_account, maintenance
from api.doctor import Verdict, examine
from api.fields import credits_text, time_text
from shared import audit, invariants, membership, rollups
from shared.audit import AuditAction, AuditActor
from shared.errors import ProblemError
from shared.ids import new_id
from shared.outputs import FORMATS, LARGEST_FILE_BYTES
from shared.reporting import MEDIA_TYPES as REPORT_TYPES
from shared.settings import load_settings
from shared.storage import open_storage

MOST_CREDITS = 1_000_000_000
CONTENT_TYPES = sorted(
    {
        "application/zip",
        "image/jpeg",
        "image/webp",
        *(facts.content_type for facts in FORMATS.values()),
        *REPORT_TYPES.values(),
    }
)  # fmt: skip


@click.group()
def operate() -> None:
    """Operator commands of tovector."""


for command in (*cli_billing.COMMANDS, *cli_privacy.COMMANDS, *cli_retention.COMMANDS, *cli_backups.COMMANDS):
    operate.add_command(command)


@operate.command("grant-credits")
@click.argument("who")
@click.argument("credits_given", metavar="CREDITS")
@click.option("--reason", required=True, help="Kept in the ledger for ever, and shown to the customer.")
def grant_credits(who: str, credits_given: str, reason: str) -> None:
    """Give WHO (an address, a user id or a sign-in id) CREDITS in tenths, such as 5 or 0.2; negative takes back."""
    amount = _credits(credits_given)
    with maintenance() as db:
        account = find_account(db, who)
        balance = membership.grant_credits(db, user_id=account.user_id, amount=amount, reason=reason)
    click.echo(f"{account.user_id} has {credits_text(balance)} credits available")


@operate.command("account")
@click.argument("who")
def account(who: str) -> None:
    """Show the account of WHO (an address, a user id or a sign-in id). That you looked is noted in the audit log."""
    with maintenance() as db:
        found = find_account(db, who)
        audit.insert_audit(
            db, audit_id=new_id(), user_id=found.user_id, actor=AuditActor.OPERATOR, action=AuditAction.ADMIN_READ,
            details={"command": "account"},
        )  # fmt: skip
    click.echo(f"user_id    {found.user_id}")
    click.echo(f"clerk_id   {found.clerk_id or '-'}")
    click.echo(f"email      {found.email or '-'}")
    click.echo(f"available  {credits_text(found.credit_balance)}")
    click.echo(f"reserved   {credits_text(found.credits_reserved)}")
    click.echo(f"created    {time_text(found.created_at)}")


@operate.command("invariants")
def check_invariants() -> None:
    """Check what must hold of money and jobs at every moment; exits 1 and says what does not."""
    with maintenance() as db:
        violations = invariants.select_all_violations(db)
    for name, lines in violations.items():
        click.echo(f"{name}:")
        click.echo("".join(f"  {line}\n" for line in lines), nl=False)
    if violations:
        raise SystemExit(1)
    click.echo(f"all {len(invariants.INVARIANTS)} invariants hold")


@operate.command("rebuild-rollups")
def rebuild_rollups() -> None:
    """Forget the dashboard's daily sums; the next sweep sums every day again, until then all is read live."""
    with maintenance() as db:
        rollups.delete_through(db)
    click.echo("the daily sums are forgotten; beat's next sweep makes them anew")


@operate.command("prepare-storage")
def prepare_storage() -> None:
    """Make the bucket of STORAGE_BUCKET, or mend it: private, only our content types, with a size limit."""
    settings = load_settings()
    largest = max(settings.upload_max_bytes, settings.engine_max_output_bytes, LARGEST_FILE_BYTES)
    try:
        with closing(open_storage(settings)) as storage:
            storage.ensure_bucket(CONTENT_TYPES, largest)
    except ProblemError as problem:
        raise click.ClickException(problem.detail) from None
    click.echo(f"the bucket {settings.storage_bucket} is ready")


@operate.command("doctor")
def doctor() -> None:
    """Look at every part of the installation, and say what is wrong and what to do; exits 1 if something is wrong."""
    settings = load_settings()
    worst = Verdict.OK
    for finding in examine(settings):
        click.echo(f"{finding.verdict.value:6} {finding.part:11} {finding.found}")
        if finding.advice:
            click.echo(f"{'':18} -> {finding.advice}")
        worst = Verdict.WRONG if Verdict.WRONG in (worst, finding.verdict) else worst
    if worst is Verdict.WRONG:
        raise SystemExit(1)


def _credits(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) >= MOST_CREDITS:
        raise click.BadParameter(f"{text} is no number of credits", param_hint="CREDITS")
    return amount
