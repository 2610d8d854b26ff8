"""The engine's own processes, which a worker may kill at any time: a nursery and its children.

`python -m workers.engine_child` is the nursery: it loads the engine once and forks a child for each place in
the worker's pool, so that a child killed in the middle of a picture is replaced in milliseconds instead of
being imported and compiled anew. A child serves one picture after another. Both have no secret in their
environment, no socket but their own, and die with the process above them.

A child decides nothing about jobs: it gets bytes and options and answers with bytes, or a problem by its slug.
"""

import contextlib
import ctypes
import fcntl
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shared.errors import ProblemError, TooComplex
from workers.frames import Frame, Hangup, receive_frame, send_frame

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
JOBS_PER_CHILD = 500
GROWTH_BYTES = 400_000_000
"""A child whose memory has grown by this much since its birth is replaced after its present picture."""

LONGEST_PAYLOAD = 200_000_000
NOTE_BYTES = 2_000
Answer = tuple[Mapping[str, object], bytes]
Tell = Callable[[str, float], None]
Work = Callable[[Mapping[str, Any], bytes, Tell], Answer]


def trace(arguments: Mapping[str, Any], data: bytes, tell: Tell) -> Answer:
    """A picture to an SVG as large as its `page`; the header of the answer is the report."""
    from workers import engine

    options = engine.TraceOptions.model_validate(arguments["options"])
    width, height = arguments["page"]
    limits = engine.Limits(**arguments["limits"])
    traced = engine.trace(data, options, page=(width, height), limits=limits, progress=tell)
    return {"report": asdict(traced.report)}, traced.svg.encode()


def preview(arguments: Mapping[str, Any], data: bytes, tell: Tell) -> Answer:
    """An SVG of ours to a watermarked PNG."""
    from workers import engine

    tell("rendering", 0.0)
    return {}, engine.render_preview(data.decode(), max_side=arguments["max_side"], label=arguments["label"])


def write(arguments: Mapping[str, Any], data: bytes, tell: Tell) -> Answer:
    """An SVG of ours to a file as it is sold: in any format, at the size asked for."""
    from workers import engine

    tell("writing", 0.0)
    options = engine.TraceOptions.model_validate(arguments["options"])
    written = engine.write_format(data.decode(), arguments["format"], options, most_bytes=arguments["most_bytes"])
    return {}, written


def resize(arguments: Mapping[str, Any], data: bytes, tell: Tell) -> Answer:
    """A large picture to a PNG of at most `max_pixels`; the answer says its width and height."""
    from workers import engine

    tell("resizing", 0.0)
    small = engine.resize(data, arguments["max_pixels"], max_source_pixels=arguments["max_source_pixels"])
    header = engine.inspect_image(small)
    return {"width": header.width, "height": header.height}, small


def suggest(arguments: Mapping[str, Any], data: bytes, tell: Tell) -> Answer:
    """What to tell the owner of a picture; all of it is in the header of the answer."""
    from workers import engine

    tell("analysing", 0.0)
    limits = {"max_pixels": arguments["max_pixels"], "working_pixels": arguments["working_pixels"]}
    return {"suggestion": asdict(engine.suggest_image(data, **limits))}, b""


WORKS: Mapping[str, Work] = {
    "trace": trace, "preview": preview, "write": write, "resize": resize, "suggest": suggest,
}  # fmt: skip


def warm_engine() -> str:
    """Load and compile the engine; returns its version."""
    from workers import engine

    engine.warm()
    return engine.ENGINE_VERSION


def serve(connection: socket.socket, works: Mapping[str, Work] = WORKS) -> None:
    """A child's life: one picture after another until the worker hangs up or the child is due for replacement."""
    born_with = _memory_bytes()
    for number in range(1, JOBS_PER_CHILD + 1):
        with contextlib.suppress(OSError):
            os.ftruncate(2, 0)  # what earlier pictures made the libraries say
        try:
            request = receive_frame(connection, longest=LONGEST_PAYLOAD)
        except Hangup:
            return
        header, payload = _answer(connection, request, works)
        is_last = number == JOBS_PER_CHILD or _memory_bytes() - born_with > GROWTH_BYTES or "out_of_memory" in header
        send_frame(connection, {**header, "is_last": is_last}, payload)
        if is_last:
            return


def _answer(connection: socket.socket, request: Frame, works: Mapping[str, Work]) -> Answer:
    _renew_cpu_limit(float(request.header["cpu_seconds"]))
    try:
        return works[request.header["work"]](
            request.header["arguments"],
            request.payload,
            lambda stage, part: send_frame(connection, {"stage": stage, "part": part}),
        )
    except ProblemError as problem:
        return {"problem": problem.slug, "detail": problem.detail}, b""
    except MemoryError:
        gc.collect()
        return {"problem": TooComplex.slug, "detail": "The image needs more memory than allowed.",
                "out_of_memory": True}, b""  # fmt: skip
    except (Exception, BaseException) as error:
        # A Rust panic derives from BaseException and cannot be pickled; here it is only a text.
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        return {"crash": f"{type(error).__name__}: {error}"[:NOTE_BYTES]}, b""


def _renew_cpu_limit(seconds: float) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _memory_bytes() -> int:
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * resource.getpagesize()


def die_with_parent(parent: int) -> None:
    """Be killed when the thread that started us ends; end at once when that has happened already."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)


class Nursery:
    """Forks and ends children when the worker asks; single-threaded, so forking is safe."""

    def __init__(self, control: socket.socket, memory_bytes: int, works: Mapping[str, Work] = WORKS) -> None:
        self._control = control
        self._memory_bytes = memory_bytes
        self._works = works
        self._notes: dict[int, int] = {}

    def tend(self) -> None:
        """Do what the worker asks until it hangs up. Children die with us."""
        with contextlib.suppress(Hangup):
            while True:
                request = receive_frame(self._control, longest=0).header
                if request["ask"] == "child":
                    self._fork()
                else:
                    send_frame(self._control, self._end(int(request["pid"])))

    def _fork(self) -> None:
        ours, theirs = socket.socketpair()
        notes = os.memfd_create("notes")
        fcntl.fcntl(notes, fcntl.F_SETFL, os.O_APPEND)
        nursery = os.getpid()
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._live(theirs, notes, nursery)
        theirs.close()
        self._notes[pid] = notes
        send_frame(self._control, {"pid": pid})
        socket.send_fds(self._control, [b"."], [ours.fileno()])
        ours.close()

    def _live(self, connection: socket.socket, notes: int, nursery: int) -> None:
        """The child: narrow what it may use, serve, and leave without running anything of the nursery's."""
        try:
            die_with_parent(nursery)
            self._control.close()
            for other in self._notes.values():
                os.close(other)
            os.dup2(notes, 2)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_AS, (self._memory_bytes, self._memory_bytes))
            serve(connection, self._works)
        except Hangup:
            pass
        finally:
            os._exit(0)

    def _end(self, pid: int) -> dict[str, object]:
        """Kill a child that may have died already; says how it ended and what it wrote last."""
        os.kill(pid, signal.SIGKILL)  # it is ours until waited for, so the number cannot be another's
        _, status = os.waitpid(pid, 0)
        notes = self._notes.pop(pid)
        size = os.fstat(notes).st_size
        said = os.pread(notes, NOTE_BYTES, max(0, size - NOTE_BYTES)).decode("utf-8", "replace")
        os.close(notes)
        return {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, "said": said}


def main(arguments: list[str], works: Mapping[str, Work] = WORKS, warm: Callable[[], str] = warm_engine) -> None:
    """The nursery's process: `PARENT_PID CONTROL_FD MEMORY_BYTES`."""
    parent, control_fd, memory_bytes = map(int, arguments)
    die_with_parent(parent)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the worker says when to end
    control = socket.socket(fileno=control_fd)
    version = warm()
    gc.collect()
    gc.freeze()  # what is loaded stays shared between the children
    send_frame(control, {"engine_version": version})
    Nursery(control, memory_bytes, works).tend()


if __name__ == "__main__":
    main(sys.argv[1:])
