"""Reads a Procfile: one process of the house a line, `name: command`."""

import re
from collections.abc import Mapping
from pathlib import Path

from dev.children import Program, StackRefused

_LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>\S.*)")


def read_procfile(path: Path, environment: Mapping[str, str]) -> list[Program]:
    """Every process of the file, to be run by the shell as a platform would; refuses what it cannot read."""
    programs: list[Program] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or any(program.name == match["name"] for program in programs):
            raise StackRefused(f"{path.name} line {number} is not `name: command` with a name of its own: {line}")
        programs.append(Program(match["name"], ("/bin/sh", "-c", f"exec {match['command']}"), environment))
    return programs
