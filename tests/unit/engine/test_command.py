"""`python -m workers.engine IN OUT` as a stranger meets it."""

import subprocess
import sys
from pathlib import Path

import pytest

from dev.home import CHECKOUT


@pytest.mark.parametrize(("content", "said"), [(None, "No such file"), (b"hi", "neither a PNG nor a JPEG")])
def test_the_command_says_what_is_wrong_in_one_line(content: bytes | None, said: str, tmp_path: Path) -> None:
    source, target = tmp_path / "picture.png", tmp_path / "drawing.svg"
    if content is not None:
        source.write_bytes(content)
    command = (sys.executable, "-m", "workers.engine", str(source), str(target))
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (1, 1) == (ended.returncode, len(ended.stderr.splitlines()))
    assert ended.stderr.startswith(f"{source}: ")
    assert said in ended.stderr
    assert not target.exists()


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "drawing.svg"
    command = (sys.executable, "-m", "workers.engine", "samples/logo.png", str(target))
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (1, f"{target}: No such file or directory\n") == (ended.returncode, ended.stderr)
