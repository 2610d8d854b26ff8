"""The storage server whose contract is held: our stand-in, or a real one.

STORAGE_CONTRACT_URL (the storage API's root, such as http://127.0.0.1:5000) and STORAGE_CONTRACT_KEY (its service_role
key) run the same tests against a real server; STORAGE_CONTRACT_JWT_SECRET adds those that need other keys.
"""

import os
import uuid
from collections.abc import Iterator

import httpx
import pytest
from storage3 import SyncStorageClient
from storage3.types import CreateOrUpdateBucketOptions

from dev.standins.storage.keys import make_key
from tests.contracts.servers import (
    JWT_SECRET,
    TIMEOUT_SECONDS,
    MakeBucket,
    StorageServer,
    start_storage,
    storage_client,
)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageServer]:
    if url := os.environ.get("STORAGE_CONTRACT_URL"):
        secret = os.environ.get("STORAGE_CONTRACT_JWT_SECRET")
        yield StorageServer(url.rstrip("/"), os.environ["STORAGE_CONTRACT_KEY"], secret, ours=False)
        return
    stand_in = start_storage(tmp_path_factory.mktemp("contract-storage"))
    yield StorageServer(stand_in.address, make_key(JWT_SECRET, "service_role"), JWT_SECRET, ours=True)
    stand_in.stop()


@pytest.fixture(scope="session")
def stand_in(server: StorageServer) -> StorageServer:
    """The server, where the test needs what only ours can do."""
    if not server.ours:
        pytest.skip("only the stand-in can do this")
    return server


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
        yield client


@pytest.fixture(scope="session")
def client(server: StorageServer, http: httpx.Client) -> SyncStorageClient:
    return storage_client(server, http, server.service_key)


@pytest.fixture
def nobody(server: StorageServer, http: httpx.Client) -> SyncStorageClient:
    return storage_client(server, http, None)


@pytest.fixture
def anon(server: StorageServer, http: httpx.Client) -> SyncStorageClient:
    return storage_client(server, http, server.key("anon"))


@pytest.fixture
def make_bucket(client: SyncStorageClient) -> Iterator[MakeBucket]:
    """Makes buckets that are gone after the test."""
    made: list[str] = []

    def make(options: CreateOrUpdateBucketOptions) -> str:
        name = f"contract-{uuid.uuid4().hex}"
        client.create_bucket(name, options=options)
        made.append(name)
        return name

    yield make
    for name in made:
        client.empty_bucket(name)
        client.delete_bucket(name)


@pytest.fixture
def bucket(make_bucket: MakeBucket) -> str:
    """A private bucket without rules."""
    return make_bucket({"public": False})
