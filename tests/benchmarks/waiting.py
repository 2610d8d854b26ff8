"""A thousand clients that wait for jobs (`?wait=20`) while another submits: what that costs the submit."""

import selectors
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from tests.acceptance.pictures import drawing
from tests.benchmarks.bench import Bench
from tests.benchmarks.http import Answer, Line, parsed, whole
from tests.benchmarks.pairs import percentile, seconds_of
from tests.benchmarks.table import Report, markdown

CLIENTS = 1_000
JOBS = 50
SUBMITS = 300
WAIT = 20


@dataclass(slots=True)
class Crowd:
    """Clients that wait, ask again when their wait is over, and what they have been told."""

    lines: Sequence[Line]
    wires: Sequence[bytes]
    late: list[float] = field(default_factory=list[float])
    answers: Counter[int] = field(default_factory=Counter[int])
    over: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Each asks, and asks again until its job has ended."""
        with selectors.DefaultSelector() as selector:
            data = [b""] * len(self.lines)
            for number, line in enumerate(self.lines):
                selector.register(line.socket, selectors.EVENT_READ, number)
                line.socket.sendall(self.wires[number])
            while not self.over.is_set() and len(self.late) < len(self.lines):
                for key, _ in selector.select(0.2):
                    number: int = key.data
                    data[number] += self.lines[number].socket.recv(65_536)
                    size = whole(data[number])
                    if size is not None:
                        answer = parsed(data[number][:size])
                        data[number] = b""
                        self._take(number, answer)

    def _take(self, number: int, answer: Answer) -> None:
        self.answers[answer.status] += 1
        ended_at = answer.json().get("finished_at")
        if ended_at is None:
            self.lines[number].socket.sendall(self.wires[number])
        else:
            self.late.append(time.time() - datetime.fromisoformat(ended_at).timestamp())


def waiting(bench: Bench) -> Report:
    """Submits alone, then among a thousand who wait, then alone again; and how soon all are told of the end."""
    image = bench.person.upload("waited.png", drawing(), bench.folder)
    count = SUBMITS // 6 if bench.quick else SUBMITS
    with bench.person.line() as line:
        wire = line.raw("POST", f"/v1/images/{image}/vectorizations", b"{}")

        def submit() -> None:
            answer = line.ask(wire)
            assert answer.status == 202, answer

        def submits() -> list[float]:
            return [seconds_of(submit) for _ in range(count)]

        with bench.nobody_vectorizes():
            jobs = [line.post(f"/v1/images/{image}/vectorizations").json()["job_id"] for _ in range(JOBS)]
            submits()
            alone = submits()
            with crowd(bench, jobs) as waiters:
                among = submits()
        with bench.nobody_vectorizes():
            alone += submits()
    assert {200} == set(waiters.answers), waiters.answers
    return Report(notes=[_said(alone, among, waiters.late)])


def _said(alone: Sequence[float], among: Sequence[float], late: Sequence[float]) -> str:
    lines = [
        (name, str(len(times)), *(f"{percentile(times, part) * 1000:.1f}" for part in (0.5, 0.95, 0.99)))
        for name, times in (
            ("a submit, alone", alone),
            (f"a submit while {CLIENTS} clients wait", among),
            ("a waiting client is told, after the job's end", late),
        )
    ]
    return (
        f"{CLIENTS} clients that wait for {JOBS} jobs (`?wait={WAIT}`), gunicorn 27 gthread as in deploy/gunicorn.py"
        f" (2 processes × 600 threads):\n\n" + markdown(("what", "times", "p50 ms", "p95 ms", "p99 ms"), lines)
    )


@contextmanager
def crowd(bench: Bench, jobs: Sequence[str]) -> Generator[Crowd]:
    """A thousand clients who wait meanwhile, and until they have been told."""
    lines = [bench.person.line() for _ in range(CLIENTS)]
    wires = [line.raw("GET", f"/v1/jobs/{jobs[n % len(jobs)]}?wait={WAIT}") for n, line in enumerate(lines)]
    waiters = Crowd(lines, wires)
    thread = threading.Thread(target=waiters.wait)
    thread.start()
    time.sleep(3)
    try:
        yield waiters
        worker = bench.stack.find("worker-vectorize")
        assert worker is not None
        worker.resume()
        thread.join(60)
    finally:
        waiters.over.set()
        thread.join()
        for line in lines:
            line.socket.close()
