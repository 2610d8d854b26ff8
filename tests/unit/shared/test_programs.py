"""Programs of others: what they are given, and what is said when they fail."""

import sys
from collections.abc import Iterator

import pytest

from shared.errors import InternalError
from shared.programs import feed

URL = "postgresql://reader@localhost/house"
FEW, MANY = 3, 2000


@pytest.mark.parametrize("pieces", [FEW, MANY])
def test_a_program_that_ends_unfed_is_heard(pieces: int) -> None:
    given = (b"row\n" * 100 for _ in range(pieces))
    with pytest.raises(InternalError, match="no such table"):
        feed([sys.executable, "-c", "raise SystemExit('no such table')"], URL, given)


def test_a_source_that_fails_is_told_and_not_the_pipe_it_broke() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"row\n"
        raise OSError("the archive ends early")

    with pytest.raises(OSError, match="the archive ends early"):
        feed([sys.executable, "-c", "import time; time.sleep(60)"], URL, pieces())
