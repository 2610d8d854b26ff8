"""The local stack: Postgres, valkey and the stand-ins, then exactly the processes of the Procfile."""

import os
import sys
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from dev.children import Children, Program, StackRefused
from dev.home import CHECKOUT, Home, Running
from dev.postgres import Postgres, binary, create_database, create_logins
from dev.probes import Workers, http_answers, listens, lives
from dev.procfile import read_procfile
from dev.standins.clerk.page import publishable_key
from dev.standins.storage.keys import service_key
from dev.supervisor import LOOK_SECONDS, StopRequested, Supervisor, say
from dev.valkey import Valkey
from shared.migrate import MigrationFailed, migrate

DATABASE = "tovector"
BUCKET = "images"
SELLER_COUNTRY = "DE"
FOUNDATION = ["storage", "sign-in", "checkout", "valkey", "postgres"]
STOP_SECONDS = 10.0


@dataclass(slots=True)
class Stack:
    """One stack in one state folder."""

    home: Home
    api_port: int | None
    procfile: Path
    ports: dict[str, int] = field(init=False)
    postgres: Postgres = field(init=False)
    valkey: Valkey = field(init=False)

    def run(self, parent_lives: Callable[[], bool]) -> None:
        """Start everything, say where it is, keep it running until asked to stop (or the parent is gone)."""
        with self.home.held(), Children(self.home.log) as children:
            supervisor = Supervisor(children)
            supervisor.listen()
            try:
                self._start(supervisor)
                while not supervisor.stop_requests and parent_lives():
                    supervisor.tend()
                    time.sleep(LOOK_SECONDS)
            except StopRequested:
                pass
            finally:
                say("stopping")
                self._stop(supervisor)

    def _start(self, supervisor: Supervisor) -> None:
        self.ports = self.home.ports(self.api_port)
        self.postgres = Postgres(
            self.home.folder / "postgres", self.ports["postgres"], password=self.home.secret("postgres")
        )
        self.valkey = Valkey(self.home.folder / "valkey", self.ports["valkey"], password=self.home.secret("valkey"))
        say(f"starting the stack of {self.home.folder} (logs in {self.home.log})")
        self._lay_foundation(supervisor)
        self._prepare_database()
        settings = self.settings()
        self._start_house(supervisor, settings)
        running = Running(os.getpid(), settings["PUBLIC_URL"], self.postgres.url(DATABASE), settings)
        self.home.write_running(running)
        self._announce(running)

    def _lay_foundation(self, supervisor: Supervisor) -> None:
        if not (self.postgres.directory / "PG_VERSION").exists():
            say("  making a database (once)")
        self.postgres.create()
        supervisor.add(self.postgres.program(), self.postgres.answers)
        supervisor.add(self.valkey.program(), self.valkey.answers)
        supervisor.add(self._storage(), listens(self.ports["storage"]))
        supervisor.add(self._sign_in(), listens(self.ports["sign-in"]))
        supervisor.add(self._checkout(), listens(self.ports["checkout"]))
        supervisor.wait_until_ready()

    def _prepare_database(self) -> None:
        create_database(self.postgres.url(), DATABASE)
        try:
            for name in migrate(self.postgres.url(DATABASE)):
                say(f"  migration {name}")
        except MigrationFailed as error:
            raise StackRefused(f"the database could not be migrated: {error}") from error
        create_logins(self.postgres.url(DATABASE), self.home.secret("postgres"))

    def _start_house(self, supervisor: Supervisor, settings: dict[str, str]) -> None:
        environment = _inherited(settings) | settings
        Path(settings["PROMETHEUS_MULTIPROC_DIR"]).mkdir(exist_ok=True)
        workers = Workers(self.valkey.url())
        for program in read_procfile(self.procfile, environment):
            supervisor.add(program, self._probe(program, workers))
        supervisor.wait_until_ready()

    def _probe(self, program: Program, workers: Workers) -> Callable[[], bool]:
        match program.name.partition("-")[0]:
            case "api":
                return http_answers(self.ports["api"], "/readyz")
            case "flower":
                return http_answers(self.ports["flower"], "/")
            case "worker":
                return workers.consumes(program)
            case _:
                return lives(seconds=0.5)

    def _storage(self) -> Program:
        data = ("--data", str(self.home.folder / "storage"), "--bucket", BUCKET)
        secret = (f"--jwt-secret={self.home.secret('storage')}",)  # it may begin with a hyphen
        return _own_server("storage", "dev.standins.storage", self.ports["storage"], *data, *secret)

    def _sign_in(self) -> Program:
        state = ("--state", str(self.home.sign_in), "--issuer", self._address("sign-in"))
        hooks = ("--webhook-url", f"{self._address('api')}/webhooks/clerk")
        secret = ("--webhook-secret", self._clerk_webhook_secret())
        return _own_server("sign-in", "dev.standins.clerk", self.ports["sign-in"], *state, *hooks, *secret)

    def _checkout(self) -> Program:
        secret = f"--webhook-secret={self.home.secret('stripe-webhooks')}"  # it may begin with a hyphen
        keys = ("--secret-key", self._stripe_key(), secret)
        where = ("--state", str(self.home.checkout), "--webhook-url", f"{self._address('api')}/webhooks/stripe")
        return _own_server("checkout", "dev.standins.stripe", self.ports["checkout"], *where, *keys)

    def _clerk_webhook_secret(self) -> str:
        return "whsec_" + b64encode(self.home.secret("clerk-webhooks").encode()).decode()

    def _stripe_key(self) -> str:
        return f"sk_test_{self.home.secret('stripe')}"

    def _address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def settings(self) -> dict[str, str]:
        """What the processes of the house are told; the names are those of shared/settings.py."""
        return {
            "DATABASE_URL": self.postgres.url(DATABASE, "tovector_api"),
            "MAINTENANCE_DATABASE_URL": self.postgres.url(DATABASE, "tovector_operator"),
            "MIGRATION_DATABASE_URL": self.postgres.url(DATABASE),
            "REDIS_URL": self.valkey.url(),
            "SUPABASE_URL": self._address("storage"),
            "SUPABASE_SERVICE_KEY": service_key(self.home.secret("storage")),
            "STORAGE_BUCKET": BUCKET,
            "CLERK_ISSUER": self._address("sign-in"),
            "CLERK_PUBLISHABLE_KEY": publishable_key(self._address("sign-in")),
            "CLERK_WEBHOOK_SECRET": self._clerk_webhook_secret(),
            "STRIPE_SECRET_KEY": self._stripe_key(),
            "STRIPE_WEBHOOK_SECRET": self.home.secret("stripe-webhooks"),
            "STRIPE_URL": self._address("checkout"),
            "VIES_URL": f"{self._address('checkout')}/vies",
            "SELLER_COUNTRY": SELLER_COUNTRY,
            "BACKUP_FOLDER": str(self.home.folder / "backups"),
            "BACKUP_KEYS": urlsafe_b64encode(sha256(self.home.secret("backups").encode()).digest()).decode(),
            "POSTGRES_PROGRAMS": str(Path(binary("pg_dump")).parent),
            "ENCRYPTION_KEYS": urlsafe_b64encode(sha256(self.home.secret("encryption").encode()).digest()).decode(),
            "PUBLIC_URL": self._address("api"),
            "FLOWER_BASIC_AUTH": f"tovector:{self.home.secret('flower')}",
            "PORT": str(self.ports["api"]),
            "FLOWER_PORT": str(self.ports["flower"]),
            "PROMETHEUS_MULTIPROC_DIR": str(self.home.folder / "metrics"),
        }

    def _announce(self, running: Running) -> None:
        flower = running.settings["FLOWER_BASIC_AUTH"].replace("tovector:", "user tovector, password ")
        lines = (
            f"ready: {running.url}",
            f"admin:    {running.url}/admin (after: .venv/bin/python -m dev token you@example.com --admin)",
            f"api docs: {running.url}/docs",
            f"flower:   {self._address('flower')} ({flower})",
            f"storage:  {self._address('storage')}",
            f"sign-in:  {self._address('sign-in')}",
            f"checkout: {self._address('checkout')} (what Stripe and the banks do)",
            "a token:  .venv/bin/python -m dev token alice@example.com --credits 5",
        )
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()

    def _stop(self, supervisor: Supervisor) -> None:
        house = [name for name in supervisor.names() if name not in FOUNDATION]
        supervisor.stop(house, STOP_SECONDS)
        supervisor.stop(FOUNDATION, STOP_SECONDS)


def _own_server(name: str, module: str, port: int, *arguments: str) -> Program:
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    return Program(name, (sys.executable, "-m", module, "--port", str(port), *arguments), environment)


def _inherited(settings: dict[str, str]) -> dict[str, str]:
    """Our own environment for the house, without another installation's secrets, and with .venv's programs first."""
    ours = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in settings}
    programs = str(Path(sys.executable).parent)
    return ours | {"PATH": f"{programs}{os.pathsep}{ours.get('PATH', '')}", "PYTHONUNBUFFERED": "1"}
