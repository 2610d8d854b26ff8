"""shared/storage.py against the running stand-in: what the house may rely on."""

import os
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from storage3 import SyncStorageClient

from dev.ports import free_ports
from shared.errors import StorageObjectMissing, StorageRefused, StorageUnavailable
from shared.storage import Storage
from tests.contracts.servers import StorageServer

PATIENT_SECONDS = 20.0  # the tests' machine may be busy
TYPES = ("image/png", "image/svg+xml")


def storage_at(url: str, key: str, bucket: str, timeout_seconds: float = PATIENT_SECONDS) -> Storage:
    return Storage(url, SecretStr(key), bucket, timeout_seconds)


@pytest.fixture
def storage(stand_in: StorageServer, client: SyncStorageClient) -> Iterator[Storage]:
    """The adapter over a bucket of its own, as ensure_bucket makes it."""
    bucket = f"adapter-{uuid.uuid4().hex}"
    storage = storage_at(stand_in.supabase_url + "/", stand_in.service_key, bucket)
    storage.ensure_bucket(TYPES, size_limit_bytes=1_000_000)
    yield storage
    stand_in.forget_faults()
    storage.close()
    client.empty_bucket(bucket)
    client.delete_bucket(bucket)


@pytest.fixture
def nowhere() -> Iterator[Storage]:
    """The adapter with nobody on the other side."""
    (port,) = free_ports(1)
    storage = storage_at(f"http://127.0.0.1:{port}", "key", "images")
    yield storage
    storage.close()


def test_what_is_put_can_be_got_listed_linked_and_removed(storage: Storage):
    storage.put("user/image/source.png", b"bytes", "image/png")
    assert storage.get("user/image/source.png") == b"bytes"
    assert storage.exists("user/image/source.png")
    assert storage.list_keys("user/") == ["user/image/source.png"]
    assert httpx.get(storage.signed_link("user/image/source.png", seconds=60)).content == b"bytes"
    storage.remove(["user/image/source.png", "user/image/never-was.png"])
    assert not storage.exists("user/image/source.png")
    with pytest.raises(StorageObjectMissing):
        storage.get("user/image/source.png")


def test_a_file_can_be_put_from_disk(storage: Storage, tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"from disk")
    for _ in range(2):
        storage.put("a.png", tmp_path / "a.png", "image/png")
    assert storage.get("a.png") == b"from disk"


def test_the_same_put_again_is_fine_and_another_is_refused(storage: Storage):
    for _ in range(2):
        storage.put("a.png", b"same", "image/png")
    with pytest.raises(StorageRefused, match="Another file"):
        storage.put("a.png", b"else", "image/png")
    assert storage.get("a.png") == b"same"


def test_a_copy_may_be_made_twice_and_keeps_the_first(storage: Storage):
    storage.put("a.png", b"bytes", "image/png")
    for _ in range(2):
        storage.copy("a.png", "b/a.png")
    assert (b"bytes", ["a.png", "b/a.png"]) == (storage.get("b/a.png"), storage.list_keys())
    with pytest.raises(StorageObjectMissing):
        storage.copy("c.png", "d.png")


def test_a_put_whose_answer_is_lost_succeeds(stand_in: StorageServer, storage: Storage):
    stand_in.order_fault("lost", method="POST", count=1)
    storage.put("a.svg", b"<svg/>", "image/svg+xml")
    assert storage.get("a.svg") == b"<svg/>"


def test_a_put_whose_answers_are_all_lost_can_be_repeated(stand_in: StorageServer, storage: Storage):
    stand_in.order_fault("lost", method="POST", count=2)
    with pytest.raises(StorageUnavailable):
        storage.put("a.svg", b"<svg/>", "image/svg+xml")
    storage.put("a.svg", b"<svg/>", "image/svg+xml")
    assert storage.list_keys() == ["a.svg"]


def test_a_connection_that_breaks_once_is_not_noticed(stand_in: StorageServer, storage: Storage):
    storage.put("a.png", b"bytes", "image/png")
    stand_in.order_fault("cut", count=1)
    assert storage.get("a.png") == b"bytes"


def test_a_500_is_unavailable(stand_in: StorageServer, storage: Storage):
    storage.put("a.png", b"bytes", "image/png")
    stand_in.order_fault("error", count=6)
    for call in (
        lambda: storage.put("b.png", b"", "image/png"),
        lambda: storage.get("a.png"),
        lambda: storage.exists("a.png"),
        lambda: storage.signed_link("a.png", seconds=60),
        lambda: storage.list_keys(),
        lambda: storage.remove(["a.png"]),
    ):
        with pytest.raises(StorageUnavailable):
            call()
    assert storage.list_keys() == ["a.png"]


def test_a_server_that_is_silent_is_unavailable_after_the_timeout(stand_in: StorageServer):
    hasty = storage_at(stand_in.supabase_url, stand_in.service_key, "images", timeout_seconds=0.5)
    stand_in.order_fault("timeout", seconds=8)
    started_at = time.monotonic()
    with pytest.raises(StorageUnavailable):
        hasty.get("a.png")
    assert 0.5 <= time.monotonic() - started_at < 4
    hasty.close()


def test_nobody_there_is_unavailable(nowhere: Storage):
    for call in (lambda: nowhere.get("a.png"), lambda: nowhere.put("a.png", b"", "image/png"), nowhere.check):
        with pytest.raises(StorageUnavailable):
            call()


@pytest.mark.parametrize("key", ["löwe.png", "a~b", "", "/a", "a/", "a//b", "a/../b", "./a", "a%2Fb", "a\n"])
def test_a_key_the_provider_would_trip_over_is_refused_here(storage: Storage, key: str):
    for call in (lambda: storage.put(key, b"", "image/png"), lambda: storage.get(key)):
        with pytest.raises(StorageRefused, match="storage key"):
            call()


def test_the_bucket_takes_only_its_types_and_sizes(storage: Storage):
    with pytest.raises(StorageRefused, match="mime type text/html is not supported"):
        storage.put("a.html", b"", "text/html")
    with pytest.raises(StorageRefused, match="exceeded the maximum"):
        storage.put("a.png", b"x" * 1_000_001, "image/png")
    storage.ensure_bucket([*TYPES, "text/html"], size_limit_bytes=1_000_001)
    storage.put("a.html", b"x" * 1_000_001, "text/html")


def test_thousands_of_keys_are_listed_and_removed(storage: Storage):
    def put(key: str) -> None:
        storage.put(key, b"", "image/png")

    keys = [f"user_1/{number:05}.png" for number in range(2100)]
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(put, [*keys, "userX1/other.png"]))
    assert storage.list_keys("user_1/") == keys
    storage.remove(keys)
    assert storage.list_keys() == ["userX1/other.png"]


def test_a_link_says_the_name_to_save_under_and_ends(storage: Storage):
    storage.put("a.svg", b"<svg/>", "image/svg+xml")
    named = httpx.get(storage.signed_link("a.svg", seconds=60, download_name="Löwe & Co.svg"))
    assert named.headers["content-disposition"].endswith("filename*=UTF-8''L%C3%B6we%20%26%20Co.svg;")
    short = storage.signed_link("a.svg", seconds=1)
    time.sleep(1.1)
    assert httpx.get(short).status_code == 400
    with pytest.raises(StorageObjectMissing):
        storage.signed_link("none.svg", seconds=60)


def test_check_tells_a_good_bucket_from_a_wrong_key(stand_in: StorageServer, storage: Storage):
    storage.check()
    for key, bucket in ((stand_in.service_key, "no-such-bucket"), (stand_in.key("anon"), "images")):
        stranger = storage_at(stand_in.supabase_url, key, bucket)
        with pytest.raises(StorageRefused, match="refused the bucket"):
            stranger.check()
        stranger.close()


def test_check_gives_up_sooner_than_other_requests(stand_in: StorageServer, storage: Storage):
    stand_in.order_fault("timeout", seconds=8, path_contains="/bucket/")
    started_at = time.monotonic()
    with pytest.raises(StorageUnavailable):
        storage.check(timeout_seconds=0.3)
    assert 0.3 <= time.monotonic() - started_at < 4


def test_one_adapter_serves_many_threads(storage: Storage):
    def put_and_get(number: int) -> bytes:
        storage.put(f"{number}.png", b"%d" % number * 10_000, "image/png")
        return storage.get(f"{number}.png")

    with ThreadPoolExecutor(64) as threads:
        assert list(threads.map(put_and_get, range(256))) == [b"%d" % number * 10_000 for number in range(256)]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # Python 3.12 on fork beside threads
def test_a_forked_child_does_not_speak_on_its_parents_connection(storage: Storage):
    storage.put("parent.png", b"parent", "image/png")
    storage.put("child.png", b"child", "image/png")
    child = os.fork()
    if child == 0:
        os._exit(0 if {storage.get("child.png") for _ in range(200)} == {b"child"} else 1)
    assert {storage.get("parent.png") for _ in range(200)} == {b"parent"}
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
