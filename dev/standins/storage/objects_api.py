"""The `/object` routes below a key: upload, download, info, move, copy, remove and signed links."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from dev.standins.storage.downloads import download
from dev.standins.storage.fields import Fields
from dev.standins.storage.keys import Role
from dev.standins.storage.links import UPLOAD_LINK_SECONDS, Links
from dev.standins.storage.listing import object_json
from dev.standins.storage.multipart import UploadForm, read_upload
from dev.standins.storage.objects import Bucket, Incoming, ObjectRow, ObjectStore, timestamp
from dev.standins.storage.problems import (
    access_denied,
    bucket_not_found,
    duplicate,
    invalid_request,
    object_not_found,
)
from dev.standins.storage.rules import check_key, check_mime_type, size_limit_bytes
from dev.standins.web import Request, Response

UNSIGNABLE = "Either the object does not exist or you do not have access to it"


class ObjectsApi:
    """Works on single objects; without policies only the service role may see or change anything private."""

    def __init__(self, store: ObjectStore, links: Links, global_limit_bytes: int) -> None:
        self._store = store
        self._links = links
        self._global_limit_bytes = global_limit_bytes

    def upload(self, role: Role, request: Request, bucket_id: str, name: str, *, upsert: bool) -> dict[str, object]:
        """Keep the bytes of a request under a key."""
        check_key(name)
        bucket = self._store.bucket(bucket_id)
        if role != "service_role":
            raise access_denied()
        row = self._receive(request, bucket, name, upsert=upsert)
        return {"Key": f"{bucket_id}/{name}", "Id": row.id}

    def _receive(self, request: Request, bucket: Bucket, name: str, *, upsert: bool) -> ObjectRow:
        if name in bucket.objects and not upsert:
            raise duplicate()
        arrived: list[Incoming] = []

        def keep(form: UploadForm, pieces: Iterator[bytes]) -> None:
            check_mime_type(form.mime_type, bucket.row)
            arrived.append(self._store.receive(pieces, size_limit_bytes(bucket.row, self._global_limit_bytes)))

        form = read_upload(request, keep)
        incoming = arrived[0]
        now = timestamp()
        row = ObjectRow(
            id=str(uuid.uuid4()),
            name=name,
            version=str(uuid.uuid4()),
            size_bytes=incoming.size_bytes,
            mime_type=form.mime_type,
            cache_control=_cache_control(form.fields.get("cacheControl", "")),
            etag=f'"{incoming.md5}"',
            created_at=now,
            updated_at=now,
            user_metadata=_user_metadata(form.fields.get("metadata", "")),
        )
        return self._store.keep(bucket, row, incoming, upsert=upsert)

    def download(self, role: Role | None, request: Request, bucket_id: str, name: str) -> Response:
        """Answer an authenticated download; nobody (`role` None) sees public buckets only."""
        bucket = self._store.bucket(bucket_id)
        if not bucket.row.public and role is None:
            raise bucket_not_found()
        if not bucket.row.public and role != "service_role":
            raise object_not_found()
        return download(request, bucket, self._store.find(bucket, name))

    def public_download(self, request: Request, bucket_id: str, name: str) -> Response:
        """Answer a download by public address."""
        bucket = self._store.bucket(bucket_id)
        if not bucket.row.public:
            raise bucket_not_found()
        return download(request, bucket, self._store.find(bucket, name))

    def info(self, role: Role | None, bucket_id: str, name: str) -> dict[str, object]:
        """Return what is known about an object."""
        bucket = self._store.bucket(bucket_id)
        if role != "service_role" and not bucket.row.public:
            raise object_not_found()
        row = self._store.find(bucket, name)
        return {
            "id": row.id,
            "name": row.name,
            "version": row.version,
            "bucket_id": bucket_id,
            "size": row.size_bytes,
            "content_type": row.mime_type,
            "cache_control": row.cache_control,
            "etag": row.etag,
            "metadata": row.user_metadata or {},
            "last_modified": row.updated_at,
            "created_at": row.created_at,
        }

    def remove(self, role: Role, bucket_id: str, names: list[str]) -> list[dict[str, object]]:
        """Delete objects and return those that were there; folders and missing ones are passed over."""
        bucket = self._store.find_bucket(bucket_id)
        if role != "service_role" or bucket is None:
            return []
        removed = (self._store.remove(bucket, name) for name in names)
        return [{"bucket_id": bucket_id, "version": row.version, **object_json(row)} for row in removed if row]

    def remove_one(self, role: Role, bucket_id: str, name: str) -> dict[str, object]:
        """Delete one object by its address."""
        if not self.remove(role, bucket_id, [name]):
            raise object_not_found()
        return {"message": "Successfully deleted"}

    def copy(self, role: Role, body: Fields) -> dict[str, object]:
        """Copy an object to a key that must be free."""
        row, key = self._copy(role, body)
        return {"Key": key, "Id": row.id}

    def move(self, role: Role, body: Fields) -> dict[str, object]:
        """Give an object another key, which must be free."""
        row, key = self._copy(role, body)
        self._store.remove(self._store.bucket(body.text("bucketId")), body.text("sourceKey"))
        return {"message": "Successfully moved", "Id": row.id, "Key": key}

    def _copy(self, role: Role, body: Fields) -> tuple[ObjectRow, str]:
        source_id, source_name = body.required_text("bucketId"), body.required_text("sourceKey")
        target_id = body.text("destinationBucket") or source_id
        target_name = body.required_text("destinationKey")
        check_key(target_name)
        source = self._store.find_bucket(source_id)
        if role != "service_role" or source is None:
            raise object_not_found()
        target = self._store.bucket(target_id)
        row = self._store.find(source, source_name)
        incoming = self._store.receive_copy(source, row)
        now = timestamp()
        copied = replace(
            row,
            id=str(uuid.uuid4()),
            name=target_name,
            version=str(uuid.uuid4()),
            created_at=now,
            updated_at=now,
        )
        return self._store.keep(target, copied, incoming, upsert=False), f"{target_id}/{target_name}"

    def sign(self, role: Role, bucket_id: str, name: str, body: Fields) -> dict[str, object]:
        """Make a link to one object, which must exist."""
        seconds = body.whole("expiresIn", minimum=1)
        if not self._signable(role, bucket_id, name):
            raise object_not_found()
        return {"signedURL": self._links.make(bucket_id, name, "download", seconds)[0]}

    def sign_many(self, role: Role, bucket_id: str, body: Fields) -> list[dict[str, object]]:
        """Make a link to each object; a missing one has an error beside the others' links."""
        seconds = body.whole("expiresIn", minimum=1)
        links: list[dict[str, object]] = []
        for name in body.some_texts("paths"):
            signable = self._signable(role, bucket_id, name)
            link = self._links.make(bucket_id, name, "download", seconds)[0] if signable else None
            links.append({"error": None if signable else UNSIGNABLE, "path": name, "signedURL": link})
        return links

    def _signable(self, role: Role, bucket_id: str, name: str) -> bool:
        bucket = self._store.find_bucket(bucket_id)
        return role == "service_role" and bucket is not None and name in bucket.objects

    def signed_download(self, request: Request, bucket_id: str, name: str) -> Response:
        """Answer a download by link."""
        claims = self._links.verify(_token(request), bucket_id, name, "download")
        bucket = self._store.bucket(bucket_id)
        row = self._store.find(bucket, name)
        return download(request, bucket, row, link_expires_at=cast("int", claims["exp"]))

    def sign_upload(self, role: Role, bucket_id: str, name: str, *, upsert: bool) -> dict[str, object]:
        """Make a link that lets its holder upload one object within two hours."""
        check_key(name)
        bucket = self._store.bucket(bucket_id)
        if role != "service_role":
            raise access_denied()
        if name in bucket.objects and not upsert:
            raise duplicate()
        url, token = self._links.make(bucket_id, name, "upload", UPLOAD_LINK_SECONDS, upsert=upsert)
        return {"url": url, "token": token}

    def signed_upload(self, request: Request, bucket_id: str, name: str) -> dict[str, object]:
        """Keep the bytes that came with an upload link."""
        claims = self._links.verify(_token(request), bucket_id, name, "upload")
        self._receive(request, self._store.bucket(bucket_id), name, upsert=claims.get("upsert") is True)
        return {"Key": f"{bucket_id}/{name}"}


def _token(request: Request) -> str:
    if "token" not in request.query:
        raise invalid_request("querystring must have required property 'token'")
    return request.query["token"]


def _cache_control(value: str) -> str:
    return f"max-age={value}" if value.isdecimal() else value or "no-cache"


def _user_metadata(text: str) -> dict[str, object] | None:
    try:
        value: object = json.loads(text) if text else None
    except ValueError:
        return None
    return cast("dict[str, object]", value) if isinstance(value, dict) else None
