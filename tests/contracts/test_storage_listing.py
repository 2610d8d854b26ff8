"""Listings and buckets."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from storage3 import SyncStorageClient
from storage3.types import ListBucketFilesOptions

from tests.contracts.servers import MakeBucket, refusal


def fill(client: SyncStorageClient, bucket: str, keys: list[str]) -> None:
    def upload(key: str) -> None:
        client.from_(bucket).upload(key, b"")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(upload, keys))


def names(items: list[dict[str, object]]) -> list[object]:
    return [item["name"] for item in items]


def test_a_listing_shows_one_level_and_folders_without_id(client: SyncStorageClient, bucket: str):
    fill(client, bucket, ["a/1", "a/2", "a/deep/3", "top"])
    top = client.from_(bucket).list()
    assert sorted((item["name"], item["id"] is None) for item in top) == [("a", True), ("top", False)]
    assert sorted(item["name"] for item in client.from_(bucket).list("a")) == ["1", "2", "deep"]
    assert client.from_(bucket).list("missing") == []


def test_a_listing_pages_sorts_and_searches(client: SyncStorageClient, bucket: str):
    fill(client, bucket, ["b1", "b2", "c1"])
    objects = client.from_(bucket)
    assert names(objects.list("", {"sortBy": {"column": "name", "order": "desc"}})) == ["c1", "b2", "b1"]
    assert names(objects.list("", {"limit": 1, "offset": 1})) == ["b2"]
    assert names(objects.list("", {"search": "B"})) == ["b1", "b2"]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(client: SyncStorageClient, bucket: str, limit: int):
    options: ListBucketFilesOptions = {"limit": limit}
    assert refusal(lambda: client.from_(bucket).list("", options))[0] == "400"


def test_listings_stop_at_their_caps_without_a_word(client: SyncStorageClient, bucket: str):
    keys = [f"many/{number:05}" for number in range(1600)]
    fill(client, bucket, keys)
    objects = client.from_(bucket)
    assert [len(objects.list("many")), len(objects.list("many", {"limit": 5000}))] == [100, 1500]
    first = objects.list_v2({"prefix": "many/", "limit": 5000})
    assert (len(first.objects), first.hasNext) == (1000, True)
    assert first.nextCursor is not None
    second = objects.list_v2({"prefix": "many/", "cursor": first.nextCursor})
    assert [found.name for found in first.objects + second.objects] == keys
    assert (second.hasNext, second.nextCursor) == (False, None)


def test_the_flat_listing_shows_folders_when_asked(client: SyncStorageClient, bucket: str):
    fill(client, bucket, ["a/1", "a/2", "b/1", "c"])
    objects = client.from_(bucket)
    page = objects.list_v2({"with_delimiter": True, "limit": 2})
    assert ([folder.name for folder in page.folders], page.objects, page.hasNext) == (["a/", "b/"], [], True)
    rest = objects.list_v2({"with_delimiter": True, "cursor": page.nextCursor or ""})
    assert ([folder.name for folder in rest.folders], [found.name for found in rest.objects]) == ([], ["c"])
    assert [found.name for found in objects.list_v2({"prefix": "a/"}).objects] == ["a/1", "a/2"]


def test_a_bucket_tells_its_rules(client: SyncStorageClient, make_bucket: MakeBucket):
    name = make_bucket({"public": False, "file_size_limit": 1000, "allowed_mime_types": ["image/png"]})
    bucket = client.get_bucket(name)
    assert (bucket.public, bucket.file_size_limit, bucket.allowed_mime_types) == (False, 1000, ["image/png"])
    assert name in [one.name for one in client.list_buckets()]


def test_an_update_changes_the_rules(client: SyncStorageClient, make_bucket: MakeBucket):
    name = make_bucket({"public": False, "file_size_limit": 1000})
    client.update_bucket(name, {"public": False, "file_size_limit": 2000, "allowed_mime_types": ["image/*"]})
    bucket = client.get_bucket(name)
    assert (bucket.file_size_limit, bucket.allowed_mime_types) == (2000, ["image/*"])


def test_a_second_bucket_of_the_name_is_a_duplicate(client: SyncStorageClient, bucket: str):
    assert refusal(lambda: client.create_bucket(bucket)) == ("409", "Duplicate")


def test_a_bucket_limit_above_the_servers_own_is_too_large(client: SyncStorageClient):
    assert refusal(lambda: client.create_bucket("too-generous", options={"file_size_limit": 10**13}))[0] == "413"
    assert refusal(lambda: client.get_bucket("too-generous")) == ("404", "Bucket not found")


def test_a_full_bucket_is_not_deleted(client: SyncStorageClient, bucket: str):
    client.from_(bucket).upload("a", b"")
    assert refusal(lambda: client.delete_bucket(bucket))[0] == "409"
    client.empty_bucket(bucket)
    assert client.from_(bucket).list() == []


def test_the_public_role_sees_no_bucket(anon: SyncStorageClient, bucket: str):
    assert anon.list_buckets() == []
    assert refusal(lambda: anon.get_bucket(bucket)) == ("404", "Bucket not found")
    assert refusal(lambda: anon.create_bucket("mine")) == ("403", "Unauthorized")
