"""Files of the client are there whole or not at all, also when it is killed."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tovector import saving
from tovector.saving import save

# It says where it is, and stays there: between the first byte of a file and its name.
STUCK = """
import os, sys, time
from pathlib import Path
from tovector.saving import save

def stay(_):
    print("writing", flush=True)
    time.sleep(60)

os.fsync = stay
save(Path(sys.argv[1]), b"half")
"""


@contextlib.contextmanager
def writing(path: Path) -> Generator[subprocess.Popen[str]]:
    """Another process that has begun to write this file, killed in the end."""
    with subprocess.Popen((sys.executable, "-c", STUCK, path), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "writing\n" == process.stdout.readline()
            yield process
        finally:
            process.kill()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_process_left_goes_with_the_next_file(tmp_path: Path) -> None:
    with writing(tmp_path / "first.svg") as process:
        process.send_signal(signal.SIGKILL)
    (left,) = names(tmp_path)
    assert left.startswith(".tovector-")
    (tmp_path / ".tovector-of-the-user").touch()
    save(tmp_path / "second.svg", b"whole")
    assert [".tovector-of-the-user", "second.svg"] == names(tmp_path)


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    with writing(tmp_path / "first.svg"):
        before = names(tmp_path)
        save(tmp_path / "second.svg", b"whole")
        assert [*before, "second.svg"] == names(tmp_path)


def test_a_part_that_was_cleared_before_it_was_locked_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, cleared = saving.tempfile.mkstemp, list[str]()

    def make_and_lose(*, dir: Path, prefix: str, suffix: str) -> tuple[int, str]:
        handle, name = make(dir=dir, prefix=prefix, suffix=suffix)
        if not cleared:
            cleared.append(name)
            Path(name).unlink()
        return handle, name

    monkeypatch.setattr(saving.tempfile, "mkstemp", make_and_lose)
    save(tmp_path / "drawing.svg", b"whole")
    assert (1, ["drawing.svg"]) == (len(cleared), names(tmp_path))
    assert b"whole" == (tmp_path / "drawing.svg").read_bytes()


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    save(tmp_path / "new" / "a", b"1")
    (tmp_path / "new" / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        save(tmp_path / "new" / "folder", b"2")
    assert {"a", "folder"} == {path.name for path in (tmp_path / "new").iterdir()}
