"""A request repeated with its Idempotency-Key, against the first with that key."""

from uuid import uuid4

from tests.acceptance.pictures import drawing
from tests.benchmarks.bench import Bench
from tests.benchmarks.http import Line
from tests.benchmarks.pairs import single_requests
from tests.benchmarks.table import Report, at_most, row

EACH = 40


def replay(bench: Bench) -> Report:
    """The second `POST` with a key gives the first answer again and makes nothing."""
    image = bench.person.upload("replayed.png", drawing(), bench.folder)
    path = f"/v1/images/{image}/vectorizations"
    with bench.person.line() as line, bench.nobody_vectorizes():
        first = _Keys(line, path)

        def again() -> None:
            assert line.post(path, Idempotency_Key=first.key).header("Idempotency-Replayed") == "true"

        first.ask()
        times = single_requests(again, first.ask, bench.pairs, each=EACH)
    return Report([row("replayed Idempotency-Key p50 ÷ first request p50", times.p50, "ms", at_most(0.5))])


class _Keys:
    """Asks with a new key each time and remembers the last."""

    def __init__(self, line: Line, path: str) -> None:
        self._line = line
        self._path = path
        self.key = ""

    def ask(self) -> None:
        self.key = uuid4().hex
        answer = self._line.post(self._path, Idempotency_Key=self.key)
        assert answer.status == 202, answer
