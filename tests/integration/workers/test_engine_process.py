"""The engine's processes: whatever becomes of them is a typed problem, and the next picture is served."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from shared.errors import EngineCrashed, ImageUndecodable, LeaseLost, ProblemError, TooComplex
from tests.integration.workers.running import ROOT, until
from workers.engine_process import Engines
from workers.stopping import Interrupted, Stopping

ODD = "tests.integration.workers.odd_engine"
MEMORY_BYTES = 600_000_000


def unwatched(_stage: str | None, _part: float) -> None:
    """Nobody looks."""


@pytest.fixture
def make_engines() -> Iterator[Callable[..., Engines]]:
    made: list[Engines] = []

    def make(*, wall_seconds: float = 5.0, stopping: Stopping | None = None) -> Engines:
        made.append(
            Engines(wall_seconds=wall_seconds, memory_bytes=MEMORY_BYTES, stopping=stopping or Stopping(), module=ODD)
        )
        return made[-1]

    yield make
    for engines in made:
        engines.close()


@pytest.fixture
def engines(make_engines: Callable[..., Engines]) -> Engines:
    return make_engines()


def echoes(engines: Engines) -> bool:
    """Whether a normal picture is served."""
    return engines.run("echo", {}, b"picture", unwatched).payload == b"picture"


def test_bytes_come_back_and_progress_is_told(engines: Engines) -> None:
    told: list[tuple[str | None, float]] = []
    data = os.urandom(3_000_000)
    answer = engines.run("echo", {}, data, lambda stage, part: told.append((stage, part)))
    assert data == answer.payload
    assert ("echoing", 0.5) in told
    assert "odd" == engines.version


def test_one_child_serves_picture_after_picture(engines: Engines) -> None:
    pids = {engines.run("echo", {}, b"", unwatched).header["pid"] for _ in range(5)}
    assert 1 == len(pids)


def test_threads_have_a_child_each(engines: Engines) -> None:
    engines.warm()
    started = time.monotonic()
    threads = [threading.Thread(target=engines.run, args=("sleep", {"seconds": 0.6}, b"", unwatched)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < 1.5


def test_a_child_sees_no_secret_and_no_socket_but_its_own(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPABASE_SERVICE_KEY", "secret")
    header = engines.run("surroundings", {}, b"", unwatched).header
    allowed = {"PATH", "LANG", "TMPDIR", "PYTHONPATH", "LC_CTYPE", "NUMBA_CACHE_DIR", "OMP_NUM_THREADS"}
    extra = set(header["environment"]) - allowed - {"OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"}
    assert set() == {name for name in extra if not name.startswith("COVERAGE_")}
    assert 1 == header["sockets"]


@pytest.mark.parametrize(
    ("work", "problem"),
    [
        ("eat", TooComplex),
        ("eat_in_rust", TooComplex),
        ("crash", EngineCrashed),
        ("leave", EngineCrashed),
        ("panic", EngineCrashed),
        ("refuse", ImageUndecodable),
    ],
)
def test_a_misfortune_is_a_typed_problem_and_the_next_picture_is_served(
    engines: Engines, work: str, problem: type[ProblemError]
) -> None:
    for _ in range(2):
        with pytest.raises(problem) as caught:
            engines.run(work, {}, b"", unwatched)
        assert problem is type(caught.value)
        assert echoes(engines)


def test_what_spins_is_killed_at_its_budget(make_engines: Callable[..., Engines]) -> None:
    engines = make_engines(wall_seconds=0.5)
    assert echoes(engines)
    started = time.monotonic()
    with pytest.raises(TooComplex, match=r"longer than 0\.5 seconds"):
        engines.run("spin", {}, b"", unwatched)
    took = time.monotonic() - started
    assert 0.5 <= took < 1.5
    assert echoes(engines)
    assert time.monotonic() - started - took < 1.0


def test_a_child_that_has_grown_is_replaced(engines: Engines) -> None:
    first = engines.run("grow", {"bytes": 1_000}, b"", unwatched).header["pid"]
    assert first == engines.run("grow", {"bytes": 420_000_000}, b"", unwatched).header["pid"]
    assert first != engines.run("grow", {"bytes": 1_000}, b"", unwatched).header["pid"]


def test_an_idle_child_that_was_killed_is_replaced(engines: Engines) -> None:
    pid = engines.run("echo", {}, b"", unwatched).header["pid"]
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.05)
    assert pid != engines.run("echo", {}, b"", unwatched).header["pid"]


def test_a_nursery_that_was_killed_is_replaced(engines: Engines) -> None:
    child = psutil.Process(engines.run("echo", {}, b"", unwatched).header["pid"])
    nursery = child.parent()
    assert nursery is not None
    nursery.kill()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert echoes(engines)


def test_whoever_watches_may_end_the_work(engines: Engines) -> None:
    def lost(_stage: str | None, _part: float) -> None:
        raise LeaseLost

    started = time.monotonic()
    with pytest.raises(LeaseLost):
        engines.run("spin", {}, b"", lost)
    assert time.monotonic() - started < 2
    assert echoes(engines)


def test_long_work_is_interrupted_when_the_worker_stops(make_engines: Callable[..., Engines]) -> None:
    stopping = Stopping()
    engines = make_engines(wall_seconds=20, stopping=stopping)
    assert echoes(engines)
    stopping.begin(0.3)
    assert echoes(engines)
    started = time.monotonic()
    with pytest.raises(Interrupted):
        engines.run("spin", {}, b"", unwatched)
    assert time.monotonic() - started < 2


def test_an_engine_that_cannot_start_is_a_typed_problem() -> None:
    engines = Engines(wall_seconds=1, memory_bytes=MEMORY_BYTES, stopping=Stopping(), module="no.such.module")
    with pytest.raises(EngineCrashed):
        engines.warm()


def test_the_engines_processes_die_with_a_killed_worker_even_when_they_spin(tmp_path: Path) -> None:
    script = (
        "from workers.engine_process import Engines; from workers.stopping import Stopping;"
        f"e = Engines(wall_seconds=60, memory_bytes={MEMORY_BYTES}, stopping=Stopping(), module={ODD!r});"
        "e.run('spin', {}, b'', lambda s, p: None)"
    )
    worker = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    process = psutil.Process(worker.pid)
    until(lambda: any(sum(child.cpu_times()[:2]) > 0.2 for child in process.children(recursive=True)[1:]))
    family = process.children(recursive=True)
    assert 2 == len(family)
    worker.kill()
    worker.wait()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert [] == alive
