"""Where backups lie: a folder, or a bucket of the project's storage."""

import io
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from shared.errors import StorageObjectMissing, StorageRefused, StorageUnavailable
from shared.settings import Settings
from shared.storage import Storage

BUCKET = "bucket:"


class Folder:
    """A folder that keeps files by key, with the same verbs as a bucket. Files appear whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, key: str, data: bytes | Path, content_type: str = "") -> None:
        """Keep bytes, or the bytes of a file, under a key. Raises StorageUnavailable when the disk will not."""
        del content_type
        target = self._path(key)
        part = target.with_name(f"{target.name}.part-{os.getpid()}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with part.open("wb") as file:
                if isinstance(data, bytes):
                    file.write(data)
                else:
                    with data.open("rb") as source:
                        shutil.copyfileobj(source, file)
                file.flush()
                os.fsync(file.fileno())
            part.chmod(0o600)
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StorageUnavailable(f"{target} cannot be written: {error.strerror}") from error

    def get(self, key: str) -> bytes:
        """Return the bytes kept under a key. Raises StorageObjectMissing."""
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            raise StorageObjectMissing from None

    def remove(self, keys: Sequence[str]) -> None:
        """Delete files, those that are not there count as deleted."""
        for key in keys:
            self._path(key).unlink(missing_ok=True)

    def list_keys(self, prefix: str = "") -> list[str]:
        """Return every key that begins with a prefix, in order."""
        found = (path for path in self.path.rglob("*") if path.is_file() and ".part-" not in path.name)
        keys = sorted(path.relative_to(self.path).as_posix() for path in found)
        return [key for key in keys if key.startswith(prefix)]

    def close(self) -> None:
        """Nothing is held open."""

    def _path(self, key: str) -> Path:
        path = (self.path / key).resolve()
        if not path.is_relative_to(self.path.resolve()):
            raise StorageRefused("the key leads out of the folder")
        return path


Shelf = Folder | Storage


def open_shelf(settings: Settings, where: str) -> Shelf:
    """The place that a setting names: a folder, or `bucket:NAME`."""
    if not where.startswith(BUCKET):
        return Folder(Path(where))
    return Storage(
        url=str(settings.supabase_url),
        service_key=settings.supabase_service_key,
        bucket=where.removeprefix(BUCKET),
        timeout_seconds=max(settings.storage_timeout_seconds, 60),
    )


@contextmanager
def reading(shelf: Shelf, key: str) -> Generator[IO[bytes]]:
    """A file of a shelf, to be read from its beginning."""
    if isinstance(shelf, Folder):
        path = shelf.path / key
        if not path.is_file():
            raise StorageObjectMissing(f"{key} is not there")
        with path.open("rb") as file:
            yield file
    else:
        yield io.BytesIO(shelf.get(key))
