"""Real servers for the tests: Postgres, Redis protocol, and the stand-ins of hosted services.

Each is started once, when the first test asks for it; with `pytest -n` once in each process (tests/sharing.py).
`TEST_DATABASE_URL` (a superuser's address) runs the suite against another Postgres.
"""

import os
import secrets
import signal
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.rows import TupleRow
from xdist.remote import Producer

from dev.children import Child, Children, Program, wait_until
from dev.ports import free_ports, is_open
from dev.postgres import Postgres, create_database, create_logins, drop_database
from dev.standins.storage.keys import service_key
from dev.valkey import Valkey
from shared.migrate import migrate
from shared.settings import Settings
from shared.vault import new_key
from tests.sharing import Shares, in_order, ports_of_this_process

ROOT = Path(__file__).parent.parent
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts the tests in the background ignores Ctrl-C for them, and all they start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.update(ports_of_this_process(os.environ))
Connection = psycopg.Connection[TupleRow]
STRIPE_KEY = "sk_test_only-for-tests"
STRIPE_WEBHOOK_SECRET = "whsec_only-for-tests"
CLERK_WEBHOOK_SECRET = "whsec_" + b64encode(b"only-for-tests-of-clerk").decode()


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """One migrated database and its three doors."""

    __test__ = False

    name: str
    owner_url: str
    app_url: str
    operator_url: str


@dataclass(frozen=True, slots=True)
class StorageStandIn:
    """The object store the tests use, and the folder it writes to."""

    url: str
    service_key: str
    jwt_secret: str
    bucket: str
    data: Path


@dataclass(frozen=True, slots=True)
class ClerkStandIn:
    """The sign-in provider the tests use; `state` is where its signing key is (see dev.standins.clerk.tokens)."""

    issuer: str
    state: Path


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the long shares first where the tests are shared out."""
    if hasattr(config, "workerinput"):
        items[:] = [items[place] for place in in_order([item.nodeid for item in items])]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Shares:
    """Use these shares, in the order of the tests, whatever `--dist` says."""
    config.option.loadscopereorder = False
    return Shares(config, log)


def start(children: Children, name: str, port: int, *arguments: str) -> Child:
    """Start one of our own Python servers and wait until it accepts connections."""
    command = (sys.executable, "-m", *arguments, "--port", str(port))
    child = children.start(Program(name, command, environment=os.environ | {"PYTHONPATH": str(ROOT)}))
    wait_until(lambda: is_open(port), child)
    return child


@pytest.fixture(scope="session")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    """What the session starts, it ends - also when it is killed."""
    with Children(tmp_path_factory.mktemp("log")) as children:
        yield children


@pytest.fixture(scope="session")
def postgres_url(children: Children, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The superuser's address of a Postgres that belongs to the tests."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        return given
    (port,) = free_ports(1)
    postgres = Postgres(tmp_path_factory.mktemp("postgres") / "data", port, durable=False)
    postgres.create()
    wait_until(postgres.answers, children.start(postgres.program()))
    return postgres.url()


def door(url: str, database: str, user: str | None = None) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}@{host}" if user else parts.netloc, path=f"/{database}"))


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """A migrated, empty database that others are copied from."""
    name = f"tovector_template_{secrets.token_hex(4)}"
    create_database(postgres_url, name)
    url = door(postgres_url, name)
    with psycopg.connect(postgres_url) as one_at_a_time:  # roles belong to the whole server, which others may use too
        one_at_a_time.execute("SELECT pg_advisory_lock(hashtext('the roles of tovector'))")
        migrate(url)
        create_logins(url, password=None)
    yield name
    drop_database(postgres_url, name)


def copy_of(template: str, postgres_url: str) -> Iterator[TestDatabase]:
    """A database of one's own, copied from the template in some 50 ms, and dropped afterwards."""
    name = f"tovector_test_{secrets.token_hex(4)}"
    create_database(postgres_url, name, template)
    yield TestDatabase(
        name=name,
        owner_url=door(postgres_url, name),
        app_url=door(postgres_url, name, "tovector_api"),
        operator_url=door(postgres_url, name, "tovector_operator"),
    )
    drop_database(postgres_url, name)


@pytest.fixture(scope="module")
def database(template_database: str, postgres_url: str) -> Iterator[TestDatabase]:
    """A migrated database that the tests of one module share."""
    yield from copy_of(template_database, postgres_url)


@pytest.fixture
def empty_database(template_database: str, postgres_url: str) -> Iterator[TestDatabase]:
    """A migrated database that one test has to itself."""
    yield from copy_of(template_database, postgres_url)


@pytest.fixture
def db_owner(database: TestDatabase) -> Iterator[Connection]:
    """A connection as superuser, bound by no policy; what the test does is rolled back unless it commits."""
    with psycopg.connect(database.owner_url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def db(database: TestDatabase) -> Iterator[Connection]:
    """A connection as the API and the workers have, bound by row-level security; rolled back at the end."""
    with psycopg.connect(database.app_url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture(scope="session")
def valkey(children: Children, tmp_path_factory: pytest.TempPathFactory) -> Valkey:
    """A Redis-protocol server that belongs to the tests."""
    (port,) = free_ports(1)
    server = Valkey(tmp_path_factory.mktemp("valkey"), port, durable=False)
    wait_until(server.answers, children.start(server.program()))
    return server


@pytest.fixture(scope="module")
def redis_url(valkey: Valkey) -> str:
    """The address of that server, emptied before the module's first test."""
    valkey.empty()
    return valkey.url()


@pytest.fixture(scope="session")
def storage(children: Children, tmp_path_factory: pytest.TempPathFactory) -> StorageStandIn:
    """Supabase Storage's stand-in, with one private bucket."""
    (port,) = free_ports(1)
    secret, bucket = "a-secret-of-the-tests-with-more-than-32-bytes", "images"
    data = tmp_path_factory.mktemp("storage")
    arguments = ("dev.standins.storage", "--data", str(data), "--jwt-secret", secret, "--bucket", bucket)
    start(children, "storage", port, *arguments)
    return StorageStandIn(f"http://127.0.0.1:{port}", service_key(secret), secret, bucket, data)


@pytest.fixture(scope="session")
def clerk(children: Children, tmp_path_factory: pytest.TempPathFactory) -> ClerkStandIn:
    """Clerk's stand-in: it publishes its keys; dev.standins.clerk.tokens signs with them."""
    (port,) = free_ports(1)
    state = tmp_path_factory.mktemp("clerk")
    issuer = f"http://127.0.0.1:{port}"
    start(children, "clerk", port, "dev.standins.clerk", "--state", str(state), "--issuer", issuer)
    return ClerkStandIn(issuer, state)


@pytest.fixture(scope="module")
def settings(database: TestDatabase, redis_url: str, storage: StorageStandIn, clerk: ClerkStandIn) -> Settings:
    """The settings of an installation made of the servers above; `settings.model_copy(update=...)` varies it."""
    return Settings.model_validate(
        {
            "database_url": database.app_url,
            "maintenance_database_url": database.operator_url,
            "migration_database_url": database.owner_url,
            "redis_url": redis_url,
            "supabase_url": storage.url,
            "supabase_service_key": storage.service_key,
            "storage_bucket": storage.bucket,
            "clerk_issuer": clerk.issuer,
            "public_url": "http://127.0.0.1:8000",
            "flower_basic_auth": "flower:only-for-tests",
            "stripe_secret_key": STRIPE_KEY,
            "stripe_webhook_secret": STRIPE_WEBHOOK_SECRET,
            # Nobody listens there: tests that buy start the stand-in for Stripe.
            "stripe_url": "http://127.0.0.1:9",
            "vies_url": "http://127.0.0.1:9",
            "seller_country": "DE",
            "clerk_webhook_secret": CLERK_WEBHOOK_SECRET,
            "encryption_keys": new_key(),
        }
    )
