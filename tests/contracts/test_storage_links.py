"""Signed links, ranges and what a downloader's browser is told."""

import time
from email.utils import parsedate_to_datetime

import httpx
import jwt
import pytest
from storage3 import SyncStorageClient
from storage3.types import CreateSignedUploadUrlOptions

from tests.contracts.servers import MakeBucket, StorageServer, refusal

DATA = bytes(range(256)) * 8


@pytest.fixture
def link(client: SyncStorageClient, bucket: str) -> str:
    """A link to an object of 2048 bytes, good for a minute."""
    client.from_(bucket).upload("a/b c.svg", DATA, {"content-type": "image/svg+xml"})
    address = client.from_(bucket).create_signed_url("a/b c.svg", 60)["signedURL"]
    assert address is not None
    return address


def token_of(link: str) -> str:
    return httpx.URL(link).params["token"]


def test_a_link_needs_no_key_and_says_when_it_ends(link: str, http: httpx.Client):
    answer = http.get(link)
    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-robots-tag"] == "none"
    assert "cache-control" not in answer.headers
    assert abs(parsedate_to_datetime(answer.headers["expires"]).timestamp() - time.time() - 60) < 5


def test_a_links_token_names_object_scope_and_times(link: str, bucket: str):
    claims = jwt.decode(token_of(link), options={"verify_signature": False})
    assert (claims["url"], claims["scope"], claims["exp"] - claims["iat"]) == (f"{bucket}/a/b c.svg", "download", 60)


def test_a_missing_object_cannot_be_signed(client: SyncStorageClient, bucket: str):
    assert refusal(lambda: client.from_(bucket).create_signed_url("none", 60)) == ("404", "not_found")


def test_a_link_must_last_at_least_a_second(client: SyncStorageClient, bucket: str, link: str):
    assert refusal(lambda: client.from_(bucket).create_signed_url("a/b c.svg", 0))[0] == "400"


def test_of_many_links_only_the_missing_one_has_an_error(
    client: SyncStorageClient, http: httpx.Client, bucket: str, link: str
):
    there, missing = client.from_(bucket).create_signed_urls(["a/b c.svg", "none"], 60)
    assert there["error"] is None
    assert there["signedURL"] is not None
    assert http.get(there["signedURL"]).content == DATA
    assert missing["error"]
    assert (missing["path"], missing["signedURL"]) == ("none", None)


def test_an_expired_link_is_refused(client: SyncStorageClient, http: httpx.Client, bucket: str, link: str):
    short = client.from_(bucket).create_signed_url("a/b c.svg", 1)["signedURL"]
    assert short is not None
    time.sleep(1.1)
    answer = http.get(short)
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidJWT")
    assert answer.json()["message"] == '"exp" claim timestamp check failed'


def test_a_link_opens_its_own_object_only(client: SyncStorageClient, http: httpx.Client, bucket: str, link: str):
    client.from_(bucket).upload("other", b"secret")
    answer = http.get(f"{link.partition('/a/b')[0]}/other", params={"token": token_of(link)})
    assert answer.json()["error"] == "InvalidSignature"


def test_an_upload_token_opens_no_download(client: SyncStorageClient, http: httpx.Client, bucket: str, link: str):
    token = client.from_(bucket).create_signed_upload_url("new")["token"]
    answer = http.get(f"{link.partition('/a/b')[0]}/new", params={"token": token})
    assert answer.json()["error"] == "InvalidSignature"


@pytest.mark.parametrize("broken", ["", "nonsense", "a.b.c"])
def test_a_broken_token_is_refused(http: httpx.Client, link: str, broken: str):
    answer = http.get(link.partition("?")[0], params={"token": broken})
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidJWT")


def test_a_link_to_a_removed_object_finds_nothing(
    client: SyncStorageClient, http: httpx.Client, bucket: str, link: str
):
    client.from_(bucket).remove(["a/b c.svg"])
    assert http.get(link).json()["error"] == "not_found"


def test_download_names_the_file(client: SyncStorageClient, http: httpx.Client, bucket: str, link: str):
    named = client.from_(bucket).create_signed_url("a/b c.svg", 60, {"download": "mein Löwe.svg"})["signedURL"]
    unnamed = client.from_(bucket).create_signed_url("a/b c.svg", 60, {"download": True})["signedURL"]
    assert named is not None
    assert unnamed is not None
    name = "mein%20L%C3%B6we.svg"
    assert http.get(named).headers["content-disposition"] == f"attachment; filename={name}; filename*=UTF-8''{name};"
    assert http.get(unnamed).headers["content-disposition"] == "attachment;"
    assert "content-disposition" not in http.get(link).headers


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=2000-", 2000, 2047), ("bytes=-48", 2000, 2047), ("bytes=5-99999", 5, 2047)],
)
def test_a_range_is_a_206(http: httpx.Client, link: str, wanted: str, first: int, last: int):
    answer = http.get(link, headers={"range": wanted})
    assert (answer.status_code, answer.content) == (206, DATA[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/2048"


def test_a_range_beyond_the_end_is_a_416(http: httpx.Client, link: str):
    assert http.get(link, headers={"range": "bytes=2048-"}).status_code == 416


def test_what_the_caller_has_is_a_304(http: httpx.Client, link: str):
    etag = http.get(link).headers["etag"]
    assert http.get(link, headers={"if-none-match": etag}).status_code == 304
    assert http.get(link, headers={"if-none-match": '"other"'}).status_code == 200


def test_head_tells_the_size_without_the_bytes(server: StorageServer, http: httpx.Client, bucket: str, link: str):
    headers = {"Authorization": f"Bearer {server.service_key}"}
    answer = http.head(f"{server.api_url}/object/{bucket}/a/b c.svg", headers=headers)
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "2048", b"")


def test_a_signed_upload_works_once(client: SyncStorageClient, bucket: str):
    token = client.from_(bucket).create_signed_upload_url("new")["token"]
    client.from_(bucket).upload_to_signed_url("new", token, b"first")
    again = refusal(lambda: client.from_(bucket).upload_to_signed_url("new", token, b"second"))
    assert (again, client.from_(bucket).download("new")) == (("409", "Duplicate"), b"first")


def test_a_signed_upload_with_upsert_works_again(client: SyncStorageClient, bucket: str):
    token = client.from_(bucket).create_signed_upload_url("new", CreateSignedUploadUrlOptions(upsert="true"))["token"]
    for data in (b"first", b"second"):
        client.from_(bucket).upload_to_signed_url("new", token, data)
    assert client.from_(bucket).download("new") == b"second"


def test_a_signed_upload_may_be_a_plain_put(client: SyncStorageClient, http: httpx.Client, bucket: str):
    link = client.from_(bucket).create_signed_upload_url("new.png")["signed_url"]
    assert http.put(link, content=b"plain", headers={"content-type": "image/png"}).status_code == 200
    assert client.from_(bucket).info("new.png")["content_type"] == "image/png"


def test_a_signed_upload_keeps_the_buckets_rules(client: SyncStorageClient, make_bucket: MakeBucket):
    bucket = make_bucket({"file_size_limit": 10, "allowed_mime_types": ["image/png"]})
    put = client.from_(bucket).upload_to_signed_url
    token = client.from_(bucket).create_signed_upload_url("new")["token"]
    assert refusal(lambda: put("new", token, b"x", {"content-type": "image/gif"}))[0] == "415"
    assert refusal(lambda: put("new", token, b"x" * 11, {"content-type": "image/png"}))[0] == "413"
    assert refusal(lambda: put("elsewhere", token, b"x", {"content-type": "image/png"}))[1] == "InvalidSignature"


def test_storage_itself_knows_no_cors(http: httpx.Client, link: str):
    answer = http.get(link, headers={"origin": "http://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers
