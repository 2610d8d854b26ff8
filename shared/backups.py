"""Backups: the database dumped, encrypted, checked and copied; old ones rotated; storage's objects mirrored.

A backup is three files of one name: the sealed dump, the list of objects that storage held, and a manifest in JSON that
has the checksum. The manifest is written last: without one there is no backup. pg_dump sees one moment of the database,
however long it takes.
"""

import contextlib
import fcntl
import gzip
import hashlib
import io
import json
import tempfile
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from uuid import UUID

from shared import catalogue
from shared.clock import monotonic_seconds
from shared.db import Database
from shared.errors import InternalError, StorageObjectMissing
from shared.programs import output_of, program, run
from shared.rotation import kept
from shared.sealing import seal, unseal
from shared.settings import Settings
from shared.shelves import Folder, Shelf, open_shelf, reading
from shared.storage import Storage
from shared.vault import split_keys

DUMPS = "dumps/"
OBJECTS = "objects/"
PURGED = "purged/"
STAMP = "%Y%m%dT%H%M%SZ"
CONTENT_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Backup:
    """A manifest: the sealed dump's name, SHA-256 and bytes; bytes before sealing; rows; objects; seconds it took."""

    name: str
    made_at: str
    sha256: str
    size: int
    dumped: int
    tables: int
    rows: dict[str, int]
    objects: int
    seconds: float

    @property
    def time(self) -> datetime:
        """When it was made, by the house's clock."""
        return datetime.strptime(self.name.removeprefix(DUMPS), STAMP).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Keeper:
    """What it takes to make backups: where from, where to, and the keys, the newest first."""

    database_url: str
    programs: str | None
    keys: Sequence[str]
    folder: Folder
    copy: Shelf | None

    def close(self) -> None:
        """Give the connections of a second place back."""
        if self.copy is not None:
            self.copy.close()


def open_keeper(settings: Settings) -> Keeper:
    """The keeper that the settings describe. Raises InternalError when they leave out what it takes."""
    url = settings.backup_database_url or settings.migration_database_url
    if url is None or settings.backup_keys is None or settings.backup_folder is None:
        raise InternalError("backups need BACKUP_FOLDER, BACKUP_KEYS and BACKUP_DATABASE_URL")
    folder = Path(settings.backup_folder)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InternalError(f"BACKUP_FOLDER {folder} cannot be made: {error.strerror}") from error
    return Keeper(
        database_url=url.get_secret_value(),
        programs=settings.postgres_programs,
        keys=split_keys(settings.backup_keys),
        folder=Folder(folder),
        copy=open_shelf(settings, settings.backup_copy) if settings.backup_copy else None,
    )


@contextlib.contextmanager
def held(keeper: Keeper) -> Generator[bool]:
    """Whether the folder is ours alone for now: of two that make a backup at once, one does."""
    with (keeper.folder.path / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def make_backup(keeper: Keeper, storage: Storage) -> Backup:
    """Make one backup, check it, copy it, and let old ones go. Raises a problem; then nothing counts as a backup."""
    started = monotonic_seconds()
    with contextlib.closing(_database(keeper)) as database, database.transaction() as db:
        now, tables, rows = catalogue.select_now(db), catalogue.select_tables(db), catalogue.select_counts(db)
    name = f"{DUMPS}{now.astimezone(UTC).strftime(STAMP)}"
    keys = set(storage.list_keys())
    with tempfile.TemporaryDirectory(dir=keeper.folder.path, prefix=".making-") as folder:
        path = Path(folder) / "dump"
        dumped = dump(keeper, path)
        digest = check_dump(keeper, path, tables)
        size = path.stat().st_size
        _put(keeper, f"{name}.sealed", path)
    # What was there before the dump or after it was there at its moment, or had a reason not to be.
    keys.update(storage.list_keys())
    _put(keeper, f"{name}.objects.gz", gzip.compress("".join(f"{key}\n" for key in sorted(keys)).encode()))
    seconds = round(monotonic_seconds() - started, 3)
    backup = Backup(name, now.isoformat(), digest, size, dumped, len(tables), rows, len(keys), seconds)
    _put(keeper, f"{name}.json", json.dumps(asdict(backup), indent=1).encode())
    rotate(keeper)
    return backup


def dump(keeper: Keeper, path: Path) -> int:
    """Dump the database into a sealed file; returns how many bytes pg_dump wrote."""
    command = (
        program(keeper.programs, "pg_dump"),
        "--format=custom", "--compress=6", "--no-owner", "--schema=public", "--no-password",
    )  # fmt: skip
    with path.open("wb") as target, output_of(command, keeper.database_url) as source:
        path.chmod(0o600)
        return seal(source, target, keeper.keys[0])


def check_dump(keeper: Keeper, path: Path, tables: set[str]) -> str:
    """Open the whole file again and let pg_restore list it; returns its SHA-256. Raises InternalError for any flaw."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    with path.open("rb") as file:
        listing = contents(keeper, file)
    dumped = {line.split(" TABLE DATA public ")[1].split()[0] for line in listing if " TABLE DATA public " in line}
    if tables - dumped:
        raise InternalError(f"the dump lacks the rows of {', '.join(sorted(tables - dumped))}")
    return digest.hexdigest()


def contents(keeper: Keeper, sealed: IO[bytes]) -> list[str]:
    """What a sealed dump holds, as pg_restore lists it; every piece of it is checked."""
    listed = io.BytesIO()
    for piece in unseal(sealed, keeper.keys):
        # The list is at the beginning; the rest is only checked, so that it is never in memory.
        if listed.tell() < 16 << 20:
            listed.write(piece)
    command = (program(keeper.programs, "pg_restore"), "--list")
    return run(command, keeper.database_url, listed.getvalue()).splitlines()


def list_backups(shelf: Shelf) -> list[Backup]:
    """Every backup of a shelf, the newest first."""
    names = [key for key in shelf.list_keys(DUMPS) if key.endswith(".json")]
    return sorted((Backup(**json.loads(shelf.get(key))) for key in names), key=lambda one: one.name, reverse=True)


def rotate(keeper: Keeper) -> list[str]:
    """Remove what need not be kept any more, in both places; returns the names. Files without a manifest go too."""
    gone: list[str] = []
    for shelf in _shelves(keeper):
        found = list_backups(shelf)
        kept_times = kept(one.time for one in found)
        stay = {one.name for one in found if one.time in kept_times}
        keys = [key for key in shelf.list_keys(DUMPS) if key.partition(".")[0] not in stay]
        shelf.remove(sorted(keys, key=lambda key: not key.endswith(".json")))  # the manifest goes first
        gone += {key.partition(".")[0] for key in keys}
    return sorted(set(gone))


def mirror_objects(keeper: Keeper, storage: Storage) -> tuple[int, int]:
    """Make the second set of objects what storage holds: sealed, and gone when they are gone there.

    Returns (added, removed). Images live for a day and have to end everywhere, so their copies must not stay.
    """
    wanted, there = set(storage.list_keys()), set(_mirrored(keeper.folder))
    keeper.folder.remove([OBJECTS + key for key in there - wanted])
    added = 0
    for key in sorted(wanted - there):
        with contextlib.suppress(StorageObjectMissing):
            sealed = io.BytesIO()
            seal(io.BytesIO(storage.get(key)), sealed, keeper.keys[0])
            keeper.folder.put(OBJECTS + key, sealed.getvalue())
            added += 1
    return added, len(there - wanted)


def mirrored_object(keeper: Keeper, key: str) -> bytes:
    """An object as it was when it was mirrored."""
    with reading(keeper.folder, OBJECTS + key) as sealed:
        return b"".join(unseal(sealed, keeper.keys))


def remember_purge(settings: Settings, user_id: UUID) -> None:
    """Note outside of the database that somebody was purged: a backup from before would bring them back."""
    if settings.backup_folder is not None:
        Folder(Path(settings.backup_folder)).put(f"{PURGED}{user_id}", b"")


def purged_people(folder: Folder) -> list[UUID]:
    """Everybody who was ever purged here, by ids that lead to nobody."""
    return [UUID(key.removeprefix(PURGED)) for key in folder.list_keys(PURGED)]


def _mirrored(folder: Folder) -> Iterator[str]:
    return (key.removeprefix(OBJECTS) for key in folder.list_keys(OBJECTS))


def _put(keeper: Keeper, key: str, data: bytes | Path) -> None:
    for shelf in _shelves(keeper):
        shelf.put(key, data, CONTENT_TYPE)


def _shelves(keeper: Keeper) -> list[Shelf]:
    return [keeper.folder, *([keeper.copy] if keeper.copy else [])]


def _database(keeper: Keeper) -> Database:
    return Database(keeper.database_url, pool_size=1, statement_timeout_seconds=300)
