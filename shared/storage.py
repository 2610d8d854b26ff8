"""The way out to Supabase Storage: one private bucket of objects, reached by the `supabase` client.

Every method may be repeated without harm. They raise StorageUnavailable when trying again may help,
StorageObjectMissing when the object is not there, StorageRefused when the provider will not do what was asked.
"""

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr

from shared import metrics, spans
from shared.errors import StorageObjectMissing, StorageRefused, StorageUnavailable
from shared.settings import Settings

if TYPE_CHECKING:
    import httpx
    from storage3 import SyncStorageClient
    from storage3.exceptions import StorageApiError
    from storage3.types import CreateOrUpdateBucketOptions, SearchV2Options

Answer = TypeVar("Answer")

# What the provider takes; anything else it refuses with a puzzling message, or the client crashes on it.
_KEY = re.compile(r"[A-Za-z0-9_!.*'() &$@=;:+,?-]+(/[A-Za-z0-9_!.*'() &$@=;:+,?-]+)*")
_DOT_SEGMENTS = {".", ".."}
_CONNECT_SECONDS = 3.0
_CONNECTIONS = 64
_REMOVED_AT_ONCE = 500
_LISTED_AT_ONCE = 1000
_WORTH_ANOTHER_TRY = {"408", "425", "429"}


@dataclass(frozen=True, slots=True)
class _Connection:
    process_id: int
    http: "httpx.Client"
    storage: "SyncStorageClient"


class Storage:
    """Keeps objects in one bucket; safe to share between threads, and reconnects after a fork."""

    def __init__(self, url: str, service_key: SecretStr, bucket: str, timeout_seconds: float) -> None:
        self._url = url.rstrip("/")
        self._service_key = service_key
        self._bucket = bucket
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._connection: _Connection | None = None

    def put(self, key: str, data: bytes | Path, content_type: str) -> None:
        """Keep bytes, or the bytes of a file, under a key. The same bytes again are fine; other bytes are refused.

        So a put whose answer was lost can simply be repeated, and no object ever changes.
        """
        _check_key(key)
        try:
            self._ask(
                "put", lambda storage: storage.from_(self._bucket).upload(key, data, {"content-type": content_type})
            )
        except _AlreadyThere:
            if self.get(key) != (data if isinstance(data, bytes) else data.read_bytes()):
                raise StorageRefused("Another file is kept under this key.") from None

    def get(self, key: str) -> bytes:
        """Return the bytes kept under a key."""
        _check_key(key)
        return self._ask("get", lambda storage: storage.from_(self._bucket).download(key))

    def copy(self, key: str, to: str) -> None:
        """Keep the bytes of one key under another too; once they are there, this changes nothing."""
        _check_key(key)
        _check_key(to)
        with suppress(_AlreadyThere):
            self._ask("copy", lambda storage: storage.from_(self._bucket).copy(key, to))

    def exists(self, key: str) -> bool:
        """Say whether there is an object under a key."""
        _check_key(key)
        return self._ask("exists", lambda storage: storage.from_(self._bucket).exists(key))

    def remove(self, keys: Sequence[str]) -> None:
        """Delete objects, any number of them; those that are not there count as deleted."""
        for start in range(0, len(keys), _REMOVED_AT_ONCE):
            batch = list(keys[start : start + _REMOVED_AT_ONCE])
            self._ask("remove", lambda storage, batch=batch: storage.from_(self._bucket).remove(batch))

    def list_keys(self, prefix: str = "") -> list[str]:
        """Return every key that begins with a prefix, in order, however many there are."""
        return [key for page in self.list_pages(prefix) for key in page]

    def list_pages(self, prefix: str = "") -> Iterator[list[str]]:
        """Yield the keys that begin with a prefix, in order, up to a thousand at a time."""
        query: SearchV2Options = {"prefix": prefix, "limit": _LISTED_AT_ONCE}
        while True:
            # The flat listing: the other one stops silently at 1500 and ignores case.
            page = self._ask("list", lambda storage, query=query: storage.from_(self._bucket).list_v2(query))
            # The provider matches with LIKE, where "_" stands for any character.
            yield [found.name for found in page.objects if found.name.startswith(prefix)]
            if not page.hasNext or not page.nextCursor:
                return
            query = {**query, "cursor": page.nextCursor}

    def signed_link(self, key: str, *, seconds: int, download_name: str | None = None) -> str:
        """Return an address that gives anyone the object for so many seconds, saved under `download_name`."""
        _check_key(key)
        link = self._ask(
            "sign",
            lambda storage: storage.from_(self._bucket).create_signed_url(
                key, seconds, {"download": download_name} if download_name else {}
            ),
        )["signedURL"]
        if link is None:
            raise StorageUnavailable
        return link

    def ensure_bucket(self, content_types: Sequence[str], size_limit_bytes: int) -> None:
        """Make the bucket, or mend it: private, for these content types, up to this size per object."""
        rules: CreateOrUpdateBucketOptions = {
            "public": False,
            "allowed_mime_types": list(content_types),
            "file_size_limit": size_limit_bytes,
        }
        try:
            self._ask("bucket", lambda storage: storage.create_bucket(self._bucket, options=rules))
        except _AlreadyThere:
            self._ask("bucket", lambda storage: storage.update_bucket(self._bucket, rules))

    def check(self, timeout_seconds: float = 2.0) -> None:
        """Return if the bucket can be reached with our key within so many seconds, for readiness."""
        self.describe_bucket(timeout_seconds)

    def describe_bucket(self, timeout_seconds: float = 5.0) -> Mapping[str, Any]:
        """The bucket as the provider describes it: `public`, `file_size_limit`, `allowed_mime_types`."""
        import httpx

        key = self._service_key.get_secret_value()
        try:
            answer = self._connected().http.get(
                f"{self._url}/storage/v1/bucket/{self._bucket}",
                headers={"apikey": key, "Authorization": f"Bearer {key}"},
                timeout=timeout_seconds,
            )
        except httpx.HTTPError as error:
            raise StorageUnavailable from error
        if answer.status_code >= 500:
            raise StorageUnavailable
        if answer.is_error:
            raise StorageRefused(f"The file storage refused the bucket {self._bucket}: {answer.text[:200]}")
        try:
            return answer.json()
        except ValueError as error:
            raise StorageUnavailable("The file storage gave an answer that makes no sense.") from error

    def close(self) -> None:
        """Close the connections of this process; the next use opens new ones."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None and connection.process_id == os.getpid():
            connection.http.close()

    def _connected(self) -> _Connection:
        connection = self._connection
        if connection is None or connection.process_id != os.getpid():
            with self._lock:
                connection = self._connection
                if connection is None or connection.process_id != os.getpid():
                    connection = self._connection = self._connect()
        return connection

    def _connect(self) -> _Connection:
        # Imported late: 275 ms that a process which never touches storage should not pay.
        import httpx
        from supabase import create_client
        from supabase.lib.client_options import SyncClientOptions

        http = httpx.Client(
            timeout=httpx.Timeout(self._timeout_seconds, connect=min(self._timeout_seconds, _CONNECT_SECONDS)),
            limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
        )
        options = SyncClientOptions(httpx_client=http, auto_refresh_token=False, persist_session=False)
        client = create_client(self._url, self._service_key.get_secret_value(), options)
        return _Connection(os.getpid(), http, client.storage)

    def _ask(self, operation: str, request: Callable[["SyncStorageClient"], Answer]) -> Answer:
        storage = self._connected().storage
        span = spans.span(f"storage {operation}", kind="CLIENT")
        with span, metrics.timed(metrics.STORAGE_SECONDS, operation):
            return self._answer(storage, request)

    def _answer(self, storage: "SyncStorageClient", request: Callable[["SyncStorageClient"], Answer]) -> Answer:
        import httpx
        from storage3.exceptions import StorageApiError

        try:
            try:
                return request(storage)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                # A kept-alive connection that the server closed in the same moment looks like this. Every request
                # of ours may be repeated, so one more try on a fresh connection spares the caller.
                return request(storage)
        except StorageApiError as error:
            raise _translated(error) from error
        except httpx.HTTPError as error:
            raise StorageUnavailable from error
        except ValueError as error:
            raise StorageUnavailable("The file storage gave an answer that makes no sense.") from error


def open_storage(settings: Settings) -> Storage:
    """Return the storage that the settings name; nothing is connected before its first use."""
    return Storage(
        url=str(settings.supabase_url),
        service_key=settings.supabase_service_key,
        bucket=settings.storage_bucket,
        timeout_seconds=settings.storage_timeout_seconds,
    )


class _AlreadyThere(Exception):
    """Something is kept under this name."""


def _check_key(key: str) -> None:
    if not _KEY.fullmatch(key) or _DOT_SEGMENTS.intersection(key.split("/")):
        raise StorageRefused("A storage key may hold plain letters, digits and a few signs, in parts divided by /.")


def _translated(error: "StorageApiError") -> Exception:
    status = str(error.status)
    if status == "404" and error.code == "not_found":
        return StorageObjectMissing()
    if status == "409":
        return _AlreadyThere()
    if status.startswith("4") and status not in _WORTH_ANOTHER_TRY:
        return StorageRefused(f"The file storage refused the request: {error.message}")
    return StorageUnavailable()
