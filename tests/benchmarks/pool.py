"""The floor of the pipeline: the engine in bare processes, nothing but pictures in and drawings' lengths out."""

import multiprocessing
import os
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from multiprocessing.pool import Pool

from workers import engine
from workers.engine_process import ONE_THREAD

PROCESSES = 2


@contextmanager
def bare_pool() -> Generator[Pool]:
    """Warm engine processes, each with one thread, as the worker's are."""
    before = dict(os.environ)
    os.environ.update(ONE_THREAD)
    try:
        pool = multiprocessing.get_context("spawn").Pool(PROCESSES, initializer=engine.warm)
        pool.map(abs, range(PROCESSES))
    finally:
        os.environ.clear()
        os.environ.update(before)
    with pool:
        yield pool
        pool.close()
        pool.join()


def traces_a_second(pool: Pool, pictures: Sequence[bytes]) -> float:
    """How many pictures a second it traces."""
    started = time.perf_counter()
    assert all(pool.imap_unordered(_trace, pictures))
    return len(pictures) / (time.perf_counter() - started)


def _trace(picture: bytes) -> int:
    return len(engine.trace(picture, engine.TraceOptions()).svg)
