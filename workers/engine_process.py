"""The worker's side of the engine: children that are lent a picture, watched, and killed when they must be.

The tracer holds the GIL and cannot be interrupted, its cost depends on content and not on size, and hostile
pictures are a matter of course. So it runs in processes of its own (see workers.engine_child), and whatever
becomes of them is a typed problem here, within a moment of the budget.
"""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from shared.errors import (
    AnimatedImage,
    EngineCrashed,
    ImageUndecodable,
    OptionsInvalid,
    ProblemError,
    TooComplex,
    TooManyPixels,
    UnsupportedMediaType,
)
from shared.logging_setup import get_logger
from shared.settings import bare_environment
from workers.frames import Frame, Hangup, receive_frame, send_frame
from workers.stopping import Interrupted, Stopping

log = get_logger(__name__)

CHECKOUT = Path(__file__).parent.parent
KEPT_NAMES = ("PATH", "LANG", "TMPDIR", "NUMBA_CACHE_DIR", "COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")
"""All that the engine's processes see of our environment; everything else may be a secret."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
"""A worker's concurrency is its children; threads in them would only count the cores twice."""

WARM_SECONDS = 180.0
SLICE_SECONDS = 0.1
LONGEST_ANSWER = 200_000_000
PROBLEMS: Mapping[str, type[ProblemError]] = {
    kind.slug: kind
    for kind in (
        AnimatedImage, EngineCrashed, ImageUndecodable, OptionsInvalid, TooComplex, TooManyPixels, UnsupportedMediaType
    )
}  # fmt: skip
OUT_OF_MEMORY_WORDS = ("memory allocation of", "MemoryError", "out of memory")

Watch = Callable[[str | None, float], None]
"""Called with a stage and the part done as the engine tells them, and with (None, 0) every moment in between."""


def unwatched(_stage: str | None, _part: float) -> None:
    """For work that has no progress to show."""


@dataclass(frozen=True, slots=True)
class _Child:
    pid: int
    connection: socket.socket


class _Nursery:
    """One running nursery process and the socket to ask it for children."""

    def __init__(self, module: str, memory_bytes: int) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        self._control.settimeout(WARM_SECONDS)
        started: SimpleQueue[subprocess.Popen[bytes] | OSError] = SimpleQueue()
        # The engine's processes die with the thread that starts them, so that thread does nothing else for ever.
        threading.Thread(target=_keep, args=(module, memory_bytes, theirs, started), daemon=True).start()
        process = started.get()
        theirs.close()
        if isinstance(process, OSError):
            raise EngineCrashed("The engine's process cannot be started.") from process
        self.pid = process.pid
        self.engine_version = ""

    def wait_until_warm(self) -> None:
        """Wait until the engine is loaded and compiled. Raises Hangup or TimeoutError."""
        with self._lock:
            if not self.engine_version:
                self.engine_version = str(receive_frame(self._control, longest=0).header["engine_version"])
                self._control.settimeout(10)

    def bear(self) -> _Child:
        """A new child, in milliseconds. Raises Hangup when the nursery is gone."""
        with self._lock:
            send_frame(self._control, {"ask": "child"})
            pid = int(receive_frame(self._control, longest=0).header["pid"])
            _, fds, _, _ = socket.recv_fds(self._control, 1, 1)
            if not fds:
                raise Hangup
            return _Child(pid, socket.socket(fileno=fds[0]))

    def end(self, child: _Child) -> tuple[int, str]:
        """Kill a child; returns the signal that ended it (0: it left by itself) and what it said last."""
        child.connection.close()
        with self._lock:
            send_frame(self._control, {"ask": "end", "pid": child.pid})
            header = receive_frame(self._control, longest=0).header
        return int(header["signal"]), str(header["said"])

    def close(self) -> None:
        """Hang up: the nursery ends, and its children with it."""
        self._control.close()


def _keep(
    module: str,
    memory_bytes: int,
    control: socket.socket,
    started: "SimpleQueue[subprocess.Popen[bytes] | OSError]",
) -> None:
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module, with numbers for arguments
            [sys.executable, "-m", module, str(os.getpid()), str(control.fileno()), str(memory_bytes)],
            env=bare_environment(*KEPT_NAMES) | ONE_THREAD | {"PYTHONPATH": str(CHECKOUT)},
            stdin=subprocess.DEVNULL,
            pass_fds=[control.fileno()],
            start_new_session=True,
        )
    except OSError as error:
        started.put(error)
        return
    started.put(process)
    process.wait()


class Engines:
    """The engine of one worker process: as many children at work as there are threads asking."""

    def __init__(
        self, *, wall_seconds: float, memory_bytes: int, stopping: Stopping, module: str = "workers.engine_child"
    ) -> None:
        """Start nothing yet; `wall_seconds` is the longest one call may take."""
        self._wall_seconds = wall_seconds
        self._memory_bytes = memory_bytes
        self._stopping = stopping
        self._module = module
        self._lock = threading.Lock()
        self._nursery: _Nursery | None = None
        self._idle: list[_Child] = []

    def warm(self) -> str:
        """Have the engine loaded and one child waiting; returns the engine's version."""
        nursery = self._awake()
        if not self._idle:
            child = nursery.bear()
            with self._lock:
                self._idle.append(child)
        return nursery.engine_version

    @property
    def version(self) -> str:
        """The engine's version, part of every kept trace's key."""
        return self._awake().engine_version

    def run(self, work: str, arguments: Mapping[str, object], data: bytes, watch: Watch) -> Frame:
        """Have a child do `work` on `data`; `watch` is called as it goes on, and what it raises ends the child.

        Raises the engine's own problem, TooComplex beyond the budget of seconds or memory, EngineCrashed when the
        child dies, and Interrupted when the worker stops.
        """
        nursery, child = self._lend()
        try:
            answer = self._converse(child, work, arguments, data, watch)
        except Hangup:
            raise self._autopsy(*self._end(nursery, child)) from None
        except TimeoutError:
            self._end(nursery, child)
            raise TooComplex(f"The image takes longer than {self._wall_seconds:g} seconds.") from None
        except BaseException:
            self._end(nursery, child)
            raise
        self._give_back(nursery, child, is_last=answer.header["is_last"])
        return _checked(answer)

    def close(self) -> None:
        """End every process of the engine."""
        with self._lock:
            nursery, self._nursery = self._nursery, None
            idle, self._idle = self._idle, []
        for child in idle:
            child.connection.close()
        if nursery is not None:
            nursery.close()

    def _converse(self, child: _Child, work: str, arguments: Mapping[str, object], data: bytes, watch: Watch) -> Frame:
        deadline = time.monotonic() + self._wall_seconds
        child.connection.settimeout(self._wall_seconds)
        request = {"work": work, "arguments": arguments, "cpu_seconds": self._wall_seconds}
        send_frame(child.connection, request, data)
        poll = select.poll()
        poll.register(child.connection, select.POLLIN)
        while True:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            if self._stopping.is_due:
                raise Interrupted
            if not poll.poll(min(remaining, SLICE_SECONDS) * 1000):
                watch(None, 0.0)
                continue
            child.connection.settimeout(max(0.01, remaining))
            frame = receive_frame(child.connection, longest=LONGEST_ANSWER)
            if "is_last" in frame.header:
                return frame
            watch(str(frame.header["stage"])[:40], min(1.0, max(0.0, float(frame.header["part"]))))

    def _lend(self) -> tuple[_Nursery, _Child]:
        for _ in range(2):
            nursery = self._awake()
            try:
                while (child := self._next_idle()) is not None:
                    if _is_alive(child):
                        return nursery, child
                    nursery.end(child)
                return nursery, nursery.bear()
            except (Hangup, TimeoutError, OSError):
                log.warning("engine_nursery_lost")
                self.close()
        raise EngineCrashed("The engine's process does not answer.")

    def _next_idle(self) -> _Child | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _awake(self) -> _Nursery:
        with self._lock:
            if self._nursery is None:
                self._nursery = _Nursery(self._module, self._memory_bytes)
            nursery = self._nursery
        try:
            nursery.wait_until_warm()
        except (Hangup, TimeoutError, OSError) as error:
            self.close()
            raise EngineCrashed("The engine's process does not start.") from error
        return nursery

    def _give_back(self, nursery: _Nursery, child: _Child, *, is_last: bool) -> None:
        if is_last:
            self._end(nursery, child)
            return
        with self._lock:
            if nursery is self._nursery:
                self._idle.append(child)
                return
        child.connection.close()

    def _end(self, nursery: _Nursery, child: _Child) -> tuple[int, str]:
        try:
            return nursery.end(child)
        except (Hangup, TimeoutError, OSError):
            self.close()  # a nursery that is gone took its children with it
            return int(signal.SIGKILL), ""

    def _autopsy(self, number: int, said: str) -> ProblemError:
        log.warning("engine_died", signal=number, said=said)
        if number == signal.SIGXCPU:
            return TooComplex(f"The image takes longer than {self._wall_seconds:g} seconds.")
        if any(words in said for words in OUT_OF_MEMORY_WORDS):
            return TooComplex("The image needs more memory than allowed.")
        return EngineCrashed("The engine stopped on this image.")


def _is_alive(child: _Child) -> bool:
    """Whether an idle child still listens: a dead one's socket is readable, for it has ended."""
    return not select.select([child.connection], [], [], 0)[0]


def _checked(answer: Frame) -> Frame:
    """The answer, or the problem it tells."""
    header: Mapping[str, Any] = answer.header
    if "crash" in header:
        log.error("engine_failed", error=header["crash"])
        raise EngineCrashed("The engine failed on this image.")
    if "problem" in header:
        raise PROBLEMS.get(header["problem"], EngineCrashed)(str(header["detail"]))
    return answer
