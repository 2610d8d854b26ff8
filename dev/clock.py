"""Moves the clock of the local house: the SQL function that every stored time comes from."""

import re
from datetime import timedelta

import psycopg

from dev.children import StackRefused
from dev.home import Home, Running

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def move_clock(home: Home, running: Running, move: str) -> str:
    """Move the running stack's clock and say by how much it is now ahead; refuses any other database."""
    with psycopg.connect(running.superuser_url) as db:
        _refuse_other_databases(db, home)
        now_ahead = timedelta() if move == "reset" else _ahead(db) + _parse(move)
        body = f"SELECT now() + interval '{now_ahead.total_seconds():.0f} seconds'" if now_ahead else "SELECT now()"
        db.execute(
            b"CREATE OR REPLACE FUNCTION house_now() RETURNS timestamptz LANGUAGE sql STABLE AS '%s'"
            % body.replace("'", "''").encode()
        )
    return f"the house's clock is {now_ahead} ahead" if now_ahead else "the house's clock is right"


def _parse(move: str) -> timedelta:
    match = re.fullmatch(r"([+-]?)(\d+)([smhd])", move)
    if match is None:
        raise StackRefused(f"{move} is no move of the clock: say +24h, -30m, +90s, +2d or reset")
    size = timedelta(**{_UNITS[match[3]]: int(match[2])})
    return -size if match[1] == "-" else size


def _ahead(db: psycopg.Connection) -> timedelta:
    row = db.execute("SELECT house_now() - now()").fetchone()
    assert row is not None
    return row[0]


def _refuse_other_databases(db: psycopg.Connection, home: Home) -> None:
    row = db.execute("SELECT current_setting('data_directory')").fetchone()
    if row is None or row[0] != str(home.folder / "postgres"):
        raise StackRefused(f"this is not the database of {home.folder}: its clock is not ours to move")
