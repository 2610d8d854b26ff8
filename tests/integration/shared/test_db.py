"""Database transactions: who they act for, how they end, and what is said when the server goes away."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest

from dev.children import Children, Program, wait_until
from dev.ports import free_ports, is_open
from shared.db import Connection, Database
from shared.errors import CommitUnknown, DatabaseUnavailable
from shared.ids import new_id
from tests.conftest import TestDatabase
from tests.debian import program, with_libraries
from tests.torture.proxy import Proxies, Proxy


@pytest.fixture
def pool(database: TestDatabase) -> Iterator[Database]:
    pool = Database(database.app_url, pool_size=2, timeout_seconds=0.5, statement_timeout_seconds=0.5)
    yield pool
    pool.close()


def kill_backends(database: TestDatabase) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )


def test_an_identity_ends_with_its_transaction(pool: Database) -> None:
    user_id = new_id()
    with pool.transaction(user_id=user_id) as db:
        assert (user_id,) == db.execute("SELECT acting_user_id()").fetchone()
    with pool.transaction() as db:
        assert (None,) == db.execute("SELECT acting_user_id()").fetchone()


def test_a_raised_error_rolls_back(pool: Database, database: TestDatabase) -> None:
    clerk_id = f"user_{new_id().hex}"
    with pytest.raises(ZeroDivisionError), pool.transaction(clerk_id=clerk_id) as db:
        db.execute("INSERT INTO users (user_id, clerk_id) VALUES (%s, %s)", [new_id(), clerk_id])
        _ = 1 / 0
    with pool.transaction(clerk_id=clerk_id) as db:
        assert (0,) == db.execute("SELECT count(*) FROM users").fetchone()


def test_a_server_that_is_not_there_is_a_transient_problem() -> None:
    pool = Database("postgresql://tovector_api@127.0.0.1:1/none", timeout_seconds=0.3)
    with pytest.raises(DatabaseUnavailable), pool.transaction():
        pass
    pool.close()


def test_a_connection_that_breaks_while_working_is_a_transient_problem(pool: Database, database: TestDatabase) -> None:
    with pytest.raises(DatabaseUnavailable), pool.transaction() as db:
        kill_backends(database)
        db.execute("SELECT 1")
    with pool.transaction() as db:
        assert (1,) == db.execute("SELECT 1").fetchone()


def test_a_connection_that_breaks_while_committing_leaves_the_outcome_unknown(
    pool: Database, database: TestDatabase
) -> None:
    with pytest.raises(CommitUnknown), pool.transaction() as db:
        db.execute("SELECT 1")
        kill_backends(database)


def test_an_exhausted_pool_is_a_transient_problem(pool: Database) -> None:
    with pool.transaction(), pool.transaction(), pytest.raises(DatabaseUnavailable), pool.transaction():
        pass


def test_a_statement_cannot_run_for_ever(pool: Database) -> None:
    with pytest.raises(DatabaseUnavailable), pool.transaction() as db:
        db.execute("SELECT pg_sleep(5)")


def test_a_process_that_freezes_does_not_hold_its_rows_for_ever(pool: Database) -> None:
    user_id, clerk_id = new_id(), f"user_{new_id().hex}"
    with pool.transaction(clerk_id=clerk_id) as db:
        db.execute("INSERT INTO users (user_id, clerk_id) VALUES (%s, %s)", [user_id, clerk_id])
    lock = "SELECT FROM users WHERE user_id = %s FOR UPDATE"
    with pytest.raises(CommitUnknown), pool.transaction(user_id=user_id) as db:
        db.execute(lock, [user_id])
        time.sleep(1.3)
        with pool.transaction(user_id=user_id) as other:
            assert 1 == other.execute(lock, [user_id]).rowcount


def test_an_error_in_sql_is_ours_and_not_hidden(pool: Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable), pool.transaction() as db:
        db.execute("SELECT * FROM nothing")


def test_connections_that_died_while_idle_are_replaced_unnoticed(pool: Database, database: TestDatabase) -> None:
    with pool.transaction(), pool.transaction():
        pass
    kill_backends(database)
    for _ in range(3):
        with pool.transaction() as db:
            assert (1,) == db.execute("SELECT 1").fetchone()


def acting(db: Connection) -> UUID | None:
    row = db.execute("SELECT acting_user_id()").fetchone()
    return None if row is None else row[0]


def test_what_is_asked_is_asked_for_somebody_and_leaves_nothing_behind(pool: Database) -> None:
    user_id = new_id()
    assert user_id == pool.ask(acting, user_id=user_id)
    with pool.reports() as db:  # which names nobody
        assert acting(db) is None
    with pool.transaction() as db:
        assert ("off", "500ms") == db.execute(
            "SELECT current_setting('transaction_read_only'), current_setting('statement_timeout')"
        ).fetchone()


def test_a_question_can_write_nothing(pool: Database) -> None:
    user_id = new_id()

    def write(db: Connection) -> None:
        db.execute("INSERT INTO users (user_id, clerk_id) VALUES (%s, %s)", [user_id, f"user_{user_id.hex}"])

    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        pool.ask(write, user_id=user_id)
    assert user_id == pool.ask(acting, user_id=user_id)


def test_a_question_cannot_take_for_ever(pool: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        pool.ask(lambda db: db.execute("SELECT pg_sleep(5)").fetchone(), user_id=new_id())


def test_a_question_on_a_connection_that_died_while_idle_is_asked_again(pool: Database, database: TestDatabase) -> None:
    with pool.transaction(), pool.transaction():
        pass
    kill_backends(database)
    user_id = new_id()
    assert [user_id] * 3 == [pool.ask(acting, user_id=user_id) for _ in range(3)]


def test_a_question_that_nobody_can_answer_is_a_transient_problem() -> None:
    pool = Database("postgresql://tovector_api@127.0.0.1:1/none", timeout_seconds=0.3)
    with pytest.raises(DatabaseUnavailable):
        pool.ask(acting, user_id=new_id())
    pool.close()


@pytest.fixture
def behind(database: TestDatabase) -> Iterator[tuple[Database, Proxy]]:
    """A pool that reaches Postgres through a proxy, and the proxy."""
    address, (port,) = urlsplit(database.app_url), free_ports(1)
    proxies = Proxies({"postgres": (port, address.port or 0)})
    url = address._replace(netloc=f"tovector_api@127.0.0.1:{port}").geturl()
    pool = Database(url, pool_size=4, timeout_seconds=1, statement_timeout_seconds=0.5)
    yield pool, proxies["postgres"]
    pool.close()
    proxies.close()


def test_silent_connections_are_given_up_and_replaced(behind: tuple[Database, Proxy]) -> None:
    pool, proxy = behind
    with pool.transaction(), pool.transaction(), pool.transaction():
        pass
    assert 3 == proxy.half_open()
    begun = time.monotonic()
    for _ in range(4):
        with pool.transaction() as db:
            assert (1,) == db.execute("SELECT 1").fetchone()
    assert time.monotonic() - begun < 4


def test_a_commit_that_nobody_answers_leaves_the_outcome_unknown(behind: tuple[Database, Proxy]) -> None:
    pool, proxy = behind
    begun = time.monotonic()
    with pytest.raises(CommitUnknown), pool.transaction() as db:
        db.execute("SELECT 1")
        proxy.half_open()
    assert time.monotonic() - begun < 6


NAMES = "SELECT count(*) FROM pg_prepared_statements"


def test_a_server_of_our_own_plans_what_comes_often_only_once(pool: Database) -> None:
    for _ in range(8):
        with pool.transaction(user_id=new_id()) as db:
            db.execute("SELECT FROM users WHERE credit_balance > %s", [1])
    with pool.transaction() as db:
        assert (1,) == db.execute(NAMES + " WHERE statement LIKE '%FROM users%'").fetchone()


@pytest.fixture
def pooled(database: TestDatabase, tmp_path: Path) -> Iterator[Database]:
    """A pool behind PgBouncer in transaction mode, which has two connections to Postgres."""
    address, (port,) = urlsplit(database.app_url), free_ports(1)
    (tmp_path / "users.txt").write_text('"tovector_api" ""\n')
    (tmp_path / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={address.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {tmp_path}/users.txt\n"
        "pool_mode = transaction\ndefault_pool_size = 2\nignore_startup_parameters = extra_float_digits\n"
    )
    command = (program("pgbouncer", "pgbouncer", "libc-ares2"), str(tmp_path / "pgbouncer.ini"))
    if os.geteuid() == 0:  # it refuses to run as root
        command = ("unshare", "--user", "--map-user=65534", "--map-group=65534", *command)
    with Children(tmp_path / "log") as children:
        wait_until(
            lambda: is_open(port),
            children.start(Program("pgbouncer", command, environment=with_libraries("pgbouncer"))),
        )
        pool = Database(address._replace(netloc=f"tovector_api@127.0.0.1:{port}").geturl(), pool_size=4)
        yield pool
        pool.close()


def test_behind_a_pooler_nothing_is_prepared_by_name(pooled: Database) -> None:
    for _ in range(12):
        with pooled.transaction() as one, pooled.transaction() as other:
            assert one.execute(NAMES).fetchone() == other.execute(NAMES).fetchone() == (0,)


def test_behind_a_pooler_each_question_keeps_its_own_identity(pooled: Database) -> None:
    people = [new_id() for _ in range(40)]

    def ask(who: UUID) -> UUID | None:
        return pooled.ask(acting, user_id=who)

    with ThreadPoolExecutor(8) as threads:
        assert people == list(threads.map(ask, people))
