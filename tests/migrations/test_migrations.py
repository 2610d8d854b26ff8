"""Migrations: applied once, in order, refused when tampered with, and equal to schema.sql."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from dev.postgres import create_database, drop_database
from dev.schema import PATH, dump_schema
from shared.ids import new_id
from shared.invariants import select_all_violations
from shared.migrate import MIGRATIONS, MigrationFailed, migrate, pending, read_migrations
from tests.conftest import TestDatabase, door


@pytest.fixture
def bare_url(postgres_url: str) -> Iterator[str]:
    name = f"tovector_bare_{new_id().hex[-8:]}"
    create_database(postgres_url, name)
    yield door(postgres_url, name)
    drop_database(postgres_url, name)


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, "utf-8")


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return {row[0] for row in rows.fetchall()}


def test_schema_sql_is_what_the_migrations_leave(database: TestDatabase) -> None:
    with psycopg.connect(database.owner_url) as connection:
        if connection.info.server_version // 10_000 != 18:
            pytest.skip("schema.sql is written in the spelling of PostgreSQL 18")
    assert dump_schema(database.owner_url) == PATH.read_text("utf-8"), "run `make fix`"


def test_a_second_run_applies_nothing(database: TestDatabase) -> None:
    assert [] == migrate(database.owner_url)
    assert [] == pending(database.owner_url)


def test_everything_is_pending_in_a_bare_database(bare_url: str) -> None:
    expected = [f"{migration.number:04d}_{migration.name}" for migration in read_migrations()]
    assert expected == pending(bare_url)
    assert expected == migrate(bare_url)


def test_migrators_side_by_side_apply_each_file_once(bare_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        applied = [name for names in threads.map(migrate, [bare_url] * 4) for name in names]
    assert len(set(applied)) == len(applied) == len(list(MIGRATIONS.glob("*.sql")))


def test_an_edited_file_is_refused(bare_url: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_one.sql", "CREATE TABLE one ()")
    migrate(bare_url, tmp_path)
    write(tmp_path, "0001_one.sql", "CREATE TABLE another ()")
    with pytest.raises(MigrationFailed, match=r"0001_one\.sql was edited"):
        migrate(bare_url, tmp_path)


def test_a_failing_file_leaves_nothing_behind(bare_url: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_one.sql", "CREATE TABLE one ()")
    write(tmp_path, "0002_two.sql", "CREATE TABLE two (); SELECT 1 / 0")
    with pytest.raises(MigrationFailed, match=r"0002_two\.sql failed.*division by zero"):
        migrate(bare_url, tmp_path)
    assert {"schema_migrations", "one"} == tables(bare_url)


def test_a_database_from_the_future_is_refused(bare_url: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_one.sql", "CREATE TABLE one ()")
    migrate(bare_url, tmp_path)
    (tmp_path / "0001_one.sql").unlink()
    with pytest.raises(MigrationFailed, match="does not know"):
        migrate(bare_url, tmp_path)


def test_a_locked_table_fails_the_migration_instead_of_queueing_the_product(bare_url: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_one.sql", "CREATE TABLE one ()")
    migrate(bare_url, tmp_path)
    write(tmp_path, "0002_two.sql", "ALTER TABLE one ADD COLUMN more text")
    with psycopg.connect(bare_url) as reader:
        reader.execute("LOCK TABLE one IN ACCESS SHARE MODE")
        with pytest.raises(MigrationFailed, match="lock timeout"):
            migrate(bare_url, tmp_path)


def test_a_file_may_ask_to_run_outside_a_transaction(bare_url: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_one.sql", "CREATE TABLE one (a integer)")
    write(
        tmp_path,
        "0002_two.sql",
        "-- outside a transaction\nCREATE INDEX CONCURRENTLY two ON one (a)",
    )
    assert ["0001_one", "0002_two"] == migrate(bare_url, tmp_path)


@pytest.mark.parametrize("names", [["0002_two.sql"], ["0001_one.sql", "0001_uno.sql"], ["1_one.sql"]])
def test_misnumbered_files_are_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        write(tmp_path, name, "SELECT 1")
    with pytest.raises(MigrationFailed):
        read_migrations(tmp_path)


def test_what_is_pasted_into_supabase_keeps_its_own_roles_out_of_our_tables(bare_url: str) -> None:
    paste = (MIGRATIONS.parents[2] / "deploy" / "supabase.sql").read_bytes()
    open_to_all = (
        "DO $$ BEGIN CREATE ROLE anon; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
        "DO $$ BEGIN CREATE ROLE authenticated; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated"
    )
    with psycopg.connect(bare_url, autocommit=True) as db:
        db.execute(open_to_all)
        db.execute(paste)
        db.execute(paste)
    migrate(bare_url)
    with psycopg.connect(bare_url) as db:
        granted = db.execute(
            "SELECT DISTINCT table_name::text FROM information_schema.role_table_grants"
            " WHERE grantee IN ('anon', 'authenticated') AND table_schema = 'public'"
        ).fetchall()
        logins = db.execute("SELECT count(*) FROM pg_roles WHERE rolname IN ('tovector_api', 'tovector_operator')")
        assert ([], (2,)) == (granted, logins.fetchone())


def test_money_that_was_left_out_of_the_ledger_is_put_in(bare_url: str, tmp_path: Path) -> None:
    """A refund of two cents had no entry once, because it moved no credit."""
    (mended,) = MIGRATIONS.glob("*_data.sql")
    for path in MIGRATIONS.glob("*.sql"):
        if path.name < mended.name:
            shutil.copy(path, tmp_path)
    migrate(bare_url, tmp_path)
    with psycopg.connect(bare_url) as db:
        db.execute(
            "INSERT INTO users (user_id, clerk_id, credit_balance) VALUES (gen_random_uuid(), 'c', 20);"
            "INSERT INTO purchases (purchase_id, user_id, package_id, status, credits, amount, currency, total, tax,"
            " paid_at) SELECT gen_random_uuid(), user_id, 'starter', 'paid', 20, 990, 'eur', 1178, 188, now()"
            " FROM users;"
            "INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, purchase_id, available_delta,"
            " reserved_delta, amount, currency, vat_info) SELECT gen_random_uuid(), user_id, 'purchase', 'credit',"
            ' purchase_id, 20, 0, 11.78, \'eur\', \'{"country": "DE", "rate": "19", "amount": 188}\' FROM purchases;'
            "INSERT INTO reversals (reversal_id, purchase_id, user_id, kind, status, amount, tax, credits, happened_at)"
            " SELECT 're_small', purchase_id, user_id, 'refund', 'succeeded', 2, 0, 0, now() FROM purchases"
        )
    migrate(bare_url)
    with psycopg.connect(bare_url) as db:
        entry = db.execute(
            "SELECT entry::text, available_delta::text, amount::text, vat_info FROM transactions"
            " WHERE reversal_id = 're_small'"
        ).fetchall()
        assert [("debit", "0.0", "0.02", {"country": "DE", "rate": "19", "amount": 0})] == entry
        assert {} == select_all_violations(db)
