"""The state folder of one local stack: what it remembers between runs, and who runs it now."""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dev.children import StackRefused
from dev.ports import free_ports, is_free

CHECKOUT = Path(__file__).parent.parent
PORT_NAMES = ("api", "flower", "postgres", "valkey", "storage", "sign-in", "checkout")


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that runs now: its process, its address and the settings its processes were given."""

    pid: int
    url: str
    superuser_url: str
    settings: dict[str, str]


@dataclass(frozen=True, slots=True)
class Home:
    """A state folder: `.local/` in the checkout, or what TOVECTOR_HOME says."""

    folder: Path

    @property
    def log(self) -> Path:
        """Where each process writes its log."""
        return self.folder / "log"

    @property
    def sign_in(self) -> Path:
        """Where the stand-in for sign-in keeps its key and its people."""
        return self.folder / "sign-in"

    @property
    def checkout(self) -> Path:
        """Where the stand-in for Stripe keeps its payments."""
        return self.folder / "checkout"

    @contextlib.contextmanager
    def held(self) -> Generator[None]:
        """Hold the folder while the stack runs; refuses when another stack holds it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                running = self._read_running()
                where = f" at {running.url} (process {running.pid})" if running else ""
                raise StackRefused(
                    f"the stack of {self.folder} already runs{where}: stop it first, "
                    "or start another with TOVECTOR_HOME=/another/folder"
                ) from None
            try:
                yield
            finally:
                (self.folder / "running.json").unlink(missing_ok=True)

    def running(self) -> Running | None:
        """The stack that holds this folder now, once it is ready."""
        with contextlib.suppress(FileNotFoundError), (self.folder / "lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return self._read_running()
        return None

    def write_running(self, running: Running) -> None:
        """Say that the stack is ready, for `dev token`, `dev settings` and `dev clock`."""
        _write_private(self.folder / "running.json", asdict(running))

    def secret(self, name: str) -> str:
        """A password made for this folder alone, the same at every start."""
        kept = self._read("secrets.json")
        if name not in kept:
            kept[name] = secrets.token_urlsafe(32)
            _write_private(self.folder / "secrets.json", kept)
        return str(kept[name])

    def ports(self, api_port: int | None) -> dict[str, int]:
        """Where each server listens: as last time where that is still free, otherwise anywhere free."""
        kept = self._read("ports.json")
        ports = {name: int(kept.get(name, 0)) for name in PORT_NAMES}
        taken = [name for name, port in ports.items() if not port or not is_free(port)]
        ports |= dict(zip(taken, free_ports(len(taken)), strict=True))
        if api_port is not None:
            if not is_free(api_port):
                raise StackRefused(f"port {api_port} is taken: set PORT= to another one, or leave it out")
            ports["api"] = api_port
        else:
            _write_private(self.folder / "ports.json", ports)
        return ports

    def _read_running(self) -> Running | None:
        kept = self._read("running.json")
        return Running(**kept) if kept else None

    def _read(self, name: str) -> dict[str, Any]:
        try:
            return json.loads((self.folder / name).read_text("utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}


def find_home() -> Home:
    """The state folder that this command is about."""
    given = os.environ.get("TOVECTOR_HOME")
    return Home(Path(given).expanduser().resolve() if given else CHECKOUT / ".local")


def _write_private(path: Path, content: object) -> None:
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    new.replace(path)
