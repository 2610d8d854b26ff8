"""The way to Postgres: one pool a process, and database transactions that act for somebody.

A database transaction carries its identity as settings local to it (`set_config(…, true)`), which
row-level security reads; a forgotten identity sees nothing. This works behind a pooler in
transaction mode: nothing outlives the transaction, and no statement is prepared by name there.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import LiteralString, TypeVar
from uuid import UUID

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout
from typing_extensions import override

from shared.errors import CommitUnknown, DatabaseUnavailable

Connection = psycopg.Connection[TupleRow]
Answer = TypeVar("Answer")

# The server ends a session that does nothing inside a database transaction, and psycopg files that elsewhere.
_BROKEN = (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout)


_ANSWER_GRACE_SECONDS = 2.0
_PREPARE_THRESHOLD = 5  # psycopg's own: a statement is planned once and for all when it comes for the sixth time

# A process that is frozen between two statements must not hold its customer's row for ever.
_BOUND: LiteralString = (
    "SELECT set_config('statement_timeout', %(statement)s, true),"
    " set_config('idle_in_transaction_session_timeout', %(idle)s, true)"
)
_ACT: LiteralString = (
    _BOUND + ", set_config('app.user_id', %(user)s, true), set_config('app.clerk_id', %(clerk)s, true),"
    " set_config('app.api_key_hash', %(api_key)s, true), set_config('app.guest_hash', %(guest)s, true)"
)
_ACT_TO_READ: LiteralString = (
    "SELECT set_config('statement_timeout', %(statement)s, true), set_config('transaction_read_only', 'on', true),"
    " set_config('app.user_id', %(user)s, true)"
)


class _Impatient(psycopg.Connection[TupleRow]):
    """A connection that is given up when the server does not answer in time.

    The server ends what takes too long, and TCP notices a host that is gone; neither helps when something in
    between keeps the connection open and silent.
    """

    answer_seconds = 15.0

    @override
    def wait(self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None) -> Answer:
        try:
            return super().wait(gen, interval, self.answer_seconds if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:  # its answer may still come: no use any more
                self.pgconn.finish()
            raise


class Database:
    """A pool of connections to one Postgres role."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        timeout_seconds: float = 5,
        statement_timeout_seconds: float = 10,
        report_timeout_seconds: float = 30,
    ) -> None:
        """Open no connection yet: a process that cannot reach Postgres starts, and says so in /readyz."""
        self._statement_timeout = f"{round(statement_timeout_seconds * 1000)}ms"
        self._idle_timeout = f"{round(statement_timeout_seconds * 2000)}ms"
        self._report_timeout = f"{round(report_timeout_seconds * 1000)}ms"
        self._answer_seconds = statement_timeout_seconds + _ANSWER_GRACE_SECONDS
        self._report_seconds = report_timeout_seconds + _ANSWER_GRACE_SECONDS
        self._timeout_seconds = timeout_seconds
        self._pool: ConnectionPool[_Impatient] = ConnectionPool(
            url,
            connection_class=_Impatient,
            min_size=0,
            max_size=pool_size,
            timeout=timeout_seconds,
            max_idle=60,
            open=False,
            configure=_prepare_if_direct,
            kwargs={
                "autocommit": True,
                "prepare_threshold": None,
                "connect_timeout": max(2, round(timeout_seconds)),
                "application_name": "tovector",
            },
        )

    def close(self) -> None:
        """Give every connection back to the server."""
        self._pool.close()

    @contextmanager
    def transaction(
        self,
        *,
        user_id: UUID | None = None,
        clerk_id: str | None = None,
        api_key_hash: bytes | None = None,
        guest_hash: bytes | None = None,
    ) -> Generator[Connection]:
        """One database transaction acting for `user_id` (or whoever proves a sign-in, a key or a guest's secret).

        Commits when the block ends, rolls back when it raises. Raises DatabaseUnavailable when
        Postgres cannot be reached, and CommitUnknown when the connection broke while committing:
        then the caller must read again by key to learn what happened.
        """
        acting = {
            "statement": self._statement_timeout,
            "idle": self._idle_timeout,
            "user": str(user_id) if user_id else "",
            "clerk": clerk_id or "",
            "api_key": api_key_hash.hex() if api_key_hash else "",
            "guest": guest_hash.hex() if guest_hash else "",
        }

        def begin(connection: Connection) -> None:
            with connection.pipeline():  # both in one round trip
                connection.execute("BEGIN", prepare=False)
                connection.execute(_ACT, acting)

        with self._reached(begin) as (connection, _):
            try:
                yield connection
            except BaseException:
                _roll_back(connection)
                raise
            _commit(connection)

    @contextmanager
    def reports(self) -> Generator[Connection]:
        """One database transaction that reads across all accounts as of one moment, and can write nothing.

        It takes on the role tovector_reports, which may read what reports are made of, and no address, name or file
        name. Raises DatabaseUnavailable.
        """
        timeout = self._report_timeout

        def begin(connection: Connection) -> None:
            with connection.pipeline():
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", prepare=False)
                connection.execute("SET LOCAL ROLE tovector_reports", prepare=False)
                connection.execute(_BOUND, {"statement": timeout, "idle": timeout})

        with self._reached(begin) as (connection, _):
            connection.answer_seconds = self._report_seconds
            try:
                yield connection
            finally:
                _roll_back(connection)

    def ask(self, question: Callable[[Connection], Answer], *, user_id: UUID) -> Answer:
        """What `question` reads for `user_id` with a single statement: a third of what a transaction() around it costs.

        Identity and statement go to the server together, and what reaches it before it is told to synchronize is one
        database transaction by itself (Postgres, "Pipelining" in the chapter on its protocol). Nothing can be written.
        `question` may be asked twice, if the first connection turns out to be dead. Raises DatabaseUnavailable.
        """
        acting = {"statement": self._statement_timeout, "user": str(user_id)}

        def first(connection: Connection) -> Answer:
            with connection.pipeline():
                connection.execute(_ACT_TO_READ, acting)
                return question(connection)

        with self._reached(first) as (_, answer):
            return answer

    @contextmanager
    def _reached(self, first: Callable[[Connection], Answer]) -> Generator[tuple[_Impatient, Answer]]:
        """A connection, and the answer to what is said on it first."""
        self._pool.open()
        try:
            connection, answer = self._reach(first)
            try:
                yield connection, answer
            finally:
                self._pool.putconn(connection)
        except (PoolTimeout, *_BROKEN, psycopg.InterfaceError) as error:
            raise DatabaseUnavailable("The database does not answer; nothing was changed. Try again.") from error

    def _reach(self, first: Callable[[Connection], Answer]) -> tuple[_Impatient, Answer]:
        """Connections that died while idle are replaced first."""
        for last_try in (False, True):
            connection = self._pool.getconn()
            connection.answer_seconds = self._timeout_seconds
            try:
                answer = first(connection)
            except BaseException as error:
                self._pool.putconn(connection)
                if last_try or not isinstance(error, psycopg.OperationalError):
                    raise
                self._pool.drain()  # asking each whether it lives would take as long again for each that is silent
            else:
                connection.answer_seconds = self._answer_seconds
                return connection, answer
        raise AssertionError("unreachable")


def _prepare_if_direct(connection: psycopg.Connection[TupleRow]) -> None:
    """Let statements be prepared by name where one server process answers for the connection's whole life.

    A pooler in transaction mode hands each database transaction to another, which would not know the name. It tells
    its clients process ids of its own making, so what the connection was told and what the server says differ.
    """
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    if row == (connection.info.backend_pid,):
        connection.prepare_threshold = _PREPARE_THRESHOLD


def act_as(connection: Connection, user_id: UUID) -> None:
    """From here on the database transaction acts for `user_id`: for an account that was opened inside it."""
    connection.execute("SELECT set_config('app.user_id', %s, true)", [str(user_id)])


def try_lock(connection: Connection, name: str) -> bool:
    """Hold a lock of this name until the database transaction ends; False when another holds it. Never waits."""
    row = connection.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [name]).fetchone()
    return row is not None and bool(row[0])


def _commit(connection: Connection) -> None:
    try:
        connection.execute("COMMIT", prepare=False)
    except _BROKEN as error:
        raise CommitUnknown("The database went away while saving; ask again to see whether it was saved.") from error


def _roll_back(connection: Connection) -> None:
    if connection.closed or connection.broken:
        return
    try:
        connection.execute("ROLLBACK", prepare=False)
    except psycopg.Error:
        connection.close()
