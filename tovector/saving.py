"""Files that are there whole or not at all."""

import contextlib
import os
import tempfile
from pathlib import Path


def save(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Write a file under another name beside it, then give it its own: nobody ever sees half of it.

    `mode` is its permissions; without, they are those of any new file. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tovector-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode if mode is not None else 0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _umask() -> int:
    """The process's umask. It can only be read by setting it, so it is read once, before any thread is started."""
    return _UMASK


_UMASK = os.umask(0o077)
os.umask(_UMASK)
