"""Files that are there whole or not at all."""

import contextlib
import fcntl
import os
import tempfile
from functools import cache
from pathlib import Path

PREFIX, SUFFIX = ".tovector-", ".part"


def save(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Write a file under another name beside it, then give it its own: nobody ever sees half of it.

    `mode` is its permissions; without, they are those of any new file. What processes that were killed have left
    beside it goes away. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear(path.parent)
    handle, part = _new_part(path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            part.chmod(mode if mode is not None else 0o666 & ~_umask())
            part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _new_part(folder: Path) -> tuple[int, Path]:
    """An empty file, locked for as long as it is open: `_clear` of another process leaves it alone."""
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=PREFIX, suffix=SUFFIX)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # it was cleared before it was locked


@cache
def _clear(folder: Path) -> None:
    """Remove the parts that nobody writes any more, once in a process."""
    for part in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with contextlib.suppress(OSError), part.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()


def _umask() -> int:
    """The process's umask. It can only be read by setting it, so it is read once, before any thread is started."""
    return _UMASK


_UMASK = os.umask(0o077)
os.umask(_UMASK)
