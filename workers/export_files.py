"""An export of everything held about a person: JSON, a table a file, and their objects, in one ZIP or several.

Little is in memory at any time: rows are streamed into a file on disk, and objects are put in one after the other.
"""

import json
import tempfile
import zipfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from shared import held
from shared.clock import monotonic_seconds
from shared.errors import ProblemError, StorageObjectMissing
from shared.exports import Export
from workers.resources import Resources

CONTENT_TYPE = "application/zip"
# Of the time that a task may take: the rest is for storing, and for saying so.
SHARE_OF_TIME = 0.6

ABOUT = """\
Everything that tovector holds about you, as of the moment it was asked for.

One JSON file for each kind of record, and under files/ your pictures and what was made of them; images.json tells
their names. There may be several ZIP files: those after the first hold more of files/. left-out.json, where it is
there, names what could not be put in; it can be downloaded as long as it has not expired.
"""


class _Parts:
    """The ZIP files of one attempt at an export, and where they are kept."""

    def __init__(self, resources: Resources, export: Export, folder: Path) -> None:
        self._storage = resources.storage
        self._most_bytes = resources.settings.export_part_bytes
        self._name = f"{export.user_id}/exports/{export.export_id}-{export.attempts}"
        self._folder = folder
        self._path = folder / "part.zip"
        self._zip = self._open()
        self.stored: list[tuple[str, int]] = []

    def _open(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(self._path, "w", zipfile.ZIP_DEFLATED)

    @contextmanager
    def entry(self, name: str) -> Generator[IO[bytes]]:
        """Write one file of the ZIP, piece by piece."""
        with self._zip.open(name, "w", force_zip64=True) as file:
            yield file

    def add(self, name: str, data: bytes) -> None:
        """Add an object; begins another part when this one would become too large."""
        if self._path.stat().st_size + len(data) > self._most_bytes and self._zip.namelist():
            self.store()
            self._zip = self._open()
        # Pictures are compressed already.
        self._zip.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_STORED)

    def store(self) -> None:
        """Close this part and keep it in storage."""
        self._zip.close()
        key = f"{self._name}-{len(self.stored) + 1}.zip"
        self._storage.put(key, self._path, CONTENT_TYPE)
        self.stored.append((key, self._path.stat().st_size))


def write_export(resources: Resources, export: Export) -> list[tuple[str, int]]:
    """Write and store an export; returns (key, bytes) of its parts. What was stored is removed if it fails."""
    until = monotonic_seconds() + resources.settings.task_limit_seconds * SHARE_OF_TIME
    with tempfile.TemporaryDirectory(prefix="tovector-export-") as folder:
        parts = _Parts(resources, export, Path(folder))
        try:
            with parts.entry("about.txt") as file:
                file.write(ABOUT.encode())
            objects = _write_rows(resources, export, parts)
            left_out = _write_objects(resources, parts, objects, until)
            if left_out:
                with parts.entry("left-out.json") as file:
                    file.write(json.dumps(left_out, indent=1).encode())
            parts.store()
        except BaseException:
            with suppress(ProblemError):  # then they are orphans, which the sweep removes
                resources.storage.remove([key for key, _ in parts.stored])
            raise
    return parts.stored


def _write_rows(resources: Resources, export: Export, parts: _Parts) -> list[str]:
    """Write every table; returns the keys of the person's objects."""
    objects: list[str] = []
    for table in held.HELD:
        name = "account" if table == "users" else table.replace("_", "-")
        with (
            resources.database.transaction(user_id=export.user_id) as db,
            parts.entry(f"{name}.json") as file,
        ):
            separator = "[\n"
            for row in held.select_held(db, table, export.user_id):
                if table == "purchases":
                    _open_details(resources, row)
                elif table == "files":
                    objects.append(row["storage_key"])
                file.write(f"{separator}{json.dumps(row, ensure_ascii=False)}".encode())
                separator = ",\n"
            file.write(b"[]\n" if separator == "[\n" else b"\n]\n")
    return objects


def _open_details(resources: Resources, row: dict[str, Any]) -> None:
    """What is kept encrypted with a purchase, readable."""
    sealed = row["details"]
    row["details"] = None if sealed is None else resources.cashier.vault.open(str(sealed).encode())


def _write_objects(resources: Resources, parts: _Parts, objects: list[str], until: float) -> list[str]:
    """Put in as many objects as there is time for; returns those that were not there, or came too late."""
    left_out: list[str] = []
    for key in objects:
        try:
            if monotonic_seconds() > until:
                raise StorageObjectMissing
            parts.add(f"files/{key.partition('/')[2]}", resources.storage.get(key))
        except StorageObjectMissing:
            left_out.append(key)
    return left_out
