"""Looks for somebody in every column of every table, whatever its type."""

from collections.abc import Iterable

import psycopg
from psycopg import sql


def places_of(owner_url: str, needles: Iterable[str]) -> dict[str, list[str]]:
    """Where each of these texts is found: {needle: ["table.column", …]}; bytes are searched as text and as hex."""
    found: dict[str, list[str]] = {}
    with psycopg.connect(owner_url) as db:
        columns = db.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns JOIN information_schema.tables"
            " USING (table_schema, table_name) WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        ).fetchall()
        assert len(columns) > 100
        for table, column, data_type in columns:
            name = sql.Identifier(column)
            text = sql.SQL("{}::text").format(name)
            if data_type == "bytea":
                text = sql.SQL("encode({0}, 'escape') || encode({0}, 'hex')").format(name)
            for needle in needles:
                query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE strpos(lower({}), lower(%s)) > 0)")
                row = db.execute(query.format(sql.Identifier(table), text), [needle]).fetchone()
                if row == (True,):
                    found.setdefault(needle, []).append(f"{table}.{column}")
    return found
