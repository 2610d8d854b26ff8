"""What the storage stand-in promises beyond the provider's contract: durability, faults, the edge, clean ends."""

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from storage3 import SyncStorageClient
from storage3.exceptions import StorageApiError

from dev.standins.storage.keys import service_key
from tests.contracts.servers import JWT_SECRET, RunningStandIn, start_stand_in, start_storage

BUCKET = "images"


@dataclass
class StandIn:
    """A storage stand-in that a test may stop, kill and start again over the same folder."""

    data: Path
    running: list[RunningStandIn] = field(default_factory=list[RunningStandIn])

    def start(self, jwt_secret: str = JWT_SECRET) -> SyncStorageClient:
        self.running.append(start_storage(self.data, jwt_secret))
        http = httpx.Client(timeout=5)
        headers = {"Authorization": f"Bearer {service_key(jwt_secret)}"}
        return SyncStorageClient(self.address + "/", headers, http_client=http)

    @property
    def address(self) -> str:
        return self.running[-1].address

    def fault(self, **fields: object) -> httpx.Response:
        return httpx.post(self.address.removesuffix("/storage/v1") + "/_faults", json=fields)


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    made = StandIn(tmp_path / "data")
    yield made
    for running in made.running:
        running.stop()


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[SyncStorageClient]:
    client = stand_in.start()
    client.create_bucket(BUCKET)
    yield client
    client.session.close()


def test_it_says_one_line_and_ends_cleanly_on_sigterm(tmp_path: Path):
    running = start_storage(tmp_path)
    assert running.address.startswith("http://127.0.0.1:")
    assert running.process.stdout is not None
    running.process.terminate()
    assert (running.process.stdout.read(), running.stop()) == ("", 0)


def test_it_makes_the_bucket_it_is_told_to_once(tmp_path: Path):
    for _ in range(2):
        arguments = ("--data", str(tmp_path), "--jwt-secret", JWT_SECRET, "--bucket", BUCKET)
        running = start_stand_in("dev.standins.storage", *arguments)
        headers = {"Authorization": f"Bearer {service_key(JWT_SECRET)}"}
        answer = httpx.get(f"{running.address}/bucket", headers=headers).json()
        assert [(bucket["name"], bucket["public"]) for bucket in answer] == [(BUCKET, False)]
        running.stop()


def test_objects_survive_a_kill_and_half_made_ones_are_swept(stand_in: StandIn, client: SyncStorageClient):
    client.from_(BUCKET).upload("kept", b"kept", {"content-type": "image/png"})
    stand_in.running[-1].process.send_signal(signal.SIGKILL)
    objects = stand_in.data / "buckets" / f"bucket-{BUCKET}" / "objects"
    orphan = objects / "aa" / "bytes-without-a-description.v1"
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"half")
    (stand_in.data / "incoming" / "half-an-upload").write_bytes(b"half")
    again = stand_in.start()
    assert [item["name"] for item in again.from_(BUCKET).list()] == ["kept"]
    assert again.from_(BUCKET).download("kept") == b"kept"
    assert (orphan.exists(), list((stand_in.data / "incoming").iterdir())) == (False, [])
    again.session.close()


def test_a_removed_or_replaced_object_leaves_no_file(stand_in: StandIn, client: SyncStorageClient):
    client.from_(BUCKET).upload("a", b"first")
    client.from_(BUCKET).upload("a", b"second", {"upsert": "true"})
    objects = stand_in.data / "buckets" / f"bucket-{BUCKET}" / "objects"
    assert [path.read_bytes() for path in objects.glob("*/*") if path.suffix != ".json"] == [b"second"]
    client.from_(BUCKET).remove(["a"])
    assert list(objects.glob("*/*")) == []


def test_a_refused_upload_leaves_no_file(stand_in: StandIn, client: SyncStorageClient):
    client.update_bucket(BUCKET, {"file_size_limit": 10})
    with pytest.raises(StorageApiError):
        client.from_(BUCKET).upload("a", b"x" * 1_000_000)
    assert list((stand_in.data / "incoming").iterdir()) == []


def test_links_outlive_a_rotation_of_the_keys(stand_in: StandIn, client: SyncStorageClient):
    client.from_(BUCKET).upload("a", b"bytes")
    link = client.from_(BUCKET).create_signed_url("a", 60)["signedURL"]
    stand_in.running[-1].stop()
    again = stand_in.start("another-secret-that-replaced-the-first-one")
    moved = httpx.URL(link or "").copy_with(port=httpx.URL(stand_in.address).port)
    assert httpx.get(moved).content == b"bytes"
    old_key = {"Authorization": f"Bearer {service_key(JWT_SECRET)}"}
    assert httpx.get(f"{stand_in.address}/bucket", headers=old_key).json()["error"] == "Unauthorized"
    again.session.close()


def test_the_edge_makes_signed_svgs_inert(client: SyncStorageClient):
    client.from_(BUCKET).upload("a.svg", b"<svg/>", {"content-type": "image/svg+xml"})
    link = client.from_(BUCKET).create_signed_url("a.svg", 60, {"download": "logo.svg"})["signedURL"]
    headers = httpx.get(link or "").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(("kind", "stored"), [("error", False), ("cut", False), ("timeout", False), ("lost", True)])
def test_a_fault_hits_as_often_as_ordered(stand_in: StandIn, client: SyncStorageClient, kind: str, stored: bool):
    client.from_(BUCKET).upload("before", b"")
    stand_in.fault(kind=kind, count=1, method="POST", path_contains="hit", seconds=0.1)
    client.from_(BUCKET).upload("spared", b"")
    with pytest.raises((StorageApiError, httpx.HTTPError)):
        client.from_(BUCKET).upload("hit", b"")
    assert client.from_(BUCKET).exists("hit") == stored
    client.from_(BUCKET).upload("hit", b"", {"upsert": "true"})


def test_slow_is_slow_and_faults_can_be_taken_back(stand_in: StandIn, client: SyncStorageClient):
    stand_in.fault(kind="slow", seconds=0.3)
    started_at = time.monotonic()
    assert client.from_(BUCKET).list() == []
    assert time.monotonic() - started_at >= 0.3
    assert stand_in.fault(kind="error", count=5).json()[0]["count"] == 5
    assert httpx.delete(stand_in.address.removesuffix("/storage/v1") + "/_faults").json() == []
    assert client.from_(BUCKET).list() == []
    assert stand_in.fault(kind="surprise").status_code == 400


def test_sixty_four_clients_at_once_are_served(stand_in: StandIn, client: SyncStorageClient):
    headers = {"Authorization": f"Bearer {service_key(JWT_SECRET)}", "content-type": "image/png"}

    def round_trip(number: int) -> bool:
        address = f"{stand_in.address}/object/{BUCKET}/{number}"
        with httpx.Client(headers=headers, timeout=20) as http:
            http.post(address, content=b"%d" % number * 9000).raise_for_status()
            return http.get(address).content == b"%d" % number * 9000

    with ThreadPoolExecutor(64) as threads:
        assert all(threads.map(round_trip, range(64)))
    assert len(client.from_(BUCKET).list("", {"limit": 200})) == 64


def test_a_chunked_upload_arrives_whole(stand_in: StandIn, client: SyncStorageClient):
    headers = {"Authorization": f"Bearer {service_key(JWT_SECRET)}", "content-type": "image/png"}
    pieces = (b"piece %d;" % number for number in range(1000))
    httpx.post(f"{stand_in.address}/object/{BUCKET}/chunked", content=pieces, headers=headers).raise_for_status()
    assert client.from_(BUCKET).download("chunked") == b"".join(b"piece %d;" % number for number in range(1000))


def test_the_description_on_disk_is_plain_json(stand_in: StandIn, client: SyncStorageClient):
    client.from_(BUCKET).upload("a/b.png", b"12345", {"content-type": "image/png"})
    (path,) = (stand_in.data / "buckets").glob("*/objects/*/*.json")
    row = json.loads(path.read_text())
    assert (row["name"], row["size_bytes"], row["mime_type"]) == ("a/b.png", 5, "image/png")
