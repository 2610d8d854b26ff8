"""What an operator may do about money: the price list, webhooks that were set aside, reconciliation, and keys."""

from collections.abc import Iterable
from contextlib import closing
from decimal import Decimal, InvalidOperation
from itertools import chain
from uuid import UUID

import click
import psycopg

from api.cli_database import maintenance, maintenance_database, redis
from api.fields import credits_text, time_text
from shared import inbox, packages, purchases, purges
from shared.copies import PACKAGES
from shared.db import Database
from shared.errors import ProblemError
from shared.inbox import InboxProvider
from shared.packages import Package
from shared.payments import open_payments
from shared.settings import load_settings
from shared.settling import Cashier, reconcile
from shared.vault import Vault, new_key

PAGE = 500
FIRST_EVENT = (InboxProvider.STRIPE, "")


@click.command("packages")
def list_packages() -> None:
    """Show the price list, and what is no longer on it."""
    with maintenance() as db:
        found = packages.select_all_packages(db)
    for one in found:
        price = f"{one.price / 100:.2f} {one.currency.upper()}"
        state = "on sale" if one.is_active else "retired"
        click.echo(f"{one.package_id:20} {credits_text(one.credits):>8} credits {price:>14}  {state}  {one.name}")


@click.command("set-package")
@click.argument("package_id")
@click.argument("name")
@click.argument("credits_sold", metavar="CREDITS")
@click.argument("price", metavar="PRICE")
@click.option("--currency", default="eur", show_default=True, help="Three letters.")
@click.option("--stripe-price", help="A price kept at Stripe; by default the price goes with each checkout.")
def set_package(
    package_id: str, name: str, credits_sold: str, price: str, currency: str, stripe_price: str | None
) -> None:
    """Sell CREDITS for PRICE before tax, such as 100 and 39.90; replaces the package of this id."""
    cents = _decimal(price, "PRICE") * 100
    if cents != int(cents):
        raise click.BadParameter(f"{price} has more than two decimals", param_hint="PRICE")
    package = Package(
        package_id, name, _decimal(credits_sold, "CREDITS"), int(cents), currency.lower(), True, stripe_price
    )
    try:
        with maintenance() as db:
            packages.insert_package(db, package)
    except psycopg.errors.IntegrityError as error:
        raise click.ClickException(f"this is no package: {error.diag.constraint_name}") from None
    _forget_price_list()
    click.echo(f"{package_id} is on sale")


@click.command("retire-package")
@click.argument("package_id")
def retire_package(package_id: str) -> None:
    """Take a package off the price list."""
    with maintenance() as db:
        is_done = packages.update_package_retired(db, package_id)
    if not is_done:
        raise click.ClickException(f"no package {package_id} is on sale")
    _forget_price_list()
    click.echo(f"{package_id} is no longer on sale")


def _forget_price_list() -> None:
    with redis() as (_, copies):
        copies.forget(PACKAGES, "")


@click.command("inbox")
def list_inbox() -> None:
    """Show the webhooks that were set aside, with the reason, newest first."""
    with maintenance() as db:
        found = inbox.select_events_set_aside(db, limit=PAGE)
    for event in found:
        about = f"{event.provider.value} {event.event_id} {event.event_type} {event.subject}"
        click.echo(f"{time_text(event.received_at)} {about}\n  {event.reason}")
    click.echo(f"{len(found)} set aside")


@click.command("retry-event")
@click.argument("provider", type=click.Choice([provider.value for provider in InboxProvider]))
@click.argument("event_id")
def retry_event(provider: str, event_id: str) -> None:
    """Let a webhook that was set aside be worked on again, once its cause is mended."""
    with maintenance() as db:
        is_done = inbox.update_event_received(db, provider=InboxProvider(provider), event_id=event_id)
    if not is_done:
        raise click.ClickException(f"no event {event_id} of {provider} is set aside")
    click.echo(f"{event_id} will be worked on again within seconds")


@click.command("reconcile")
@click.option("--hours", type=click.IntRange(1), help="How far back to look; RECONCILE_WINDOW_HOURS by default.")
def reconcile_payments(hours: int | None) -> None:
    """Compare purchases with Stripe: settle what webhooks left, and say what cannot be explained (exit status 1)."""
    settings = load_settings()
    customers = Database(settings.database_url.get_secret_value(), pool_size=1)
    with closing(customers), maintenance_database() as database:
        cashier = Cashier(customers, database, open_payments(settings), Vault(settings.encryption_keys))
        findings = reconcile(cashier, window_hours=hours or settings.reconcile_window_hours)
    for purchase_id in findings.settled:
        click.echo(f"settled {purchase_id}")
    for sentence in findings.unexplained:
        click.echo(f"unexplained: {sentence}")
    click.echo(f"{findings.looked_at} purchases looked at, {len(findings.settled)} settled")
    if findings.unexplained:
        raise SystemExit(1)


@click.command("new-key")
def show_new_key() -> None:
    """Make a key for ENCRYPTION_KEYS: put it in front of those that are there, then run rotate-keys."""
    click.echo(new_key())


@click.command("rotate-keys")
def rotate_keys() -> None:
    """Encrypt everything anew with the first key of ENCRYPTION_KEYS; afterwards the others can be taken away."""
    vault = Vault(load_settings().encryption_keys)
    try:
        with maintenance_database() as database:
            kinds = (_renew_purchases, _renew_events, _renew_notes)
            renewed = sum(chain.from_iterable(renew(database, vault) for renew in kinds))
    except ProblemError as problem:
        raise click.ClickException(problem.detail) from None
    click.echo(f"{renewed} rows are under the newest key")


def _renew_purchases(database: Database, vault: Vault) -> Iterable[bool]:
    after: UUID | None = None
    while True:
        with database.transaction() as db:
            page = purchases.select_purchases_with_details(db, limit=PAGE, after=after)
            for one in page:
                old = one.details or b""
                yield purchases.update_purchase_details(db, one.purchase_id, old=old, new=vault.renew(old))
        if len(page) < PAGE:
            return
        after = page[-1].purchase_id


def _renew_events(database: Database, vault: Vault) -> Iterable[bool]:
    after = FIRST_EVENT
    while True:
        with database.transaction() as db:
            page = inbox.select_events_with_payload(db, limit=PAGE, after=after)
            for one in page:
                yield inbox.update_event_payload(db, one, payload=vault.renew(one.payload or b""))
        if len(page) < PAGE:
            return
        after = (page[-1].provider, page[-1].event_id)


def _renew_notes(database: Database, vault: Vault) -> Iterable[bool]:
    with database.transaction() as db:
        for one in purges.select_purges_to_see_to(db, limit=1_000_000):
            if one.notes is not None:
                yield purges.update_purge_notes(db, one, notes=vault.renew(one.notes))


def _decimal(text: str, name: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount <= 0:
        raise click.BadParameter(f"{text} is no positive number", param_hint=name)
    return amount


COMMANDS: tuple[click.Command, ...] = (
    list_packages, set_package, retire_package, list_inbox, retry_event, reconcile_payments, show_new_key, rotate_keys,
)  # fmt: skip
