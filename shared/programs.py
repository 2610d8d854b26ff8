"""Postgres's own programs, run for backups. Addresses and passwords go through the environment, never a command."""

import subprocess
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from psycopg.conninfo import conninfo_to_dict

from shared.errors import InternalError
from shared.settings import bare_environment

_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}
# What a program writes to stderr is kept in a pipe until it ends.
_MOST_SAID = 4_000


def environment_of(url: str) -> dict[str, str]:
    """What Postgres's programs read an address from."""
    parts = conninfo_to_dict(url)
    named = {_VARIABLES[name]: str(value) for name, value in parts.items() if name in _VARIABLES and value is not None}
    return bare_environment("PATH", "LD_LIBRARY_PATH", "HOME", "LANG", "TZ") | named


def program(folder: str | None, name: str) -> str:
    """The path of a program: in `folder`, or wherever PATH has it."""
    return name if folder is None else str(Path(folder) / name)


@contextmanager
def output_of(command: Sequence[str], url: str) -> Generator[IO[bytes]]:
    """What a program writes, as it writes it. Raises InternalError with its last words when it fails."""
    with _started(command, url, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
        except BaseException:
            process.kill()
            raise
        _ended(process, command[0])


def feed(command: Sequence[str], url: str, pieces: Iterable[bytes]) -> None:
    """Give a program what it reads, to the last piece. Raises InternalError with its last words when it fails."""
    with _started(command, url, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        try:
            with suppress(BrokenPipeError):  # it has ended, and its status says how
                for piece in pieces:
                    process.stdin.write(piece)
                process.stdin.close()
        except BaseException:
            process.kill()
            raise
        _ended(process, command[0])


def run(command: Sequence[str], url: str, given: bytes = b"") -> str:
    """Run a short program to its end; returns what it wrote. Raises InternalError with its last words."""
    try:
        done = subprocess.run(command, env=environment_of(url), input=given, capture_output=True, check=False)  # noqa: S603
    except OSError as error:
        raise InternalError(f"{command[0]} cannot be run: {error.strerror}; see POSTGRES_PROGRAMS") from error
    if done.returncode:
        raise InternalError(f"{command[0]} failed: {done.stderr.decode(errors='replace')[-_MOST_SAID:].strip()}")
    return done.stdout.decode()


@contextmanager
def _started(command: Sequence[str], url: str, *, stdin: int, stdout: int) -> Generator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(  # noqa: S603 - our own words alone
            command, env=environment_of(url), stdin=stdin, stdout=stdout, stderr=subprocess.PIPE
        )
    except OSError as error:
        raise InternalError(f"{command[0]} cannot be run: {error.strerror}; see POSTGRES_PROGRAMS") from error
    with process:
        try:
            yield process
        finally:
            if process.stdin is not None:
                with suppress(BrokenPipeError):  # what it left unread may still be in our buffer
                    process.stdin.close()


def _ended(process: subprocess.Popen[bytes], name: str) -> None:
    assert process.stderr is not None
    said = process.stderr.read().decode(errors="replace")
    if process.wait():
        raise InternalError(f"{name} failed: {said[-_MOST_SAID:].strip()}")
