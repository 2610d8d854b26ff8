"""Servers for the contract tests, each in a process that dies with the tests, and words to talk about them."""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from storage3 import SyncStorageClient
from storage3.exceptions import StorageApiError
from storage3.types import CreateOrUpdateBucketOptions

from dev.standins.storage.keys import Role, make_key

ROOT = Path(__file__).parent.parent.parent
JWT_SECRET = "a-secret-of-the-contract-tests-with-32-bytes-or-more"
TIMEOUT_SECONDS = 20
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class StorageServer:
    """Where the server is; `api_url` is the storage API's root, `jwt_secret` is None where nobody told us."""

    api_url: str
    service_key: str
    jwt_secret: str | None
    ours: bool

    @property
    def supabase_url(self) -> str:
        """The address a Supabase project would have, which `supabase.create_client` takes."""
        return self.api_url.removesuffix("/storage/v1")

    def key(self, role: Role | str) -> str:
        """Return an API key of a role."""
        if self.jwt_secret is None:
            pytest.skip("needs STORAGE_CONTRACT_JWT_SECRET")
        return make_key(self.jwt_secret, role)

    def order_fault(self, kind: str, **fields: object) -> None:
        """Let the next requests go wrong (dev/standins/storage/faults.py)."""
        httpx.post(self.supabase_url + "/_faults", json={"kind": kind, **fields}).raise_for_status()

    def forget_faults(self) -> None:
        """Take back what was ordered and did not happen."""
        httpx.delete(self.supabase_url + "/_faults").raise_for_status()


def _die_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class RunningStandIn:
    """A stand-in in a process of its own and the address of its ready line."""

    process: subprocess.Popen[str]
    address: str

    def stop(self) -> int:
        """Ask it to end, if it still runs, and return its exit code."""
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process.terminate()
        return self.process.wait(TIMEOUT_SECONDS)


def start_stand_in(module: str, *arguments: str) -> RunningStandIn:
    """Start a stand-in on a free port and wait for its ready line."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--port", "0", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )
    assert process.stdout is not None
    return RunningStandIn(process, process.stdout.readline().rpartition("ready: ")[2].strip())


def start_storage(data: Path, jwt_secret: str = JWT_SECRET) -> RunningStandIn:
    """Start the storage stand-in over a folder."""
    return start_stand_in("dev.standins.storage", "--data", str(data), "--jwt-secret", jwt_secret)


MakeBucket = Callable[[CreateOrUpdateBucketOptions], str]


def storage_client(server: StorageServer, http: httpx.Client, key: str | None) -> SyncStorageClient:
    """Return the real client, with a key or as nobody."""
    headers = {"apikey": key, "Authorization": f"Bearer {key}"} if key else {}
    return SyncStorageClient(server.api_url + "/", headers, http_client=http)


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    """Return the status and the error that the client raises."""
    with pytest.raises(StorageApiError) as caught:
        call()
    return str(caught.value.status), caught.value.code
