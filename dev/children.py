"""Child processes that never outlive us, whatever ends us."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


class StackRefused(Exception):
    """The local stack cannot do what was asked; the text says why, for the person who asked."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: one process of the stack."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    stop_signal: signal.Signals = signal.SIGTERM
    user: int | None = None


@dataclass(slots=True)
class Child:
    """A running program, the leader of its own session, writing to its own log."""

    program: Program
    process: subprocess.Popen[bytes]
    log: Path
    started_at: float

    @property
    def group(self) -> int:
        """Its process group, which has the number of its first process."""
        return self.process.pid

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the program and everything it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.group, number)

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log, for a message that says why it failed."""
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return "\n".join("    " + line for line in text.splitlines()[-lines:])


class Children:
    """The processes we started, each in its own group, with a guardian that ends them if we vanish."""

    def __init__(self, log_directory: Path) -> None:
        log_directory.mkdir(parents=True, exist_ok=True)
        self._log_directory = log_directory
        self._alive: list[Child] = []
        self._logs: set[Path] = set()
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("guardian.py"))],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()

    def start(self, program: Program) -> Child:
        """Start a program; its output goes to NAME.log, which begins anew with the stack."""
        log = self._log_directory / f"{program.name}.log"
        with log.open("ab" if log in self._logs else "wb") as output:
            process = subprocess.Popen(
                program.command,
                env=program.environment or None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=program.user,
                group=program.user,
                extra_groups=None if program.user is None else [],
            )
        self._logs.add(log)
        child = Child(program, process, log, time.monotonic())
        self._alive.append(child)
        self._tell_guardian(f"+{child.group} {int(program.stop_signal)}")
        return child

    def forget(self, child: Child) -> None:
        """A child has ended by itself: end what is left of its group too."""
        child.signal_group(signal.SIGKILL)
        self._alive.remove(child)
        self._tell_guardian(f"-{child.group}")

    def stop(self, children: list[Child], grace_seconds: float, hurry: Callable[[], bool] = lambda: False) -> None:
        """Ask these children to stop; kill those that have not within the grace (or when told to hurry)."""
        for child in children:
            if child.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.process.pid, child.program.stop_signal)
        deadline = time.monotonic() + grace_seconds
        while any(child.process.poll() is None for child in children):
            if time.monotonic() > deadline or hurry():
                break
            time.sleep(0.02)
        for child in children:
            child.signal_group(signal.SIGKILL)
            child.process.wait()
            self.forget(child)

    def stop_all(self, grace_seconds: float = 5.0) -> None:
        """Stop what still runs, the youngest first, then the guardian."""
        for child in reversed(self._alive.copy()):
            self.stop([child], grace_seconds)
        assert self._guardian.stdin is not None
        self._guardian.stdin.close()
        self._guardian.wait()

    def _tell_guardian(self, line: str) -> None:
        assert self._guardian.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._guardian.stdin.write(f"{line}\n".encode())
            self._guardian.stdin.flush()


def wait_until(ready: Callable[[], bool], child: Child, timeout_seconds: float = 20.0) -> None:
    """Wait until a child answers; say what it wrote if it ends or stays silent instead."""
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        code = child.process.poll()
        if code is not None or time.monotonic() > deadline:
            why = f"did not answer within {timeout_seconds:g} s" if code is None else f"ended with status {code}"
            raise StackRefused(f"{child.program.name} {why}; its log is {child.log}\n{child.tail()}")
        time.sleep(0.01)
