"""Tracers at work: each in a child process that is started once, watched, and replaced when it dies or hangs."""

import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dev.home import CHECKOUT

MOST_SECONDS = 60
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Traced:
    """What a tracer gave: the SVG's text and seconds of processor time, or why there is none."""

    svg: str | None
    seconds: float
    failure: str = ""


class Child:
    """One tracer's process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def trace(self, picture: Path, svg: Path) -> Traced:
        """Trace a picture and write the SVG; what fails is told, never raised."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        svg.parent.mkdir(parents=True, exist_ok=True)
        svg.unlink(missing_ok=True)
        try:
            process.stdin.write(json.dumps({"picture": str(picture), "svg": str(svg)}) + "\n")
            process.stdin.flush()
            if not select.select([process.stdout], [], [], MOST_SECONDS)[0]:
                return self._failed(f"took longer than {MOST_SECONDS} s")
            line = process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            return self._failed("died")
        answer = json.loads(line)
        if "failure" in answer:
            return Traced(None, 0.0, answer["failure"])
        return Traced(svg.read_text("utf-8"), answer["seconds"])

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.quality.child", self.name]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, env=os.environ | ONE_CORE
        )
        return self._process

    def _failed(self, why: str) -> Traced:
        self.kill()
        return Traced(None, float(MOST_SECONDS), why)

    @property
    def pid(self) -> int | None:
        """The process's id while there is one."""
        return self._process.pid if self._process else None

    def kill(self) -> None:
        """End the process; the next picture gets a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()  # unlike close(), it forgives a line that the dead never read
            self._process = None
