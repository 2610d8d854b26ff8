"""A run: many images side by side, each once, the manifest always ahead of what is asked for.

Threads do the journeys; the main thread alone keeps the manifest and tells how far the run is.
"""

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from tovector.asking import Ask, fresh_key
from tovector.client import Client
from tovector.making import Stand, make
from tovector.manifest import Manifest, Row, Status
from tovector.pictures import Picture, files_of, in_the_way, sha256_of
from tovector.problems import Exit, ImageRefused, TovectorError
from tovector.saving import save

LISTEN_SECONDS = 0.2
LEAVE_SECONDS = 1.0


class Stopped(BaseException):
    """Somebody ended the run: each thread leaves at its next pause. No Exception, so that nothing takes it for one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do: rows by work (those of the same content share one job), and the rows that are done."""

    work: tuple[tuple[Row, ...], ...]
    done: tuple[Row, ...]
    failed: tuple[Row, ...]

    def to_pay(self) -> int:
        """How many images have no job yet."""
        return sum(not any(row.job_id for row in rows) for rows in self.work)


@dataclass(slots=True)
class Outcome:
    """How a run ended. `rows` are those it was about; `ended_by` is what kept it from going on."""

    rows: dict[str, Row] = field(default_factory=dict[str, Row])
    skipped: int = 0
    spent: Decimal = Decimal(0)
    ended_by: TovectorError | None = None
    is_interrupted: bool = False

    def count(self, *statuses: Status) -> int:
        """How many rows have one of these statuses."""
        return sum(row.status in statuses for row in self.rows.values())

    @property
    def exit_code(self) -> Exit:
        """What a script is told."""
        if self.is_interrupted:
            return Exit.INTERRUPTED
        if self.ended_by is not None:
            return self.ended_by.exit_code
        return Exit.DONE if self.count(Status.DONE) == len(self.rows) else Exit.SOME_FAILED


def plan(
    pictures: Sequence[Picture],
    places: dict[Path, Path],
    manifest: Manifest,
    ask: Ask,
    *,
    is_again: bool = False,
    may_overwrite: bool = False,
) -> Plan:
    """Compare the pictures with the manifest: what is done stays, what is new or changed or broken off is to be done.

    Reads every file once. A drawing that is there already and not in the manifest is not written over, unless
    `may_overwrite`. `is_again` has everything made and charged anew.
    """
    done, failed, work = list[Row](), list[Row](), dict[tuple[str, str], list[Row]]()
    stands = {row.work: row.stand for row in manifest.rows.values() if row.image_id}
    for picture in pictures:
        path, output = manifest.relative(picture.path), manifest.relative(places[picture.path])
        known, files = manifest.rows.get(path), files_of(places[picture.path], ask.formats)
        try:
            sha256 = sha256_of(picture.path)
        except OSError as error:
            failed.append(Row(path, "", ask.settings, output, ask.key("", path), Status.FAILED, problem=_why(error)))
            continue
        row = Row(path, sha256, ask.settings, output, ask.key(sha256, picture.path.name))
        is_known = known is not None and known.work == row.work and not is_again
        if is_known and known is not None and known.status is Status.DONE and all(file.exists() for file in files):
            done.append(known)
            continue
        there = [file for file in files if file.exists()]
        # A row that failed before it had an image has made no file, so what is there is somebody's own.
        is_ours = known is not None and (known.status is not Status.FAILED or known.image_id)
        if there and not is_ours and not may_overwrite:
            failed.append(replace(row, status=Status.FAILED, problem=in_the_way(there[0])))
            continue
        if is_again:
            row = replace(row, key=fresh_key(row.key))
        elif is_known and known is not None:
            row = row.at(known.stand)
        elif row.work in stands:
            row = row.at(stands[row.work])
        work.setdefault(row.work, []).append(row)
    return Plan(tuple(map(tuple, work.values())), tuple(done), tuple(failed))


def _why(error: OSError) -> str:
    return f"The file cannot be read: {error.strerror}."


class Run:
    """One run over a plan."""

    def __init__(self, manifest: Manifest, ask: Ask, tell: Callable[[Sequence[Row]], None]) -> None:
        """`tell` hears, in the main thread, of every group of rows that has come to its end."""
        self._manifest, self._ask, self._tell = manifest, ask, tell
        self._stopping, self._full = threading.Event(), threading.Event()
        self._said: queue.SimpleQueue[tuple[tuple[Row, ...], TovectorError | None, bool]] = queue.SimpleQueue()
        self._waiting: queue.SimpleQueue[tuple[Row, ...]] = queue.SimpleQueue()
        self._crashes = list[Exception]()
        self.outcome = Outcome()

    def pause(self, seconds: float) -> None:
        """What the client waits with. Raises Stopped once the run is to end."""
        if self._stopping.wait(seconds):
            raise Stopped

    def go(self, client: Client, plan: Plan, *, side_by_side: int) -> Outcome:
        """Do it all, some images side by side. Ctrl-C ends it within a second, the manifest saved."""
        rows = [row for rows in plan.work for row in rows]
        self.outcome.skipped = len(plan.done)
        self.outcome.rows = {row.path: row for row in (*plan.done, *plan.failed, *rows)}
        self._manifest.put(*self.outcome.rows.values())
        self._manifest.save()
        for group in plan.work:
            self._waiting.put(group)
        # Daemons: who leaves need not wait for an answer that is still on its way.
        crew = [
            threading.Thread(target=self._work, args=(client,), daemon=True)
            for _ in range(min(side_by_side, len(plan.work)))
        ]
        try:
            for worker in crew:
                worker.start()
            self._listen(crew)
        except KeyboardInterrupt:
            self.outcome.is_interrupted = True
        finally:
            self._leave(crew)
        if self._crashes:
            raise self._crashes[0]
        return self.outcome

    def _listen(self, crew: Iterable[threading.Thread]) -> None:
        while any(worker.is_alive() for worker in crew) or not self._said.empty():
            try:
                self._hear(*self._said.get(timeout=LISTEN_SECONDS))
            except queue.Empty:
                continue

    def _hear(self, rows: tuple[Row, ...], problem: TovectorError | None, is_over: bool) -> None:
        self.outcome.rows |= {row.path: row for row in rows}
        self._manifest.put(*rows)
        if problem is not None and problem.ends_the_run:
            self.outcome.ended_by = self.outcome.ended_by or problem
        if is_over:
            self.outcome.spent += sum((row.credits for row in rows if row.status is Status.DONE), Decimal(0))
            self._tell(rows)

    def _leave(self, crew: Iterable[threading.Thread]) -> None:
        self._stopping.set()
        until = time.monotonic() + LEAVE_SECONDS
        for worker in crew:
            if worker.ident is not None:
                worker.join(max(0.0, until - time.monotonic()))
        while not self._said.empty():
            self._hear(*self._said.get())
        self._manifest.save()

    def _work(self, client: Client) -> None:
        """One thread: an image after the other, until there is none or the run cannot go on."""
        try:
            while not self._full.is_set() and not self._stopping.is_set():
                rows = self._waiting.get_nowait()
                rows, problem = self._do(client, rows)
                if problem is not None and problem.ends_the_run:
                    self._full.set()
                self._said.put((rows, problem, True))
        except (queue.Empty, Stopped):
            return
        except Exception as crash:
            self._crashes.append(crash)  # a fault of ours: told where somebody sees it
            self._full.set()

    def _do(self, client: Client, rows: tuple[Row, ...]) -> tuple[tuple[Row, ...], TovectorError | None]:
        started_at = time.monotonic()
        state = rows

        def note(stand: Stand) -> None:
            nonlocal state
            state = tuple(row.at(stand) for row in state)
            self._said.put((state, None, False))

        try:
            content = self._read(rows[0])
            name = Path(rows[0].path).name
            drawing = make(client, self._ask, content, name, stand=rows[0].stand, note=note)
            for row in rows:
                place = self._manifest.folder / row.output
                for file_format, data in drawing.files.items():
                    save(place.with_name(f"{place.name}.{file_format}"), data)
        except TovectorError as problem:
            # What ends the run is not this image's fault: it stays where it is.
            failed = {} if problem.ends_the_run else {"status": Status.FAILED}
            return tuple(replace(row, problem=str(problem), **failed) for row in state), problem
        except OSError as error:
            sentence = f"The drawing cannot be written: {error.strerror}. It is paid for: run the same command again."
            return tuple(replace(row, status=Status.FAILED, problem=sentence) for row in state), None
        size, seconds = sum(map(len, drawing.files.values())), round(time.monotonic() - started_at, 3)
        # Rows of the same content cost once.
        prices = (drawing.job.price, *(Decimal(0) for _ in rows[1:]))
        ended = (
            replace(row, status=Status.DONE, credits=price, bytes=size, seconds=seconds)
            for row, price in zip(state, prices, strict=True)
        )
        return tuple(ended), None

    def _read(self, row: Row) -> bytes:
        try:
            content = (self._manifest.folder / row.path).read_bytes()
        except OSError as error:
            raise ImageRefused(_why(error)) from None
        if hashlib.sha256(content).hexdigest() != row.sha256:
            raise ImageRefused("The file has changed while the run was going on. Run the same command again.")
        return content
