"""The house that is broken: the local stack as `make up` starts it, with a proxy before each of its servers.

Everything is the real thing. What differs is said by settings and addresses alone: short budgets, so that faults
are noticed in seconds, and a second vectorize worker, for a job that one worker lost must go to another.
"""

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
from psycopg.rows import TupleRow

from dev.home import CHECKOUT, PORT_NAMES, Home
from dev.ports import free_ports
from dev.postgres import Postgres
from dev.stack import DATABASE
from dev.valkey import Valkey
from tests.acceptance.stacks import Stack, eventually
from tests.torture.proxy import Proxies

# Engine budget < task limit < lease < redelivery, as in production, in seconds instead of minutes.
IMPATIENT = {
    "ENGINE_WALL_SECONDS": "6",
    "TASK_LIMIT_SECONDS": "8",
    "LEASE_SECONDS": "10",
    "BROKER_VISIBILITY_SECONDS": "25",
    "RECOVERY_INTERVAL_SECONDS": "1",
    "WAKEUP_RESEND_SECONDS": "2",
    "RETRY_DELAY_SECONDS": "0.5",
    "RETENTION_INTERVAL_SECONDS": "2",
    "STORAGE_TIMEOUT_SECONDS": "3",
    "STATEMENT_TIMEOUT_SECONDS": "5",
    "DATABASE_TIMEOUT_SECONDS": "3",
    # Small previews: what is tested here is not how fast they are drawn.
    "PREVIEW_MAX_SIDE": "200",
}
FIRST, SECOND = "worker-vectorize", "worker-second"
TRACERS = (FIRST, SECOND)
WORKERS = ("worker-resize", "worker-preview", *TRACERS, "worker-maintenance")
BEHIND = {
    "api-postgres": "postgres",
    "worker-postgres": "postgres",
    "api-valkey": "valkey",
    "worker-valkey": "valkey",
    "api-storage": "storage",
    "worker-storage": "storage",
    "sign-in": "sign-in",
}
READY_SECONDS = 180.0


def _nothing_more(_: "House") -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Twist:
    """How a stack differs from the plain one: more environment for the processes named, a pooler's port."""

    name: str = "plain"
    api: Callable[["House"], dict[str, str]] = _nothing_more
    workers: Callable[["House"], dict[str, str]] = _nothing_more
    pooler: Callable[["House"], "subprocess.Popen[bytes]"] | None = None
    prepare: Callable[["House"], Callable[[], None]] | None = None


class House:
    """A running stack with its proxies, and the ways to break it."""

    def __init__(self, folder: Path, twist: Twist) -> None:
        self.folder = folder
        self.twist = twist
        folder.mkdir(parents=True, exist_ok=True)
        self.home = Home(folder)
        ports = free_ports(len(PORT_NAMES) + len(BEHIND) + 1)
        self.ports: dict[str, int] = dict(zip(PORT_NAMES, ports, strict=False))
        self.pooler_port = ports[-1]
        (folder / "ports.json").write_text(json.dumps(self.ports))
        self.before = dict(zip(BEHIND, ports[len(PORT_NAMES) :], strict=False))
        behind = {name: self.ports[server] for name, server in BEHIND.items()}
        self._undo: list[Callable[[], None]] = []
        if twist.prepare is not None:
            self._undo.append(twist.prepare(self))
        if twist.pooler is not None:
            pooler = twist.pooler(self)
            self._undo.append(pooler.terminate)
            behind["api-postgres"] = behind["worker-postgres"] = self.pooler_port
        self.proxies = Proxies({name: (self.before[name], behind[name]) for name in BEHIND})
        procfile = folder / "Procfile"
        procfile.write_text(self._procfile())
        self.stack = Stack(folder, "--procfile", str(procfile), environment=self._environment())
        self._database: psycopg.Connection[TupleRow] | None = None

    # --- how it starts and ends
    def until_ready(self) -> None:
        """Wait until every process answers."""
        stack = self.stack
        eventually(lambda: "ready: http" in stack.words() or stack.process.poll() is not None, READY_SECONDS)
        if "ready: http" not in stack.words():
            raise RuntimeError(f"the stack did not start:\n{stack.words()}")

    def close(self) -> None:
        """Stop everything that was started for it."""
        self.heal()
        self.stack.stop()
        self.proxies.close()
        if self._database is not None:
            self._database.close()
        for undo in reversed(self._undo):
            undo()

    def address_of(self, door: str) -> dict[str, str]:
        """What the processes behind this door (`api` or `worker`) are told: every server is reached by a proxy."""
        postgres = Postgres(
            self.folder / "postgres", self.before[f"{door}-postgres"], password=self.home.secret("postgres")
        )
        valkey = Valkey(self.folder / "valkey", self.before[f"{door}-valkey"], password=self.home.secret("valkey"))
        return {
            "DATABASE_URL": postgres.url(DATABASE, "tovector_api"),
            "MAINTENANCE_DATABASE_URL": postgres.url(DATABASE, "tovector_operator"),
            "REDIS_URL": valkey.url(),
            "SUPABASE_URL": f"http://127.0.0.1:{self.before[f'{door}-storage']}",
        }

    def _environment(self) -> dict[str, str]:
        """IMPATIENT for all; the doors' addresses under names of their own, which the Procfile hands out."""
        jwks = f"http://127.0.0.1:{self.before['sign-in']}/.well-known/jwks.json"
        api = self.address_of("api") | {"CLERK_JWKS_URL": jwks} | self.twist.api(self)
        worker = self.address_of("worker") | self.twist.workers(self)
        named = {f"OF_API_{name}": value for name, value in api.items()}
        named |= {f"OF_WORKER_{name}": value for name, value in worker.items()}
        return IMPATIENT | named

    def _procfile(self) -> str:
        """The Procfile's own commands, each behind its door, and a second tracer."""
        environment = self._environment()

        def told(door: str) -> str:
            prefix = f"OF_{door}_"
            names = [name.removeprefix(prefix) for name in environment if name.startswith(prefix)]
            return "env " + " ".join(f'{name}="${prefix}{name}"' for name in names)

        lines: list[str] = []
        for line in (CHECKOUT / "Procfile").read_text("utf-8").splitlines():
            name, _, command = line.partition(": ")
            if name == "flower":
                continue
            lines.append(f"{name}: {told('API' if name == 'api' else 'WORKER')} {command}")
            if name == FIRST:
                lines.append(lines[-1].replace(f"{FIRST}:", f"{SECOND}:").replace("-n vectorize@", "-n second@"))
        return "\n".join(lines) + "\n"

    # --- looking in
    def rows(self, statement: str, *values: object) -> list[TupleRow]:
        """What the database says, as its superuser; asks again for a while when it is away."""
        deadline = time.monotonic() + 60
        while True:
            try:
                if self._database is None or self._database.closed:
                    address = self.stack.running.superuser_url
                    self._database = psycopg.connect(address, autocommit=True, connect_timeout=3)
                return self._database.execute(statement.encode(), values).fetchall()
            except psycopg.OperationalError:
                if self._database is not None:
                    self._database.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def process(self, name: str) -> psutil.Process:
        """The process of that name; waits for the next one while it is being started again."""
        assert eventually(lambda: self.stack.find(name), 30), f"{name} does not run"
        found = self.stack.find(name)
        assert found is not None
        return found

    def family(self, name: str) -> list[psutil.Process]:
        """The process of that name and all below it."""
        process = self.process(name)
        with contextlib.suppress(psutil.NoSuchProcess):
            return [process, *process.children(recursive=True)]
        return [process]

    # --- breaking
    def kill(self, name: str) -> None:
        """SIGKILL for the process and everything below it; the supervisor starts it again."""
        for process in self.family(name):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def stop(self, name: str) -> None:
        """SIGSTOP for the process and everything below it."""
        for process in self.family(name):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    def cont(self, name: str) -> None:
        """SIGCONT for the process and everything below it."""
        for process in reversed(self.family(name)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def warm_starts(self, name: str) -> int:
        """How often a worker of this name has got ready to consume since the stack began."""
        return (self.home.log / f"{name}.log").read_text("utf-8", "replace").count('"worker_warm"')

    def until_started_again(self, name: str, before: int) -> None:
        """Wait until the worker has got ready once more than `before`."""
        assert eventually(lambda: self.warm_starts(name) > before, 60), f"{name} did not come back"

    def spoil_storage(self, kind: str, *, count: int, method: str = "", path: str = "", seconds: float = 2.0) -> None:
        """Let the next `count` matching storage requests go wrong in this way (dev/standins/storage/faults.py)."""
        fault = {"kind": kind, "count": count, "method": method, "path_contains": path, "seconds": seconds}
        httpx.post(f"http://127.0.0.1:{self.ports['storage']}/_faults", json=fault).raise_for_status()

    def redis(self, command: str) -> bytes:
        """Tell Redis something, past every proxy."""
        with socket.create_connection(("127.0.0.1", self.ports["valkey"]), timeout=2) as connection:
            connection.sendall(f"AUTH {self.home.secret('valkey')}\r\n".encode())
            connection.recv(64)
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(64)

    def empty_redis_files(self) -> None:
        """Remove what Redis has kept on disk, as if it had never kept anything."""
        shutil.rmtree(self.folder / "valkey" / "appendonlydir", ignore_errors=True)

    def redis_answers(self) -> bool:
        """Whether Redis has loaded its data and answers."""
        with contextlib.suppress(OSError):
            return self.redis("PING").startswith(b"+PONG")
        return False

    def storage_faults(self) -> list[object]:
        """The storage faults that still wait for a request."""
        return httpx.get(f"http://127.0.0.1:{self.ports['storage']}/_faults").json()

    def owner_of(self, port: int, names: Sequence[str]) -> str:
        """Which of these processes has a connection from this local port."""
        for name in names:
            for connection in self.process(name).net_connections("tcp"):
                if connection.laddr and connection.laddr[1] == port:
                    return name
        raise AssertionError(f"none of {names} connects from port {port}")

    def heal(self) -> None:
        """Take back every fault that can be taken back."""
        self.proxies.heal()
        with contextlib.suppress(httpx.HTTPError):
            httpx.delete(f"http://127.0.0.1:{self.ports['storage']}/_faults")
        for name in (*WORKERS, "beat", "valkey", "postgres", "storage", "sign-in", "api"):
            with contextlib.suppress(AssertionError):
                if self.stack.process.poll() is None and self.stack.find(name) is not None:
                    self.cont(name)
