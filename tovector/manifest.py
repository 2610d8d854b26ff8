"""The manifest: a CSV that says of every image of a run what was made of it, and lets the next run go on from there.

It is written whole, with the Idempotency-Key of every image, before the first request of a run; after that once a
second at most, and at the end. A run that is killed in between knows less than the server, and asks it again with the
same keys.
"""

import csv
import fcntl
import io
import json
import os
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields, replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import IO

from tovector.making import Stand
from tovector.pictures import files_of
from tovector.problems import Exit, TovectorError
from tovector.saving import save

FILE_NAME = "tovector.csv"
SAVE_SECONDS = 1.0


class Status(StrEnum):
    """How far an image has come."""

    WAITING = "waiting"
    UPLOADED = "uploaded"
    SUBMITTED = "submitted"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Row:
    """One image. Paths are relative to the manifest's folder; `output` is that of the drawings without its ending.

    `credits` is what the image cost, `bytes` the size of its drawings, `seconds` how long this took.
    """

    path: str
    sha256: str
    settings: str
    output: str
    key: str
    status: Status = Status.WAITING
    image_id: str = ""
    job_id: str = ""
    credits: Decimal = Decimal(0)
    bytes: int = 0
    seconds: float = 0.0
    problem: str = ""

    @property
    def work(self) -> tuple[str, str]:
        """What is to be made of what: rows of the same work share one job."""
        return self.sha256, self.settings

    @property
    def stand(self) -> Stand:
        """Where the next run goes on."""
        return Stand(self.key, self.image_id, self.job_id)

    def at(self, stand: Stand) -> "Row":
        """The row after one more step."""
        status = Status.SUBMITTED if stand.job_id else Status.UPLOADED if stand.image_id else Status.WAITING
        return replace(self, status=status, key=stand.key, image_id=stand.image_id, job_id=stand.job_id, problem="")


class ManifestUnusable(TovectorError):
    """The manifest cannot be read, written, or is in use."""

    exit_code = Exit.USAGE
    ends_the_run = True


COLUMNS = [field.name for field in fields(Row)]


class Manifest:
    """The rows of one manifest, in the order of their paths. For one thread; `held` keeps other runs out."""

    def __init__(self, path: Path, *, is_kept: bool = True) -> None:
        """Read it if it is there; one that is not kept is neither read nor written, and knows its folder only.

        Raises ManifestUnusable for a file that is no manifest.
        """
        self.path = path
        self.is_kept = is_kept
        self.rows = {row.path: row for row in _read(path)} if is_kept else {}
        self._save_at = 0.0

    @property
    def folder(self) -> Path:
        """What its paths are relative to."""
        return self.path.parent

    def relative(self, path: Path) -> str:
        """A path as the manifest has it."""
        return Path(os.path.relpath(path, self.folder)).as_posix()

    def places(self, settings: str) -> dict[Path, Path]:
        """Where the drawings with these settings go, by the picture's path as it was resolved from the folder."""
        rows = (row for row in self.rows.values() if row.settings == settings)
        return {self.folder / row.path: self.folder / row.output for row in rows}

    def drawings(self) -> set[Path]:
        """Every file that runs with this manifest have made: they are no pictures to vectorize."""
        files = ((row, json.loads(row.settings)["formats"]) for row in self.rows.values())
        return {file.resolve() for row, formats in files for file in files_of(self.folder / row.output, formats)}

    def put(self, *rows: Row) -> None:
        """Keep these rows; they reach the disk within a second."""
        self.rows |= {row.path: row for row in rows}
        if time.monotonic() >= self._save_at:
            self.save()

    def save(self) -> None:
        """Write it now. Raises ManifestUnusable when that is not possible."""
        if not self.is_kept:
            return
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(self.rows[path]) for path in sorted(self.rows))
        try:
            save(self.path, text.getvalue().encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise ManifestUnusable(f"The manifest {self.path} cannot be written: {error.strerror}.") from None
        self._save_at = time.monotonic() + SAVE_SECONDS


@contextmanager
def held(path: Path) -> Generator[Manifest]:
    """The manifest, for this run alone. Raises ManifestUnusable while another run has it."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(lock)
    except BlockingIOError:
        raise ManifestUnusable(f"Another run is using the manifest {path}: wait for it, or stop it.") from None
    except OSError as error:
        raise ManifestUnusable(f"The manifest {path} cannot be written: {error.strerror}.") from None
    with file:
        try:
            yield Manifest(path)
        finally:
            lock.unlink(missing_ok=True)


def _locked(lock: Path) -> IO[str]:
    """The lock's file, open and locked. Raises BlockingIOError while another process has it."""
    while True:
        file = lock.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # the run that had it ended, and removed it, before it was locked


def _read(path: Path) -> Iterable[Row]:
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file)
            if list(reader.fieldnames or []) != COLUMNS:
                raise ValueError("its columns are not those of a manifest")
            return [_row(line) for line in reader]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, ArithmeticError, LookupError, TypeError, csv.Error) as error:
        raise ManifestUnusable(
            f"{path} is no manifest of tovector ({error}). Move it away, or name another with --manifest."
        ) from None


def _row(line: dict[str, str]) -> Row:
    text = {
        name: line[name] for name in ("path", "sha256", "settings", "output", "key", "image_id", "job_id", "problem")
    }
    if None in text.values() or not line["key"].rpartition(".")[2].isdecimal():
        raise ValueError(f"the line of {line['path']} is damaged")
    json.loads(line["settings"])["formats"]  # as `drawings` needs it
    return Row(
        **text,
        status=Status(line["status"]),
        credits=Decimal(line["credits"]),
        bytes=int(line["bytes"]),
        seconds=float(line["seconds"]),
    )
