"""Programs of Debian's that some tests run: those installed, or unpacked from their package into .local/debian once.

Where neither can be had, a test that needs one is skipped and says so.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / ".local" / "debian"
PATIENCE_SECONDS = 120


def program(name: str, package: str, *needs: str) -> str:
    """Where a program of a Debian package is. Skips the test that asks when it cannot be had.

    What it `needs` of other packages is unpacked into the same folder, for programs that find it there.
    """
    found = _find(name, package)
    if found is None and shutil.which("apt-get") and shutil.which("dpkg"):
        with _one_at_a_time():
            found = _find(name, package)
            if found is None:
                _unpack(package, *needs)
                found = _find(name, package)
    if found is None:
        pytest.skip(f"{name} is not here and Debian's package {package} cannot be fetched")
    return found


def at_home(name: str, package: str) -> tuple[str, ...]:
    """The beginning of a command: the program, and files of its package in `/usr/share` where it looks for them.

    Skips the test where the package is only unpacked and the kernel lets nobody lay folders over others for itself.
    """
    found = program(name, package)
    if not found.startswith(str(FOLDER)):
        return (found,)
    inside = ("unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c")
    may = (
        shutil.which("unshare") and subprocess.run((*inside, "true"), capture_output=True, check=False).returncode == 0
    )
    if not may:
        pytest.skip(f"{name} wants its files in /usr/share: install Debian's package {package}")
    share = FOLDER / package / "usr" / "share"
    return (*inside, f'mount --bind "{share}" /usr/share && exec "$0" "$@"', found)


def with_libraries(package: str) -> dict[str, str]:
    """The environment in which an unpacked program finds the libraries that were unpacked beside it."""
    beside = [str(folder) for folder in (FOLDER / package).glob("usr/lib/*-linux-gnu")]
    paths = [*beside, *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(paths)} if beside else dict(os.environ)


@contextmanager
def _one_at_a_time() -> Generator[None]:
    """Hold the folder: of several processes that lack a program one unpacks it and the others find it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _find(name: str, package: str) -> str | None:
    path = os.pathsep.join([os.environ.get("PATH", ""), *(str(FOLDER / package / d) for d in ("usr/bin", "usr/sbin"))])
    return shutil.which(name, path=path)


def _unpack(package: str, *needs: str) -> None:
    """Fetch packages as their owner would, without installing anything; does nothing when that is not possible."""
    downloads = FOLDER / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    fetch = ("apt-get", "download", package, *needs)
    try:
        subprocess.run(fetch, cwd=downloads, check=True, capture_output=True, timeout=PATIENCE_SECONDS)
        for one in (*needs, package):  # the program last: without its needs it is not there
            (archive,) = downloads.glob(f"{one}_*.deb")
            subprocess.run(("dpkg", "-x", archive, FOLDER / package), check=True, capture_output=True)
    except (subprocess.SubprocessError, OSError, ValueError):
        return
