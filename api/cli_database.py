"""The databases of an operator's command."""

from collections.abc import Generator
from contextlib import closing, contextmanager

import click

from shared import accounts
from shared.accounts import Account
from shared.cache import Cache
from shared.copies import Copies
from shared.db import Connection, Database
from shared.errors import ProblemError
from shared.ids import parse_id
from shared.settings import load_settings
from shared.vault import Vault


@contextmanager
def maintenance_database() -> Generator[Database]:
    """The database that sees every account; a problem ends the command with its sentence."""
    database = Database(load_settings().maintenance_database_url.get_secret_value(), pool_size=1)
    try:
        yield database
    except ProblemError as problem:
        raise click.ClickException(problem.detail) from None
    finally:
        database.close()


@contextmanager
def maintenance() -> Generator[Connection]:
    """One database transaction that sees every account."""
    with maintenance_database() as database, database.transaction() as db:
        yield db


def find_account(db: Connection, who: str) -> Account:
    """The account of an address, a user id or a sign-in id; the command ends with a sentence where there is none."""
    user_id = parse_id(who)
    if user_id is not None:
        found = accounts.select_account(db, user_id)
    elif "@" in who:
        found = accounts.select_account_by_email(db, who)
    else:
        found = accounts.select_account_by_clerk_id(db, who)
    if found is None:
        raise click.ClickException(f"there is no account of {who}")
    return found


@contextmanager
def redis() -> Generator[tuple[Cache, Copies]]:
    """What an operator's command tells the API's processes through; without Redis they find out within seconds."""
    settings = load_settings()
    with closing(Cache(settings.redis_url.get_secret_value(), settings.redis_timeout_seconds)) as cache:
        yield cache, Copies(cache, Vault(settings.encryption_keys).derive("copies")[0])
