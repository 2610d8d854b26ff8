"""What Postgres says of itself, its roles and our tables: for the doctor, who looks and changes nothing."""

from dataclasses import dataclass

from psycopg.rows import class_row

from shared.db import Connection


@dataclass(frozen=True, slots=True)
class Role:
    """The role of a connection. `is_free` is whether row-level security does not bind it."""

    name: str
    is_free: bool
    is_app: bool
    is_maintenance: bool
    owns_tables: bool
    server_version: int


def select_role(db: Connection) -> Role:
    """Who we are here; roles that do not exist yet have no members. `server_version` as 150004."""
    row = (
        db.cursor(row_factory=class_row(Role))
        .execute(
            "SELECT current_user::text AS name, rolsuper OR rolbypassrls AS is_free,"
            " EXISTS (SELECT FROM pg_roles g WHERE g.rolname = 'tovector_app' AND pg_has_role(r.oid, g.oid, 'USAGE'))"
            "  AS is_app,"
            " EXISTS (SELECT FROM pg_roles g WHERE g.rolname = 'tovector_maintenance'"
            "  AND pg_has_role(r.oid, g.oid, 'USAGE')) AS is_maintenance,"
            " EXISTS (SELECT FROM pg_class WHERE relname = 'jobs' AND relkind = 'r' AND relowner = r.oid)"
            "  AS owns_tables, current_setting('server_version_num')::integer AS server_version"
            " FROM pg_roles r WHERE r.rolname = current_user"
        )
        .fetchone()
    )
    assert row is not None
    return row


def select_unguarded_tables(db: Connection) -> list[str]:
    """Tables with a `user_id` that lack row-level security, its force, or their policy."""
    rows = db.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'user_id'"
        " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace"
        " AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policies p"
        "  WHERE p.schemaname = 'public' AND p.tablename = c.relname AND p.policyname = 'own_rows')) ORDER BY 1"
    ).fetchall()
    return [row[0] for row in rows]


def select_is_migrated(db: Connection) -> bool:
    """Whether there are tables of ours at all."""
    return db.execute("SELECT to_regclass('public.jobs') IS NOT NULL").fetchone() == (True,)
