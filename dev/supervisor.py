"""Keeps the processes of a stack running: starts them, waits until each answers, restarts what dies."""

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dev.children import Child, Children, Program, StackRefused

BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
STEADY_SECONDS = 10.0
LOOK_SECONDS = 0.05


def say(text: str) -> None:
    """Tell the person at the terminal; stdout is kept for addresses."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@dataclass(slots=True)
class _Kept:
    """One process we keep running: its present child, or when to start the next."""

    program: Program
    ready: Callable[[], bool]
    child: Child | None
    was_ready: bool = False
    deaths: int = 0
    start_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """The processes of one stack. Not for threads: one loop looks after all of them."""

    children: Children
    stop_requests: int = 0
    _kept: dict[str, _Kept] = field(default_factory=dict[str, _Kept])

    def listen(self) -> None:
        """From now on Ctrl-C, SIGTERM and a closed terminal ask for an orderly stop; the second asks to hurry."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._request_stop)

    def _request_stop(self, *_: object) -> None:
        self.stop_requests += 1

    def add(self, program: Program, ready: Callable[[], bool]) -> None:
        """Start a process and keep it running; `ready` says whether it answers."""
        self._kept[program.name] = _Kept(program, ready, self.children.start(program))

    def wait_until_ready(self, timeout_seconds: float = 180.0) -> None:
        """Wait until every process answers; raises StackRefused naming the one that does not.

        One that ends is named at once; the time is for one that hangs. Starting all takes a core some 45 seconds.
        """
        deadline = time.monotonic() + timeout_seconds
        while waiting := [kept for kept in self._kept.values() if not kept.was_ready]:
            if self.stop_requests:
                raise StopRequested
            for kept in waiting:
                self._look_for_readiness(kept, late=time.monotonic() > deadline)
            time.sleep(LOOK_SECONDS)

    def _look_for_readiness(self, kept: _Kept, *, late: bool) -> None:
        assert kept.child is not None
        code = kept.child.process.poll()
        if code is not None or late:
            why = "does not answer" if code is None else f"ended ({_reason(code)})"
            raise StackRefused(f"{kept.program.name} {why}; its log {kept.child.log} ends:\n{kept.child.tail()}")
        if kept.ready():
            kept.was_ready = True
            say(f"  {kept.program.name:18} ready after {time.monotonic() - kept.child.started_at:.1f} s")

    def tend(self) -> None:
        """One look at every process: what has died is started again after a short pause, and that is said."""
        now = time.monotonic()
        for kept in self._kept.values():
            if kept.child is None:
                if now >= kept.start_at:
                    kept.child = self.children.start(kept.program)
            elif (code := kept.child.process.poll()) is not None:
                self._bury(kept, kept.child, code)

    def _bury(self, kept: _Kept, child: Child, code: int) -> None:
        self.children.forget(child)
        kept.deaths = 1 if time.monotonic() - child.started_at > STEADY_SECONDS else kept.deaths + 1
        pause = BACKOFF_SECONDS[min(kept.deaths, len(BACKOFF_SECONDS)) - 1]
        kept.child, kept.start_at = None, time.monotonic() + pause
        say(f"  {kept.program.name} ended ({_reason(code)}), starting it again in {pause:g} s; its log: {child.log}")

    def names(self) -> list[str]:
        """The processes it keeps, in the order they were added."""
        return list(self._kept)

    def stop(self, names: list[str], grace_seconds: float) -> None:
        """Stop these processes together; a further Ctrl-C kills what is still there."""
        asked = self.stop_requests
        alive = [kept.child for name in names if (kept := self._kept.get(name)) and kept.child]
        self.children.stop(alive, grace_seconds, hurry=lambda: self.stop_requests > max(asked, 1))
        for name in names:
            self._kept.pop(name, None)


class StopRequested(Exception):
    """Somebody asked the stack to stop before it was ready."""


def _reason(code: int) -> str:
    return f"status {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
