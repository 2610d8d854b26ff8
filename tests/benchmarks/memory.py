"""A worker with its engine, against the engine alone in a process, both at the largest picture they are ever given."""

import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
from PIL import Image

from dev.home import CHECKOUT
from tests.benchmarks.bench import Bench
from tests.benchmarks.images import as_png, sample_of
from tests.benchmarks.pairs import in_turns
from tests.benchmarks.pipeline import forget_drawings, run
from tests.benchmarks.table import Report, at_most, row

LOOK_SECONDS = 0.02
WIDTH = 2_400
"""With the sample's 3:2 as close as it gets to WORKING_MAX_PIXELS without being resized."""

BARE = (
    "import sys; from pathlib import Path; from workers import engine; engine.warm();"
    " print(len(engine.trace(Path(sys.argv[1]).read_bytes(), engine.TraceOptions()).svg))"
)


def memory(bench: Bench) -> Report:
    """The peak of a worker, its nursery and its children, against that of a process that traces the same picture.

    What processes share is divided between them (PSS), or a worker and its forks would be counted several times.
    """
    picture = bench.folder / "large.png"
    image: Image.Image = sample_of(WIDTH)
    picture.write_bytes(as_png(image, 0))
    image_id = bench.person.upload("largest.png", picture.read_bytes(), bench.folder)
    bench.stack.kill("worker-vectorize")  # the new one has one child at work, and none that is fat from before
    run(bench.person, [image_id])
    worker = bench.stack.find("worker-vectorize")
    assert worker is not None

    def of_worker() -> float:
        forget_drawings(bench.person)
        with peak_of(worker) as peak:
            (job,) = run(bench.person, [image_id])
        assert job["status"] == "succeeded", job
        return peak[0]

    def of_bare() -> float:
        command = (sys.executable, "-c", BARE, str(picture))
        process = psutil.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL)
        with peak_of(process) as peak:
            assert process.wait() == 0
        return peak[0]

    pairs = in_turns(of_worker, of_bare, bench.pairs)
    return Report([row("worker's peak memory ÷ bare engine process", pairs, "MB", at_most(1.3))])


@contextmanager
def peak_of(process: psutil.Process) -> Generator[list[float]]:
    """The most memory that a process and its children had together meanwhile, in bytes: the list's one number."""
    peak, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            peak[0] = max(peak[0], float(sum(map(share_of, family(process)))))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield peak
    finally:
        over.set()
        looking.join()


def family(process: psutil.Process) -> list[int]:
    """The process and everything that it started."""
    try:
        return [process.pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def share_of(pid: int) -> int:
    """A process's proportional share of memory in bytes; 0 when it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)
