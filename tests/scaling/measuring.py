"""What a job costs here on each part of the real stack, and what becomes of jobs that come at known moments."""

import contextlib
import os
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

import psutil
import psycopg

from tests.acceptance.stacks import Stack
from tests.benchmarks.bench import Bench, Person
from tests.benchmarks.images import as_png, sample_of, width_for
from tests.benchmarks.pipeline import forget_drawings, run, until_ended
from tests.scaling.model import BESIDE, PARTS, Costs

ENGINE_SECONDS = 0.05
LARGE_WIDTH = 2_600  # more pixels than WORKING_MAX_PIXELS, so it is resized
IDLE_SECONDS = 3.0
TICK_SECONDS = 0.01  # the kernel tells processor time in these
PROCESSORS = os.cpu_count() or 1
WORKERS = ("worker-resize", "worker-preview", "worker-vectorize")
BESIDES = ("storage", "sign-in", "flower", "beat")
CUSTOMERS = 64


@dataclass(slots=True)
class Spent:
    """Processor seconds of a while, by part, and which part of all processors others used meanwhile."""

    parts: dict[str, float] = field(default_factory=dict[str, float])
    seconds: float = 0.0
    foreign: float = 0.0


@contextlib.contextmanager
def spending(stack: Stack) -> Generator[Spent]:
    """What is spent while the block runs; filled in at its end."""
    spent, started, before, all_before = Spent(), time.perf_counter(), by_part(stack), busy()
    yield spent
    spent.seconds = time.perf_counter() - started
    spent.parts = {part: seconds - before[part] for part, seconds in by_part(stack).items()}
    others = busy() - all_before - sum(spent.parts.values())
    spent.foreign = min(max(others / (spent.seconds * PROCESSORS), 0.0), 0.95)


def busy() -> float:
    """Seconds in which the processors of the machine were not idle; what a hypervisor took counts."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)


def by_part(stack: Stack) -> dict[str, float]:
    """Processor seconds of each part since it started."""
    found: dict[str, float] = dict.fromkeys((*PARTS, BESIDE), 0.0)
    for part, name in {"api": "api", "postgres": "postgres", "redis": "valkey"}.items():
        found[part] = _own(stack.find(name)) + _below(stack.find(name))
    for name in WORKERS:
        found["worker"] += _own(stack.find(name))
        found["engine"] += _below(stack.find(name))
    for name in BESIDES:
        found[BESIDE] += _own(stack.find(name)) + _below(stack.find(name))
    found[BESIDE] += time.process_time()
    return found


def _own(process: psutil.Process | None) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        if process is not None:
            times = process.cpu_times()
            return times.user + times.system
    return 0.0


def _below(process: psutil.Process | None) -> float:
    """What its children used, those that have ended too."""
    seconds = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in [process, *process.children(recursive=True)] if process else []:
            times = one.cpu_times()
            seconds += times.children_user + times.children_system + (_own(one) if one != process else 0.0)
    return seconds


class Alone:
    """Jobs one after another, with nothing else to do: what each kind costs."""

    def __init__(self, bench: Bench, count: int) -> None:
        self._bench = bench
        picture = sample_of(width_for(ENGINE_SECONDS))
        upload = bench.person.upload
        self._ids = [upload(f"alone-{n}.png", as_png(picture, n), bench.folder) for n in range(count)]
        self._large = [as_png(sample_of(LARGE_WIDTH), number) for number in range(max(count // 5, 2))]
        run(bench.person, self._ids[:2])  # whatever is done once is done
        with spending(bench.stack) as self._idle:
            time.sleep(IDLE_SECONDS)

    @property
    def foreign(self) -> float:
        """The part of the machine that others used a moment ago."""
        return self._idle.foreign

    def costs(self) -> dict[str, Costs]:
        """What one job of each kind costs."""
        works: dict[str, Callable[[], int]] = {
            "vectorization": lambda: self._jobs("vectorizations"),
            "preview": lambda: self._jobs("previews"),
            "resize": self._resizes,
        }
        return {kind: self._cost(work) for kind, work in works.items()}

    def _jobs(self, kind: str) -> int:
        """Have a job of a kind, `previews` or `vectorizations`, for each picture; returns how many."""
        forget_drawings(self._bench.person)
        with self._bench.person.line() as line:
            for image_id in self._ids:
                job_id = line.post(f"/v1/images/{image_id}/{kind}").json()["job_id"]
                job = until_ended(lambda job_id=job_id: line.get(f"/v1/jobs/{job_id}?wait=20").json())
                assert job["status"] == "succeeded", job
        return len(self._ids)

    def _resizes(self) -> int:
        for number, data in enumerate(self._large):
            self._bench.person.upload(f"large-{number}.png", data, self._bench.folder)
        return len(self._large)

    def _cost(self, work: Callable[[], int]) -> Costs:
        with spending(self._bench.stack) as spent:
            count = work()
        quiet = {part: seconds / self._idle.seconds * spent.seconds for part, seconds in self._idle.parts.items()}
        # What is too little to be told is taken for as much as could be. On loopback all waiting is somebody's work.
        return Costs(**{part: max(spent.parts[part] - quiet[part], TICK_SECONDS) / count for part in quiet})


@dataclass(frozen=True, slots=True)
class Life:
    """When a job was accepted, claimed and settled, in seconds."""

    came: float
    began: float
    ended: float


def lives(bench: Bench, job_ids: Sequence[str]) -> list[Life]:
    """What Postgres says of these jobs."""
    with psycopg.connect(bench.stack.running.superuser_url) as db:
        rows = db.execute(
            "SELECT extract(epoch FROM created_at)::float8, extract(epoch FROM started_at)::float8,"
            " extract(epoch FROM finished_at)::float8 FROM jobs WHERE job_id = ANY(%s) AND status = 'succeeded'",
            [[UUID(job_id) for job_id in job_ids]],
        ).fetchall()
    assert len(rows) == len(job_ids), f"{len(rows)} of {len(job_ids)} jobs succeeded"
    return [Life(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of jobs that came at known moments, and what others took of the processors meanwhile."""

    lives: Sequence[Life]
    foreign: float


def load(bench: Bench, person: Person, image_ids: Sequence[str], moments: Sequence[float]) -> Measured:
    """Submit a vectorization at each of these moments, whatever became of those before, and wait for all results."""
    forget_drawings(person)

    def submit(image_id: str) -> str:
        with person.line() as line:
            job_id = line.post(f"/v1/images/{image_id}/vectorizations").json()["job_id"]
            until_ended(lambda: line.get(f"/v1/jobs/{job_id}?wait=20").json())
            return job_id

    with spending(bench.stack) as spent, ThreadPoolExecutor(CUSTOMERS) as pool:
        started, futures = time.perf_counter(), list[Future[str]]()
        for moment, image_id in zip(moments, image_ids, strict=True):
            time.sleep(max(started + moment - time.perf_counter(), 0))
            futures.append(pool.submit(submit, image_id))
        job_ids = [future.result() for future in futures]
    return Measured(lives(bench, job_ids), spent.foreign)
