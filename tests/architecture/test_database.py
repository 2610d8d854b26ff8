"""What every table, enum and policy has to be, read from the database's own catalogue."""

import enum
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from shared import audit, consents, credits, exports, files, images, inbox, jobs, purchases, report_files, reversals
from shared.db import Database
from tests.conftest import Connection, TestDatabase
from tests.factories import act_for, make_account, make_image, make_scene, submit

ENUMS: dict[str, type[enum.StrEnum]] = {
    "file_type": images.FileType,
    "image_status": images.ImageStatus,
    "job_kind": jobs.JobKind,
    "job_status": jobs.JobStatus,
    "file_kind": files.FileKind,
    "transaction_type": credits.TransactionType,
    "ledger_entry": credits.LedgerEntry,
    "purchase_status": purchases.PurchaseStatus,
    "reversal_kind": reversals.ReversalKind,
    "inbox_provider": inbox.InboxProvider,
    "inbox_status": inbox.InboxStatus,
    "consent_purpose": consents.ConsentPurpose,
    "export_status": exports.ExportStatus,
    "audit_actor": audit.AuditActor,
    "audit_action": audit.AuditAction,
    "report_file_status": report_files.ReportFileStatus,
}


def column(db: Connection, query: str) -> set[str]:
    return {row[0] for row in db.execute(query.encode()).fetchall()}


def test_python_enums_are_postgres_enums(db_owner: Connection) -> None:
    rows = db_owner.execute(
        "SELECT typname, array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_enum"
        " JOIN pg_type ON pg_type.oid = enumtypid GROUP BY typname"
    ).fetchall()
    assert {name: [label.value for label in kind] for name, kind in ENUMS.items()} == dict(rows)


def test_every_table_with_a_user_has_forced_row_level_security_and_a_policy(db_owner: Connection) -> None:
    owned = column(
        db_owner,
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE a.attname = 'user_id' AND c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace",
    )
    forced = column(
        db_owner,
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity",
    )
    partitions = column(db_owner, "SELECT relname FROM pg_class WHERE relispartition")
    guarded = column(db_owner, "SELECT tablename FROM pg_policies WHERE policyname = 'own_rows'")
    assert owned <= forced
    assert owned - partitions == guarded


def test_partitions_are_reached_through_their_parent_alone(db_owner: Connection) -> None:
    granted = column(
        db_owner,
        "SELECT table_name::text FROM information_schema.role_table_grants WHERE grantee LIKE 'tovector_%'"
        " AND grantee <> 'tovector_owner' AND table_name IN (SELECT relname FROM pg_class WHERE relispartition)",
    )
    assert set() == granted


def test_every_column_that_policies_read_is_indexed_first(db_owner: Connection) -> None:
    indexed = column(
        db_owner,
        "SELECT DISTINCT i.indrelid::regclass::text FROM pg_index i JOIN pg_attribute a"
        " ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE a.attname = 'user_id'",
    )
    guarded = column(db_owner, "SELECT tablename FROM pg_policies WHERE policyname = 'own_rows'")
    assert set() == guarded - indexed


def test_the_doors_roles_are_bound_by_policies(db_owner: Connection) -> None:
    unbound = column(
        db_owner,
        "SELECT rolname FROM pg_roles WHERE (rolsuper OR rolbypassrls)"
        " AND rolname IN ('tovector_app', 'tovector_maintenance', 'tovector_reports', 'tovector_api',"
        " 'tovector_operator')",
    )
    assert set() == unbound


def test_reports_are_read_by_a_role_that_sees_nothing_personal_and_writes_nothing(db_owner: Connection) -> None:
    rows = db_owner.execute(
        "SELECT table_name::text, column_name::text, privilege_type::text FROM information_schema.column_privileges"
        " WHERE grantee = 'tovector_reports'"
    ).fetchall()
    assert {"SELECT"} == {privilege for _, _, privilege in rows}
    personal = {"email", "name", "clerk_id", "file_name", "details", "expected_tax", "reason", "options", "session_id"}
    assert {("credit_packages", "name")} == {(table, column) for table, column, _ in rows if column in personal}


def test_the_api_reads_across_accounts_only_while_it_has_taken_the_role_on(database: TestDatabase) -> None:
    with psycopg.connect(database.app_url) as setup:
        make_account(setup)
    opened = Database(database.app_url)
    with opened.transaction() as db:
        assert (0,) == db.execute("SELECT count(*) FROM users").fetchone()
    with opened.reports() as db:
        assert (True,) == db.execute("SELECT count(*) > 0 FROM users").fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege), db.transaction():
            db.execute("SELECT email FROM users")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), db.transaction():
            db.execute("DELETE FROM users")
    with opened.transaction() as db:
        assert (0,) == db.execute("SELECT count(*) FROM users").fetchone()
    opened.close()


def test_every_table_is_explained(db_owner: Connection) -> None:
    silent = column(
        db_owner,
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = 'public'::regnamespace AND obj_description(oid) IS NULL"
        " AND relname <> 'schema_migrations'",
    )
    assert set() == silent


@pytest.mark.parametrize(
    "table", ["users", "images", "jobs", "transactions", "wakeups", "analytics", "files", "api_keys"]
)
def test_another_account_sees_nothing_and_nobody_sees_nothing(db: Connection, table: str) -> None:
    scene = make_scene(db)
    submit(db, scene)
    db.execute(
        "INSERT INTO api_keys (api_key_id, user_id, name, key_hash, hint)"
        " VALUES (gen_random_uuid(), %s, 'k', sha256('k'), 'tv_')",
        [scene.account.user_id],
    )
    db.execute(
        "INSERT INTO files (storage_key, user_id, image_id, kind, format, size)"
        " VALUES ('k', %s, %s, 'source', 'png', 1)",
        [scene.account.user_id, scene.image.image_id],
    )
    count = sql.SQL("SELECT count(*) > 0 FROM {}").format(sql.Identifier(table))
    assert (True,) == db.execute(count).fetchone()
    make_account(db)
    seen = sql.SQL("SELECT count(*) FROM {} WHERE user_id = %s").format(sql.Identifier(table))
    assert (0,) == db.execute(seen, [scene.account.user_id]).fetchone()
    act_for(db)
    assert (False,) == db.execute(count).fetchone()


def test_nobody_can_write_for_another_account(db: Connection) -> None:
    victim = make_account(db)
    make_account(db)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        make_image(db, victim)


def test_policies_spell_out_their_settings_and_read_them_once_a_statement(db_owner: Connection) -> None:
    unwrapped = column(
        db_owner,
        "SELECT tablename FROM pg_policies WHERE policyname = 'own_rows'"
        " AND (qual !~* 'SELECT \\(*nullif\\(current_setting' OR qual LIKE '%acting_%()%')",
    )
    assert set() == unwrapped


def test_sweeps_see_every_account(database: TestDatabase, db: Connection) -> None:
    make_account(db)
    db.commit()
    with psycopg.connect(database.operator_url) as operator:
        row = operator.execute("SELECT count(*) > 0 FROM users").fetchone()
    assert (True,) == row


def test_only_house_now_tells_the_time() -> None:
    shared = Path(__file__).parents[2] / "shared"
    sources = [path for path in shared.glob("*.py") if path.name != "migrate.py"]
    offenders = [
        p.name for p in sources if "now()" in p.read_text().replace("house_now()", "").replace("utc_now()", "")
    ]
    assert [] == offenders
