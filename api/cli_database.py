"""The databases of an operator's command."""

from collections.abc import Generator
from contextlib import contextmanager

import click

from shared.db import Connection, Database
from shared.errors import ProblemError
from shared.settings import load_settings


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
