"""Objects: what the real `storage3` client sees when it uploads, reads, moves and removes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from storage3 import SyncStorageClient
from storage3.exceptions import StorageApiError

from tests.contracts.servers import MakeBucket, StorageServer, refusal, storage_client


def test_an_uploaded_object_comes_back_byte_for_byte(client: SyncStorageClient, bucket: str):
    answer = client.from_(bucket).upload("a/b/c.png", b"\x00\r\n--\xff", {"content-type": "image/png"})
    assert answer.full_path == f"{bucket}/a/b/c.png"
    assert client.from_(bucket).download("a/b/c.png") == b"\x00\r\n--\xff"


@pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, 262_145, 3_000_000])
def test_every_size_survives_the_way(client: SyncStorageClient, bucket: str, size: int):
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    client.from_(bucket).upload("sized", data)
    assert client.from_(bucket).download("sized") == data


def test_a_file_is_streamed_from_disk(client: SyncStorageClient, bucket: str, tmp_path: Path):
    path = tmp_path / "big.png"
    path.write_bytes(b"\r\n--" * 500_000)
    client.from_(bucket).upload("big.png", path, {"content-type": "image/png"})
    assert client.from_(bucket).download("big.png") == path.read_bytes()


def test_a_raw_body_is_an_upload_too(client: SyncStorageClient, server: StorageServer, http: httpx.Client, bucket: str):
    headers = {"Authorization": f"Bearer {server.service_key}", "content-type": "image/png"}
    answer = http.post(f"{server.api_url}/object/{bucket}/raw.png", content=b"raw", headers=headers)
    assert answer.status_code == 200
    assert client.from_(bucket).info("raw.png")["content_type"] == "image/png"


def test_info_tells_size_type_and_metadata(client: SyncStorageClient, bucket: str):
    client.from_(bucket).upload("a.png", b"12345", {"content-type": "image/png", "metadata": {"job": "7"}})
    info = client.from_(bucket).info("a.png")
    assert (info["name"], info["size"], info["content_type"]) == ("a.png", 5, "image/png")
    assert info["metadata"] == {"job": "7"}


def test_exists_tells_there_from_not_there(client: SyncStorageClient, bucket: str):
    client.from_(bucket).upload("there", b"")
    assert [client.from_(bucket).exists(key) for key in ("there", "not-there")] == [True, False]


def test_a_second_upload_is_a_duplicate(client: SyncStorageClient, bucket: str):
    client.from_(bucket).upload("a", b"first")
    assert refusal(lambda: client.from_(bucket).upload("a", b"second")) == ("409", "Duplicate")
    assert client.from_(bucket).download("a") == b"first"


def test_of_many_uploads_at_once_one_wins(client: SyncStorageClient, bucket: str):
    def upload(number: int) -> int | None:
        try:
            client.from_(bucket).upload("raced", b"%d" % number * 20_000)
        except StorageApiError:
            return None
        return number

    with ThreadPoolExecutor(16) as threads:
        winners = [number for number in threads.map(upload, range(16)) if number is not None]
    assert [client.from_(bucket).download("raced")] == [b"%d" % number * 20_000 for number in winners]


def test_upsert_replaces_when_it_is_the_word_true(client: SyncStorageClient, bucket: str):
    client.from_(bucket).upload("a", b"first")
    client.from_(bucket).upload("a", b"second", {"upsert": "true"})
    assert client.from_(bucket).download("a") == b"second"


def test_update_makes_what_is_not_there(client: SyncStorageClient, bucket: str):
    client.from_(bucket).update("new", b"made")
    assert client.from_(bucket).download("new") == b"made"


def test_a_missing_object_and_a_missing_bucket_are_told_apart(client: SyncStorageClient, bucket: str):
    assert refusal(lambda: client.from_(bucket).download("none")) == ("404", "not_found")
    assert refusal(lambda: client.from_("no-such-bucket").download("none")) == ("404", "Bucket not found")
    assert refusal(lambda: client.from_("no-such-bucket").upload("a", b"")) == ("404", "Bucket not found")


def test_refusals_are_400_on_the_wire_and_say_their_status_as_text(
    server: StorageServer, http: httpx.Client, bucket: str
):
    headers = {"Authorization": f"Bearer {server.service_key}"}
    answer = http.get(f"{server.api_url}/object/{bucket}/none", headers=headers)
    assert answer.status_code == 400
    body = answer.json()
    assert (body["statusCode"], body["error"], body["message"]) == ("404", "not_found", "Object not found")


def test_an_unknown_route_is_a_real_404(server: StorageServer, http: httpx.Client):
    assert http.get(f"{server.api_url}/nothing/here").status_code == 404


def test_a_size_limit_is_inclusive(client: SyncStorageClient, make_bucket: MakeBucket):
    bucket = make_bucket({"file_size_limit": 1000})
    client.from_(bucket).upload("fits", b"x" * 1000)
    assert refusal(lambda: client.from_(bucket).upload("over", b"x" * 1001)) == ("413", "Payload too large")
    assert not client.from_(bucket).exists("over")


@pytest.mark.parametrize("mime_type", ["image/png", "audio/ogg"])
def test_a_type_in_the_list_is_taken(client: SyncStorageClient, make_bucket: MakeBucket, mime_type: str):
    bucket = make_bucket({"allowed_mime_types": ["image/png", "audio/*"]})
    client.from_(bucket).upload("a", b"", {"content-type": mime_type})
    assert client.from_(bucket).info("a")["content_type"] == mime_type


@pytest.mark.parametrize(
    "mime_type", ["image/jpeg", "image/PNG", "image/png; charset=x", "image/png2", "audio/ogg; charset=x"]
)
def test_any_other_type_is_refused(client: SyncStorageClient, make_bucket: MakeBucket, mime_type: str):
    bucket = make_bucket({"allowed_mime_types": ["image/png", "audio/*"]})
    options = {"content-type": mime_type}
    assert refusal(lambda: client.from_(bucket).upload("a", b"", {"content-type": options["content-type"]})) == (
        "415",
        "invalid_mime_type",
    )


@pytest.mark.parametrize("key", ["é.png", "a~b", "a#b", "a[b", "a]b", "a\\b", "a%25b"])
def test_a_key_beyond_plain_ascii_is_invalid(client: SyncStorageClient, bucket: str, key: str):
    assert refusal(lambda: client.from_(bucket).upload(key, b"")) == ("400", "InvalidKey")


def test_every_allowed_sign_makes_a_key(client: SyncStorageClient, bucket: str):
    key = "Az09_/!.*'() &$@=;:+,?-"
    client.from_(bucket).upload(key, b"odd")
    assert client.from_(bucket).download(key) == b"odd"


def test_the_client_strips_a_leading_slash_and_refuses_dot_segments(client: SyncStorageClient, bucket: str):
    client.from_(bucket).upload("/a", b"")
    assert client.from_(bucket).exists("a")
    for key in ("a/./b", "../a"):
        with pytest.raises(ValueError, match="dot segments"):
            client.from_(bucket).upload(key, b"")


def test_a_key_may_be_an_object_and_a_folder(client: SyncStorageClient, bucket: str):
    client.from_(bucket).upload("a", b"object")
    client.from_(bucket).upload("a/b", b"inside")
    assert [client.from_(bucket).download(key) for key in ("a", "a/b")] == [b"object", b"inside"]


def test_remove_returns_only_what_was_there(client: SyncStorageClient, bucket: str):
    client.from_(bucket).upload("folder/a", b"")
    removed = client.from_(bucket).remove(["folder/a", "folder", "none"])
    assert [item["name"] for item in removed] == ["folder/a"]
    assert client.from_(bucket).remove(["folder/a"]) == []
    assert client.from_("no-such-bucket").remove(["a"]) == []


def test_removing_nothing_is_refused(client: SyncStorageClient, bucket: str):
    assert refusal(lambda: client.from_(bucket).remove([]))[0] == "400"


def test_copy_and_move_leave_what_they_should(client: SyncStorageClient, bucket: str):
    objects = client.from_(bucket)
    objects.upload("a", b"bytes", {"content-type": "image/png"})
    objects.copy("a", "copied")
    objects.move("a", "moved")
    assert [objects.exists(key) for key in ("a", "copied", "moved")] == [False, True, True]
    assert [objects.download(key) for key in ("copied", "moved")] == [b"bytes", b"bytes"]
    assert objects.info("moved")["content_type"] == "image/png"


def test_copy_and_move_never_overwrite(client: SyncStorageClient, bucket: str):
    objects = client.from_(bucket)
    objects.upload("a", b"a")
    objects.upload("b", b"b")
    assert refusal(lambda: objects.copy("a", "b")) == ("409", "Duplicate")
    assert refusal(lambda: objects.move("a", "b")) == ("409", "Duplicate")
    assert [objects.download(key) for key in ("a", "b")] == [b"a", b"b"]
    assert refusal(lambda: objects.move("none", "c")) == ("404", "not_found")


def test_nobody_may_read_upload_or_list_a_private_bucket(
    client: SyncStorageClient, nobody: SyncStorageClient, bucket: str
):
    client.from_(bucket).upload("a", b"")
    assert refusal(lambda: nobody.from_(bucket).download("a")) == ("404", "Bucket not found")
    assert refusal(lambda: nobody.from_(bucket).upload("b", b""))[0] == "403"
    assert refusal(lambda: nobody.from_(bucket).list())[0] == "403"


def test_a_forged_key_is_nobody(server: StorageServer, http: httpx.Client, bucket: str):
    forger = storage_client(server, http, server.service_key[:-4] + "AAAA")
    assert refusal(lambda: forger.from_(bucket).download("a")) == ("404", "Bucket not found")
    assert refusal(lambda: forger.from_(bucket).upload("a", b""))[0] == "403"


def test_row_level_security_denies_the_public_role(client: SyncStorageClient, anon: SyncStorageClient, bucket: str):
    client.from_(bucket).upload("a", b"")
    assert refusal(lambda: anon.from_(bucket).upload("b", b"")) == ("403", "Unauthorized")
    assert refusal(lambda: anon.from_(bucket).download("a")) == ("404", "not_found")
    assert (anon.from_(bucket).list(), anon.from_(bucket).remove(["a"])) == ([], [])
    assert client.from_(bucket).exists("a")


def test_an_unknown_role_is_a_real_500(server: StorageServer, http: httpx.Client, bucket: str):
    headers = {"Authorization": f"Bearer {server.key('pirate')}"}
    answer = http.post(f"{server.api_url}/object/list/{bucket}", json={"prefix": ""}, headers=headers)
    assert answer.status_code == 500


def test_public_objects_need_no_key(
    client: SyncStorageClient, http: httpx.Client, make_bucket: MakeBucket, bucket: str
):
    public = make_bucket({"public": True})
    for name in (public, bucket):
        client.from_(name).upload("a.html", b"<p>", {"content-type": "text/html"})
    answer = http.get(client.from_(public).get_public_url("a.html"))
    assert (answer.content, answer.headers["content-type"].partition(";")[0]) == (b"<p>", "text/plain")
    assert http.get(client.from_(bucket).get_public_url("a.html")).json()["error"] == "Bucket not found"
