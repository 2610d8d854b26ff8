"""Buckets and objects on disk, with an index in memory.

Every object is two files below `buckets/NAME/objects/`: its bytes under a name made for this version, and a small JSON
that points at them. The rename of the JSON is the moment the object exists, so a crash leaves the old or the new one.
"""

import hashlib
import json
import shutil
import threading
import uuid
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from dev.standins.storage.problems import bucket_not_found, duplicate, object_not_found, too_large


def timestamp() -> str:
    """Return the present moment as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@dataclass(frozen=True, slots=True)
class BucketRow:
    """What the API tells about a bucket."""

    id: str
    name: str
    public: bool
    created_at: str
    updated_at: str
    file_size_limit: int | None = None
    allowed_mime_types: list[str] | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """What the store knows about an object."""

    id: str
    name: str
    version: str
    size_bytes: int
    mime_type: str
    cache_control: str
    etag: str
    created_at: str
    updated_at: str
    user_metadata: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """Bytes that arrived and are not an object yet."""

    path: Path
    size_bytes: int
    md5: str


@dataclass(slots=True)
class Bucket:
    """A bucket with the index of its objects; `names` is sorted by code point."""

    row: BucketRow
    folder: Path
    objects: dict[str, ObjectRow] = field(default_factory=dict[str, ObjectRow])
    names: list[str] = field(default_factory=list[str])

    def _stem(self, name: str) -> Path:
        # A hash, because a key may be both an object and a folder, or longer than a file name can be.
        digest = hashlib.sha256(name.encode()).hexdigest()[:40]
        return self.folder / "objects" / digest[:2] / digest

    def description_path(self, name: str) -> Path:
        """Return where the JSON of an object is kept."""
        return self._stem(name).with_suffix(".json")

    def content_path(self, row: ObjectRow) -> Path:
        """Return where the bytes of an object are kept."""
        return self._stem(row.name).with_suffix(f".{row.version}")


class ObjectStore:
    """All buckets below one folder. One process at a time owns the folder."""

    def __init__(self, data: Path) -> None:
        self._incoming = data / "incoming"
        self._buckets_folder = data / "buckets"
        shutil.rmtree(self._incoming, ignore_errors=True)
        self._incoming.mkdir(parents=True)
        self._buckets_folder.mkdir(exist_ok=True)
        self._lock = threading.RLock()
        self._buckets = {bucket.row.id: bucket for bucket in map(_load_bucket, self._buckets_folder.iterdir())}

    def buckets(self) -> list[BucketRow]:
        """Return every bucket, oldest first."""
        with self._lock:
            return sorted((bucket.row for bucket in self._buckets.values()), key=lambda row: row.created_at)

    def bucket(self, bucket_id: str) -> Bucket:
        """Return a bucket or refuse."""
        bucket = self._buckets.get(bucket_id)
        if bucket is None:
            raise bucket_not_found()
        return bucket

    def find_bucket(self, bucket_id: str) -> Bucket | None:
        """Return a bucket if there is one."""
        return self._buckets.get(bucket_id)

    def create_bucket(self, row: BucketRow) -> None:
        """Make an empty bucket."""
        with self._lock:
            if row.id in self._buckets:
                raise duplicate()
            folder = self._buckets_folder / f"bucket-{quote(row.id, safe='')}"
            (folder / "objects").mkdir(parents=True, exist_ok=True)
            self._write_json(folder / "bucket.json", asdict(row))
            self._buckets[row.id] = Bucket(row, folder)

    def update_bucket(self, row: BucketRow) -> None:
        """Change the rules of a bucket; objects already inside stay."""
        with self._lock:
            bucket = self.bucket(row.id)
            self._write_json(bucket.folder / "bucket.json", asdict(row))
            bucket.row = row

    def delete_bucket(self, bucket_id: str) -> None:
        """Take away a bucket, which must be empty."""
        with self._lock:
            bucket = self._buckets.pop(bucket_id)
            shutil.rmtree(bucket.folder)

    def receive(self, pieces: Iterator[bytes], limit_bytes: int) -> Incoming:
        """Write arriving bytes to a temporary file; more than the limit is refused."""
        path = self._incoming / uuid.uuid4().hex
        md5 = hashlib.md5(usedforsecurity=False)
        size_bytes = 0
        try:
            with path.open("wb", buffering=0) as file:
                for piece in pieces:
                    size_bytes += len(piece)
                    if size_bytes > limit_bytes:
                        raise too_large()
                    md5.update(piece)
                    file.write(piece)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Incoming(path, size_bytes, md5.hexdigest())

    def receive_copy(self, bucket: Bucket, row: ObjectRow) -> Incoming:
        """Copy an object's bytes to a temporary file."""
        path = self._incoming / uuid.uuid4().hex
        shutil.copyfile(bucket.content_path(row), path)
        return Incoming(path, row.size_bytes, row.etag.strip('"'))

    def keep(self, bucket: Bucket, row: ObjectRow, incoming: Incoming, *, upsert: bool) -> ObjectRow:
        """Make the received bytes an object; of several writers at once without `upsert` exactly one wins."""
        with self._lock:
            before = bucket.objects.get(row.name)
            if before is not None and not upsert:
                incoming.path.unlink(missing_ok=True)
                raise duplicate()
            if before is not None:
                row = replace(row, id=before.id, created_at=before.created_at)
            _move(incoming.path, bucket.content_path(row))
            self._write_json(bucket.description_path(row.name), asdict(row))
            if before is None:
                insort(bucket.names, row.name)
            else:
                bucket.content_path(before).unlink(missing_ok=True)
            bucket.objects[row.name] = row
            return row

    def find(self, bucket: Bucket, name: str) -> ObjectRow:
        """Return an object or refuse."""
        row = bucket.objects.get(name)
        if row is None:
            raise object_not_found()
        return row

    def remove(self, bucket: Bucket, name: str) -> ObjectRow | None:
        """Take away an object; None if there was none."""
        with self._lock:
            row = bucket.objects.pop(name, None)
            if row is None:
                return None
            del bucket.names[bisect_left(bucket.names, name)]
            bucket.description_path(name).unlink(missing_ok=True)
            bucket.content_path(row).unlink(missing_ok=True)
            return row

    def rows(self, bucket: Bucket, prefix: str = "", after: str = "") -> list[ObjectRow]:
        """Return the objects whose key begins with `prefix` and comes after `after`, by key."""
        with self._lock:
            names = bucket.names
            start = bisect_left(names, max(prefix, after + "\0" if after else ""))
            # No key holds a character above "~", so this is past every key with the prefix.
            return [bucket.objects[name] for name in names[start : bisect_left(names, prefix + "\U0010ffff")]]

    def _write_json(self, path: Path, value: dict[str, object]) -> None:
        temporary = self._incoming / uuid.uuid4().hex
        temporary.write_text(json.dumps(value))
        _move(temporary, path)


def _move(source: Path, target: Path) -> None:
    try:
        source.replace(target)
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)


def _load_bucket(folder: Path) -> Bucket:
    bucket = Bucket(BucketRow(**json.loads((folder / "bucket.json").read_text())), folder)
    for path in folder.glob("objects/*/*.json"):
        row = ObjectRow(**json.loads(path.read_text()))
        bucket.objects[row.name] = row
    bucket.names = sorted(bucket.objects)
    kept = {bucket.content_path(row) for row in bucket.objects.values()}
    for path in folder.glob("objects/*/*"):
        if path.suffix != ".json" and path not in kept:
            path.unlink()  # bytes whose description was never written: a crash came between
    return bucket
